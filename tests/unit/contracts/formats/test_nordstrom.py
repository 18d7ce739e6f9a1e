"""Nordstrom's payloads; texts and schemas as Java writes them are compared with Java's own by golden tables."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kafka_lambda_sink.contracts.formats.java_text import java_text
from kafka_lambda_sink.contracts.formats.nordstrom import build_nordstrom_json, build_nordstrom_plain
from kafka_lambda_sink.contracts.formats.schema_json import SchemaTexts
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import INT64, STRING, Field, Schema, Struct, Type
from kafka_lambda_sink.core.sink_record import SchemaAndValue
from tests.support.formatting import part_of, request_of
from tests.support.golden import Case, cases
from tests.support.records import record

ORDER = Schema(type=Type.STRUCT, name="Order", version=1, fields=(Field("id", INT64), Field("note", STRING)))
ORDERS = part_of(
    lambda raw: SchemaAndValue(ORDER, None if raw is None else Struct(ORDER, json.loads(raw))), "VALUE_CONVERTER"
)
PLACE = {
    "topic": "orders", "partition": 3, "offset": 41, "timestamp": 1_700_000_000_000, "timestampTypeName": "CreateTime",
}  # fmt: skip


def test_the_plain_payload_in_its_order():
    (sent,) = request_of(build_nordstrom_plain(), record(41, b'{"id": 1, "note": "x"}', b"k1"), value=ORDERS)
    assert list(sent.items()) == [
        ("key", "k1"), ("keySchemaName", None), ("value", "Struct{id=1,note=x}"), ("valueSchemaName", "Order"),
        *PLACE.items(),
    ]  # fmt: skip


def test_null_is_the_empty_text_and_no_timestamp_is_zero():
    (sent,) = request_of(build_nordstrom_plain(), record(1, None, None, timestamp=(0, -1)))
    assert (sent["key"], sent["value"], sent["timestamp"], sent["timestampTypeName"]) == ("", "", 0, "NoTimestampType")
    (sent,) = request_of(build_nordstrom_plain(), record(1, timestamp=(2, 7)))
    assert sent["timestampTypeName"] == "LogAppendTime"
    (sent,) = request_of(build_nordstrom_json(), record(1, None, None, timestamp=(0, -1)))
    assert (sent["key"], sent["value"], sent["timestamp"]) == (None, None, 0)


def test_the_json_payload_in_its_order():
    (sent,) = request_of(build_nordstrom_json(), record(41, b'{"id": 1, "note": "x"}', b"k1"), value=ORDERS)
    assert list(sent.items()) == [
        ("key", "k1"), ("keySchemaName", None), ("keySchemaVersion", None), ("value", {"id": 1, "note": "x"}),
        ("valueSchemaName", "Order"), ("valueSchemaVersion", "1"), *PLACE.items(),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("visibility", "name", "version", "is_enveloped"),
    [("none", None, None, False), ("min", "Order", "1", False), ("all", "Order", "1", True)],
)
def test_visibility_of_schemas(visibility: Any, name: str | None, version: str | None, *, is_enveloped: bool):
    request_format = build_nordstrom_json(value_visibility=visibility)
    (sent,) = request_of(request_format, record(41, b'{"id": 1, "note": "x"}'), value=ORDERS)
    assert (sent["valueSchemaName"], sent["valueSchemaVersion"]) == (name, version)
    value = {"id": 1, "note": "x"}
    if is_enveloped:
        assert sent["value"]["payload"] == value
        assert sent["value"]["schema"]["name"] == "Order"
    else:
        assert sent["value"] == value


def test_what_has_no_schema_is_never_in_an_envelope():
    request_format = build_nordstrom_json(key_visibility="all", value_visibility="all")
    (sent,) = request_of(request_format, record(1, b'{"a": 1}', b"k"))
    assert sent["value"] == {"a": 1}
    assert sent["key"] == {"schema": {"type": "string", "optional": True}, "payload": "k"}


def test_the_topic_of_a_transform_is_sent_as_there():
    (sent,) = request_of(
        build_nordstrom_plain(), record(1), transform=lambda it: replace(it, topic="t", partition=None)
    )
    assert (sent["topic"], sent["partition"]) == ("t", 3)


@pytest.mark.parametrize("case", cases("java_text"), ids=str)
def test_texts_as_in_java(case: Case):
    schema, value = case.data
    assert java_text(schema, value) == case.outcome["text"]


def test_bytes_have_no_text_in_java_and_are_base64():
    assert java_text(None, {"a": b"\xff"}) == "{a=/w==}"


@pytest.mark.parametrize("case", cases("json_write_enveloped"), ids=str)
def test_schemas_as_in_java(case: Case):
    schema, _ = case.data
    assert schema is not None
    text = SchemaTexts().of(schema)
    assert json.loads(text) == json.loads(case.outcome["json"])["schema"]
    # The order of fields as well.
    assert case.outcome["json"].encode().startswith(b'{"schema":' + text + b',"payload":')


def test_a_schema_that_holds_itself_has_no_text():
    schema = Schema(type=Type.STRUCT)
    schema.tie((Field("next", schema),))
    with pytest.raises(RecordError, match="holds itself"):
        SchemaTexts().of(schema)
