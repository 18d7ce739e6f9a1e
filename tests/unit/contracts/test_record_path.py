"""The long way of a record, on readers and embedders of the test."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import cast

import msgspec

from kafka_lambda_sink.contracts.formats.confluent import build_confluent
from kafka_lambda_sink.contracts.formats.sent_record import SentRecord
from kafka_lambda_sink.contracts.record_path import Part, RecordPath
from kafka_lambda_sink.contracts.request import Conversion, encode
from kafka_lambda_sink.converters.converter import Embeddable
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.schema import OPTIONAL_STRING, Schema
from kafka_lambda_sink.core.sink_record import Predicate, SchemaAndValue, SinkRecord, Transform
from tests.support.records import record


def read_json(raw: bytes | None) -> SchemaAndValue:
    if raw == b"poison":
        raise RecordError("it is poison", stage="VALUE_CONVERTER")
    return SchemaAndValue(None, None if raw is None else json.loads(raw))


def read_text(raw: bytes | None) -> SchemaAndValue:
    return SchemaAndValue(OPTIONAL_STRING, None if raw is None else raw.decode())


def embed(_: Schema | None, value: object) -> Embeddable:
    return None if value is None else msgspec.Raw(json.dumps(value, separators=(",", ":")).encode())


TEXT, JSON = Part(read=read_text, embed=embed), Part(read=read_json, embed=embed)


def path(
    *, header: Part | None = None, transform: Transform | None = None, is_wanted: Predicate | None = None
) -> RecordPath:
    has_headers = header is not None
    return RecordPath(
        key=TEXT,
        value=JSON,
        header=header,
        transform=transform,
        is_wanted=is_wanted,
        entry=build_confluent(writes_headers=has_headers).entry,
    )


def sent(under_test: RecordPath, *records: SourceRecord) -> tuple[list[dict[str, object]], Conversion]:
    found = Conversion()
    under_test.convert(records, found)
    return [entry["payload"] for entry in json.loads(encode(found.entries))], found


def test_the_payload_is_that_of_the_fast_path():
    (payload,), _ = sent(path(), record(41, b'{"a": [1]}', b"k"))
    assert list(payload.items()) == [
        ("timestamp", 1_700_000_000_000), ("topic", "orders"), ("partition", 3), ("offset", 41),
        ("key", "k"), ("value", {"a": [1]}),
    ]  # fmt: skip


def test_a_tombstone_and_a_missing_timestamp_are_null():
    (payload,), _ = sent(path(), record(1, None, None, timestamp=(0, -1)))
    assert payload["timestamp"] is payload["key"] is payload["value"] is None


def test_headers_come_in_order_and_all_of_them():
    headers = [("trace", b"a"), ("none", None), ("trace", b"b")]
    (payload,), _ = sent(path(header=TEXT), record(1, headers=headers))
    assert payload["headers"] == [
        {"name": "trace", "value": "a"}, {"name": "none", "value": None}, {"name": "trace", "value": "b"},
    ]  # fmt: skip
    (payload,), _ = sent(path(header=TEXT), record(1))
    assert payload["headers"] == []


def test_coordinates_stay_the_originals_whatever_a_transform_does():
    def route(it: SinkRecord) -> SinkRecord:
        return replace(it, topic="elsewhere", partition=99, key="new", value=[it.value], timestamp=5)

    (payload,), _ = sent(path(transform=route), record(7, b"1", b"old"))
    assert payload == {
        "timestamp": 5, "topic": "orders", "partition": 3, "offset": 7, "key": "new", "value": [1],
    }  # fmt: skip


def test_dropped_failed_and_sent_records_are_kept_apart():
    records = [record(offset, value) for offset, value in enumerate((b"1", b"2", b"poison", b"3", b"4"))]
    found = Conversion()
    path(
        transform=lambda it: None if it.value == 2 else it,
        is_wanted=lambda it: it.value != 3,
    ).convert(records, found)
    assert [each.offset() for each in found.records] == [0, 4]
    assert [each.offset() for each, _ in found.failures] == [2]
    assert found.dropped == 2


def test_a_record_whose_entry_is_null_is_sent_all_the_same():
    found = Conversion()
    RecordPath(key=TEXT, value=JSON, header=None, transform=None, is_wanted=None, entry=lambda it: it.value).convert(
        [record(1, None), record(2, b"1")], found
    )
    assert encode(found.entries) == b"[null,1]"
    assert found.dropped == 0


def test_a_header_with_an_unreadable_name_fails_its_record_alone():
    class Unreadable:
        def __getattr__(self, name: str) -> object:
            return getattr(record(1), name)

        def headers(self) -> list[tuple[str, bytes | None]]:
            raise SystemError

    found = Conversion()
    path(header=TEXT).convert([cast("SourceRecord", Unreadable()), record(2)], found)
    assert [error.stage for _, error in found.failures] == ["HEADER_CONVERTER"]
    assert [it.offset() for it in found.records] == [2]


def test_a_format_knows_what_transforms_have_left_alone():
    seen = []

    def entry(it: SentRecord) -> object:
        seen.append((it.has_own_key, it.has_own_value, it.has_own_headers))
        return None

    def run(transform: Transform | None) -> None:
        RecordPath(key=TEXT, value=JSON, header=TEXT, transform=transform, is_wanted=None, entry=entry).convert(
            [record(1, b"[1]", b"k", headers=[("a", b"b")])], Conversion()
        )

    run(None)
    run(lambda it: replace(it, key="other"))
    run(lambda it: replace(it, value=[1]))
    run(lambda it: replace(it, value_schema=OPTIONAL_STRING))
    run(lambda it: replace(it, headers=()))
    assert seen == [
        (True, True, True), (False, True, True), (True, False, True), (True, False, True), (True, True, False),
    ]  # fmt: skip
