"""Confluent's wire format: which schema of a registry the bytes of a record are written with.

Source: https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
"""

from __future__ import annotations

from typing import Final

from kafka_lambda_sink.converters.converter import name_of_part
from kafka_lambda_sink.core.errors import RecordError

#: Bytes before the data: a zero, and the schema's id, big endian.
HEADER_SIZE: Final = 5
_FIRST_MESSAGE: Final = (0,)
#: Bytes that a 32-bit number in base 128 has at most.
_LONGEST_NUMBER: Final = 5
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


class MessageIndexError(ValueError):
    """What a Protobuf record says of its message cannot be read."""


def message_indexes_of(raw: bytes) -> tuple[tuple[int, ...], int]:
    """Which message of its schema a Protobuf record is, and where its data begins.

    The indexes lead from the file's messages through those within them; a single 0 stands for the first. Raises
    MessageIndexError.
    """
    if raw[HEADER_SIZE : HEADER_SIZE + 1] == b"\0":
        # Nearly all records, at a third of the price.
        return _FIRST_MESSAGE, HEADER_SIZE + 1
    count, at = _zigzag(raw, HEADER_SIZE)
    if count == 0:
        return _FIRST_MESSAGE, at
    if not 0 < count <= len(raw) - at:
        raise MessageIndexError("it says that it has more message indexes than it has bytes")
    indexes = []
    for _ in range(count):
        index, at = _zigzag(raw, at)
        indexes.append(index)
    return tuple(indexes), at


def _zigzag(raw: bytes, at: int) -> tuple[int, int]:
    number = 0
    for size, byte in enumerate(raw[at : at + _LONGEST_NUMBER]):
        number |= (byte & 0x7F) << (7 * size)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says whether more follows
            return (number >> 1) ^ -(number & 1), at + size + 1
    raise MessageIndexError("it ends within its message indexes")
