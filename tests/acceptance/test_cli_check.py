"""`check` as a process: on a real broker and a local endpoint, with all that a newcomer may get wrong."""

from __future__ import annotations

import contextlib
import json
import socket
import uuid

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.command import run
from tests.support.s3 import moto_s3, s3_client

NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module")
def endpoint():
    with InvokeEndpoint([Function(name="orders", handler=PythonHandler(lambda event: event), timeout=30)]) as running:
        yield running


@pytest.fixture
def write(tmp_path, endpoint):
    """A properties file with what works, and what a test says on top; None takes a key away."""

    def file(**changes):
        properties = {
            "name": f"check-{uuid.uuid4().hex[:8]}",
            "topics": "orders",
            "bootstrap.servers": NOWHERE,
            "aws.lambda.function.name": "orders",
            "aws.lambda.endpoint.url": endpoint.url,
            "aws.lambda.region": "us-east-1",
            "aws.access.key.id": "AKIALOCAL",
            "aws.secret.access.key": "secret",
        } | {key.replace("_", "."): value for key, value in changes.items()}
        path = tmp_path / "sink.properties"
        path.write_text("".join(f"{k}={v}\n" for k, v in properties.items() if v is not None), encoding="utf-8")
        return path

    return file


def check(path, *words, timeout=60):
    done = run("check", "--config", path, "--output", "json", *words, timeout=timeout)
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert document["exit_code"] == done.returncode
    return document


def finding(document, name, subject=None):
    [found] = [
        each
        for each in document["findings"]
        if each["check"] == name and (subject is None or each["subject"] == subject)
    ]
    return found


@pytest.mark.broker
class TestOnABroker:
    def test_everything_is_there(self, broker: Broker, cluster: Cluster, write, endpoint):
        topic, errors = cluster.create_topic(4), cluster.create_topic()
        path = write(
            topics=topic,
            bootstrap_servers=broker.bootstrap,
            aws_lambda_error_topic=errors,
            aws_lambda_response_topic=f"{topic}-results",
            task_max_fetchers="3",
        )
        document = check(path)
        assert (document["status"], document["exit_code"]) == ("ok", 0)
        assert {each["status"] for each in document["findings"]} == {"ok"}
        assert finding(document, "brokers")["message"] == "reached: 1 broker"
        assert finding(document, "source-topic", topic)["message"] == "exists, 4 partitions, may be read"
        assert "exists" in finding(document, "report-topic", errors)["message"]
        assert "creates it at start" in finding(document, "report-topic", f"{topic}-results")["message"]
        assert finding(document, "sockets")["message"].startswith("up to 6: 3 fetchers * (1 broker + 1)")
        assert finding(document, "endpoint")["message"] == f"{endpoint.url}, region us-east-1"
        assert finding(document, "function-timeout")["message"] == "the function's own timeout is 30 s"
        # Looking changes nothing.
        assert f"{topic}-results" not in cluster.admin.list_topics(timeout=10).topics
        assert endpoint.journal.executions() == []
        text = run("check", "--config", path)
        assert (text.returncode, text.stdout.splitlines()[-1]) == (0, "ready to run, 0 warnings")

    def test_each_topic_with_its_function(self, broker: Broker, cluster: Cluster, write):
        topic = cluster.create_topic()
        stranger = cluster.create_topic(name=f"{topic}-stranger")
        changes = {
            "topics": None,
            "topics.regex": f"{topic}.*",
            "bootstrap.servers": broker.bootstrap,
            "aws.lambda.function.name": None,
            "aws.lambda.configuration.mode": "multiple",
            "aws.lambda.topic2function.map": f"{topic};orders",
        }
        document = check(write(**changes))
        assert finding(document, "function", "orders")["status"] == "ok"
        assert finding(document, "source-topic", topic)["status"] == "ok"
        (found,) = [each for each in document["findings"] if each["status"] == "failed"]
        assert (found["check"], found["error_id"]) == ("source-topic", "missing-function")
        assert stranger in found["message"]
        assert document["exit_code"] == 2
        document = check(write(**changes | {"aws.lambda.topic2function.map": f"{topic};orders,{stranger};orders"}))
        assert document["exit_code"] == 0

    def test_the_bucket_for_large_values(self, broker: Broker, cluster: Cluster, write):
        changes = {"topics": cluster.create_topic(), "bootstrap.servers": broker.bootstrap}
        with moto_s3() as url:
            s3_client(url).create_bucket(Bucket="large")
            changes |= {"aws.lambda.oversize.s3.bucket": "large", "aws.lambda.oversize.s3.endpoint.url": url}
            document = check(write(**changes))
            assert finding(document, "oversize-bucket", "large")["status"] == "ok"
            missing = check(write(**changes | {"aws.lambda.oversize.s3.bucket": "missing"}))
        found = finding(missing, "oversize-bucket")
        assert (found["status"], found["error_id"], missing["exit_code"]) == ("failed", "ClaimStoreRefused", 2)
        away = check(write(**changes))
        assert finding(away, "oversize-bucket")["error_id"] == "ClaimStoreUnavailable"
        offline = check(write(**changes), "--offline")
        assert finding(offline, "oversize-bucket")["status"] == "skipped"

    def test_a_missing_topic_is_named_with_one_like_it(self, broker: Broker, cluster: Cluster, write):
        name = cluster.create_topic(name=f"payments-{uuid.uuid4().hex[:6]}")
        document = check(write(topics=name.replace("pay", "pya"), bootstrap_servers=broker.bootstrap))
        found = finding(document, "source-topic")
        assert (found["status"], found["error_id"]) == ("warning", "missing-source-topic")
        assert found["hint"].endswith(f"did you mean {name}?")
        assert document["exit_code"] == 0

    def test_a_pattern_that_matches_nothing(self, broker: Broker, write):
        document = check(write(topics=None, topics_regex="no-such-.*", bootstrap_servers=broker.bootstrap))
        assert finding(document, "source-topic")["error_id"] == "missing-source-topic"

    def test_a_report_topic_that_cannot_be_created(self, broker: Broker, cluster: Cluster, write):
        changes = {"aws.lambda.error.replication.factor": "3", "aws.lambda.error.topic": "no-such-errors"}
        document = check(write(topics=cluster.create_topic(), bootstrap_servers=broker.bootstrap, **changes))
        found = [each for each in document["findings"] if each["status"] == "failed"]
        assert [each["error_id"] for each in found] == ["missing-report-topic"]
        assert "INVALID_REPLICATION_FACTOR" in found[0]["message"]
        assert document["exit_code"] == 2

    def test_a_response_topic_that_will_stay_empty(self, broker: Broker, cluster: Cluster, write):
        changes = {"aws.lambda.invocation.type": "async", "aws.lambda.response.topic": "results"}
        document = check(write(topics=cluster.create_topic(), bootstrap_servers=broker.bootstrap, **changes))
        found = finding(document, "configuration", "aws.lambda.response.topic")
        assert (found["status"], found["error_id"]) == ("warning", "no-effect")
        assert document["exit_code"] == 0

    def test_a_topic_that_is_written_and_read(self, broker: Broker, cluster: Cluster, sasl_broker: Broker, write):
        topic = cluster.create_topic()
        changes = {"topics": topic, "bootstrap.servers": broker.bootstrap, "aws.lambda.error.topic": topic}

        def check_with(servers, *words):
            document = check(write(**changes, **{"aws.lambda.error.bootstrap.servers": servers}), *words)
            return document["exit_code"], [
                each["status"] for each in document["findings"] if each["error_id"] == "topic-loop"
            ]

        by_name = broker.bootstrap.replace("127.0.0.1", "localhost")
        assert check_with(by_name, "--offline") == (0, ["warning"]), "it may be another cluster"
        assert check_with(by_name) == (2, ["failed"]), "it is the same"
        assert check_with(sasl_broker.admin_bootstrap) == (0, []), "it is another"
        assert check_with(NOWHERE) == (1, ["warning"]), "nobody knows"

    @pytest.mark.parametrize(
        ("change", "code", "error_id", "hint"),
        [
            ({"aws.lambda.function.name": "nope"}, 2, "ConfigurationInvocationError", "Check that nope exists"),
            ({"aws.lambda.region": "eu-west-1"}, 2, "ConfigurationInvocationError", "exists in region eu-west-1"),
            ({"aws.lambda.endpoint.url": f"http://{NOWHERE}"}, 1, "TransientInvocationError", "endpoint listens"),
            ({"aws.secret.access.key": "wrong"}, 3, "ConfigurationInvocationError", "does not belong to"),
            ({"aws.access.key.id": "AKIANOBODY"}, 3, "ConfigurationInvocationError", "access key does not exist"),
        ],
    )
    def test_the_function(self, cluster: Cluster, write, *, change, code, error_id, hint):
        document = check(write(topics=cluster.create_topic(), bootstrap_servers=cluster.bootstrap, **change))
        found = finding(document, "function")
        assert (found["status"], found["error_id"], document["exit_code"]) == ("failed", error_id, code)
        assert hint in found["hint"]

    def test_a_socket_timeout_below_the_functions_own(self, broker: Broker, cluster: Cluster, write):
        change = {"aws.lambda.socket.timeout": "20000"}
        document = check(write(topics=cluster.create_topic(), bootstrap_servers=broker.bootstrap, **change))
        assert finding(document, "function-timeout")["error_id"] == "short-socket-timeout"


@pytest.mark.broker
class TestOnASecuredBroker:
    def security(self, broker: Broker, password: str):
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
        return {
            "bootstrap.servers": broker.bootstrap,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-256",
            "sasl.jaas.config": f'{login} username="sink" password="{password}";',
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(broker.ca_file),
        }

    def test_permissions_that_are_missing(self, sasl_broker: Broker, sasl_cluster: Cluster, write):
        readable, hidden, errors = (sasl_cluster.create_topic() for _ in range(3))
        sasl_cluster.allow("sink", ResourceType.TOPIC, readable, AclOperation.READ)
        sasl_cluster.allow("sink", ResourceType.TOPIC, errors, AclOperation.READ)
        changes = {"aws.lambda.error.topic": errors, "aws.lambda.response.topic": "not-there"}
        path = write(topics=f"{readable},{hidden}", **changes, **self.security(sasl_broker, "sink-secret"))
        document = check(path)
        assert finding(document, "brokers")["status"] == "ok"
        assert finding(document, "source-topic", readable)["status"] == "ok"
        failed = {each["subject"]: each for each in document["findings"] if each["status"] == "failed"}
        group = next(subject for subject in failed if subject.startswith("connect-"))
        assert failed.keys() == {hidden, errors, group, "not-there"}
        assert {each["error_id"] for each in failed.values()} == {"KafkaAuthorizationError"}
        assert failed[errors]["hint"] == f"Allow WRITE on the topic {errors} for this user."
        assert document["exit_code"] == 3

    def test_a_wrong_password(self, sasl_broker: Broker, write):
        path = write(**self.security(sasl_broker, "wr0ng-passw0rd"))
        document = check(path)
        found = finding(document, "brokers")
        assert (found["error_id"], document["exit_code"]) == ("KafkaAuthorizationError", 3)
        assert "user name and password" in found["hint"]
        assert "wr0ng" not in json.dumps(document)
        assert finding(document, "source-topic")["status"] == "skipped"
        # What does not depend on Kafka is looked at all the same.
        assert finding(document, "function")["status"] == "ok"


def test_brokers_out_of_reach(write):
    document = check(write())
    found = finding(document, "brokers")
    assert (found["error_id"], document["exit_code"]) == ("RetriableKafkaError", 1)
    assert "Connection refused" in found["message"]
    assert "bootstrap.servers" in found["hint"]


def test_services_that_never_answer_take_ten_seconds_together(write):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        source, results, errors, function = ("{}:{}".format(*server.getsockname()) for server in silent)
        path = write(
            **{
                "bootstrap.servers": source,
                "aws.lambda.response.topic": "results",
                "aws.lambda.response.bootstrap.servers": results,
                "aws.lambda.error.topic": "errors",
                "aws.lambda.error.bootstrap.servers": errors,
                "aws.lambda.endpoint.url": f"http://{function}",
            }
        )
        # Half of it for a process that starts slowly.
        document = check(path, timeout=20)
    failed = {(each["check"], each["subject"]) for each in document["findings"] if each["status"] == "failed"}
    assert failed == {("brokers", source), ("brokers", results), ("brokers", errors), ("function", "orders")}
    assert all(each["hint"] for each in document["findings"] if each["status"] == "failed")
    skipped = [each["subject"] for each in document["findings"] if each["status"] == "skipped"]
    assert skipped[0] == "orders"
    assert {"results", "errors"} <= {*skipped}


def test_every_problem_of_a_file_at_once_with_its_line(write):
    path = write(**{"aws.lambda.bach.size": "5", "behavior.on.error": "explode", "aws.lambda.region": "mars"})
    document = check(path, "--offline")
    found = {each["subject"]: each for each in document["findings"]}
    assert found.keys() == {"aws.lambda.bach.size", "behavior.on.error", "aws.lambda.region"}
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(lines[each["line"] - 1].startswith(subject) for subject, each in found.items())
    assert found["aws.lambda.bach.size"]["hint"] == "Did you mean aws.lambda.batch.size?"
    assert document["exit_code"] == 2
    text = run("check", "--config", path, "--offline")
    assert (text.returncode, text.stdout.splitlines()[-1]) == (2, "3 failed, 0 warnings")
    assert "sink.properties:9" in text.stdout


def test_every_problem_of_filter_patterns_with_the_line_of_the_property(write):
    patterns = '[{"valu": ["x"]}, {"key": 5, "topic": [{"prefx": "x"}]}]'
    path = write(**{"aws.lambda.filter.patterns": patterns})
    document = check(path, "--offline")
    assert [(each["message"], each["hint"][:15]) for each in document["findings"]] == [
        ("pattern 1: valu: no part of a record", "Did you mean va"),
        ("pattern 2: key: neither a list nor an object", "Write [5]"),
        ('pattern 2: topic[0]: unknown operator "prefx"', "Known are prefi"),
    ]
    lines = path.read_text(encoding="utf-8").splitlines()
    assert {lines[each["line"] - 1] for each in document["findings"]} == {f"aws.lambda.filter.patterns={patterns}"}


def test_a_client_property_that_librdkafka_refuses(write):
    change = {"consumer.override.ssl.truststore.type": "PEM", "consumer.override.security.protocol": "SSL"}
    document = check(write(**change, **{"consumer.override.ssl.truststore.location": "/no/such/file.pem"}))
    assert document["exit_code"] == 2


def test_client_properties_that_librdkafka_refuses_all_at_once_and_offline(write):
    change = {"consumer.override.check.crcs": "maybe", "consumer.override.fetch.min.bytes": "-1"}
    path = write(**change, **{"aws.lambda.error.topic": "e", "aws.lambda.error.compression.type": "zip"})
    document = check(path, "--offline")
    found = {each["subject"]: each for each in document["findings"] if each["check"] == "client-properties"}
    assert found.keys() == {*change, "aws.lambda.error.compression.type"}
    assert {(each["status"], each["error_id"]) for each in found.values()} == {("failed", "client-configuration")}
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(lines[each["line"] - 1].startswith(subject) for subject, each in found.items())
    assert document["exit_code"] == 2


def test_a_store_that_is_not_here_may_be_on_the_machine_that_runs_it(write):
    change = {"consumer.override.ssl.truststore.type": "PEM", "consumer.override.security.protocol": "SSL"}
    path = write(**change, **{"consumer.override.ssl.truststore.location": "/no/such/file.pem"})
    document = check(path, "--offline")
    found = finding(document, "client-properties")
    assert (found["status"], found["subject"]) == ("warning", "consumer.override.ssl.truststore.location")
    assert document["exit_code"] == 0


MULTIPLE = {
    "topics": "orders,returns,refunds",
    "aws.lambda.function.name": None,
    "aws.lambda.configuration.mode": "multiple",
    "aws.lambda.topic2function.map": "orders;orders,returns;nope,refunds;orders:gone",
}


def test_what_is_wrong_with_each_function_is_told_at_once(write):
    document = check(write(**MULTIPLE))
    functions = [each for each in document["findings"] if each["check"] == "function"]
    assert [(each["subject"], each["status"]) for each in functions] == [
        ("orders", "ok"),
        ("nope", "failed"),
        ("orders:gone", "failed"),
    ]
    assert "Check that nope exists in region us-east-1" in functions[1]["hint"]
    assert finding(document, "function-timeout")["subject"] == "orders"


def test_offline_each_function_is_named_and_none_is_asked(write, endpoint):
    before = len(endpoint.journal.requests())
    document = check(write(**MULTIPLE), "--offline")
    assert [each["subject"] for each in document["findings"] if each["check"] == "function"] == [
        "orders",
        "nope",
        "orders:gone",
    ]
    assert len(endpoint.journal.requests()) == before


def test_a_topic_without_a_function_is_told_before_anything_is_asked(write):
    done = run("check", "--config", write(**MULTIPLE | {"topics": "orders,returns,refunds,more"}))
    assert done.returncode == 2
    assert "aws.lambda.topic2function.map" in done.stdout + done.stderr
    assert "has no function for more" in done.stdout + done.stderr


def test_offline_asks_nobody(write, endpoint):
    before = len(endpoint.journal.requests())
    document = check(write(**{"confluent.license": "", "aws.lambda.error.topic": "e"}), "--offline")
    assert (document["status"], document["exit_code"]) == ("ok", 0)
    skipped = {each["check"] for each in document["findings"] if each["status"] == "skipped"}
    assert skipped == {"brokers", "source-topic", "group", "report-topic", "function"}
    assert [key["key"] for key in document["ignored"]] == ["confluent.license"]
    assert "name" in {key["key"] for key in document["used"]}
    assert len(endpoint.journal.requests()) == before


def test_a_file_that_is_not_there():
    done = run("check", "--config", "nowhere.properties")
    assert done.returncode == 2
    assert "'nowhere.properties' does not exist" in done.stderr
