"""Several functions of one connector: opened, checked and called, each as its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.config.topic_functions import TopicFunction
from kafka_lambda_sink.connector.functions import Functions, open_functions
from kafka_lambda_sink.core.errors import (
    ConfigError,
    ConfigurationInvocationError,
    InvocationAborted,
    PartitionStopped,
    TransientInvocationError,
)
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.pipeline.function_gate import FunctionGate
from kafka_lambda_sink.pipeline.gated_invoker import GatedInvoker
from tests.support.running_task import capturing_log

FAILED = "the check of a function failed"
ABROAD = "arn:aws:lambda:eu-west-1:123456789012:function:refund"


def answer(text: bytes) -> PythonHandler:
    return PythonHandler(lambda _: text)


@pytest.fixture
def endpoint() -> Iterator[InvokeEndpoint]:
    functions = [
        Function(name="price", handler=answer(b'"price"'), timeout=20, aliases={"live": "3"}, versions=("3",)),
        Function(name="refund", handler=answer(b'"refund"'), timeout=40, region="eu-west-1"),
    ]
    with InvokeEndpoint(functions) as running:
        yield running


@pytest.fixture
def config(endpoint: InvokeEndpoint) -> Callable[..., SinkConfig]:
    def make(*pairs: tuple[str, str], **changes: object) -> SinkConfig:
        values = {
            "name": "n",
            "bootstrap_servers": "b:1",
            "topics": tuple(topic for topic, _ in pairs),
            "aws_lambda_configuration_mode": "multiple",
            "aws_lambda_topic2function_map": tuple(TopicFunction(*pair) for pair in pairs),
            "aws_lambda_region": "us-east-1",
            "aws_lambda_endpoint_url": endpoint.url,
            "aws_access_key_id": "AKIALOCAL",
            "aws_secret_access_key": "secret",
        }
        return SinkConfig.model_validate(values | changes)

    return make


def prepared(config: SinkConfig) -> Functions:
    functions = Functions(config, SystemClock())
    functions.prepare(threading.Event(), 1.0)
    return functions


def gate_of(functions: Functions, topic: str) -> FunctionGate:
    invoker = functions.invoker(topic)
    assert isinstance(invoker, GatedInvoker)
    invoker.close()
    return invoker._gate


def test_each_topic_reaches_its_own_function_in_its_own_region(config, endpoint):
    functions = prepared(config(("orders", "price:live"), ("returns", ABROAD), ("refunds", ABROAD)))
    found = {}
    for topic in ("orders", "returns", "refunds"):
        with closing(functions.invoker(topic)) as invoker:
            reply = invoker.invoke(b"[]")
            found[topic] = (reply.payload, reply.executed_version)
    assert found == {
        "orders": (b'"price"', "3"),
        "returns": (b'"refund"', "$LATEST"),
        "refunds": (b'"refund"', "$LATEST"),
    }
    calls = [entry.call for entry in endpoint.journal.requests()]
    assert (calls.count("DryRun"), calls.count("GetFunctionConfiguration")) == (2, 2), "each function is asked once"
    assert [each["region"] for each in functions.describe()] == ["us-east-1", "eu-west-1"]


def test_each_function_has_its_own_read_timeout(config, monkeypatch):
    waited = {}
    invoker = FunctionClient.invoker
    monkeypatch.setattr(
        FunctionClient,
        "invoker",
        lambda self, timeout: waited.update({self.describe()["function"]: timeout.seconds}) or invoker(self, timeout),
    )
    functions = prepared(config(("orders", "price"), ("returns", ABROAD)))
    for topic in ("orders", "returns"):
        functions.invoker(topic).close()
    assert waited == {"price": 35.0, ABROAD: 55.0}


def test_what_is_wrong_with_any_function_is_told_of_each(config):
    functions = Functions(config(("a", "nope"), ("b", "price"), ("c", "price:gone"), ("d", ABROAD)), SystemClock())
    with capturing_log() as log, pytest.raises(ConfigurationInvocationError):
        functions.prepare(threading.Event(), 1.0)
    told = {line["function"]: line["hint"] for line in log.events(FAILED)}
    assert told.keys() == {"nope", "price:gone"}
    assert "nope" in told["nope"]


def test_one_that_is_wrong_counts_more_than_one_that_is_away(config, endpoint):
    endpoint.faults.add(faults.Throttle(), call="DryRun", function="price", times=None)
    functions = Functions(config(("a", "price"), ("b", "nope")), SystemClock())
    with capturing_log() as log, pytest.raises(ConfigurationInvocationError):
        functions.prepare(threading.Event(), 0.2)
    assert {line["function"] for line in log.events(FAILED)} == {"price", "nope"}


def test_one_that_is_away_is_waited_for(config, endpoint):
    endpoint.faults.add(faults.Throttle(), call="DryRun", function="price", times=None)
    functions = Functions(config(("a", "price"), ("b", ABROAD)), SystemClock())
    with pytest.raises(TransientInvocationError):
        functions.prepare(threading.Event(), 0.2)


def test_a_stop_ends_the_questions(config, endpoint):
    endpoint.faults.add(faults.Throttle(), call="DryRun", times=None)
    stop = threading.Event()
    stop.set()
    with pytest.raises(InvocationAborted):
        Functions(config(("a", "price"), ("b", ABROAD)), SystemClock()).prepare(stop, 60.0)


def test_functions_of_a_region_share_their_session_and_all_share_the_credentials(config):
    clients, problems = open_functions(config(("a", "price"), ("b", "price:live"), ("c", ABROAD)), SystemClock())
    assert problems == []
    first, second, third = (client._access for client in clients.values())
    assert first is second
    assert first is not third
    assert first.credentials is third.credentials


def test_a_problem_of_all_is_told_once(config, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "http://10.1.2.3:80")
    with pytest.raises(ConfigError) as raised:
        Functions(config(("a", "price"), ("b", ABROAD), aws_lambda_endpoint_url=None), SystemClock())
    (problem,) = raised.value.problems
    assert problem.error_id == "weak-security"


def test_a_topic_without_a_function_stops_at_its_first_record(config):
    functions = prepared(config(("a", "price"), topics=(), topics_regex=".*"))
    with capturing_log() as log:
        invoker = functions.invoker("b")
    (warning,) = log.events("the topic b has no function: its partitions stop at their first record")
    assert warning["error_id"] == "missing-function"
    with closing(invoker), pytest.raises(PartitionStopped, match="the topic b has no function") as raised:
        invoker.invoke(b"[]")
    assert "aws.lambda.topic2function.map" in (raised.value.hint or "")


def test_the_names_of_a_function_share_its_gate(config):
    named = prepared(config(("a", "price"), ("b", "price:live"), ("c", ABROAD), aws_lambda_concurrency=1))
    first, second, other = (gate_of(named, topic) for topic in ("a", "b", "c"))
    assert first is second
    assert first is not other
    assert "limit 1," in repr(other)


def test_without_a_number_there_is_no_limit(config):
    assert gate_of(prepared(config(("a", "price"))), "a").is_plain
