"""Functions that fail on some records: those are found, tried again, and reported alone; the others are delivered."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.cluster import Cluster
from tests.support.running_task import Sink, coordinates, echo, function, value_of

GUILTY = {7, 8, 23, 41}


class Handler:
    """A function whose behaviour a test sets."""

    def __init__(self) -> None:
        self.code: Callable[[bytes], bytes] = echo

    def __call__(self, event: bytes) -> bytes:
        return self.code(event)


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def failing_sink(cluster: Cluster, handler: Handler, tmp_path: Path) -> Any:
    """A sink of one partition with fifty records, whose function is `handler`."""
    with InvokeEndpoint([function(handler)]) as endpoint:
        sink = Sink(cluster, endpoint, tmp_path)
        sink.produce([json.dumps({"n": number}).encode() for number in range(50)])
        yield sink


def reported(sink: Sink) -> list[tuple[int, int]]:
    keys = [coordinates(message) for message in sink.read(sink.errors)]
    return [(key["startOffset"], key["endOffset"]) for key in keys]


def properties(sink: Sink, **more: str) -> dict[str, str | None]:
    return {
        "aws.lambda.batch.size": "50",
        "aws.lambda.error.topic": sink.errors,
        "reporter.error.topic.replication.factor": "1",
        "reporter.result.topic.name": "",
        "behavior.on.error": "log",
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def test_a_function_for_awss_trigger_names_its_failures(failing_sink: Sink, handler: Handler):
    """As it is written for the event source mapping: event in, batchItemFailures out."""
    seen: list[int] = []

    def code(event: bytes) -> bytes:
        failures = []
        for partition, records in json.loads(event)["records"].items():
            for record in records:
                number = json.loads(base64.b64decode(record["value"]))["n"]
                seen.append(number)
                if number in GUILTY:
                    failures.append({"itemIdentifier": {"partition": partition, "offset": record["offset"]}})
        return json.dumps({"batchItemFailures": failures}).encode()

    handler.code = code
    more = properties(
        failing_sink,
        aws_lambda_request_format="aws-self-managed",
        aws_lambda_reply_contract="batch-item-failures",
        aws_lambda_retry_function_errors="1",
    )
    with failing_sink.running(more) as task:
        task.wait_committed({0: 50})
    assert reported(failing_sink) == [(offset, offset + 1) for offset in sorted(GUILTY)]
    assert seen == [*range(50), *range(7, 50)], "sent again from the first that failed"
    values = [value_of(message) for message in failing_sink.read(failing_sink.errors)]
    assert {value["functionError"] for value in values} == {"RecordFailed"}


def failing_on(guilty: Collection[int]) -> Callable[[bytes], bytes]:
    def code(event: bytes) -> bytes:
        numbers = [entry["payload"]["value"]["n"] for entry in json.loads(event)]
        if set(numbers) & set(guilty):
            raise ValueError("a guilty record")
        return b"null"

    return code


def test_halving_finds_the_guilty_records(failing_sink: Sink, handler: Handler):
    handler.code = failing_on(GUILTY)
    with failing_sink.running(properties(failing_sink, aws_lambda_bisect_on_error="true")) as task:
        task.wait_committed({0: 50})
    assert reported(failing_sink) == [(offset, offset + 1) for offset in sorted(GUILTY)]
    # 1 + 2 * log2(50) for each guilty record.
    assert len(failing_sink.requests()) <= 1 + 2 * 6 * len(GUILTY)
    values = [value_of(message) for message in failing_sink.read(failing_sink.errors)]
    assert [json.loads(value["inputPayload"])[0]["payload"]["offset"] for value in values] == sorted(GUILTY)


def test_replies_above_6_mb_are_had_in_parts(failing_sink: Sink, handler: Handler):
    def code(event: bytes) -> bytes:
        entries = json.loads(event)
        for entry in entries:
            number = entry["payload"]["value"]["n"]
            # Too much together, and one even alone.
            entry["more"] = "x" * {20: 3_500_000, 21: 3_500_000, 30: 6_400_000}.get(number, 0)
        return json.dumps(entries).encode()

    handler.code = code
    more = properties(
        failing_sink,
        aws_lambda_bisect_on_error="true",
        reporter_result_topic_name=failing_sink.results,
        reporter_result_topic_replication_factor="1",
    )
    with failing_sink.running(more) as task:
        task.wait_committed({0: 50})
    (error,) = failing_sink.read(failing_sink.errors)
    assert (coordinates(error)["startOffset"], coordinates(error)["endOffset"]) == (30, 31)
    value = value_of(error)
    assert (value["statusCode"], value["functionError"]) == (200, "Unhandled")
    assert json.loads(value["payload"])["errorType"] == "Function.ResponseSizeTooLarge"
    found = [coordinates(message)["offset"] for message in failing_sink.read(failing_sink.results)]
    assert found == [number for number in range(50) if number != 30]


def test_a_function_that_recovers_gets_its_batch_again(failing_sink: Sink, handler: Handler):
    calls: list[bytes] = []

    def code(event: bytes) -> bytes:
        calls.append(event)
        if len(calls) < 3:
            raise ValueError("not yet")
        return b"null"

    handler.code = code
    with failing_sink.running(properties(failing_sink, aws_lambda_retry_function_errors="-1")) as task:
        task.wait_committed({0: 50})
        assert task.log.events("the function failed: trying again")
    assert len(calls) == 3
    assert len(set(calls)) == 1
    assert failing_sink.cluster.end_offsets(failing_sink.errors) == {0: 0}
