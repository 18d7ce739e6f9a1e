"""`InsertField`: adds the record's topic, partition, offset or timestamp, or a text of the user's, as fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from pydantic import model_validator

from kafka_lambda_sink.core.schema import (
    INT32,
    INT64,
    OPTIONAL_INT32,
    OPTIONAL_INT64,
    OPTIONAL_STRING,
    STRING,
    Field,
    Instant,
    Schema,
    timestamp_schema,
)
from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.options import Options, Truth
from kafka_lambda_sink.transforms.requirement import require_map, require_struct
from kafka_lambda_sink.transforms.struct_building import build_struct, field_reader, struct_schema
from kafka_lambda_sink.transforms.target import Target

_PURPOSE: Final = "field insertion"
_TIMESTAMP: Final = timestamp_schema()
_OPTIONAL_TIMESTAMP: Final = timestamp_schema(is_optional=True)


class InsertFieldOptions(Options):
    """Of `InsertField`. A `!` after a field's name makes it a required one, a `?` an optional one, as it is without."""

    topic_field: str | None = None
    """The field for the topic."""

    partition_field: str | None = None
    """The field for the partition."""

    offset_field: str | None = None
    """The field for the offset."""

    timestamp_field: str | None = None
    """The field for the record's timestamp: Connect's Timestamp, milliseconds where there is no schema."""

    static_field: str | None = None
    """The field for `static.value`."""

    static_value: str | None = None
    """The text for it."""

    replace_null_with_default: Truth = True
    """Whether a null with a default in its schema is replaced by it."""

    @model_validator(mode="after")
    def _has_field(self) -> Self:
        fields = (self.topic_field, self.partition_field, self.offset_field, self.timestamp_field, self.static_field)
        if all(it is None for it in fields):
            raise ValueError("needs topic.field, partition.field, offset.field, timestamp.field or static.field")
        if self.static_field is not None and self.static_value is None:
            raise ValueError("static.field needs static.value")
        return self


@dataclass(frozen=True, slots=True)
class _Insertion:
    """One field to add."""

    field: Field
    #: For a record without a schema, and for one with; None adds nothing.
    plain: Callable[[SinkRecord], object]
    typed: Callable[[SinkRecord], object]


def _insertions(options: InsertFieldOptions) -> list[_Insertion]:
    insertions: list[_Insertion] = []

    def add(
        spec: str | None,
        required: Schema,
        optional: Schema,
        plain: Callable[[SinkRecord], object],
        typed: Callable[[SinkRecord], object] | None = None,
    ) -> None:
        if spec is not None:
            name = spec[:-1] if spec.endswith(("?", "!")) else spec
            field = Field(name, required if spec.endswith("!") else optional)
            insertions.append(_Insertion(field, plain, typed or plain))

    add(options.topic_field, STRING, OPTIONAL_STRING, lambda record: record.topic)
    add(options.partition_field, INT32, OPTIONAL_INT32, lambda record: record.partition)
    add(options.offset_field, INT64, OPTIONAL_INT64, lambda record: record.offset)
    add(
        options.timestamp_field,
        _TIMESTAMP,
        _OPTIONAL_TIMESTAMP,
        lambda record: record.timestamp,
        lambda record: None if record.timestamp is None else Instant(record.timestamp),
    )
    add(options.static_field, STRING, OPTIONAL_STRING, lambda _: options.static_value)
    return insertions


def _build(options: InsertFieldOptions, target: Target | None) -> Transform:
    assert target is not None
    insertions = _insertions(options)
    read = field_reader(with_default=options.replace_null_with_default)
    schemas = DerivedSchemas(
        lambda schema: struct_schema([*schema.fields, *(insertion.field for insertion in insertions)], schema)
    )

    def insert_field(record: SinkRecord) -> SinkRecord:
        schema, value = target.of(record)
        if value is None:
            return record
        if schema is None:
            fields = dict(require_map(value, _PURPOSE))
            for insertion in insertions:
                inserted = insertion.plain(record)
                if inserted is not None:
                    fields[insertion.field.name] = inserted
            return target.updated(record, None, fields)
        struct = require_struct(value, _PURPOSE)
        updated = schemas.of(struct.schema)
        values = {it.name: read(struct, it.name) for it in struct.schema.fields}
        for insertion in insertions:
            inserted = insertion.typed(record)
            if inserted is not None:
                values[insertion.field.name] = inserted
        return target.updated(record, updated, build_struct(updated, values))

    return insert_field


TYPE = TransformType(InsertFieldOptions, _build)
