"""The response and error topics: what is written, for which failure, and what happens when it cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AclOperation, ResourceType

from kafka_lambda_sink.core.errors import ConfigError, KafkaLambdaSinkError, PartitionStopped, PermanentReportError
from kafka_lambda_sink.core.state import TaskState
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from kafka_lambda_sink.local.faults import ApiError
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.running_task import (
    FUNCTION,
    Sink,
    coordinates,
    function,
    headers_of,
    java_security,
    value_of,
)

MakeSink = Callable[..., Sink]

TRACE = b'{"errorMessage":"boom","errorType":"ValueError","stackTrace":[]}'


def input_headers(message: Message) -> dict[str, bytes | None]:
    return {name: value for name, value in headers_of(message) if name.startswith("input_record_")}


def schema(fields: dict[str, tuple[str, bool]]) -> dict[str, Any]:
    described = [{"type": kind, "optional": optional, "field": name} for name, (kind, optional) in fields.items()]
    return {"type": "struct", "fields": described, "optional": False}


COORDINATES = {"topic": ("string", False), "partition": ("int32", False)}
RESULT_KEY = schema({**COORDINATES, "offset": ("int64", False)})
ERROR_KEY = schema({**COORDINATES, "startOffset": ("int64", False), "endOffset": ("int64", False)})
ERROR_VALUE = schema(
    {
        "functionName": ("string", False),
        "inputPayload": ("string", True),
        "statusCode": ("int32", False),
        "functionError": ("string", True),
        "logResult": ("string", True),
        "payload": ("string", True),
        "executedVersion": ("string", True),
    }
)


# --- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"reporter.result.topic.key.format": "json", "reporter.result.topic.value.format": "json"},
    ],
    ids=["string", "json"],
)
def test_each_result_is_a_record_with_the_payload_as_the_function_wrote_it(sink: Sink, properties: dict[str, str]):
    texts: list[str] = []

    def code(event: bytes) -> bytes:
        for each in json.loads(event):
            topic, offset = each["payload"]["topic"], each["payload"]["offset"]
            texts.append(
                f'{{"offset":{offset}, "topic" : "{topic}","partition":0,"result":[1.50,"\u00e9\\u00e9",null]}}'
            )
        return ("[" + ",\n".join(f'{{"payload":{text}}}' for text in texts) + "]").encode()

    sink.endpoint.add_function(function(code))
    sink.produce([(b"k", b"1"), b"2"])
    source = sink.read(sink.source)
    more = {"aws.lambda.error.topic": ""} if properties else {}
    with sink.running(
        {"aws.lambda.response.topic": sink.results, **properties, **replicas(properties), **more}
    ) as task:
        task.wait_requests(1)
    results = sink.read(sink.results)
    assert [message.value() for message in results] == [text.encode() for text in texts]
    for offset, (result, record) in enumerate(zip(results, source, strict=True)):
        assert result.key() == b'{"topic":"%s","partition":0,"offset":%d}' % (sink.source.encode(), offset)
        assert headers_of(result) == [
            ("input_record_topic", sink.source.encode()),
            ("input_record_partition", b"0"),
            ("input_record_offset", str(offset).encode()),
            ("input_record_timestamp", str(record.timestamp()[1]).encode()),
        ]


def replicas(properties: dict[str, str]) -> dict[str, str]:
    """`reporter.*` keys come with three replicas; there is one broker."""
    if not any(key.startswith("reporter.") for key in properties):
        return {}
    return {"reporter.result.topic.replication.factor": "1", "reporter.error.topic.replication.factor": "1"}


def test_reports_with_schemas_are_in_the_envelope_of_connect(sink: Sink):
    sink.endpoint.faults.script([faults.Ok(), faults.FunctionErrorReply("Handled", TRACE)])
    sink.produce([b'"a"', b'"b"'])
    properties = {
        f"reporter.{kind}.topic.{part}.format{more}": value
        for kind in ("result", "error")
        for part in ("key", "value")
        for more, value in (("", "json"), (".schemas.enable", "true"))
    }
    properties |= {
        **replicas(properties),
        "reporter.result.topic.name": sink.results,
        "reporter.error.topic.name": sink.errors,
        "aws.lambda.batch.size": "1",
        "behavior.on.error": "log",
    }
    with sink.running(properties) as task:
        task.wait_requests(2)
    (result,), (error,) = sink.read(sink.results), sink.read(sink.errors)
    place = {"topic": sink.source, "partition": 0}
    assert coordinates(result) == {"schema": RESULT_KEY, "payload": {**place, "offset": 0}}
    assert value_of(result)["schema"] == {"type": "string", "optional": False}
    assert json.loads(value_of(result)["payload"])["result"] == "a"
    assert coordinates(error) == {"schema": ERROR_KEY, "payload": {**place, "startOffset": 1, "endOffset": 2}}
    value = value_of(error)
    assert value["schema"] == ERROR_VALUE
    assert list(value["payload"]) == [field["field"] for field in ERROR_VALUE["fields"]]
    assert (value["payload"]["functionError"], value["payload"]["payload"]) == ("Handled", TRACE.decode())


# --- behavior.on.error -----------------------------------------------------------------------------------------------

#: What each partition fails with, and what its error record says: records of the batch, status, name.
FAILURES = {
    "function error": (2, 200, "Unhandled"),
    "invalid reply": (2, 200, "InvalidResponse"),
    "permanent refusal": (2, 400, "PayloadInvocationError"),
    "single record over the limit": (1, 0, "RecordTooLarge"),
}
HEALTHY = len(FAILURES)


class Table:
    """A sink with a partition for each failure, whose first batch has it, and a healthy one."""

    def __init__(self, make_sink: MakeSink, behavior: str, *, has_error_topic: bool) -> None:
        self.sink = make_sink(HEALTHY + 1, max_message_bytes="8000000")
        self.script()
        for partition in range(HEALTHY + 1):
            is_large = partition == HEALTHY - 1
            self.sink.produce([b'"%s"' % (b"x" * 6_400_000) if is_large else b"1", b"2", b"3"], partition=partition)
        self.properties = {
            "behavior.on.error": behavior,
            "aws.lambda.batch.size": "2",
            "aws.lambda.response.topic": self.sink.results,
            "aws.lambda.error.topic": self.sink.errors if has_error_topic else None,
        }

    def script(self) -> None:
        self.sink.endpoint.faults.add(faults.FunctionErrorReply("Unhandled", TRACE), partition=0)
        self.sink.endpoint.faults.add(faults.PayloadReply(b"[]"), partition=1)
        self.sink.endpoint.faults.add(ApiError(400, "InvalidRequestContentException"), partition=2)

    def check_error_records(self, copies: int = 1) -> None:
        """Exactly one for each failure, `copies` times."""
        found: dict[int, list[Message]] = {partition: [] for partition in range(HEALTHY)}
        for message in self.sink.read(self.sink.errors):
            found[coordinates(message)["partition"]].append(message)
        for partition, (count, status, name) in enumerate(FAILURES.values()):
            assert len(found[partition]) == copies
            for message in found[partition]:
                key = '{"topic":"%s","partition":%d,"startOffset":0,"endOffset":%d}'
                assert message.key() == (key % (self.sink.source, partition, count)).encode()
                value = value_of(message)
                assert list(value) == [field["field"] for field in ERROR_VALUE["fields"]]
                sent = self.sink.requests(partition)
                assert value["functionName"] == FUNCTION
                assert (value["statusCode"], value["functionError"]) == (status, name)
                assert value["inputPayload"] == (sent[0].body.decode() if status else None)
                assert (value["payload"] or "").encode() == (sent[0].reply_body if status else b"")
                assert input_headers(message).keys() == {
                    f"input_record_{part}" for part in ("topic", "partition", "offset", "timestamp")
                }
                assert input_headers(message)["input_record_offset"] == b"0"

    def results(self) -> dict[int, list[int]]:
        """Offsets in the response topic by partition."""
        found: dict[int, list[int]] = {}
        for message in self.sink.read(self.sink.results):
            key = coordinates(message)
            found.setdefault(key["partition"], []).append(key["offset"])
        return found


@pytest.mark.parametrize("has_error_topic", [True, False], ids=["error topic", "no error topic"])
class TestBehaviorOnError:
    def test_fail_stops_the_partition_and_the_others_run_on(self, make_sink: MakeSink, *, has_error_topic: bool):
        table = Table(make_sink, "fail", has_error_topic=has_error_topic)
        sink = table.sink
        stopped = range(HEALTHY)
        for run in range(1, 3):
            with sink.running(table.properties) as task:
                errors = task.wait_stopped(*stopped)
                assert all(isinstance(error, PartitionStopped) for error in errors.values())
                assert [name in str(errors[partition]) for partition, (_, _, name) in enumerate(FAILURES.values())] == [
                    True
                ] * HEALTHY
                assert task.task.coordinator.task_state() is TaskState.FAILED
                # The offset stays at the failed batch while the healthy partition goes on.
                sink.produce([b"4"], partition=HEALTHY)
                task.wait_committed({**dict.fromkeys(stopped, 0), HEALTHY: 3 + run})
                lines = task.log.events("batch failed")
                assert {(line["partition"], line["level"]) for line in lines} == {
                    (partition, "warning" if has_error_topic else "error") for partition in stopped
                }
            # Once a start, and no more: a restart tries once more.
            assert [len(sink.requests(partition)) for partition in stopped] == [run, run, run, 0]
            table.script()
        if has_error_topic:
            table.check_error_records(copies=2)
        assert table.results() == {HEALTHY: [0, 1, 2, 3, 4]}

    def test_log_reports_and_goes_on(self, make_sink: MakeSink, *, has_error_topic: bool):
        table = Table(make_sink, "log", has_error_topic=has_error_topic)
        with table.sink.running(table.properties) as task:
            task.wait_committed(dict.fromkeys(range(HEALTHY + 1), 3))
            assert task.task.coordinator.task_state() is TaskState.RUNNING
            lines = task.log.events("batch failed", topic=table.sink.source)
        assert sorted((line["partition"], line["start_offset"], line["end_offset"]) for line in lines) == [
            (partition, 0, count) for partition, (count, _, _) in enumerate(FAILURES.values())
        ]
        assert {line["level"] for line in lines} == {"warning" if has_error_topic else "error"}
        if has_error_topic:
            table.check_error_records()
        assert table.results() == {0: [2], 1: [2], 2: [2], 3: [1, 2], HEALTHY: [0, 1, 2]}

    def test_ignore_counts_and_goes_on(self, make_sink: MakeSink, *, has_error_topic: bool):
        table = Table(make_sink, "ignore", has_error_topic=has_error_topic)
        with table.sink.running(table.properties) as task:
            task.wait_committed(dict.fromkeys(range(HEALTHY + 1), 3))
            assert task.log.events("batch failed") == []
            assert task.task.counters.total().failed == sum(count for count, _, _ in FAILURES.values())
        if has_error_topic:
            assert table.sink.read(table.sink.errors) == []
        assert table.results() == {0: [2], 1: [2], 2: [2], 3: [1, 2], HEALTHY: [0, 1, 2]}


def test_an_exhausted_retry_policy_is_a_failure_of_the_batch(sink: Sink):
    sink.endpoint.faults.add(faults.Throttle(), times=2)
    sink.produce([b"1", b"2"])
    properties = {
        "aws.lambda.batch.size": "1",
        "aws.lambda.retry.max.attempts": "2",
        "behavior.on.error": "log",
        "aws.lambda.error.topic": sink.errors,
    }
    with sink.running(properties) as task:
        task.wait_requests(3)
    (error,) = sink.read(sink.errors)
    value = value_of(error)
    assert (value["statusCode"], value["functionError"]) == (429, "TransientInvocationError")
    assert json.loads(value["payload"])["Reason"] == "ConcurrentInvocationLimitExceeded"


def test_retries_end_when_their_time_is_over(sink: Sink):
    sink.endpoint.faults.add(faults.Throttle(), times=None)
    sink.produce([b"1"])
    properties = {
        "aws.lambda.retry.timeout.ms": "1500",
        "behavior.on.error": "log",
        "aws.lambda.error.topic": sink.errors,
    }
    with sink.running(properties) as task:
        task.wait_committed({0: 1})
    arrivals = [entry.arrived for entry in sink.requests()]
    assert len(arrivals) > 2
    # No attempt begins later than one wait after the time is over.
    assert 1.3 <= arrivals[-1] - arrivals[0] < 5
    (error,) = sink.read(sink.errors)
    assert value_of(error)["functionError"] == "TransientInvocationError"


# --- what cannot be written ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "mark", "length"), [(500_000, b"truncated", 65_536), (10_000, b"omitted", None)], ids=["cut", "left out"]
)
def test_an_error_record_too_large_for_its_topic_is_cut_and_arrives(
    make_sink: MakeSink, limit: int, mark: bytes, length: int | None
):
    sink = make_sink(max_message_bytes="8000000")
    sink.cluster.create_topic(name=sink.errors, max_message_bytes=str(limit))
    reply = faults.FunctionErrorReply("Unhandled", b'"' + b"y" * 5_000_000 + b'"', "bG9n")
    sink.endpoint.faults.add(reply)
    sink.produce([b'"%s"' % (b"x" * 2_000_000), b"2"])
    properties = {
        "aws.lambda.batch.size": "1",
        "behavior.on.error": "log",
        "aws.lambda.error.topic": sink.errors,
        "aws.lambda.log.type": "tail",
    }
    with sink.running(properties) as task:
        task.wait_committed({0: 2})
    (error,) = sink.read(sink.errors)
    assert coordinates(error) == {"topic": sink.source, "partition": 0, "startOffset": 0, "endOffset": 1}
    assert dict(headers_of(error))["kls.input_payload"] in {mark, b"omitted"}
    value = value_of(error)
    assert (value["functionError"], value["statusCode"]) == ("Unhandled", 200)
    assert value["inputPayload"] is None or len(value["inputPayload"]) == length
    assert len(value["payload"]) == 4096
    assert dict(headers_of(error))["kls.payload"] == b"truncated"


def test_an_input_payload_is_cut_before_it_is_left_out(make_sink: MakeSink):
    sink = make_sink(max_message_bytes="8000000")
    sink.endpoint.faults.add(faults.FunctionErrorReply("Unhandled", TRACE))
    sink.produce([b'"%s"' % (b"x" * 2_000_000)])
    properties = {"behavior.on.error": "log", "aws.lambda.error.topic": sink.errors}
    with sink.running(properties) as task:
        task.wait_committed({0: 1})
    (error,) = sink.read(sink.errors)
    (request,) = sink.requests()
    assert dict(headers_of(error))["kls.input_payload"] == b"truncated"
    assert value_of(error)["inputPayload"] == request.body[:65_536].decode()
    assert value_of(error)["payload"] == TRACE.decode()


def test_a_result_too_large_for_its_topic_stops_the_partition_whatever_behavior_on_error_says(make_sink: MakeSink):
    sink = make_sink(2)
    sink.cluster.create_topic(name=sink.results, max_message_bytes="1000")
    sink.produce([b"1"])
    properties = {
        "behavior.on.error": "ignore",
        "aws.lambda.response.topic": sink.results,
        "aws.lambda.batch.size": "2",
    }
    with sink.running(properties) as task:
        task.wait_committed({0: 1})
        sink.produce([b'"%s"' % (b"x" * 5000), b"3"])
        (error,) = task.wait_stopped(0).values()
        sink.produce([b"1"], partition=1)
        task.wait_committed({0: 1, 1: 1})
        assert len(task.log.events("partition stopped")) == 1
    assert isinstance(error, PermanentReportError)
    assert sink.results in str(error)
    found = {(key["partition"], key["offset"]) for key in map(coordinates, sink.read(sink.results))}
    assert {(0, 0), (1, 0)} <= found
    assert (0, 1) not in found


def test_results_that_fit_one_by_one_are_written_although_their_topic_refuses_them_together(sink: Sink):
    sink.cluster.create_topic(name=sink.results, max_message_bytes="1000")
    sink.produce([b'"%s"' % (b"x" * 200)] * 20)
    with sink.running({"aws.lambda.response.topic": sink.results}) as task:
        task.wait_committed({0: 20})


def test_a_response_topic_that_is_deleted_is_waited_for_and_the_function_is_not_invoked_again(sink: Sink):
    sink.produce([b"1"])
    properties = {
        "aws.lambda.response.topic": sink.results,
        "aws.lambda.batch.size": "1",
        # The producer gives a record up after this, and notices what is gone.
        "aws.lambda.response.message.timeout.ms": "2000",
        "aws.lambda.response.metadata.max.age.ms": "1000",
    }
    with sink.running(properties) as task:
        task.wait_committed({0: 1})
        sink.cluster.delete_topic(sink.results)
        sink.produce([b"2", b"3"])
        (alarm,) = task.wait_for(lambda: task.log.events("report not written: producing it again"), "an alarm")
        assert (alarm["level"], alarm["report_topic"]) == ("error", sink.results)
        assert sink.committed() == {0: 1}
        sink.cluster.create_topic(name=sink.results)
        task.wait_committed({0: 3})
    assert sink.offsets() == [[0], [1], [2]]
    assert {coordinates(message)["offset"] for message in sink.read(sink.results)} == {1, 2}


def test_a_missing_report_topic_is_created_as_configured(sink: Sink):
    properties = {
        "aws.lambda.response.topic": sink.results,
        "aws.lambda.response.partitions": "3",
        "aws.lambda.response.replication.factor": "1",
    }
    with sink.running(properties):
        topics = sink.cluster.admin.list_topics(timeout=10).topics
    assert len(topics[sink.results].partitions) == 3


def test_start_is_refused_where_a_missing_report_topic_cannot_be_created(sink: Sink):
    properties = {"aws.lambda.response.topic": sink.results, "aws.lambda.response.replication.factor": "3"}
    with pytest.raises(ConfigError) as caught, sink.running(properties):
        pass
    (problem,) = caught.value.problems
    assert (problem.key, problem.error_id) == ("aws.lambda.response.topic", "missing-report-topic")
    assert sink.results in problem.message
    assert "Create the topic" in (problem.hint or "")


# --- without the rights ----------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(sasl_cluster: Cluster, lambda_endpoint: InvokeEndpoint, tmp_path: Path) -> Sink:
    """A sink whose users may read its source, and write nothing."""
    sink = Sink(sasl_cluster, lambda_endpoint, tmp_path, partitions=2)
    assert isinstance(sasl_cluster.broker, Broker)
    for user in sasl_cluster.broker.users:
        sasl_cluster.allow(user, ResourceType.TOPIC, sink.source, AclOperation.READ, AclOperation.DESCRIBE)
        sasl_cluster.allow(user, ResourceType.GROUP, sink.group, AclOperation.READ)
    return sink


def test_start_is_refused_where_we_may_not_create_a_report_topic(guarded: Sink, sasl_broker: Broker):
    properties = {**java_security(sasl_broker, "sink"), "aws.lambda.response.topic": guarded.results}
    with pytest.raises(KafkaLambdaSinkError) as caught, guarded.running(properties):
        pass
    assert guarded.results in str(caught.value)
    assert "sink-secret" not in str(caught.value)
    assert guarded.requests() == []


@pytest.mark.parametrize("behavior", ["log", "ignore"])
def test_a_response_topic_that_we_may_not_write_to_stops_the_partition(
    guarded: Sink, sasl_cluster: Cluster, sasl_broker: Broker, behavior: str
):
    for topic in (guarded.results, guarded.errors):
        sasl_cluster.create_topic(name=topic)
        sasl_cluster.allow("sink", ResourceType.TOPIC, topic, AclOperation.DESCRIBE)
    sasl_cluster.allow("sink", ResourceType.TOPIC, guarded.errors, AclOperation.WRITE)
    guarded.produce([b"1"])
    properties = {
        **java_security(sasl_broker, "sink"),
        "aws.lambda.response.topic": guarded.results,
        "aws.lambda.error.topic": guarded.errors,
        "behavior.on.error": behavior,
    }
    with guarded.running(properties) as task:
        (error,) = task.wait_stopped(0).values()
        assert isinstance(error, PermanentReportError)
        assert "TOPIC_AUTHORIZATION_FAILED" in str(error)
    assert guarded.committed().get(0, 0) == 0
    # The right is given, and the connector started again.
    sasl_cluster.allow("sink", ResourceType.TOPIC, guarded.results, AclOperation.WRITE)
    with guarded.running(properties) as task:
        task.wait_committed({0: 1})
    assert [coordinates(message)["offset"] for message in guarded.read(guarded.results)] == [0]


def test_a_user_who_may_write_nowhere_cannot_even_begin_to_and_the_partition_stops(
    guarded: Sink, sasl_cluster: Cluster, sasl_broker: Broker
):
    """The idempotent producer is refused its id: a fatal error of every producer that would replace it, too."""
    sasl_cluster.create_topic(name=guarded.results)
    # A user that no test lets write anywhere: one topic is enough to be given an id.
    sasl_cluster.allow("reader", ResourceType.TOPIC, guarded.results, AclOperation.DESCRIBE)
    guarded.produce([b"1"])
    properties = {**java_security(sasl_broker, "reader"), "aws.lambda.response.topic": guarded.results}
    with guarded.running(properties) as task:
        (error,) = task.wait_stopped(0).values()
        assert isinstance(error, PermanentReportError)
        assert "CLUSTER_AUTHORIZATION_FAILED" in str(error)
    assert guarded.committed().get(0, 0) == 0
