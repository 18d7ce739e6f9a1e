"""A transform of one's own: of an e-mail address in a field of the value it leaves the domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kafka_lambda_sink.core.schema import Struct
from kafka_lambda_sink.core.sink_record import SinkRecord, Transform


def build(options: Mapping[str, str]) -> Transform:
    """Make the transform of what stands below `transforms.NAME.`; a ValueError is shown when the sink starts."""
    field = options.get("field")
    if not field or len(options) > 1:
        raise ValueError("takes one option, field: the name of the field with the address")

    def mask_email(record: SinkRecord) -> SinkRecord:
        # Values are never changed in place: other steps may hold them. None instead of a record would drop it.
        value = record.value
        if isinstance(value, Struct):
            return replace(record, value=Struct(value.schema, {**value.values, field: _masked(value.get(field))}))
        if isinstance(value, dict) and field in value:
            return replace(record, value={**value, field: _masked(value[field])})
        return record

    return mask_email


def _masked(address: object) -> object:
    return f"***@{address.rpartition('@')[2]}" if isinstance(address, str) else address
