"""Which side of a record a transform works on."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from kafka_lambda_sink.core.schema import Schema
from kafka_lambda_sink.core.sink_record import SchemaAndValue, SinkRecord


class Target(Enum):
    """`…$Key` or `…$Value`."""

    KEY = "Key"
    VALUE = "Value"

    def of(self, record: SinkRecord) -> SchemaAndValue:
        """The key or the value, with its schema."""
        if self is Target.KEY:
            return SchemaAndValue(record.key_schema, record.key)
        return SchemaAndValue(record.value_schema, record.value)

    def updated(self, record: SinkRecord, schema: Schema | None, value: object) -> SinkRecord:
        """The record with another key or value."""
        if self is Target.KEY:
            return replace(record, key_schema=schema, key=value)
        return replace(record, value_schema=schema, value=value)
