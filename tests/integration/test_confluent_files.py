"""Files written for the Confluent connector, run as they are: what is not in them is said where Connect says it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.connector_files import FILES
from tests.support.running_task import (
    RunningTask,
    Sink,
    coordinates,
    echo,
    headers_of,
    running_task,
    value_of,
)

#: The configuration of the connector's own manual, with what it asks for filled in.
MANUAL = {
    "name": "LambdaSinkConnector",
    "config": {
        "connector.class": "io.confluent.connect.aws.lambda.AwsLambdaSinkConnector",
        "tasks.max": "1",
        "topics": "manual",
        "aws.lambda.function.name": "uppercase",
        "aws.lambda.invocation.type": "sync",
        "aws.lambda.batch.size": "50",
        "behavior.on.error": "fail",
        "confluent.topic.bootstrap.servers": "localhost:9092",
        "confluent.topic.replication.factor": "1",
    },
}


class Manual:
    """Runs a file beside a worker file and the environment of a host that has AWS's settings."""

    def __init__(
        self, cluster: Cluster, endpoint: InvokeEndpoint, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.cluster, self.endpoint, self.directory = cluster, endpoint, directory
        for name, value in (("ACCESS_KEY_ID", "AKIALOCAL"), ("SECRET_ACCESS_KEY", "secret"), ("REGION", "us-east-1")):
            monkeypatch.setenv(f"AWS_{name}", value)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def function(self, name: str, region: str = "us-east-1") -> None:
        handler = PythonHandler(echo)
        function = Function(name=name, handler=handler, region=region, aliases={"live": "7"}, versions=("7",))
        self.endpoint.add_function(function)

    def sink(self, name: str, topic: str) -> Sink:
        return Sink(self.cluster, self.endpoint, self.directory, name=name, topic=topic)

    @contextmanager
    def running(
        self, sink: Sink, file: Path, *, worker: str = "", overrides: Mapping[str, str] | None = None
    ) -> Iterator[RunningTask]:
        worker_file = self.directory / "worker.properties"
        text = (FILES / "worker.properties").read_text().replace("broker:9092", self.cluster.bootstrap)
        worker_file.write_text(text + worker)
        environ = {"KLS_AWS_LAMBDA_ENDPOINT_URL": self.endpoint.url}
        loaded = load(file, worker=worker_file, overrides=overrides or {}, environ=environ)
        with running_task(loaded, sink) as task:
            yield task


@pytest.fixture
def manual(
    cluster: Cluster, lambda_endpoint: InvokeEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Manual:
    return Manual(cluster, lambda_endpoint, tmp_path, monkeypatch)


@pytest.mark.parametrize("form", ["json", "properties"])
def test_the_manuals_sample_runs_as_it_is(manual: Manual, tmp_path: Path, form: str):
    topic = f"manual-{form}"
    settings = {"name": f"manual-{form}", **MANUAL["config"], "topics": topic}  # type: ignore[dict-item]
    file = tmp_path / f"connector.{form}"
    if form == "json":
        file.write_text(json.dumps({**MANUAL, "name": settings.pop("name"), "config": settings}))
    else:
        file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    manual.function("uppercase")
    sink = manual.sink(topic, topic)
    sink.produce([(b'"k"', b'{"n": %d}' % n) for n in range(120)])
    with manual.running(sink, file) as task:
        task.wait_committed({0: 120})
    payloads = [payload for body in sink.bodies() for payload in body]
    assert [payload["offset"] for payload in payloads] == list(range(120))
    assert [payload["value"] for payload in payloads] == [{"n": n} for n in range(120)]
    # The worker's converters are JSON without schemas, for keys too.
    assert {payload["key"] for payload in payloads} == {"k"}
    assert max(len(body) for body in sink.bodies()) == 50


def test_a_file_of_the_first_release_with_both_topics_runs(manual: Manual):
    """`orders-to-lambda`: an ARN with an alias in a region of its own; a failure is in the error topic, the rest on."""
    manual.function("price-orders", "eu-west-1")
    manual.cluster.create_topic(name="returns")
    sink = manual.sink("orders-to-lambda", "orders")
    for topic in ("orders-priced", "orders-failed"):
        manual.cluster.create_topic(name=topic)
    manual.endpoint.faults.add(faults.FunctionErrorReply("Handled"), topic="returns")
    sink.produce([(b"k", b'{"id": 1}')] * 3)
    manual.cluster.produce("returns", [b"{}"])
    reports = {f"aws.lambda.{kind}.bootstrap.servers": manual.cluster.bootstrap for kind in ("response", "error")}
    with manual.running(sink, FILES / "first-release-topics.properties", overrides=reports) as task:
        task.wait_committed({0: 3})
        task.wait_requests(2)
    assert {request.qualifier for request in sink.requests()} == {"live"}
    assert [value_of(message)["result"] for message in sink.read("orders-priced")] == [{"id": 1}] * 3
    (error,) = sink.read("orders-failed")
    assert coordinates(error) == {"topic": "returns", "partition": 0, "startOffset": 0, "endOffset": 1}
    assert value_of(error)["functionName"] == "arn:aws:lambda:eu-west-1:123456789012:function:price-orders:live"


def test_a_file_of_today_that_names_no_report_topics_writes_to_the_default_ones(manual: Manual):
    manual.function("tag", "eu-central-1")
    sink = manual.sink("tag", "visits")
    sink.produce([(b"k", b'{"schema":{"type":"int64"},"payload":1}')])
    overrides = {
        "reporter.bootstrap.servers": manual.cluster.bootstrap,
        "reporter.result.topic.replication.factor": "1",
        "reporter.error.topic.replication.factor": "1",
    }
    with manual.running(sink, FILES / "reporter-defaults.properties", overrides=overrides) as task:
        task.wait_committed({0: 1})
    (result,) = sink.read("tag-success")
    assert coordinates(result)["payload"] == {"topic": "visits", "partition": 0, "offset": 0}
    assert value_of(result)["result"] == 1
    assert sink.read("tag-error") == []


def test_scram_over_tls_from_a_file_of_the_java_client(
    sasl_cluster: Cluster,
    sasl_broker: Broker,
    lambda_endpoint: InvokeEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """Consumer and producer with users of their own, a JAAS entry over several lines, a trust store in PEM."""
    manual = Manual(sasl_cluster, lambda_endpoint, tmp_path, monkeypatch)
    manual.function("book", "eu-west-1")
    text = (FILES / "scram.properties").read_text()
    for theirs, ours in (
        ('username="reader" \\\n    password="canary"', 'username="sink" \\\n    password="sink-secret"'),
        ('username="writer" password="canary"', 'username="other" password="other-secret"'),
        ("/etc/kafka/ca.pem", str(sasl_broker.ca_file)),
    ):
        assert theirs in text
        text = text.replace(theirs, ours)
    file = tmp_path / "scram.properties"
    file.write_text(text)
    sink = manual.sink("scram", "payments")
    allow = sasl_cluster.allow
    sasl_cluster.create_topic(name="payments-dead")
    allow("sink", ResourceType.TOPIC, "payments", AclOperation.READ, AclOperation.DESCRIBE)
    allow("sink", ResourceType.GROUP, "connect-scram", AclOperation.READ)
    allow("sink", ResourceType.TOPIC, "payments-dead", AclOperation.DESCRIBE)
    allow("other", ResourceType.TOPIC, "payments-dead", AclOperation.WRITE)
    # `auto.offset.reset=latest`: what is there before the first start is not read.
    sink.produce([b"before"])
    with manual.running(sink, file) as task:
        task.wait_committed({0: 1})
        sink.produce([(b"k", b'{"schema":{"type":"int64"},"payload":7}'), b"poison"])
        task.wait_committed({0: 3})
    assert [payload["value"] for body in sink.bodies() for payload in body] == [7]
    (dead,) = sink.read("payments-dead")
    assert dead.value() == b"poison"
    assert dict(headers_of(dead))["__connect.errors.offset"] == b"2"


def test_a_group_of_another_name_is_gone_on_with(sink: Sink):
    group = {"consumer.override.group.id": f"{sink.name}-of-another"}
    for run in range(1, 3):
        sink.produce([b"1"])
        with sink.running(group) as task:
            task.wait_requests(run)
    assert sink.offsets() == [[0], [1]]
    assert sink.cluster.committed(group["consumer.override.group.id"], sink.source)[0].offset == 2
    assert sink.committed() == {}
