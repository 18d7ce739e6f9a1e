"""What goes beside the payload, from a properties file to the function, on a real broker."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable

import pytest

from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from kafka_lambda_sink.local.journal import Entry
from tests.support.running_task import FUNCTION, Sink, echo

TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MakeSink = Callable[..., Sink]


@pytest.fixture
def replace_function(lambda_endpoint: InvokeEndpoint) -> Callable[..., None]:
    def replace(
        code: Callable[[bytes], bytes] = echo, *, is_tenant_isolated: bool = False, is_durable: bool = False
    ) -> None:
        lambda_endpoint.add_function(
            Function(
                name=FUNCTION,
                handler=PythonHandler(code),
                timeout=60,
                is_tenant_isolated=is_tenant_isolated,
                is_durable=is_durable,
            )
        )

    return replace


def header(entry: Entry, name: str) -> str | None:
    return next((value for found, value in entry.headers if found.lower() == name.lower()), None)


def custom(entry: Entry) -> dict[str, str]:
    found: dict[str, str] = json.loads(base64.b64decode(header(entry, "X-Amz-Client-Context") or ""))["custom"]
    return found


def test_a_batch_says_who_it_is_and_how_often_it_came_and_goes_on_with_its_trace(sink: Sink):
    sink.endpoint.faults.script([faults.Throttle()])
    sink.produce([(b"k", b'{"n":1}'), (b"k", b'{"n":2}', [("traceparent", TRACE)])])
    with sink.running({"aws.lambda.client.context": "true", "aws.lambda.trace.propagate": "true"}) as task:
        task.wait_committed({0: 2})
    requests = sink.requests()
    assert [custom(entry)["attempt"] for entry in requests] == ["1", "2"]
    assert custom(requests[-1]) == {
        "connector": sink.name,
        "topic": sink.source,
        "partition": "0",
        "firstOffset": "0",
        "lastOffset": "1",
        "count": "2",
        "attempt": "2",
        "traceparent": TRACE.decode(),
    }
    trace = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"
    assert {header(entry, "X-Amzn-Trace-Id") for entry in requests} == {trace}


@pytest.mark.parametrize("source", ["key", "header:tenant", "value:of.tenant"])
def test_each_invocation_is_of_one_tenant_and_who_has_none_is_an_errant_record(
    sink: Sink, replace_function: Callable[..., None], source: str
):
    replace_function(is_tenant_isolated=True)
    tenants = [b"blue", b"blue", b"green", b"a,b", b"green", b"blue"]
    sink.produce([(name, b'{"of":{"tenant":"%b"}}' % name, [("tenant", name)]) for name in tenants])
    properties = {
        "aws.lambda.tenant.id.from": source,
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": sink.dead_letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }
    with sink.running(properties) as task:
        task.wait_committed({0: 6})
    sent = [
        (header(entry, "X-Amz-Tenant-Id"), offsets)
        for entry, offsets in zip(sink.requests(), sink.offsets(), strict=True)
    ]
    assert sent == [("blue", [0, 1]), ("green", [2]), ("green", [4]), ("blue", [5])]
    (dead,) = sink.read(sink.dead_letters)
    assert dead.key() == b"a,b"


def test_a_batch_that_a_killed_task_has_sent_gets_the_execution_that_it_has(
    sink: Sink, replace_function: Callable[..., None]
):
    begun, may_end = threading.Event(), threading.Event()

    def slow(event: bytes) -> bytes:
        begun.set()
        may_end.wait(30)
        return echo(event)

    replace_function(slow, is_durable=True)
    sink.produce([b'{"n":1}', b'{"n":2}'])
    properties = {
        "aws.lambda.durable.name": "true",
        "aws.lambda.response.topic": sink.results,
        "aws.lambda.response.replication.factor": "1",
        "shutdown.timeout.ms": "1000",
    }
    with sink.running(properties) as task:
        task.wait_for(begun.is_set, "the function runs")
    assert sink.committed().get(0, 0) == 0

    with sink.running(properties) as task:
        may_end.set()
        task.wait_committed({0: 2})

    names = {
        header(entry, "X-Amz-Durable-Execution-Name") for entry in sink.endpoint.journal.requests("RequestResponse")
    }
    assert len(names) == 1
    assert len(sink.endpoint.journal.executions()) == 1
    assert len(sink.read(sink.results)) == 2


def test_without_any_of_it_nothing_goes_beside_the_payload(sink: Sink):
    sink.produce([(b"k", b'{"n":2}', [("traceparent", TRACE)])])
    with sink.running() as task:
        task.wait_committed({0: 1})
    (entry,) = sink.requests()
    beside = {"X-Amz-Client-Context", "X-Amz-Tenant-Id", "X-Amzn-Trace-Id", "X-Amz-Durable-Execution-Name"}
    assert [name for name in beside if header(entry, name) is not None] == []
