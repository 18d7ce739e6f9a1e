"""Functions that take only so many calls at a time, or none for a while, or cannot be reached."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from kafka_lambda_sink.core.state import PipelineState, TaskState
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.faults import ApiError
from kafka_lambda_sink.local.handler import PythonHandler
from kafka_lambda_sink.pipeline.clock import SystemClock
from tests.support.running_task import FUNCTION, RunningTask, Sink, echo, function

MakeSink = Callable[..., Sink]

PARTITIONS = 32
#: Calls that the function takes at a time, and seconds that each takes.
ALLOWED, LATENCY = 8, 0.1
#: Seconds of learning that are not looked at, and seconds that are.
LEARNING, MEASURED = 1.0, 5.0
PAUSED = "the function is paused: trying one call at a time"
AWAY = "the function is away: trying one call at a time"


def slow(allowed: int) -> Function:
    pause = threading.Event()

    def code(event: bytes) -> bytes:
        pause.wait(LATENCY)
        return echo(event)

    return Function(name=FUNCTION, handler=PythonHandler(code), timeout=60.0, reserved_concurrency=allowed)


def test_what_the_function_allows_is_used_and_little_is_refused(make_sink: MakeSink, lambda_endpoint: InvokeEndpoint):
    """32 partitions that always have a batch, and a function with a reserved concurrency of 8."""
    lambda_endpoint.add_function(slow(ALLOWED))
    sink = make_sink(PARTITIONS)
    sink.produce_everywhere([b"{}"] * 40)
    with sink.running({"aws.lambda.batch.size": "1"}) as task:
        first = min(entry.arrived for entry in task.wait_requests(1))
        begin, end = first + LEARNING, first + LEARNING + MEASURED
        task.wait_for(lambda: sink.requests()[-1].arrived > end, "the time is over")
        (line, *_) = task.log.events("the function is throttled: fewer calls at a time")
    calls = [entry for entry in sink.requests() if begin <= entry.arrived < end]
    refused = sum(entry.status == 429 for entry in calls)
    delivered = len(calls) - refused
    possible = ALLOWED * MEASURED / LATENCY
    assert delivered >= 0.9 * possible, f"{delivered} of {possible} calls, {refused} refused"
    assert refused < 0.02 * len(calls), f"{refused} of {len(calls)} calls refused"
    assert line["reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def test_so_many_calls_are_in_flight_as_the_configuration_says(make_sink: MakeSink, lambda_endpoint: InvokeEndpoint):
    most, running = list[int](), set[object]()

    def code(event: bytes) -> bytes:
        me = object()
        running.add(me)
        most.append(len(running))
        threading.Event().wait(0.01)
        running.discard(me)
        return echo(event)

    lambda_endpoint.add_function(function(code))
    sink = make_sink(8)
    sink.produce_everywhere([b"{}"] * 5)
    with sink.running({"aws.lambda.batch.size": "1", "aws.lambda.concurrency": "3"}) as task:
        task.wait_committed(dict.fromkeys(range(8), 5))
    assert max(most) == 3


def retrying(task: RunningTask, count: int) -> bool:
    """Whether so many partitions wait, and say why."""
    states = task.task.states().values()
    waiting = [error for state, error in states if state is PipelineState.RETRYING and error is not None]
    return len(waiting) == count and all("503" in str(error) or "paused" in str(error) for error in waiting)


def test_a_paused_function_is_waited_for_and_fails_nothing(make_sink: MakeSink, lambda_endpoint: InvokeEndpoint):
    """Reserved concurrency 0, with every bound of the retries as tight as it can be."""
    paused = function()
    paused.reserved_concurrency = 0
    lambda_endpoint.add_function(paused)
    sink = make_sink(4)
    sink.produce_everywhere([b"{}"] * 3)
    properties = {
        "aws.lambda.batch.size": "1",
        "aws.lambda.retry.max.attempts": "1",
        "aws.lambda.retry.timeout.ms": "1",
        "aws.lambda.record.max.age.ms": "1",
        "behavior.on.error": "log",
        "aws.lambda.error.topic": sink.errors,
    }
    with sink.running(properties) as task:
        (line,) = task.wait_for(lambda: task.log.events(PAUSED), "the pause is told")
        assert (line["function"], line["level"]) == (FUNCTION, "error")
        assert "reserved concurrency" in line["hint"]
        task.wait_for(lambda: retrying(task, 4), "all partitions wait")
        assert task.task.coordinator.task_state() is TaskState.RUNNING
        paused.reserved_concurrency = None
        task.wait_committed(dict.fromkeys(range(4), 3))
        assert task.log.events("the function takes calls again")
        assert len(task.log.events(PAUSED)) == 1
        assert not task.log.events("invocation failed: trying again")
        assert not task.log.events("batch failed")
        assert {error for _, error in task.task.states().values()} == {None}
    assert sink.read(sink.errors) == []
    assert sorted(offset for partition in range(4) for (offset,) in executed(sink, partition)) == sorted([0, 1, 2] * 4)


def executed(sink: Sink, partition: int) -> list[list[int]]:
    answers = [entry.status for entry in sink.requests(partition)]
    return [offsets for offsets, status in zip(sink.offsets(partition), answers, strict=True) if status == 200]


@pytest.mark.parametrize("state", ["paused", "away"])
def test_a_task_whose_function_takes_nothing_stops_at_once(
    make_sink: MakeSink, lambda_endpoint: InvokeEndpoint, state: str
):
    if state == "paused":
        paused = function()
        paused.reserved_concurrency = 0
        lambda_endpoint.add_function(paused)
    else:
        lambda_endpoint.faults.add(ApiError(503, "ServiceUnavailable"), times=None)
    sink = make_sink(8)
    sink.produce_everywhere([b"{}"])
    properties = {"aws.lambda.retry.backoff.max.ms": "60000", "shutdown.timeout.ms": "20000"}
    with sink.running(properties) as task:
        task.wait_for(lambda: task.log.events(PAUSED if state == "paused" else AWAY), "it is told")
        task.wait_for(lambda: retrying(task, 8), "all partitions wait")
        clock = SystemClock()
        began = clock.monotonic()
        task.stop()
        assert clock.monotonic() - began < 5
    assert set(sink.committed().values()) <= {0, -1001}


def test_a_function_that_is_away_is_tried_by_one_until_it_answers(make_sink: MakeSink, lambda_endpoint: InvokeEndpoint):
    sink = make_sink(16)
    lambda_endpoint.faults.add(ApiError(503, "ServiceUnavailable"), times=25)
    sink.produce_everywhere([b"{}"] * 2)
    with sink.running({"aws.lambda.batch.size": "1"}) as task:
        task.wait_committed(dict.fromkeys(range(16), 2))
        (line,) = task.log.events(AWAY)
        assert (line["function"], line["code"]) == (FUNCTION, "ServiceUnavailable")
        assert len(task.log.events("the function answers again")) == 1
    for partition in range(16):
        assert executed(sink, partition) == [[0], [1]]
