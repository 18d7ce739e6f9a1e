"""`Cast`: fields, or the whole key or value, to other types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator

from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import DATE, DECIMAL, TIME, TIMESTAMP, Field, Schema, Type
from kafka_lambda_sink.core.sink_record import SchemaAndValue, SinkRecord, Transform
from kafka_lambda_sink.transforms.casting import CASTABLE, cast_value
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.java_split import split_pair
from kafka_lambda_sink.transforms.options import CommaList, Options, Truth
from kafka_lambda_sink.transforms.requirement import refused, require_map, require_struct
from kafka_lambda_sink.transforms.struct_building import build_struct, field_reader, require_fields, struct_schema
from kafka_lambda_sink.transforms.target import Target

_PURPOSE: Final = "casting types"
_TYPES: Final = {it.value: it for it in CASTABLE}
_LOGICAL: Final = frozenset({DATE, TIME, TIMESTAMP, DECIMAL})


def _casts(spec: tuple[str, ...]) -> dict[str | None, Type]:
    """Types by their fields; None stands for the whole. Raises ValueError."""
    if not spec:
        raise ValueError("must name a type, or fields with types: id:int64,price:float64")
    casts: dict[str | None, Type] = {}
    for item in spec:
        parts = split_pair(item)
        name = parts[-1].strip() if parts else ""
        if not 1 <= len(parts) <= 2 or name.lower() not in _TYPES:  # noqa: PLR2004 - a field and its type
            raise ValueError(f"`{item}` must be a field, a colon and a type; the types are {', '.join(_TYPES)}")
        casts[parts[0].strip() if len(parts) > 1 else None] = _TYPES[name.lower()]
    if None in casts and len(spec) > 1:
        raise ValueError("a type without a field is for the whole key or value, and must be the only one")
    return casts


def _valid_spec(spec: tuple[str, ...]) -> tuple[str, ...]:
    _casts(spec)
    return spec


class CastOptions(Options):
    """Of `Cast`."""

    spec: Annotated[CommaList, AfterValidator(_valid_spec)]
    """Fields with their new types, `id:int64,price:float64`, or one type for the whole key or value."""

    replace_null_with_default: Truth = True
    """Whether a null with a default in its schema is replaced by it."""


def _build(options: CastOptions, target: Target | None) -> Transform:
    assert target is not None
    casts = _casts(options.spec)
    whole = casts.get(None)
    fields = {name: type_ for name, type_ in casts.items() if name is not None}
    read = field_reader(with_default=options.replace_null_with_default)
    schemas = DerivedSchemas(
        (lambda schema: _whole_schema(schema, whole)) if whole else lambda schema: _struct_schema(schema, fields)
    )

    def cast_typed(schema: Schema, value: object) -> SchemaAndValue:
        updated = schemas.of(schema)
        if whole:
            return SchemaAndValue(updated, cast_value(schema, value, whole))
        struct = require_struct(value, _PURPOSE)
        values = {it.name: read(struct, it.name) for it in struct.schema.fields}
        for it in struct.schema.fields:
            if it.name in fields:
                values[it.name] = _cast_field(it.name, it.schema, values[it.name], fields[it.name])
        return SchemaAndValue(updated, build_struct(updated, values))

    def cast_schemaless(value: object) -> SchemaAndValue:
        if whole:
            return SchemaAndValue(None, cast_value(None, value, whole))
        given = require_map(value, _PURPOSE)
        updated = {name: _cast_field(name, None, given.get(name), type_) for name, type_ in fields.items()}
        return SchemaAndValue(None, {**given, **updated})

    def cast(record: SinkRecord) -> SinkRecord:
        schema, value = target.of(record)
        if value is None:
            return record
        return target.updated(record, *(cast_schemaless(value) if schema is None else cast_typed(schema, value)))

    return cast


def _cast_field(name: str, schema: Schema | None, value: object, target: Type) -> object:
    try:
        return cast_value(schema, value, target)
    except RecordError as error:
        raise refused(f"field `{name}`: {error}") from None


def _whole_schema(schema: Schema, target: Type) -> Schema:
    """With its old name, as Connect has it."""
    default = cast_value(schema, schema.default, target)
    if default is not None and schema.name in _LOGICAL:
        raise refused(f"the default of {schema.name} cannot be cast")
    return Schema(
        type=target,
        is_optional=schema.is_optional,
        default=default,
        name=schema.name,
        version=schema.version,
        doc=schema.doc,
        parameters=schema.parameters,
    )


def _struct_schema(schema: Schema, casts: Mapping[str, Type]) -> Schema:
    if schema.default is not None:
        raise refused("a struct that has a default itself cannot be cast")
    fields = [
        it if it.name not in casts else Field(it.name, _field_schema(it, casts[it.name]))
        for it in require_fields(schema)
    ]
    return struct_schema(fields, schema, is_optional=schema.is_optional)


def _field_schema(field: Field, target: Type) -> Schema:
    default = _cast_field(field.name, field.schema, field.schema.default, target)
    return Schema(type=target, is_optional=field.schema.is_optional, default=default)


TYPE = TransformType(CastOptions, _build)
