"""One field of a record, by its path."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_lambda_sink.core.schema import Schema, Struct, Type
from kafka_lambda_sink.core.sink_record import SchemaAndValue, SinkRecord
from kafka_lambda_sink.transforms.field_paths import Path


def lookup(record: SinkRecord, path: Path) -> SchemaAndValue:
    """The field with its schema; a value of None where a step of the path leads to nothing."""
    return lookup_in(*path.side.of(record), path.names)


def lookup_in(schema: Schema | None, value: object, names: Sequence[str]) -> SchemaAndValue:
    """The same in one value."""
    for name in names:
        if isinstance(value, Struct):
            field = value.schema.field(name)
            schema, value = (None, None) if field is None else (field.schema, value.get(name))
        elif isinstance(value, dict):
            is_map = schema is not None and schema.type is Type.MAP
            schema, value = schema.value_schema if is_map and schema else None, value.get(name)
        else:
            return SchemaAndValue(None, None)
    return SchemaAndValue(schema, value)
