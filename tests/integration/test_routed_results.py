"""Results that name their topics, from a real handler under AWS's runtime client to the records of a real broker."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from confluent_kafka import Message

from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import Function
from kafka_lambda_sink.local.handler import PythonHandler
from kafka_lambda_sink.local.runtime_handler import HandlerFile, RuntimeHandler
from tests.support.running_task import FUNCTION, Sink, coordinates, headers_of, value_of
from tests.support.sink_process import SinkProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

HANDLER = """
    import os

    def handler(event, context):
        return [answer(entry["payload"]) for entry in event]

    def answer(record):
        order = record["value"]
        number = order["n"]
        result = {"n": number}
        entry = {"payload": {name: record[name] for name in ("topic", "partition", "offset")} | {"result": result}}
        if number % 4 == 1:
            entry["route"] = {"topic": os.environ["ALERTS"], "key": order["customer"], "headers": {"n": str(number)}}
        if number % 4 > 1:
            entry["route"] = {"topic": os.environ["STOCK"], "key": {"customer": order["customer"]}}
        if number % 4 == 3:
            # What was told last of this customer is over.
            entry["payload"]["result"] = None
        return entry
"""
COUNT = 40
CUSTOMERS = 5


@pytest.fixture
def routing(sink: Sink, tmp_path: Path) -> Iterator[Sink]:
    """A sink whose function is the handler."""
    file = tmp_path / "app.py"
    file.write_text(textwrap.dedent(HANDLER), encoding="utf-8")
    variables = {"ALERTS": f"{sink.name}-alerts", "STOCK": f"{sink.name}-stock"}
    handler = RuntimeHandler(HandlerFile(file, "handler"), variables=variables, on_output=lambda _: None)
    sink.endpoint.add_function(Function(name=FUNCTION, handler=handler, timeout=60))
    yield sink
    handler.close()


def properties(sink: Sink, **more: str) -> dict[str, str | None]:
    return {
        "aws.lambda.batch.size": "5",
        "aws.lambda.reply.routing": "true",
        "aws.lambda.reply.routing.topics": f"{sink.name}-alerts, {sink.name}-stock",
        "aws.lambda.response.topic": sink.results,
        "aws.lambda.response.partitions": "2",
        "aws.lambda.response.replication.factor": "1",
        "consumer.override.session.timeout.ms": "2000",
        "consumer.override.heartbeat.interval.ms": "300",
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def killed_with_results_in_hand(sink: Sink, directory: Path) -> None:
    """A process that has the replies to four batches, none of them written, and waits for a fifth."""
    sink.endpoint.faults.script([*[faults.Ok()] * 4, faults.Hang()], call="RequestResponse")
    text = sink.text(properties(sink, aws_lambda_response_linger_ms="30000"))
    lines = dict(line.split("=", 1) for line in text.splitlines())
    with SinkProcess(directory, lines) as process:
        wait_until(lambda: len(sink.endpoint.journal.requests("RequestResponse")) == 5, what="the fifth call hangs")
        process.kill9()
    sink.release()


def sources(messages: list[Message]) -> list[int]:
    """The offsets of the source records, in the order that they were written in."""
    return [int(dict(headers_of(message))["input_record_offset"] or b"") for message in messages]


def by_key(messages: list[Message]) -> Mapping[bytes | None, list[int]]:
    found: dict[bytes | None, list[int]] = {}
    for message, offset in zip(messages, sources(messages), strict=True):
        key = message.key()
        assert key is None or isinstance(key, bytes)
        found.setdefault(key, []).append(offset)
    return found


def numbers(*rests: int, customer: int | None = None) -> list[int]:
    """Those of a kind, of one customer or of all."""
    return [number for number in range(COUNT) if number % 4 in rests and customer in {None, number // 4 % CUSTOMERS}]


def test_each_result_is_where_it_says_in_order_and_none_is_lost_with_the_process(routing: Sink, tmp_path: Path):
    sink = routing
    sink.produce([b'{"n":%d,"customer":"c%d"}' % (number, number // 4 % CUSTOMERS) for number in range(COUNT)])
    killed_with_results_in_hand(sink, tmp_path)
    names = [f"{sink.name}-alerts", f"{sink.name}-stock", sink.results]
    assert [sink.cluster.end_offsets(name) for name in names] == [{0: 0, 1: 0}] * 3

    with sink.running(properties(sink)) as task:
        task.wait_committed({0: COUNT})

    alerts, stock, results = map(sink.read, names)
    assert by_key(alerts) == {b"c%d" % each: numbers(1, customer=each) for each in range(CUSTOMERS)}
    for message, number in zip(alerts, sources(alerts), strict=True):
        assert value_of(message) == {"n": number}
        assert headers_of(message)[0] == ("n", b"%d" % number)
    keys = {b'{"customer":"c%d"}' % each: numbers(2, 3, customer=each) for each in range(CUSTOMERS)}
    assert by_key(stock) == keys
    assert sorted(sources([message for message in stock if message.value() is None])) == numbers(3)
    assert sorted(coordinates(message)["offset"] for message in results) == numbers(0)
    assert all(value_of(message)["result"] == {"n": coordinates(message)["offset"]} for message in results)


def test_without_a_response_topic_what_names_no_declared_topic_is_a_failed_batch(routing: Sink):
    """Of two batches, the first has an entry without a route."""
    sink = routing
    sink.produce([b'{"n":%d,"customer":"c"}' % number for number in (1, 4, 5, 9)])
    own = {
        "aws.lambda.response.topic": None,
        "aws.lambda.batch.size": "2",
        "aws.lambda.error.topic": sink.errors,
        "aws.lambda.error.replication.factor": "1",
        "behavior.on.error": "log",
    }
    with sink.running(properties(sink) | own) as task:
        task.wait_committed({0: 4})
    assert sources(sink.read(f"{sink.name}-alerts")) == [2, 3]
    (error,) = sink.read(sink.errors)
    assert coordinates(error) | {"topic": ""} == {"topic": "", "partition": 0, "startOffset": 0, "endOffset": 2}
    assert value_of(error)["functionError"] == "InvalidResponse"
    said = dict(headers_of(error))["error_message"] or b""
    assert said == b"entry 1 names no topic, and there is no aws.lambda.response.topic"


def test_a_result_that_its_topic_refuses_stops_its_own_partition_alone(make_sink: Callable[..., Sink]):
    """Without a key for a compacted topic: the broker refuses all the records that came with it, of any partition."""
    sink = make_sink(3)
    compacted = sink.cluster.create_topic(name=f"{sink.name}-compacted", cleanup_policy="compact")

    def route(event: bytes) -> bytes:
        payloads = [entry["payload"] for entry in json.loads(event)]
        place = [{name: payload[name] for name in ("topic", "partition", "offset")} for payload in payloads]
        keys = [None if (one["partition"], one["offset"]) == (0, 57) else str(one["offset"]) for one in place]
        entries = [
            {"payload": {**one, "result": one["offset"]}, "route": {"topic": compacted, "key": key}}
            for one, key in zip(place, keys, strict=True)
        ]
        return json.dumps(entries).encode()

    sink.endpoint.add_function(Function(name=FUNCTION, handler=PythonHandler(route), timeout=60))
    sink.produce_everywhere([b"{}"] * 200)
    own = {
        "aws.lambda.reply.routing.topics": compacted,
        "aws.lambda.response.topic": None,
        # So that records of all partitions come together.
        "aws.lambda.response.linger.ms": "500",
    }
    with sink.running(properties(sink) | own) as task:
        task.wait_committed({1: 200, 2: 200})
        errors = task.wait_stopped(0)
    assert "INVALID_RECORD" in str(errors[0])
    assert sink.committed()[0] <= 57
    written = sink.read(compacted)
    for partition in (1, 2):
        own_records = [one for one in written if dict(headers_of(one))["input_record_partition"] == b"%d" % partition]
        assert set(sources(own_records)) == set(range(200))
