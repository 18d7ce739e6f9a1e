"""Protobuf as Confluent's own serializer writes it, through a real registry."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.protobuf import build_protobuf_converter, build_protobuf_reader
from kafka_lambda_sink.converters.wire_format import message_indexes_of
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.ports import SchemaRegistry
from kafka_lambda_sink.kafka.schema_registry import RegistrySettings, open_registry
from tests.support.avro_records import framed
from tests.support.protobuf_records import filled, written
from tests.support.schema_registry import ApicurioRegistry
from tests.support.stepped_clock import SteppedClock

ORDER = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/type/date.proto";
import "confluent/type/decimal.proto";
import "confluent/meta.proto";
message Order {
  uint64 id = 1;
  map<string, int32> counts = 2;
  oneof payment { string card = 3; Cash cash = 4; }
  google.protobuf.Timestamp at = 5;
  google.type.Date due = 6;
  confluent.type.Decimal total = 7 [(confluent.field_meta) = { params: [{ key: "scale", value: "2" }] }];
  optional string note = 8;
  repeated Line lines = 9;
  message Cash { double given = 1; message Coin { Metal metal = 1; } }
  message Line { string sku = 1; sint64 delta = 2; bytes raw = 3; }
  enum Metal { GOLD = 0; SILVER = 1; }
}
message Other { string text = 1; }
"""
VALUE = {
    "id": "18446744073709551615",
    "counts": {"b": 2, "a": 1},
    "cash": {"given": 1.5},
    "at": "2024-02-29T12:00:00.123456789Z",
    "due": {"year": 2024, "month": 2, "day": 29},
    "total": {"value": "BNI=", "precision": 4, "scale": 2},
    "lines": [{"sku": "ü", "delta": "-5", "raw": "AAE="}],
}
EXPECTED = {
    "payment_0": {"card": None, "cash": {"given": 1.5}},
    "id": 2**64 - 1,
    "counts": {"a": 1, "b": 2},
    "at": 1_709_208_000_123,
    "due": 19_782,
    "total": "BNI=",
    "note": None,
    "lines": [{"sku": "ü", "delta": -5, "raw": "AAE="}],
}
EMPTY: dict[str, object] = {**dict.fromkeys(EXPECTED), "id": 0, "counts": {}, "lines": []}


@pytest.fixture
def client(schema_registry: ApicurioRegistry) -> Iterator[SchemaRegistryClient]:
    opened = SchemaRegistryClient({"url": schema_registry.url})
    yield opened
    opened.close()


@pytest.fixture
def registry(schema_registry: ApicurioRegistry) -> Iterator[SchemaRegistry]:
    opened = open_registry(RegistrySettings(urls=(schema_registry.url,)), SteppedClock())
    yield opened
    opened.close()


def serialized(client: SchemaRegistryClient, message, topic: str, **conf) -> bytes:
    serializer = ProtobufSerializer(type(message), client, {"use.deprecated.format": False, **conf})
    raw = serializer(message, SerializationContext(topic, MessageField.VALUE))
    assert isinstance(raw, bytes)
    return raw


def json_of(registry: SchemaRegistry, raw: bytes):
    """The same both ways."""
    convert = build_protobuf_converter(registry, JsonForm(), stage=VALUE_CONVERTER)
    read = build_protobuf_reader(registry, stage=VALUE_CONVERTER)
    embed = build_embedder(JsonForm(), VALUE_CONVERTER)
    text = msgspec.json.encode(convert(raw))
    assert msgspec.json.encode(embed(*read(raw))) == text
    return json.loads(text)


def test_converts_what_the_serializer_registers_and_writes(client, registry):
    """It registers a descriptor in base64, not a text."""
    assert json_of(registry, serialized(client, filled(ORDER, "shop.Order", VALUE), "pb-own")) == EXPECTED


def test_converts_by_a_text_that_was_registered_before(registry, schema_registry):
    schema_id = schema_registry.register("pb-text-value", ORDER, kind="PROTOBUF")
    registered = registry.schema(schema_id)
    assert registered is not None
    assert registered.text.lstrip().startswith("syntax")
    raw = framed(b"\0" + written(ORDER, "shop.Order", VALUE), schema_id)
    assert json_of(registry, raw) == EXPECTED


@pytest.mark.parametrize(
    "case",
    [
        ("shop.Order", {}, EMPTY, (0,)),
        ("shop.Order.Cash", {"given": 2}, {"given": 2.0}, (0, 1)),
        ("shop.Order.Cash.Coin", {"metal": "SILVER"}, {"metal": "SILVER"}, (0, 1, 0)),
        ("shop.Order.Line", {"sku": "a"}, {"sku": "a", "delta": 0, "raw": ""}, (0, 2)),
        ("shop.Other", {"text": "x"}, {"text": "x"}, (1,)),
    ],
)  # fmt: skip
def test_finds_the_message_by_its_indexes(client, registry, case):
    name, value, expected, indexes = case
    raw = serialized(client, filled(ORDER, name, value), f"pb-{name}")
    assert message_indexes_of(raw)[0] == indexes
    assert json_of(registry, raw) == expected


def test_knows_the_references_that_the_serializer_registers(client, registry):
    inner = 'syntax = "proto3"; package deep; message Inner { int32 x = 1; }'
    middle = 'syntax = "proto3"; package mid; import "deep.proto"; message Middle { deep.Inner inner = 1; }'
    outer = (
        'syntax = "proto3"; package top; import "mid.proto"; import "google/protobuf/wrappers.proto";'
        " message Outer { mid.Middle middle = 1; google.protobuf.BoolValue flag = 2; }"
    )
    message = filled(outer, "top.Outer", {"middle": {"inner": {"x": 7}}, "flag": True}, mid=middle, deep=inner)
    raw = serialized(client, message, "pb-references")
    assert json_of(registry, raw) == {"middle": {"inner": {"x": 7}}, "flag": {"value": True}}


def test_knows_references_that_are_texts(client, registry):
    """As Java's serializer and people register them."""
    inner = 'syntax = "proto3"; package a.b; message Inner { int32 x = 1; }'
    outer = 'syntax = "proto3"; package a.c; import "a/b/inner.proto"; message Outer { b.Inner inner = 1; }'
    client.register_schema("pb-ref-inner", Schema(inner, "PROTOBUF"))
    references = [SchemaReference("a/b/inner.proto", "pb-ref-inner", 1)]
    schema_id = client.register_schema("pb-ref-outer", Schema(outer, "PROTOBUF", references))
    data = written(outer, "a.c.Outer", {"inner": {"x": 7}}, **{"a/b/inner": inner})
    assert json_of(registry, framed(b"\0" + data, schema_id)) == {"inner": {"x": 7}}


def test_a_schema_that_changes_is_read_as_it_was_written(client, registry):
    versions = [
        'syntax = "proto3"; message A { int32 a = 1; }',
        'syntax = "proto3"; message A { int32 a = 1; string b = 2; }',
    ]
    found = [json_of(registry, serialized(client, filled(text, "A", {"a": 1}), "pb-evolution")) for text in versions]
    assert found == [{"a": 1}, {"a": 1, "b": ""}]


def test_an_id_of_another_kind_is_refused(registry, schema_registry):
    schema_id = schema_registry.register("pb-avro", '"string"')
    with pytest.raises(RecordError, match="which is AVRO, not Protobuf"):
        json_of(registry, framed(b"\0", schema_id))
