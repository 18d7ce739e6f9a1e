"""`errors.deadletterqueue.function.errors.enable` on a real broker: raw records, and what became of them."""

from __future__ import annotations

import json

import pytest

from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.running_task import Sink, function, headers_of


class OutOfStockError(Exception):
    """What the function raises."""


def picky(event: bytes) -> bytes:
    """Takes no batch with a record that says `bad`."""
    if any(entry["payload"]["value"].get("bad") for entry in json.loads(event)):
        raise OutOfStockError("nothing left")
    return b"null"


@pytest.fixture(autouse=True)
def _function(lambda_endpoint: InvokeEndpoint) -> None:
    lambda_endpoint.add_function(function(picky))


def settings(sink: Sink, behavior: str, **changes: str) -> dict[str, str]:
    return {
        "behavior.on.error": behavior,
        "errors.deadletterqueue.topic.name": sink.dead_letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.function.errors.enable": "true",
        "aws.lambda.error.topic": sink.errors,
        "aws.lambda.bisect.on.error": "true",
    } | {key.replace("_", "."): value for key, value in changes.items()}


def test_the_guilty_record_alone_is_written_as_it_came_and_the_others_are_delivered(sink: Sink):
    sink.produce([b"{}", (b"k", b'{ "bad":1}', [("h", b"\xff")]), b"{}", b"{}"])
    with sink.running(settings(sink, "log")) as task:
        task.wait_committed({0: 4})
    (dead,) = sink.read(sink.dead_letters)
    assert (dead.key(), dead.value()) == (b"k", b'{ "bad":1}')
    assert headers_of(dead)[0] == ("h", b"\xff")
    headers = dict(headers_of(dead))
    assert (headers["__connect.errors.offset"], headers["__connect.errors.exception.message"]) == (
        b"1",
        b"nothing left",
    )
    assert headers["kls.error.type"] == b"OutOfStockError"
    assert headers["kls.function.error"] == b"Unhandled"
    # Of four, of two, alone.
    assert headers["kls.attempts"] == b"3"
    assert (headers["kls.request.id"] or b"").decode() in {entry.request_id for entry in sink.requests()}
    assert len(sink.read(sink.errors)) == 1


def test_a_partition_that_stops_has_written_what_it_stopped_at(sink: Sink):
    sink.produce([b"{}", b'{"bad":1}', b"{}"])
    with sink.running(settings(sink, "fail")) as task:
        task.wait_stopped(0)
    assert [dead.value() for dead in sink.read(sink.dead_letters)] == [b'{"bad":1}']
    assert sink.committed() == {0: 1}


@pytest.mark.parametrize("tolerance", ["none", "all"])
def test_records_that_cannot_be_converted_are_the_tolerances_business(sink: Sink, tolerance: str):
    sink.produce([b"{}", b"no JSON", b"{}"])
    with sink.running(settings(sink, "log", errors_tolerance=tolerance)) as task:
        if tolerance == "none":
            task.wait_stopped(0)
        else:
            task.wait_committed({0: 3})
    dead = sink.read(sink.dead_letters)
    assert [each.value() for each in dead] == ([] if tolerance == "none" else [b"no JSON"])
    assert all("kls.attempts" not in dict(headers_of(each)) for each in dead)


def test_every_stage_before_the_function_has_its_dead_letters_untouched(sink: Sink):
    headers: list[tuple[str, bytes | None]] = [("n", b"\0\0\0\7"), ("n", None), ("n", b"\0\0\0\7")]
    records = [
        (b"1", b'{"id": 7}', headers),
        (b"{", b'{"id": 7}', headers),
        (b"1", b"{", headers),
        (b"1", b'{"id": 7}', [*headers, ("n", b"\xff")]),
        (b"1", b'{ "id":  "seven"}', headers),
        (b"1", b'{"id": 8}', headers),
    ]
    sink.produce(records)
    changes = {
        "key.converter": "json",
        "key.converter.schemas.enable": "false",
        "header.converter": "integer",
        "aws.lambda.record.headers": "true",
        "transforms": "route,big",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": ".*",
        "transforms.route.replacement": "elsewhere",
        "transforms.big.type": "org.apache.kafka.connect.transforms.Cast$Value",
        "transforms.big.spec": "id:int64",
        "errors.tolerance": "all",
        "errors.deadletterqueue.context.headers.enable": "true",
    }
    with sink.running(settings(sink, "log") | changes) as task:
        task.wait_committed({0: 6})
    dead = sink.read(sink.dead_letters)
    assert [
        (each.key(), each.value(), headers_of(each)[: len(given[2])])
        for each, given in zip(dead, records[1:5], strict=True)
    ] == records[1:5]
    context = [dict(headers_of(each)) for each in dead]
    assert [(each["__connect.errors.offset"], each["__connect.errors.stage"]) for each in context] == [
        (b"1", b"KEY_CONVERTER"), (b"2", b"VALUE_CONVERTER"), (b"3", b"HEADER_CONVERTER"), (b"4", b"TRANSFORMATION"),
    ]  # fmt: skip
    # Whatever the transforms made of the topic.
    assert {each["__connect.errors.topic"] for each in context} == {sink.source.encode()}
    assert {payload["topic"] for body in sink.bodies() for payload in body} == {sink.source}
    assert context[3]["__connect.errors.class.name"] == b"org.apache.kafka.connect.transforms.Cast$Value"
    assert [offset for batch in sink.offsets() for offset in batch] == [0, 5]


def test_what_lambda_refuses_until_the_attempts_are_over_says_so(sink: Sink, lambda_endpoint: InvokeEndpoint):
    lambda_endpoint.faults.script([faults.Throttle() for _ in range(3)])
    sink.produce([b"{}"])
    with sink.running(settings(sink, "log", aws_lambda_retry_max_attempts="3")) as task:
        task.wait_committed({0: 1})
    (dead,) = sink.read(sink.dead_letters)
    headers = dict(headers_of(dead))
    assert (headers["kls.error.type"], headers["kls.attempts"]) == (b"TooManyRequestsException", b"3")
