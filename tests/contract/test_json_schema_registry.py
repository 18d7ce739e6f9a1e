"""JSON as Confluent's own serializer writes it, through a real registry."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from kafka_lambda_sink.converters.converter import VALUE_CONVERTER
from kafka_lambda_sink.converters.json_schema import build_json_schema_converter, build_json_schema_reader
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.ports import SchemaRegistry
from kafka_lambda_sink.kafka.schema_registry import RegistrySettings, open_registry
from tests.support.avro_records import framed
from tests.support.schema_registry import ApicurioRegistry
from tests.support.stepped_clock import SteppedClock

ADDRESS = {"$id": "http://example.com/address.json", "type": "object", "properties": {"city": {"type": "string"}}}
PERSON = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$id": "http://example.com/person.json",
    "title": "Person",
    "type": "object",
    "properties": {"name": {"type": "string"}, "address": {"$ref": "address.json"}},
    "required": ["name"],
}


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


@pytest.fixture
def person(client: SchemaRegistryClient) -> Schema:
    client.register_schema("js-address", Schema(json.dumps(ADDRESS), "JSON"))
    return Schema(json.dumps(PERSON), "JSON", [SchemaReference("address.json", "js-address", 1)])


def json_of(registry: SchemaRegistry, raw: bytes, *, validates: bool = True):
    """The same both ways."""
    convert = build_json_schema_converter(registry, stage=VALUE_CONVERTER, validates=validates)
    read = build_json_schema_reader(registry, stage=VALUE_CONVERTER, validates=validates)
    value = json.loads(msgspec.json.encode(convert(raw)))
    assert read(raw) == (None, value)
    return value


def test_embeds_what_the_serializer_writes(client, registry):
    schema = Schema(json.dumps({"type": "object", "properties": {"name": {"type": "string"}}}), "JSON")
    value = {"name": "ü", "numbers": [1, 1.5, 10**20], "nothing": None}
    raw = JSONSerializer(schema, client)(value, SerializationContext("js-own", MessageField.VALUE))
    assert raw is not None
    assert json_of(registry, raw) == value


def test_validates_by_the_schema_and_its_references(client, registry, person):
    schema_id = client.register_schema("js-person", person)
    good = b'{"name": "x", "address": {"city": "y"}}'
    assert json_of(registry, framed(good, schema_id)) == json.loads(good)
    bad = framed(b'{"name": "x", "address": {"city": 5}}', schema_id)
    with pytest.raises(RecordError, match=r"value\.address\.city does not satisfy `type`"):
        json_of(registry, bad)
    assert json_of(registry, bad, validates=False)["address"] == {"city": 5}


def test_an_unknown_id_is_the_records_fault(registry):
    with pytest.raises(RecordError, match="the schema 987654, which the registry does not have"):
        json_of(registry, framed(b"{}", 987_654))
