"""Asynchronous invocations: 202 at once, two retries, the failure destination."""

from __future__ import annotations

import json
import threading

import pytest

from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.lambda_clients import boto3_client


class Recorder:
    """A function that fails its first `failures` runs."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[bytes] = []
        self._failures = failures

    def __call__(self, event: bytes) -> bytes:
        self.events.append(event)
        if len(self.events) <= self._failures:
            raise RuntimeError("not today")
        return b"null"


def put(endpoint, payload=b'{"n":1}'):
    reply = boto3_client(endpoint.url).invoke(FunctionName="f", InvocationType="Event", Payload=payload)
    assert (reply["StatusCode"], reply["Payload"].read()) == (202, b"")
    assert "x-amz-executed-version" not in reply["ResponseMetadata"]["HTTPHeaders"]
    return reply["ResponseMetadata"]["RequestId"]


def test_an_event_is_acknowledged_before_it_runs():
    leave = threading.Event()

    def wait(event: bytes) -> bytes:
        leave.wait(10)
        return event

    function = Function(name="f", handler=PythonHandler(wait), timeout=10)
    with InvokeEndpoint([function]) as endpoint:
        request_id = put(endpoint)
        assert endpoint.journal.executions() == []
        leave.set()
        assert endpoint.events.wait_until_idle(10)
        (execution,) = endpoint.journal.executions()
        assert (execution.request_id, execution.attempt) == (request_id, 1)


@pytest.mark.parametrize("failures", [1, 2])
def test_a_failed_event_is_tried_up_to_three_times(tmp_path, failures):
    recorder = Recorder(failures)
    destination = tmp_path / "failed.jsonl"
    function = Function(
        name="f", handler=PythonHandler(recorder), async_retry_delays=(0.05, 0.05), on_failure=destination
    )
    with InvokeEndpoint([function]) as endpoint:
        put(endpoint)
        assert endpoint.events.wait_until_idle(10)
        attempts = [execution.attempt for execution in endpoint.journal.executions()]
    assert attempts == list(range(1, failures + 2))
    assert not destination.exists()


def test_what_failed_three_times_goes_to_the_destination(tmp_path):
    destination = tmp_path / "failed.jsonl"
    function = Function(
        name="f", handler=PythonHandler(Recorder(9)), async_retry_delays=(0.0, 0.0), on_failure=destination
    )
    with InvokeEndpoint([function]) as endpoint:
        request_id = put(endpoint)
        assert endpoint.events.wait_until_idle(10)
        assert len(endpoint.journal.executions()) == 3
    record = json.loads(destination.read_text(encoding="utf-8"))
    assert record["version"] == "1.0"
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["requestPayload"] == {"n": 1}
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert record["responsePayload"]["errorType"] == "RuntimeError"


def test_without_any_concurrency_an_event_goes_to_the_destination_at_once(tmp_path):
    destination = tmp_path / "failed.jsonl"
    recorder = Recorder()
    function = Function(name="f", handler=PythonHandler(recorder), reserved_concurrency=0, on_failure=destination)
    with InvokeEndpoint([function]) as endpoint:
        put(endpoint)
        assert endpoint.events.wait_until_idle(10)
    assert recorder.events == []
    assert json.loads(destination.read_text(encoding="utf-8"))["requestContext"]["approximateInvokeCount"] == 0


def test_events_over_the_concurrency_are_run_later():
    recorder = Recorder()
    function = Function(name="f", handler=PythonHandler(recorder), reserved_concurrency=1)
    with InvokeEndpoint([function]) as endpoint:
        for number in range(5):
            put(endpoint, b"%d" % number)
        assert endpoint.events.wait_until_idle(30)
    assert sorted(recorder.events) == [b"0", b"1", b"2", b"3", b"4"]
