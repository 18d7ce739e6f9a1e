"""Confluent's wire format: which schema of a registry the bytes of a record are written with.

Source: https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

from __future__ import annotations

from typing import Final

from kafka_lambda_sink.converters.converter import name_of_part
from kafka_lambda_sink.core.errors import RecordError

#: Bytes before the data: a zero, and the schema's id, big endian.
HEADER_SIZE: Final = 5
_SCHEMA_ID: Final = 0
_SCHEMA_GUID: Final = 1


def schema_id_of(raw: bytes, stage: str) -> int:
    """The id of the schema that `raw` is written with. Raises RecordError where it names none."""
    if len(raw) >= HEADER_SIZE and raw[0] == _SCHEMA_ID:
        return int.from_bytes(raw[1:HEADER_SIZE], signed=True)
    part = name_of_part(stage)
    if not raw:
        reason = "is empty"
    elif raw[0] == _SCHEMA_ID:
        reason = f"ends after {len(raw)} bytes, within the id of its schema"
    elif raw[0] == _SCHEMA_GUID:
        reason = "names its schema by a GUID, which is not supported: its producer must write the schema's id"
    else:
        reason = f"does not begin with the byte 0 and the id of a schema, but with the byte {raw[0]}"
    raise RecordError(f"the {part} {reason}", stage=stage)
