"""`TimestampConverter`: timestamps from one form to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import Field, Schema, Struct
from kafka_lambda_sink.core.sink_record import SchemaAndValue, SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.date_format import DateFormat
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.options import Options, Truth
from kafka_lambda_sink.transforms.requirement import refused, require_map, require_struct
from kafka_lambda_sink.transforms.struct_building import build_struct, field_reader, require_fields, struct_schema
from kafka_lambda_sink.transforms.target import Target
from kafka_lambda_sink.transforms.timestamp_forms import (
    FormName,
    Precision,
    form_of_schema,
    form_of_value,
    timestamp_forms,
)

_PURPOSE = "converting timestamp formats"


def _date_pattern(pattern: str) -> str:
    if pattern:
        DateFormat(pattern)
    return pattern


class TimestampConverterOptions(Options):
    """Of `TimestampConverter`."""

    field: str = ""
    """The field that has the timestamp; empty where the whole key or value is one."""

    target_type: FormName
    """What it becomes: a `string`, a number (`unix`), or Connect's `Date`, `Time` or `Timestamp`."""

    format: Annotated[str, AfterValidator(_date_pattern)] = ""
    """How texts are read and written: a pattern of Java's SimpleDateFormat."""

    unix_precision: Precision = "milliseconds"
    """The unit of numbers."""

    replace_null_with_default: Truth = True
    """Whether a null with a default in its schema is replaced by it."""

    @model_validator(mode="after")
    def _has_format(self) -> Self:
        if self.target_type == "string" and not self.format:
            raise ValueError("target.type=string needs format, e.g. format=yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
        return self


def _build(options: TimestampConverterOptions, target: Target | None) -> Transform:
    assert target is not None
    convert = _whole(options) if not options.field else _one_field(options)

    def timestamp_converter(record: SinkRecord) -> SinkRecord:
        return target.updated(record, *convert(target.of(record)))

    return timestamp_converter


def _converter(options: TimestampConverterOptions) -> Callable[[object, Schema | None], object]:
    forms = timestamp_forms(DateFormat(options.format) if options.format else None, options.unix_precision)
    write = forms[options.target_type].write

    def convert(value: object, schema: Schema | None) -> object:
        name = None if schema is None else form_of_schema(schema)
        if value is None:
            return None
        return write(forms[name or form_of_value(value)].read(value))

    return convert


def _schemas(options: TimestampConverterOptions) -> Callable[[Schema], Schema]:
    form = timestamp_forms(None, options.unix_precision)[options.target_type]
    return lambda schema: form.optional_schema if schema.is_optional else form.schema


def _whole(options: TimestampConverterOptions) -> Callable[[SchemaAndValue], SchemaAndValue]:
    convert, schema_for = _converter(options), _schemas(options)

    def convert_whole(data: SchemaAndValue) -> SchemaAndValue:
        schema, value = data
        return SchemaAndValue(None if schema is None else schema_for(schema), convert(value, schema))

    return convert_whole


def _one_field(options: TimestampConverterOptions) -> Callable[[SchemaAndValue], SchemaAndValue]:
    name, schema_for, convert_value = options.field, _schemas(options), _converter(options)
    read = field_reader(with_default=options.replace_null_with_default)

    def convert(value: object, schema: Schema | None) -> object:
        try:
            return convert_value(value, schema)
        except RecordError as error:
            raise refused(f"field `{name}`: {error}") from None

    def convert_struct(struct: Struct, schema: Schema) -> Struct:
        values = {it.name: read(struct, it.name) for it in struct.schema.fields}
        changed = struct.schema.field(name)
        if changed is not None:
            values[name] = convert(values[name], changed.schema)
        return build_struct(schema, values)

    def derive(schema: Schema) -> Schema:
        fields = [it if it.name != name else Field(name, schema_for(it.schema)) for it in require_fields(schema)]
        derived = struct_schema(fields, schema, is_optional=schema.is_optional)
        if isinstance(schema.default, Struct):
            return replace(derived, default=convert_struct(schema.default, derived))
        return derived

    schemas = DerivedSchemas(derive)

    def convert_field(data: SchemaAndValue) -> SchemaAndValue:
        schema, value = data
        if schema is not None:
            struct = None if value is None else require_struct(value, _PURPOSE)
            updated = schemas.of(schema)
            return SchemaAndValue(updated, None if struct is None else convert_struct(struct, updated))
        if value is None:
            return data
        fields = require_map(value, _PURPOSE)
        return SchemaAndValue(None, {**fields, name: convert(fields.get(name), None)})

    return convert_field


TYPE = TransformType(TimestampConverterOptions, _build)
