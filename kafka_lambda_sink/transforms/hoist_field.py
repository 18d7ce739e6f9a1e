"""`HoistField`: makes the whole key or value the one field of an object."""

from __future__ import annotations

from kafka_lambda_sink.core.schema import Field
from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.options import Options
from kafka_lambda_sink.transforms.struct_building import build_struct, struct_schema
from kafka_lambda_sink.transforms.target import Target


class HoistFieldOptions(Options):
    """Of `HoistField`."""

    field: str
    """The name of the field."""


def _build(options: HoistFieldOptions, target: Target | None) -> Transform:
    assert target is not None
    name = options.field
    schemas = DerivedSchemas(lambda schema: struct_schema([Field(name, schema)]))

    def hoist_field(record: SinkRecord) -> SinkRecord:
        schema, value = target.of(record)
        if schema is None:
            return target.updated(record, None, {name: value})
        updated = schemas.of(schema)
        return target.updated(record, updated, build_struct(updated, {name: value}))

    return hoist_field


TYPE = TransformType(HoistFieldOptions, _build)
