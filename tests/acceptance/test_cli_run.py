"""`kafka-lambda-sink --config …` as a process: every exit code, and what a person reads beside it."""

from __future__ import annotations

import json
import signal
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kafka_lambda_sink.config.properties import read_settings
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.command import run
from tests.support.connector_files import EXPECTED, FILES, WORKER
from tests.support.sink_process import SinkProcess, now_ms
from tests.support.waiting import wait_until

SECRET = "canary-5ecret-key"


def obey(event: bytes) -> bytes:
    if b"poison" in event:
        raise ValueError("as asked")
    if b"hang" in event:
        threading.Event().wait(60)
    return event


@pytest.fixture
def endpoint():
    function = Function(name="orders", handler=PythonHandler(obey), timeout=90)
    with InvokeEndpoint([function], {"AKIALOCAL": SECRET}) as running:
        yield running


@pytest.fixture
def properties(endpoint):
    """All that is needed, on a broker that is not there."""
    return {
        "name": f"run-{uuid.uuid4().hex[:8]}",
        "topics": "orders",
        "bootstrap.servers": "127.0.0.1:1",
        "aws.lambda.function.name": "orders",
        "aws.lambda.endpoint.url": endpoint.url,
        "aws.lambda.region": "us-east-1",
        "aws.access.key.id": "AKIALOCAL",
        "aws.secret.access.key": SECRET,
    }


@pytest.fixture
def on_broker(properties, cluster: Cluster):
    """As `properties`, with a topic of one partition on a real broker."""
    return properties | {"bootstrap.servers": cluster.bootstrap, "topics": cluster.create_topic()}


def write(directory, properties):
    path = directory / "sink.properties"
    path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), encoding="utf-8")
    return path


def wait_for_call(endpoint, sink):
    def called():
        assert sink.rc is None, sink.output()
        return endpoint.journal.requests("RequestResponse")

    wait_until(called, 30, what="an invocation")


def test_2_a_wrong_file_is_told_whole_with_lines_and_the_nearest_key(tmp_path, properties):
    wrong = {"aws.lambda.bach.size": "5", "behavior.on.error": "explode", "aws.lambda.socket.timeout": "soon"}
    path = write(tmp_path, properties | wrong)
    done = run("--config", path)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [line.split(": ")[1:3] for line in lines] == [
        [f"{path}:9", "aws.lambda.bach.size"],
        [f"{path}:10", "behavior.on.error"],
        [f"{path}:11", "aws.lambda.socket.timeout"],
    ]
    assert lines[0].endswith("Did you mean aws.lambda.batch.size?")
    assert SECRET not in done.stderr


def test_2_a_function_that_does_not_exist(tmp_path, properties):
    done = run("--config", write(tmp_path, properties), "--set", "aws.lambda.function.name=nope")
    assert done.returncode == 2
    assert "Check that nope exists in region us-east-1" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_has_no_effect_is_said_once_at_the_start(tmp_path, properties):
    idle = {"aws.lambda.invocation.type": "async", "aws.lambda.response.topic": "results"}
    done = run("--config", write(tmp_path, properties | idle | {"aws.lambda.function.name": "nope"}))
    assert done.returncode == 2
    warnings = [line for line in done.stderr.splitlines() if "no-effect" in line]
    assert [key for key in idle for line in warnings if key in line] == ["aws.lambda.response.topic"]


def test_3_a_function_that_may_not_be_invoked(tmp_path, properties, endpoint):
    endpoint.permissions.deny("lambda:InvokeFunction")
    done = run("--config", write(tmp_path, properties))
    assert done.returncode == 3
    assert "lambda:InvokeFunction" in done.stderr
    assert ":function:orders" in done.stderr
    assert SECRET not in done.stderr


def test_3_a_secret_that_is_wrong(tmp_path, properties):
    done = run("--config", write(tmp_path, properties | {"aws.secret.access.key": "wr0ng-secret"}))
    assert done.returncode == 3
    assert "The secret access key does not belong to the access key" in done.stderr
    assert "wr0ng-secret" not in done.stderr


@pytest.mark.broker
@pytest.mark.parametrize(("key", "value"), [("check.crcs", "maybe"), ("fetch.min.bytes", "-1")])
def test_2_a_property_of_a_fetcher_that_librdkafka_refuses(tmp_path, on_broker, endpoint, *, key, value):
    """At the start, as one of the member or of a producer: not when the first partition is opened."""
    calls = len(endpoint.journal.requests())
    done = run("--config", write(tmp_path, on_broker | {f"consumer.override.{key}": value}))
    assert done.returncode == 2, done.stderr
    assert f"consumer.override.{key}" in done.stderr
    assert "partition stopped" not in done.stderr
    assert len(endpoint.journal.requests()) == calls


class RefusingTokenEndpoint(BaseHTTPRequestHandler):
    """An identity provider that does not know the client."""

    def do_POST(self):
        body = b'{"error":"invalid_client","error_description":"Invalid client or client credentials"}'
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def token_url():
    with ThreadingHTTPServer(("127.0.0.1", 0), RefusingTokenEndpoint) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token"
        server.shutdown()
        thread.join()


def test_3_an_oauth_client_secret_that_is_wrong(tmp_path, properties, token_url):
    """The brokers are not asked at all; nor is the token endpoint asked for a minute."""
    oauth = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.token.endpoint.url": token_url,
        "sasl.login.callback.handler.class": (
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
        ),
        "sasl.jaas.config": (
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
            'clientId="me" clientSecret="wr0ng-secret";'
        ),
    }
    began = now_ms()
    done = run("--config", write(tmp_path, properties | oauth))
    assert done.returncode == 3, done.stderr
    assert now_ms() - began < 30_000
    assert "invalid_client" in done.stderr
    assert "sasl.oauthbearer.token.endpoint.url" in done.stderr
    assert "wr0ng-secret" not in done.stderr


@pytest.mark.broker
@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_0_a_signal_stops_in_order(tmp_path, on_broker, cluster: Cluster, endpoint, first):
    topic = on_broker["topics"]
    cluster.produce(topic, [b"%d" % number for number in range(100)])
    with SinkProcess(tmp_path, on_broker) as sink:
        wait_for_call(endpoint, sink)
        sink.signal(first)
        assert sink.wait(20.0) == 0
    assert "stopped" in sink.output()
    assert SECRET not in sink.output()
    delivered = sum(entry.body.count(b'"offset"') for entry in endpoint.journal.requests("RequestResponse"))
    assert cluster.committed(f"connect-{on_broker['name']}", topic)[0].offset == delivered > 0


@pytest.mark.broker
def test_a_topic_of_the_same_name_is_a_mirror_on_another_cluster_and_a_loop_on_the_same(
    tmp_path, on_broker, cluster: Cluster, sasl_broker: Broker, sasl_cluster: Cluster
):
    topic = on_broker["topics"]
    cluster.produce(topic, [b"1", b"2"])
    mirrored = on_broker | {"aws.lambda.response.topic": topic}
    loop = mirrored | {"aws.lambda.response.bootstrap.servers": cluster.bootstrap.replace("127.0.0.1", "localhost")}
    with SinkProcess(tmp_path, loop) as sink:
        assert sink.wait(40) == 2, sink.output()
    assert "is among the topics that are read" in sink.output()
    with SinkProcess(
        tmp_path, mirrored | {"aws.lambda.response.bootstrap.servers": sasl_broker.admin_bootstrap}
    ) as sink:
        group = f"connect-{on_broker['name']}"
        wait_until(lambda: 0 in cluster.committed(group, topic) and cluster.committed(group, topic)[0].offset == 2, 40)
        sink.stop()
    assert len(sasl_cluster.read_all(topic)) == 2
    assert cluster.end_offsets(topic)[0] == 2


@pytest.mark.broker
def test_4_every_partition_has_failed(tmp_path, on_broker, cluster: Cluster):
    topic = on_broker["topics"]
    cluster.produce(topic, [b'"good"', b'"poison"'])
    with SinkProcess(tmp_path, on_broker | {"aws.lambda.batch.size": "1", "behavior.on.error": "fail"}) as sink:
        assert sink.wait(40) == 4, sink.output()
    assert "1 of 1 assigned partitions are stopped" in sink.output()
    assert f"{topic}-0 offsets 1 to 1" in sink.output()
    assert cluster.committed(f"connect-{on_broker['name']}", topic)[0].offset == 1


@pytest.mark.broker
def test_4_one_partition_has_failed_where_that_ends_the_connector(tmp_path, on_broker, cluster: Cluster):
    topic = cluster.create_topic(2)
    cluster.produce(topic, [b'"poison"'], partition=1)
    with SinkProcess(tmp_path, on_broker | {"topics": topic, "on.partition.failed": "exit"}) as sink:
        assert sink.wait(40) == 4, sink.output()
    assert "1 of 2 assigned partitions are stopped" in sink.output()


@pytest.mark.broker
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_128_a_second_signal_ends_a_hanging_call_at_once(tmp_path, on_broker, cluster: Cluster, endpoint, *, second):
    cluster.produce(on_broker["topics"], [b'"hang"'])
    with SinkProcess(tmp_path, on_broker) as sink:
        wait_for_call(endpoint, sink)
        sink.sigterm()
        with pytest.raises(AssertionError, match="still running"):
            sink.wait(1)
        sink.signal(second)
        assert sink.wait(2) == 128 + second


@pytest.mark.parametrize("file", EXPECTED)
def test_a_file_of_another_connector_passes_the_offline_check_with_each_key_in_its_list(file):
    done = run("check", "--offline", "--config", FILES / file, "--worker", WORKER, "--output", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert "failed" not in {finding["status"] for finding in document["findings"]}
    own = {name: [key for key in document[name] if key["source"] == str(FILES / file)] for name in ("used", "ignored")}
    assert {key["key"] for key in own["ignored"]} == EXPECTED[file].ignored
    assert all(key["reason"] for key in own["ignored"])
    used = {key["key"] for key in own["used"]}
    assert used == {setting.key for setting in read_settings(FILES / file).settings} - EXPECTED[file].ignored
    assert "canary" not in done.stdout


def test_without_anything_it_says_how_it_is_used():
    done = run()
    assert done.returncode == 2
    assert "--config" in done.stderr
    assert all(name in done.stderr for name in ("check", "demo", "invoke", "local", "reference"))


def test_its_version():
    done = run("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "kafka-lambda-sink,")


@pytest.mark.parametrize("command", ["", "check", "reference", "invoke", "local", "demo"])
def test_every_command_explains_itself(command):
    done = run(*command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: kafka-lambda-sink")


def test_the_short_reference_has_the_five_that_a_first_sink_needs():
    short, whole = run("reference"), run("reference", "--all")
    assert (short.returncode, whole.returncode) == (0, 0)
    keys = [line.lstrip("#").partition("=")[0] for line in short.stdout.splitlines() if "=" in line and " " not in line]
    assert {"name", "bootstrap.servers", "topics", "aws.lambda.function.name", "aws.lambda.region"} <= set(keys)
    assert len(keys) <= 16
    assert "shutdown.timeout.ms" in whole.stdout
    assert "shutdown.timeout.ms" not in short.stdout
    assert run("reference", "--format", "markdown").stdout.startswith("# Configuration")
