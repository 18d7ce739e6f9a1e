"""Avro as Confluent's own serializer writes it, through a real registry."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from kafka_lambda_sink.converters.avro import build_avro_converter
from kafka_lambda_sink.converters.converter import VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.kafka.schema_registry import ConfluentSchemaRegistry, RegistrySettings, open_registry
from tests.support.schema_registry import ApicurioRegistry
from tests.support.stepped_clock import SteppedClock

ADDRESS = {
    "type": "record",
    "name": "shop.Address",
    "fields": [{"name": "street", "type": "string"}, {"name": "zip", "type": ["null", "int"], "default": None}],
}
ORDER = {
    "type": "record",
    "name": "shop.Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "to", "type": "shop.Address"},
        {"name": "others", "type": {"type": "array", "items": "Address"}},
    ],
}
VALUE = {
    "id": 2**60,
    "total": b"\x04\xd2",
    "to": {"street": "Ä 1", "zip": 12345},
    "others": [{"street": "b", "zip": None}],
}


@pytest.fixture
def registry(schema_registry: ApicurioRegistry) -> Iterator[ConfluentSchemaRegistry]:
    opened = open_registry(RegistrySettings(urls=(schema_registry.url,)), SteppedClock())
    yield opened
    opened.close()


def serialized(schema_registry: ApicurioRegistry, topic: str, schema: Schema, value: object) -> bytes:
    client = SchemaRegistryClient({"url": schema_registry.url})
    serializer = AvroSerializer(client, schema)
    try:
        raw = serializer(value, SerializationContext(topic, MessageField.VALUE))
    finally:
        client.close()
    assert isinstance(raw, bytes)
    return raw


def test_a_record_with_references(schema_registry, registry):
    schema_registry.register("shop-address", ADDRESS)
    schema = Schema(json.dumps(ORDER), "AVRO", [SchemaReference("shop.Address", "shop-address", 1)])
    raw = serialized(schema_registry, "shop-orders", schema, VALUE)
    text = msgspec.json.encode(build_avro_converter(registry, JsonForm(), stage=VALUE_CONVERTER)(raw))
    assert json.loads(text) == VALUE | {"total": "BNI="}


def test_a_schema_that_evolves(schema_registry, registry):
    converter = build_avro_converter(registry, JsonForm(), stage=VALUE_CONVERTER)
    fields = [{"name": "a", "type": "int"}, {"name": "b", "type": "string", "default": "none"}]
    for count, expected in ((1, b'{"a":1}'), (2, b'{"a":1,"b":"x"}')):
        schema = Schema(json.dumps({"type": "record", "name": "E", "fields": fields[:count]}), "AVRO")
        raw = serialized(schema_registry, "evolving", schema, {"a": 1, "b": "x"})
        assert msgspec.json.encode(converter(raw)) == expected


def test_a_json_schema_is_not_avro(schema_registry, registry):
    schema_id = schema_registry.register(
        "no-avro", '{"type":"object","properties":{"a":{"type":"integer"}}}', kind="JSON"
    )
    converter = build_avro_converter(registry, JsonForm(), stage=VALUE_CONVERTER)
    with pytest.raises(RecordError, match="which is JSON, not Avro"):
        converter(b"\0" + schema_id.to_bytes(4) + b"{}")
