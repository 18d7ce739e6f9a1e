"""`ValueToKey`: makes the key of fields of the value."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field as Limits

from kafka_lambda_sink.core.schema import Field, Schema, Struct, Type
from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.options import CommaList, Options, Truth
from kafka_lambda_sink.transforms.requirement import refused, require_map, require_struct
from kafka_lambda_sink.transforms.target import Target

_PURPOSE = "copying fields from value to key"


class ValueToKeyOptions(Options):
    """Of `ValueToKey`."""

    fields: Annotated[CommaList, Limits(min_length=1)]
    """Names of the fields of the value that make the key."""

    replace_null_with_default: Truth = True
    """Whether a null with a default in its schema is replaced by it."""


def _build(options: ValueToKeyOptions, _: Target | None) -> Transform:
    names = options.fields

    def derive(schema: Schema) -> Schema:
        fields = []
        for name in names:
            found = schema.field(name)
            if found is None:
                raise refused(f"ValueToKey: there is no field `{name}`")
            fields.append(Field(name, found.schema))
        return Schema(type=Type.STRUCT, fields=tuple(fields))

    schemas = DerivedSchemas(derive)

    def value_to_key(record: SinkRecord) -> SinkRecord:
        if record.value_schema is None:
            value = require_map(record.value, _PURPOSE)
            return replace(record, key_schema=None, key={name: value.get(name) for name in names})
        struct = require_struct(record.value, _PURPOSE)
        schema = schemas.of(struct.schema)
        get = struct.get if options.replace_null_with_default else struct.values.get
        return replace(record, key_schema=schema, key=Struct(schema, {name: get(name) for name in names}))

    return value_to_key


TYPE = TransformType(ValueToKeyOptions, _build)
