"""Records in Confluent's wire format, and a registry in memory that has their schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import fastavro

from kafka_lambda_sink.core.errors import SchemaRegistryError
from kafka_lambda_sink.core.ports import RegisteredSchema


class MemoryRegistry:
    """Implements `core.ports.SchemaRegistry`."""

    def __init__(self, *registered: RegisteredSchema) -> None:
        self.by_id = {one.schema_id: one for one in registered}
        self.is_away = False
        #: Ids asked for, in order.
        self.asked: list[int] = []

    def schema(self, schema_id: int) -> RegisteredSchema | None:
        self.asked.append(schema_id)
        if self.is_away:
            raise SchemaRegistryError("the schema registry cannot be reached")
        return self.by_id.get(schema_id)

    def close(self) -> None:
        pass


def registered(schema: object, schema_id: int = 7, **references: object) -> RegisteredSchema:
    """An Avro schema as `json` writes it, and what it refers to."""
    texts = tuple((name, json.dumps(other)) for name, other in references.items())
    return RegisteredSchema(schema_id, "AVRO", json.dumps(schema), texts)


def framed(data: bytes, schema_id: int = 7) -> bytes:
    """With the header of the wire format."""
    return b"\0" + schema_id.to_bytes(4, signed=True) + data


def written(schema: Any, value: object, schema_id: int = 7) -> bytes:
    """The value, as fastavro writes it, with the header. Bytes and numbers are given raw, logical types or not."""
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(without_logical_types(schema)), value)
    return framed(body.getvalue(), schema_id)


def without_logical_types(schema: Any) -> Any:
    """The schema without what fastavro would convert by, and without defaults."""
    if isinstance(schema, list):
        return [without_logical_types(branch) for branch in schema]
    if isinstance(schema, Mapping):
        kept = {key: it for key, it in schema.items() if key not in {"logicalType", "default"}}
        return {
            key: [{"name": one["name"], "type": without_logical_types(one["type"])} for one in it]
            if key == "fields"
            else without_logical_types(it)
            if key in {"type", "items", "values"}
            else it
            for key, it in kept.items()
        }
    return schema
