"""Several topics of one connector, each with a function of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kafka_lambda_sink.core.errors import ConfigurationInvocationError
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.state import PipelineState, TaskState
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import FunctionFailure, PythonHandler
from tests.support.running_task import RunningTask, Sink, coordinates, echo, value_of

MakeSink = Callable[..., Sink]


def fail(_: bytes) -> bytes:
    raise FunctionFailure(b'{"errorType":"OutOfStock"}')


@pytest.fixture
def sink(make_sink: MakeSink, lambda_endpoint: InvokeEndpoint) -> Sink:
    for name, code in (("price", echo), ("refund", fail)):
        function = Function(name=name, handler=PythonHandler(code), aliases={"live": "3"}, versions=("3",))
        lambda_endpoint.add_function(function)
    return make_sink()


def of_topics(sink: Sink, pairs: dict[str, str], **more: str) -> dict[str, str | None]:
    """Properties of a sink that reads each topic whose name begins as that of its own."""
    return {
        "topics": None,
        "topics.regex": f"{sink.source}.*",
        "aws.lambda.function.name": None,
        "aws.lambda.configuration.mode": "multiple",
        "aws.lambda.topic2function.map": ",".join(f"{topic};{function}" for topic, function in pairs.items()),
        "aws.lambda.error.topic": sink.errors,
        "behavior.on.error": "log",
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def calls(sink: Sink) -> set[tuple[str | None, str | None]]:
    """The topics and functions of all invocations."""
    return {(entry.topic, f"{entry.function}:{entry.qualifier}") for entry in sink.requests()}


def wait_committed(task: RunningTask, sink: Sink, topic: str, offset: int) -> None:
    def committed() -> bool:
        found = sink.cluster.committed(sink.group, topic).get(0)
        return found is not None and found.offset == offset

    task.wait_for(committed, f"{topic} is committed at {offset}")


def test_each_topic_reaches_its_function_and_errors_say_which_it_was(sink: Sink):
    returns = sink.cluster.create_topic(name=f"{sink.source}-returns")
    with sink.running(of_topics(sink, {sink.source: "price:live", returns: "refund:3"})) as task:
        sink.produce([b'{"n":%d}' % number for number in range(3)])
        sink.cluster.produce(returns, [b'{"n":7}'])
        wait_committed(task, sink, sink.source, 3)
        wait_committed(task, sink, returns, 1)
    assert calls(sink) == {(sink.source, "price:live"), (returns, "refund:3")}
    (error,) = sink.read(sink.errors)
    assert coordinates(error)["topic"] == returns
    assert value_of(error)["functionName"] == "refund:3"
    assert value_of(error)["executedVersion"] == "3"


def test_what_a_regular_expression_comes_to_match_goes_to_the_function_of_the_rest(sink: Sink):
    properties = of_topics(sink, {sink.source: "price"}) | {"aws.lambda.function.name": "refund"}
    with sink.running(properties) as task:
        more = sink.cluster.create_topic(name=f"{sink.source}-more")
        sink.cluster.produce(more, [b'{"n":7}'])
        wait_committed(task, sink, more, 1)
    (error,) = sink.read(sink.errors)
    assert value_of(error)["functionName"] == "refund"


def test_a_topic_without_a_function_stops_alone_and_is_read_from_its_start_once_it_has_one(sink: Sink):
    properties = of_topics(sink, {sink.source: "price"}, auto_offset_reset="latest")
    stranger = sink.cluster.create_topic(name=f"{sink.source}-stranger")
    with sink.running(properties) as task:
        wait_committed(task, sink, stranger, 0)
        sink.cluster.produce(stranger, [b'{"n":7}'])

        def stopped() -> Exception | None:
            state, error = task.task.coordinator.states().get(TopicPartition(stranger, 0), (None, None))
            return error if state is PipelineState.FAILED else None

        error = task.wait_for(stopped, "the topic without a function stops")
        assert f"the topic {stranger} has no function" in str(error)
        assert task.task.coordinator.task_state() is TaskState.FAILED
        (told,) = task.log.events("partition stopped")
        assert "aws.lambda.topic2function.map" in told["hint"]
        sink.produce([b'{"n":1}'])
        wait_committed(task, sink, sink.source, 1)
    assert calls(sink) == {(sink.source, "price:None")}
    with sink.running(of_topics(sink, {sink.source: "price", stranger: "price"}, auto_offset_reset="latest")) as task:
        wait_committed(task, sink, stranger, 1)
    assert (stranger, "price:None") in calls(sink)


def test_a_function_that_is_deleted_stops_its_own_topics_and_the_others_run_on(sink: Sink):
    returns = sink.cluster.create_topic(name=f"{sink.source}-returns")
    with sink.running(of_topics(sink, {sink.source: "price", returns: "refund"})) as task:
        gone = faults.ApiError(404, "ResourceNotFoundException", "Function not found")
        sink.endpoint.faults.add(gone, function="refund", times=None)
        sink.cluster.produce(returns, [b'{"n":7}'])
        (told,) = task.wait_for(lambda: task.log.events("partition stopped"), "the topic of the deleted function stops")
        assert (told["partition"], told["topic"]) == (0, returns)
        sink.produce([b'{"n":1}'])
        wait_committed(task, sink, sink.source, 1)
        assert task.task.coordinator.task_state() is TaskState.FAILED
        assert task.task.failure is None
    assert (sink.cluster.committed(sink.group, returns)[0]).offset == 0


def test_a_function_that_is_missing_ends_the_start_and_is_named(sink: Sink):
    pairs = {sink.source: "price", f"{sink.source}-a": "nope", f"{sink.source}-b": "price:gone"}
    with pytest.raises(ConfigurationInvocationError), sink.running(of_topics(sink, pairs)):
        pytest.fail("it started")
    assert sink.committed() == {}
