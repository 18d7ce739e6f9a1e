"""`SetSchemaMetadata`: gives the schema of the key or value another name or version."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from pydantic import model_validator

from kafka_lambda_sink.core.schema import Schema, Struct, Type
from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.options import Int32, Options, Truth
from kafka_lambda_sink.transforms.requirement import refused
from kafka_lambda_sink.transforms.struct_building import build_struct, field_reader
from kafka_lambda_sink.transforms.target import Target


class SetSchemaMetadataOptions(Options):
    """Of `SetSchemaMetadata`. What has no schema passes as it is, where Connect's own raises."""

    schema_name: str | None = None
    """The new name; without it the name stays."""

    schema_version: Int32 | None = None
    """The new version; without it the version stays."""

    replace_null_with_default: Truth = True
    """Whether a null with a default in its schema is replaced by it."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.schema_name is None and self.schema_version is None:
            raise ValueError("needs schema.name or schema.version")
        return self


def _build(options: SetSchemaMetadataOptions, target: Target | None) -> Transform:
    assert target is not None

    def derive(schema: Schema) -> Schema:
        # Java cannot copy the schema of anything else.
        if schema.type is not Type.STRUCT:
            raise refused(f"SetSchemaMetadata${target.value}: only the schema of a struct can be changed")
        return replace(
            schema,
            name=schema.name if options.schema_name is None else options.schema_name,
            version=schema.version if options.schema_version is None else options.schema_version,
        )

    schemas = DerivedSchemas(derive)
    read = field_reader(with_default=options.replace_null_with_default)

    def set_schema_metadata(record: SinkRecord) -> SinkRecord:
        schema, value = target.of(record)
        if schema is None:
            return record
        updated = schemas.of(schema)
        if not isinstance(value, Struct):
            return target.updated(record, updated, value)
        values = {field.name: read(value, field.name) for field in updated.fields}
        return target.updated(record, updated, build_struct(updated, values))

    return set_schema_metadata


TYPE = TransformType(SetSchemaMetadataOptions, _build)
