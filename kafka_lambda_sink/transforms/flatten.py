"""`Flatten`: makes one level of nested objects, the names of the levels joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from kafka_lambda_sink.core.schema import Field, Instant, Schema, Struct, Type
from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.options import Options
from kafka_lambda_sink.transforms.requirement import refused, require_map, require_struct
from kafka_lambda_sink.transforms.struct_building import build_struct, require_fields, struct_schema
from kafka_lambda_sink.transforms.target import Target

_PURPOSE: Final = "flattening"


class FlattenOptions(Options):
    """Of `Flatten`."""

    delimiter: str = "."
    """What stands between the names of the levels."""


def _build(options: FlattenOptions, target: Target | None) -> Transform:
    assert target is not None
    flattening = _Flattening(options.delimiter)
    schemas = DerivedSchemas(flattening.schema)

    def flatten(record: SinkRecord) -> SinkRecord:
        schema, value = target.of(record)
        if value is None:
            return record
        if schema is None:
            return target.updated(record, None, dict(flattening.items(require_map(value, _PURPOSE), "")))
        struct = require_struct(value, _PURPOSE)
        updated = schemas.of(schema)
        return target.updated(record, updated, build_struct(updated, dict(flattening.values(struct, ""))))

    return flatten


class _Flattening:
    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter

    def _name(self, prefix: str, name: str) -> str:
        return f"{prefix}{self._delimiter}{name}" if prefix else name

    def items(self, fields: dict[Any, Any], prefix: str) -> Iterator[tuple[str, object]]:
        """Without a schema."""
        for key, value in fields.items():
            name = self._name(prefix, key)
            if isinstance(value, dict):
                yield from self.items(value, name)
            elif isinstance(value, Decimal | Instant | Struct):
                raise refused(f"field `{name}`: a {type(value).__name__} without a schema cannot be flattened")
            else:
                yield name, value

    def values(self, struct: Struct, prefix: str) -> Iterator[tuple[str, object]]:
        """With one: the values of the flat fields; none of those in a struct that is null."""
        for field in struct.schema.fields:
            name = self._name(prefix, field.name)
            if field.schema.type is not Type.STRUCT:
                yield name, struct.get(field.name)
                continue
            below = struct.values.get(field.name)
            if isinstance(below, Struct):
                yield from self.values(below, name)

    def schema(self, schema: Schema) -> Schema:
        fields = self._fields(schema, "", is_optional=schema.is_optional, default=schema.default)
        return struct_schema(fields, schema)

    def _fields(self, schema: Schema, prefix: str, *, is_optional: bool, default: object) -> Iterator[Field]:
        """Fields are optional where a struct around them is; their defaults may be those of the structs around them."""
        for field in require_fields(schema):
            name = self._name(prefix, field.name)
            is_field_optional = is_optional or field.schema.is_optional
            field_default = field.schema.default
            if field_default is None and isinstance(default, Struct):
                field_default = default.get(field.name)
            if field.schema.type is Type.STRUCT:
                yield from self._fields(field.schema, name, is_optional=is_field_optional, default=field_default)
            elif field.schema.type is Type.MAP:
                raise refused(f"field `{name}`: a map with a schema cannot be flattened")
            else:
                yield Field(name, replace(field.schema, is_optional=is_field_optional, default=field_default))


TYPE = TransformType(FlattenOptions, _build)
