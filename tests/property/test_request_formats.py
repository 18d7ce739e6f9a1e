"""Whatever the records: every format makes JSON with one entry a record, of the size that was counted on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
from aws_lambda_powertools.utilities.data_classes import KafkaEvent
from hypothesis import given

from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.formats.aws_event import build_aws_msk, build_aws_self_managed
from kafka_lambda_sink.contracts.formats.cloudevents import build_cloudevents
from kafka_lambda_sink.contracts.formats.confluent import build_confluent
from kafka_lambda_sink.contracts.formats.envelope import enveloped
from kafka_lambda_sink.contracts.formats.nordstrom import build_nordstrom_json, build_nordstrom_plain
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat, single
from kafka_lambda_sink.contracts.formats.rows import RowOptions, build_rows
from kafka_lambda_sink.contracts.formats.values import build_values
from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import RecordTooLargeError
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from tests.support.formatting import batch_of, path_to
from tests.support.records import TP, record

SELF_MANAGED = build_aws_self_managed(bootstrap_servers="b")

#: Each with the way from the parsed request to its entries.
FORMATS: dict[str, tuple[RequestFormat, Callable[[Any], Any]]] = {
    "confluent": (build_confluent(), lambda request: request),
    "escaped": (build_confluent(escaped=("key", "value"), writes_headers=True), lambda request: request),
    "self-managed": (SELF_MANAGED, lambda request: request["records"]["orders-3"]),
    "msk": (
        build_aws_msk(bootstrap_servers="b", event_source_arn="arn"),
        lambda request: request["records"]["orders-3"],
    ),
    "nordstrom-plain": (build_nordstrom_plain(), lambda request: request),
    "nordstrom-json": (build_nordstrom_json(key_visibility="all", value_visibility="all"), lambda request: request),
    "rows": (build_rows(RowOptions()), lambda request: request["rows"]),
    "cloudevents": (build_cloudevents(event_type="t", connector="c"), lambda request: request),
    "values": (build_values(), lambda request: request),
    "values, single": (single(build_values()), lambda request: [request]),
    "nordstrom-plain, single": (single(build_nordstrom_plain()), lambda request: [request]),
    "template": (enveloped(build_values(), '{"a":{"b":["${records}"]}}', connector="c"), lambda it: it["a"]["b"][0]),
}

#: Batches have one record.
SINGLE = {name for name in FORMATS if name.endswith("single")}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=6,
)
#: JSON as one of its writers has it, or a tombstone.
VALUES = st.none() | st.builds(lambda it, indent: json.dumps(it, indent=indent).encode(), JSON, st.none() | st.just(1))
HEADER_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=4)
RAW = st.none() | st.binary(max_size=40)
HEADERS = st.lists(st.tuples(HEADER_NAMES, RAW), max_size=3)


def records_of(contents: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]]) -> list[SourceRecord]:
    return [
        record(3 * offset, value, key, headers=headers or None) for offset, (value, key, headers) in enumerate(contents)
    ]


@pytest.mark.parametrize("name", FORMATS)
@given(
    contents=st.lists(
        st.tuples(VALUES, st.none() | st.text(max_size=5).map(str.encode), HEADERS), min_size=1, max_size=5
    ),
    max_records=st.integers(min_value=1, max_value=10),
    max_bytes=st.integers(min_value=1, max_value=1500),
    more_for_one=st.integers(min_value=0, max_value=600),
)
def test_each_request_is_json_with_an_entry_a_record_and_never_above_the_limit(
    name: str, contents: Any, max_records: int, max_bytes: int, more_for_one: int
):
    request_format, entries_of = FORMATS[name]
    max_records = 1 if name in SINGLE else max_records
    limits = BatchLimits(max_records, max_bytes, max_bytes + more_for_one)
    assembler = BatchAssembler(path_to(request_format), limits, request_format.frame(TP))
    records = records_of(contents)
    seen: list[SourceRecord] = []
    for item in assembler.batches(records):
        if isinstance(item, FailedRecord):
            assert isinstance(item.error, RecordTooLargeError)
            alone = batch_of(request_format, path_to(request_format), item.record)
            assert len(alone.payload) > limits.single_max_bytes
            seen.append(item.record)
            continue
        assert isinstance(item, Batch), item
        assert len(item.payload) <= (limits.single_max_bytes if item.count == 1 else max_bytes)
        assert len(entries_of(json.loads(item.payload))) == item.count <= max_records
        seen += item.records
        if item.count > 1:
            for half in assembler.split(item):
                assert len(half.payload) <= max_bytes
                assert len(entries_of(json.loads(half.payload))) == half.count
    assert seen == records


@given(contents=st.lists(st.tuples(RAW, RAW, HEADERS), min_size=1, max_size=5))
def test_a_function_behind_awss_event_gets_every_byte(contents: Any):
    records = records_of(contents)
    payload = batch_of(SELF_MANAGED, path_to(SELF_MANAGED, key="bytes", value="bytes"), *records).payload
    read = list(KafkaEvent(json.loads(payload)).records)
    assert [it.offset for it in read] == [it.offset() for it in records]
    assert [it.decoded_key for it in read] == [it.key() for it in records]
    assert [it.decoded_value if it.get("value") is not None else None for it in read] == [it.value() for it in records]
    headers = [
        [(name, bytes(byte & 0xFF for byte in signed)) for header in it.headers for name, signed in header.items()]
        for it in read
    ]
    assert headers == [[(name, raw or b"") for name, raw in it.headers() or ()] for it in records]


@given(topic=st.text(min_size=1), connector=st.text(), around=JSON)
def test_a_template_holds_what_its_names_stand_for(topic: str, connector: str, around: Any):
    template = {
        "around": _without_placeholders(around),
        "is": "${topic}|${partition}|${connector}",
        "all": "${records}",
    }
    request_format = enveloped(build_values(), json.dumps(template), connector=connector)
    request = json.loads(request_format.frame(TopicPartition(topic, 7)).payload([]))
    assert request == {**template, "is": f"{topic}|7|{connector}", "all": []}


def _without_placeholders(value: Any) -> Any:
    return json.loads(json.dumps(value).replace("${", "$"))
