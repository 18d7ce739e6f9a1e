"""What becomes of values as the protobuf runtime hands them out: Connect's data, as ProtobufData has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from kafka_lambda_sink.converters.decimals import MOST_DIGITS, from_bytes
from kafka_lambda_sink.converters.protobuf_connect import syntax_of
from kafka_lambda_sink.converters.unconvertible import UnconvertibleError
from kafka_lambda_sink.core.java_calendar import DAY_MS, date_of, days_of
from kafka_lambda_sink.core.schema import DATE, DECIMAL, TIME, TIMESTAMP, Instant, Schema, Type

#: A value that is there to another. Raises UnconvertibleError.
Finish: TypeAlias = Callable[[Any], Any]

#: Bytes that surely have no more than MOST_DIGITS decimal digits.
_MOST_BYTES: Final = MOST_DIGITS * 2 // 5
#: google.protobuf.Timestamp's range: years 1 to 9999.
_SECONDS: Final = range(-62_135_596_800, 253_402_300_800)
_NANOS: Final = range(1_000_000_000)


def scalar(field: Any, schema: Schema) -> Finish | None:
    """For one value of a field that is no message; None where it is Connect's data already."""
    if field.type == FieldDescriptorProto.TYPE_ENUM:
        return None if schema.type is Type.INT32 else _name_of(field.enum_type)
    if schema.type is Type.STRING:
        # Of proto3 the runtime has looked at it.
        return None if syntax_of(field.file) == "proto3" else _text
    if schema.type in _NARROW:
        limit = _NARROW[schema.type]
        # Java's cast.
        return lambda number: (number + limit) % (2 * limit) - limit
    return None


def logical(schema: Schema) -> Finish | None:
    """For a message that stands for a value of a logical type; None for others."""
    return _LOGICAL.get(schema.name or "")


_NARROW: Final = {Type.INT8: 1 << 7, Type.INT16: 1 << 15}


def _name_of(enum: Any) -> Finish:
    names: dict[int, str] = {}
    for value in enum.values:
        # Of several names for a number the first.
        names.setdefault(value.number, value.name)

    def name_of(number: int) -> str:
        # What Java's runtime calls a value that the schema does not have.
        return names.get(number) or f"UNKNOWN_ENUM_VALUE_{enum.name}_{number}"

    return name_of


def _text(text: Any) -> str:
    # proto2 lets anything pass; the runtime hands it out as bytes.
    if isinstance(text, str):
        return text
    raise UnconvertibleError("text that is not UTF-8")


def _decimal(message: Any) -> object:
    """At the scale that was written: where the schema's has fewer digits, only `decimal.format=NUMERIC` can say it."""
    if not message.value:
        raise UnconvertibleError("a decimal of no bytes")
    if len(message.value) > _MOST_BYTES or abs(message.scale) > MOST_DIGITS:
        raise UnconvertibleError(f"a decimal of more than {MOST_DIGITS:,} digits")
    return from_bytes(message.value, message.scale)


def _date(message: Any) -> Instant:
    date = (message.year, message.month, message.day)
    if 1 <= message.year <= 9999 and 1 <= message.month <= 12 and 1 <= message.day <= 31:  # noqa: PLR2004 - a date
        days = days_of(*date)
        if date_of(days) == date:
            return Instant(days * DAY_MS)
    raise UnconvertibleError("a date that is none")


def _time(message: Any) -> Instant:
    hours, minutes, seconds, nanos = message.hours, message.minutes, message.seconds, message.nanos
    if hours in range(24) and minutes in range(60) and seconds in range(60) and nanos in _NANOS:
        return Instant(((hours * 60 + minutes) * 60 + seconds) * 1000 + nanos // 1_000_000)
    raise UnconvertibleError("a time of day that is none")


def _timestamp(message: Any) -> Instant:
    seconds, nanos = message.seconds, message.nanos
    if seconds in _SECONDS and nanos in _NANOS:
        return Instant(seconds * 1000 + nanos // 1_000_000)
    raise UnconvertibleError("a timestamp out of its range")


_LOGICAL: Final[dict[str, Finish]] = {DECIMAL: _decimal, DATE: _date, TIME: _time, TIMESTAMP: _timestamp}
