"""`HeaderFrom`: moves or copies fields of the key or value to headers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field as Limits
from pydantic import model_validator

from kafka_lambda_sink.core.schema import Struct
from kafka_lambda_sink.core.sink_record import Header, SchemaAndValue, SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.options import CommaList, Options, Truth
from kafka_lambda_sink.transforms.requirement import refused, require_map, require_struct
from kafka_lambda_sink.transforms.struct_building import build_struct, field_reader, struct_schema
from kafka_lambda_sink.transforms.target import Target

_Read = Callable[[Struct, str], object]


class HeaderFromOptions(Options):
    """Of `HeaderFrom`."""

    fields: Annotated[CommaList, Limits(min_length=1)]
    """Names of the fields."""

    headers: Annotated[CommaList, Limits(min_length=1)]
    """Names of the headers that get their values, in the same order."""

    operation: Literal["move", "copy"]
    """Whether the fields are taken out of the key or value (`move`) or stay there too (`copy`)."""

    replace_null_with_default: Truth = True
    """Whether a null with a default in its schema is replaced by it."""

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if len(self.fields) != len(self.headers):
            raise ValueError("fields and headers must have the same number of names")
        return self


def _build(options: HeaderFromOptions, target: Target | None) -> Transform:
    assert target is not None
    pairs = tuple(zip(options.fields, options.headers, strict=True))
    purpose = f"header {options.operation}"
    moved = frozenset(options.fields) if options.operation == "move" else frozenset()
    read = field_reader(with_default=options.replace_null_with_default)
    take_struct = _struct_taker(read, moved)

    def header_from(record: SinkRecord) -> SinkRecord:
        schema, value = target.of(record)
        if schema is None:
            fields = require_map(value, purpose)
            made = tuple([Header(header, None, fields.get(name)) for name, header in pairs])
            rest: Any = {name: item for name, item in fields.items() if name not in moved} if moved else fields
        else:
            struct = require_struct(value, purpose)
            made = tuple([_header(header, target, name, struct, read) for name, header in pairs])
            schema, rest = take_struct(struct)
        return replace(target.updated(record, schema, rest), headers=record.headers + made)

    return header_from


def _header(header: str, target: Target, name: str, struct: Struct, read: _Read) -> Header:
    field = struct.schema.field(name)
    if field is None:
        raise refused(f"HeaderFrom${target.value}: there is no field `{name}`")
    return Header(header, field.schema, read(struct, name))


def _struct_taker(read: _Read, moved: frozenset[str]) -> Callable[[Struct], SchemaAndValue]:
    """What is left of a struct."""
    schemas = DerivedSchemas(
        lambda schema: struct_schema([field for field in schema.fields if field.name not in moved], schema)
    )

    def take(struct: Struct) -> SchemaAndValue:
        if not moved:
            return SchemaAndValue(struct.schema, struct)
        schema = schemas.of(struct.schema)
        return SchemaAndValue(schema, build_struct(schema, {it.name: read(struct, it.name) for it in schema.fields}))

    return take


TYPE = TransformType(HeaderFromOptions, _build)
