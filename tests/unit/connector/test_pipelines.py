"""From a configuration's text to what a pipeline does: how often records are sent, and what goes beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.connector.conversion import Conversions
from kafka_lambda_sink.connector.pipelines import PipelineFactory
from kafka_lambda_sink.connector.request_formats import contract_maker
from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import TransientInvocationError
from kafka_lambda_sink.core.ports import InvokeReply, Position, SchemaRegistry
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.assignment import Assignment
from kafka_lambda_sink.pipeline.counters import CounterBook
from kafka_lambda_sink.pipeline.judgement import BehaviorOnError, Policy
from tests.support.config_text import FIVE
from tests.support.fakes import Answer, FakeFetcher, ScriptedInvoker
from tests.support.records import TP, record
from tests.support.stepped_clock import SteppedClock

FAILED = InvokeReply(200, b'{"errorMessage":"no"}', function_error="Unhandled")
OLD = (1, 1_000_000 - 60_000)
#: Of the configuration's further lines, the partition's log and the function's answers.
Deliver: TypeAlias = Callable[..., ScriptedInvoker]


def throttled() -> TransientInvocationError:
    return TransientInvocationError("slow down", code="TooManyRequestsException", status=429)


def naming(*offsets: int) -> InvokeReply:
    return InvokeReply(200, json.dumps({"batchItemFailures": [{"itemIdentifier": one} for one in offsets]}).encode())


def no_registry(part: str) -> SchemaRegistry:
    raise AssertionError(part)


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    def deliver(text: str, records: Sequence[SourceRecord], *script: Answer) -> ScriptedInvoker:
        path = tmp_path / "sink.properties"
        path.write_text(f"{FIVE}aws.lambda.retry.backoff.ms=1\n{text}", encoding="utf-8")
        loaded = load(path, environ={})
        clock, fetcher, invoker = SteppedClock(), FakeFetcher(records), ScriptedInvoker(*script)
        policy = Policy(
            behavior_on_error=BehaviorOnError.LOG,
            tolerates_errant_records=False,
            log_errant_records=False,
            log_timestamps=False,
            results=None,
            errors=None,
            dead_letters=None,
        )
        factory = PipelineFactory(
            config=loaded.sink,
            group_id="connect-orders",
            policies={"handle-orders": policy},
            conversions=Conversions(loaded.sink, loaded.transforms, clock, no_registry),
            open_contract=contract_maker(loaded.sink),
            open_fetcher=lambda _: fetcher,
            open_invoker=lambda _: invoker,
            counters=CounterBook(),
            clock=clock,
            alarms=Alarms(clock),
        )
        pipeline = factory.open(Assignment(TP, "A", 1, Position(0)), lambda: None)
        fetcher.when_empty = pipeline.drain
        pipeline.run()
        assert pipeline.progress.committable == Position(len(records), None)
        return invoker

    return deliver


def offsets(invoker: ScriptedInvoker) -> list[list[int]]:
    return [[entry["payload"]["offset"] for entry in json.loads(payload)] for payload in invoker.payloads]


NAMES = "aws.lambda.reply.contract=batch-item-failures\n"
RETRIES = "aws.lambda.retry.function.errors=-1\n"


@pytest.mark.parametrize(
    ("text", "script", "sent"),
    [
        ("", [FAILED], [[0, 1, 2]]),
        ("aws.lambda.retry.function.errors=1\n", [FAILED] * 9, [[0, 1, 2]] * 2),
        (RETRIES, [FAILED] * 5, [[0, 1, 2]] * 6),
        ("aws.lambda.bisect.on.error=true\n", [FAILED], [[0, 1, 2], [0], [1, 2]]),
        (f"{RETRIES}aws.lambda.max.attempts=3\n", [FAILED, throttled(), FAILED] * 9, [[0, 1, 2]] * 3),
        (f"{RETRIES}aws.lambda.record.max.age.ms=60000\n", [FAILED], [[0, 1, 2], [0, 1]]),
        (f"{RETRIES}aws.lambda.record.max.age.ms=60001\n", [FAILED], [[0, 1, 2]] * 2),
        (NAMES, [naming(0, 2)], [[0, 1, 2]]),
        (NAMES + RETRIES, [naming(1), naming()], [[0, 1, 2], [1, 2]]),
        (f"{NAMES}{RETRIES}aws.lambda.retry.scope=ALONE\n", [naming(0, 2), naming()], [[0, 1, 2], [0, 2]]),
        ("", [throttled()] * 5, [[0, 1, 2]] * 6),
        ("aws.lambda.retry.max.attempts=2\n", [throttled()] * 9, [[0, 1, 2]] * 2),
    ],
)
def test_how_often_records_are_sent(deliver: Deliver, text: str, script: list[Answer], sent: list[list[int]]):
    records = [record(0), record(1), record(2, timestamp=OLD)]
    assert offsets(deliver(text, records, *script)) == sent


def test_what_goes_beside_a_batch(deliver: Deliver):
    trace = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    text = (
        "aws.lambda.client.context=true\naws.lambda.trace.propagate=true\naws.lambda.durable.name=true\n"
        "aws.lambda.tenant.id.from=key\n"
    )
    records = [record(0, key=b"blue", headers=[trace]), record(1, key=b"blue")]
    invoker = deliver(text, records)
    (call,) = invoker.calls
    assert call is not None
    assert json.loads(call.client_context or b"")["custom"]["connector"] == "orders"
    assert call.tenant_id == "blue"
    assert (call.trace_header or "").startswith("Root=1-0af76519-")
    named = CallContexts(tp=TP, connector="", group="connect-orders", function="handle-orders", names_executions=True)
    assert call.durable_name == named.of(Batch(invoker.payloads[0], records, []), 1, 0).durable_name


def test_the_halves_of_a_tenants_batch_are_the_tenants(deliver: Deliver):
    text = "aws.lambda.tenant.id.from=key\naws.lambda.bisect.on.error=true\n"
    invoker = deliver(text, [record(0, key=b"blue"), record(1, key=b"blue"), record(2, key=b"green")], FAILED)
    assert offsets(invoker) == [[0, 1], [0], [1], [2]]
    assert [call.tenant_id for call in invoker.calls if call] == ["blue", "blue", "blue", "green"]


def test_an_event_has_no_client_context(deliver: Deliver):
    text = "aws.lambda.client.context=true\naws.lambda.invocation.type=async\n"
    assert deliver(text, [record(0)], InvokeReply(202, b"")).calls == [None]


@pytest.mark.parametrize(
    ("kind", "size", "sent"),
    [
        ("sync", 6_200_000, [[0], [1], [2]]),
        ("sync", 6_300_000, [[0], [2]]),
        ("async", 1_040_000, [[0], [1], [2]]),
        ("async", 1_050_000, [[0], [2]]),
    ],
)
def test_a_record_is_sent_alone_up_to_lambdas_own_limit(deliver: Deliver, kind: str, size: int, sent: list[list[int]]):
    large = record(1, b'"%b"' % (b"x" * size))
    answer = InvokeReply(202 if kind == "async" else 200, b"")
    invoker = deliver(f"aws.lambda.invocation.type={kind}\n", [record(0), large, record(2)], *[answer] * 3)
    assert offsets(invoker) == sent
