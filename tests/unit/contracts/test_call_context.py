"""What goes beside a payload: identity, trace, and the name of an execution."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from botocore.session import Session
from hypothesis import given

from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.contracts.trace_context import parse_traceparent
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.ports import CallContext
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from tests.support.records import TP, record

TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CONTEXTS = CallContexts(tp=TP, connector="sink", group="connect-sink", function="orders:prod")


def batch(*records: SourceRecord, payload: bytes = b"[]", tenant: str | None = None) -> Batch:
    return Batch(payload, records, [None] * len(records), tenant)


def custom(context: CallContext) -> dict[str, Any]:
    assert context.client_context is not None
    document: dict[str, Any] = json.loads(context.client_context)
    assert list(document) == ["custom"]
    values: dict[str, Any] = document["custom"]
    return values


def execution_name(under_test: CallContexts, item: Batch, attempt: int = 1, failed_attempts: int = 0) -> str:
    name = replace(under_test, names_executions=True).of(item, attempt, failed_attempts).durable_name
    assert name is not None
    return name


def test_nothing_is_made_that_nobody_asked_for():
    assert CONTEXTS.of(batch(record(5, headers=[("traceparent", TRACE)])), 1, 0) == CallContext()


def test_the_identity_of_a_batch_in_texts_as_java_wants_them():
    context = replace(CONTEXTS, has_client_context=True).of(batch(record(5), record(9)), 3, 1)

    assert custom(context) == {
        "connector": "sink",
        "topic": "orders",
        "partition": "3",
        "firstOffset": "5",
        "lastOffset": "9",
        "count": "2",
        "attempt": "3",
    }


@given(st.text(max_size=2000), st.text(max_size=249), st.integers(0, 2**31), st.integers(0, 2**63 - 2))
def test_a_client_context_always_fits(connector: str, topic: str, partition: int, offset: int):
    named = replace(CONTEXTS, connector=connector, tp=TopicPartition(topic, partition), propagates_trace=True)
    context = replace(named, has_client_context=True).of(batch(record(offset, headers=[("traceparent", TRACE)])), 99, 0)

    assert context.client_context is not None
    assert len(b64encode(context.client_context)) <= 3583


def test_the_trace_is_that_of_the_first_record_that_has_a_valid_one():
    item = batch(
        record(0),
        record(1, headers=[("traceparent", b"00-zz")]),
        record(2, headers=[("traceparent", None), ("Traceparent", TRACE)]),
        record(3, headers=[("traceparent", TRACE.replace(b"0af", b"1af"))]),
    )

    context = replace(CONTEXTS, propagates_trace=True, has_client_context=True).of(item, 1, 0)

    assert context.trace_header == "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"
    assert custom(context)["traceparent"] == TRACE.decode()


def test_without_a_valid_one_there_is_no_trace():
    item = batch(record(0), record(1, headers=[("traceparent", TRACE.upper())]))

    context = replace(CONTEXTS, propagates_trace=True, has_client_context=True).of(item, 1, 0)

    assert context.trace_header is None
    assert "traceparent" not in custom(context)


@pytest.mark.parametrize(
    ("header", "sampled"),
    [(TRACE, True), (TRACE[:-2] + b"00", False), (TRACE[:-2] + b"fe", False), (b"cc" + TRACE[2:] + b"-later", True)],
)
def test_which_traces_are_sampled(header: bytes, *, sampled: bool):
    trace = parse_traceparent(header)

    assert trace is not None
    assert trace.is_sampled is sampled
    assert trace.xray.endswith(f";Sampled={int(sampled)}")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        TRACE + b"-later",
        TRACE + b"\n",
        b"ff" + TRACE[2:],
        b"00-" + b"0" * 32 + TRACE[35:],
        TRACE[:36] + b"0" * 16 + b"-01",
        TRACE[:-1],
        TRACE[:-1] + b"g",
        TRACE.upper(),
        b"cc" + TRACE[2:] + b"later",
        b"cc" + TRACE[2:] + b"-a\r\nX-Evil: 1",
    ],
)
def test_what_is_no_traceparent_is_none(header: bytes):
    assert parse_traceparent(header) is None


@given(
    st.text(max_size=300),
    st.text("abc._-", min_size=1, max_size=249),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 2),
    st.binary(),
)
def test_an_execution_name_is_one_that_the_service_model_takes(
    group: str, topic: str, partition: int, offset: int, payload: bytes
):
    shape = Session().get_service_model("lambda").operation_model("Invoke").input_shape
    assert shape is not None
    rules = shape.members["DurableExecutionName"].metadata
    named = replace(CONTEXTS, group=group, tp=TopicPartition(topic, partition))

    name = execution_name(named, batch(record(offset), payload=payload))

    assert re.fullmatch(rules["pattern"], name)
    assert rules["min"] <= len(name) <= rules["max"]


def test_whoever_sends_the_same_records_again_gives_the_execution_the_same_name():
    def again() -> str:
        return execution_name(replace(CONTEXTS), batch(record(5), record(9), payload=b"[1,2]"))

    assert again() == again()
    # Written down: a release that names executions anew runs what runs already once more.
    assert again() == "orders-3-5-DGRBQZzif6ll1McLw-dhK2Uws5x5YPLB"


def test_everything_that_makes_another_execution_gives_it_another_name():
    whole: Sequence[SourceRecord] = (record(5), record(9))
    names = [
        execution_name(CONTEXTS, batch(*whole)),
        execution_name(CONTEXTS, batch(*whole), failed_attempts=1),
        execution_name(CONTEXTS, batch(*whole, payload=b"[1]")),
        execution_name(CONTEXTS, batch(record(4), record(9))),
        execution_name(CONTEXTS, batch(record(5), record(8))),
        execution_name(replace(CONTEXTS, group="other"), batch(*whole)),
        execution_name(replace(CONTEXTS, function="orders:8"), batch(*whole)),
        execution_name(replace(CONTEXTS, tp=TopicPartition("orders", 4)), batch(*whole)),
        execution_name(replace(CONTEXTS, tp=TopicPartition("order5", 3)), batch(*whole)),
    ]

    assert len({name[-32:] for name in names}) == len(names)
    # An attempt of which nobody knows the end asks for the same execution.
    assert execution_name(CONTEXTS, batch(*whole), attempt=7) == names[0]
