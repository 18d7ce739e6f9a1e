"""No secret in any output, and no key that loads code, breaks a guarantee or leads where it must not."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from kafka_lambda_sink.connector.function import lambda_settings
from kafka_lambda_sink.core.errors import ConfigError, Problem
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import Credential, InvokeEndpoint
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.forward_proxy import forward_proxy
from tests.support.running_task import FUNCTION, Sink, java_security
from tests.support.sink_process import SinkProcess
from tests.support.waiting import wait_until

#: All of them begin so, and so does the password of the broker's user `sink` (`sink-secret`) end.
CANARY = "canary-"
KEY, TOKEN, PROXY = f"{CANARY}secret-key/+=", f"{CANARY}session-token", f"{CANARY}proxy-password"


def assert_no_secret(text: str) -> None:
    assert text
    for secret in (CANARY, "sink-secret", "x-amz-security-token:", "Basic "):
        assert secret not in text


@pytest.fixture
def guarded(sasl_cluster: Cluster, lambda_endpoint: InvokeEndpoint, tmp_path: Path) -> Sink:
    """A sink on the broker with users, of an account with temporary keys."""
    lambda_endpoint.credentials["AKIALOCAL"] = Credential(KEY, TOKEN)
    sink = Sink(sasl_cluster, lambda_endpoint, tmp_path)
    sasl_cluster.allow("sink", ResourceType.TOPIC, sink.source, AclOperation.READ, AclOperation.DESCRIBE)
    sasl_cluster.allow("sink", ResourceType.GROUP, sink.group, AclOperation.READ)
    for topic in (sink.results, sink.errors):
        sasl_cluster.create_topic(name=topic)
        sasl_cluster.allow("sink", ResourceType.TOPIC, topic, AclOperation.WRITE, AclOperation.DESCRIBE)
    return sink


def secret_properties(sink: Sink, broker: Broker) -> dict[str, str | None]:
    return {
        **java_security(broker, "sink"),
        "aws.secret.access.key": KEY,
        "aws.session.token": TOKEN,
        "aws.lambda.batch.size": "1",
        "aws.lambda.response.topic": sink.results,
        "aws.lambda.error.topic": sink.errors,
        "behavior.on.error": "log",
        "log.level": "debug",
        "log.format": "json",
    }


def as_process(sink: Sink, directory: Path, properties: dict[str, str | None], name: str = "sink") -> SinkProcess:
    text = sink.text(properties)
    return SinkProcess(directory, dict(line.split("=", 1) for line in text.splitlines()), name=name)


def test_secrets_are_in_no_log_line_and_no_report_while_everything_fails(
    guarded: Sink, sasl_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Secrets from the environment, from files and through a proxy; logs at debug; each kind of failure once."""
    monkeypatch.setenv("SINK_TEST_TOKEN", TOKEN)
    (tmp_path / "secrets.properties").write_text(f"key={KEY}\n")
    (tmp_path / "proxy").write_text(PROXY)
    guarded.endpoint.faults.script(
        [
            faults.Throttle(),
            faults.ExpiredToken(),
            faults.ApiError(403, "InvalidSignatureException", f"Signature expired. The Canonical String … {TOKEN}"),
            faults.ResetAfterRequest(),
            faults.HtmlError(502),
            faults.FunctionErrorReply(),
            faults.PayloadReply(b"[]"),
        ]
    )
    guarded.produce([b"1", b"2", b"3"])
    with forward_proxy(f"me:{PROXY}") as proxy:
        properties = {
            **secret_properties(guarded, sasl_broker),
            "aws.secret.access.key": f"${{file:{tmp_path}/secrets.properties:key}}",
            "aws.session.token": "${env:SINK_TEST_TOKEN}",
            "aws.lambda.proxy.url": proxy.url,
            "aws.lambda.proxy.user": "me",
            "aws.lambda.proxy.password": f"${{dir:{tmp_path}:proxy}}",
        }
        with as_process(guarded, tmp_path, properties) as process:
            wait_until(lambda: guarded.committed() == {0: 3} or process.rc is not None, 30, what="3 records")
            process.signal(signal.SIGTERM)
            code = process.wait(20)
            output = process.output()
        assert proxy.lines
    assert code == 0, output
    assert '"level": "debug"' in output or '"level": "info"' in output
    assert_no_secret(output)
    reports = [*guarded.read(guarded.results), *guarded.read(guarded.errors)]
    assert len(reports) == 3
    assert_no_secret(str([(message.key(), message.value(), message.headers()) for message in reports]))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"aws.secret.access.key": f"{CANARY}wrong"}, 3),
        ({"aws.session.token": f"{CANARY}wrong"}, 3),
        (
            {
                "sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
                f'username="sink" password="{CANARY}wrong";'
            },
            3,
        ),
        ({"aws.secret.acces.key": f"{CANARY}typo", "sasl.jaas.config": f"required {CANARY}"}, 2),
        ({"aws.lambda.proxy.url": f"http://me:{PROXY}@127.0.0.1:9"}, 2),
        ({"ssl.truststore.type": "JKS", "ssl.truststore.password": f"{CANARY}store"}, 2),
    ],
    ids=["secret key", "session token", "password", "typos", "proxy URL", "store"],
)
def test_secrets_are_in_no_message_of_a_start_that_fails(
    guarded: Sink, sasl_broker: Broker, tmp_path: Path, wrong: dict[str, str], code: int
):
    properties = {**secret_properties(guarded, sasl_broker), **wrong}
    with as_process(guarded, tmp_path, properties) as process:
        assert process.wait(40) == code, process.output()
        assert_no_secret(process.output())
    assert guarded.requests() == []


def test_secrets_are_in_no_repr(guarded: Sink, sasl_broker: Broker):
    loaded = guarded.load(secret_properties(guarded, sasl_broker))
    assert_no_secret(
        repr(loaded) + repr(loaded.sink) + repr(loaded.clients) + repr(lambda_settings(loaded.sink, FUNCTION))
    )
    guarded.produce([b"1"])
    with guarded.running(secret_properties(guarded, sasl_broker)) as task:
        task.wait_requests(1)
        assert_no_secret(repr(task.task) + repr(task.task.coordinator) + str(task.log))


# --- keys that are refused -------------------------------------------------------------------------------------------


def problems_of(sink: Sink, properties: dict[str, str | None]) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        sink.load(properties)
    return caught.value.problems


@pytest.mark.parametrize("prefix", ["consumer.override.", "producer.override.", "aws.lambda.response.", ""])
def test_keys_that_load_code_or_break_a_guarantee_are_refused_by_name_and_all_at_once(sink: Sink, prefix: str):
    keys = [
        "plugin.library.paths",
        "sasl.kerberos.kinit.cmd",
        "ssl.engine.location",
        "ssl.engine.factory.class",
        "ssl.providers",
        "sasl.login.callback.handler.class",
        "security.providers",
    ]
    guarantees = {
        "consumer.override.": ["enable.auto.commit", "enable.auto.offset.store", "enable.partition.eof", "debug"],
        "producer.override.": ["acks", "enable.idempotence", "partitioner", "transactional.id", "interceptor.classes"],
        "aws.lambda.response.": ["acks", "enable.idempotence", "partitioner", "transactional.id", "debug"],
    }
    names = [prefix + key for key in keys + guarantees.get(prefix, [])]
    found = problems_of(sink, {"aws.lambda.response.topic": "r", **dict.fromkeys(names, f"{CANARY}true")})
    assert sorted(problem.key or "" for problem in found) == sorted(names)
    assert all(problem.line for problem in found)
    assert CANARY not in "".join(str(problem) for problem in found)


@pytest.mark.parametrize(
    "reference",
    ["${file:/etc/shadow:root}", "${dir:/etc:shadow}", "${file:/run/secrets/../../etc/shadow:root}", "${exec:id}"],
)
def test_references_do_not_reach_beyond_the_directories_that_may_be_read(sink: Sink, reference: str):
    (problem,) = problems_of(sink, {"aws.secret.access.key": reference})
    assert (problem.key, problem.error_id) == ("aws.secret.access.key", "unresolved-reference")


def test_a_link_out_of_the_directory_is_followed_before_it_is_judged(sink: Sink, tmp_path: Path):
    (tmp_path / "link").symlink_to("/etc/hostname")
    (problem,) = problems_of(sink, {"aws.secret.access.key": f"${{dir:{tmp_path}:link}}"})
    assert problem.error_id == "unresolved-reference"


@pytest.mark.parametrize("key", ["aws.lambda.endpoint.url", "aws.lambda.proxy.url"])
@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "https://169.254.169.254",
        "http://169.254.170.2/v2",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
    ],
)
def test_a_url_of_the_metadata_service_is_refused_by_the_name_of_its_key(sink: Sink, key: str, url: str):
    (problem,) = problems_of(sink, {key: url, "aws.lambda.endpoint.allow.http": "true"})
    assert (problem.key, problem.error_id) == (key, "invalid-value")
    assert url not in str(problem)


def test_plain_http_to_another_machine_is_refused_even_where_its_name_looks_local(sink: Sink):
    (problem,) = problems_of(sink, {"aws.lambda.endpoint.url": "http://127.0.0.1.example.com/"})
    assert (problem.key, problem.error_id) == ("aws.lambda.endpoint.url", "weak-security")
