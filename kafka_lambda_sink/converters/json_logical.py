"""Connect's logical types to JSON: Decimal, Date, Time, Timestamp (org.apache.kafka.connect.data, Kafka 4.1)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from kafka_lambda_sink.converters.decimals import MOST_DIGITS, to_bytes, unscaled_integer
from kafka_lambda_sink.converters.json_form import DecimalFormat
from kafka_lambda_sink.converters.json_numbers import UnwritableError
from kafka_lambda_sink.converters.schemaless_json import Write
from kafka_lambda_sink.core.java_calendar import DAY_MS
from kafka_lambda_sink.core.schema import DATE, DECIMAL, TIME, TIMESTAMP, Instant, Schema


def logical_writer(schema: Schema, decimal_format: DecimalFormat) -> Write | None:
    """What writes values of a logical type, told by the schema's name as in Connect; None for other schemas.

    Its Write raises UnwritableError and, for values of another type, TypeError or AttributeError.
    """
    if schema.name == DECIMAL:
        return _decimal_number if decimal_format == "NUMERIC" else _decimal_bytes_writer(schema.scale)
    return _INSTANTS.get(schema.name or "")


def _decimal_number(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise UnwritableError("a decimal that is not finite")
    return value


def _decimal_bytes_writer(scale: int) -> Write:
    def write(value: Decimal) -> bytes:
        if _decimal_number(value).adjusted() + scale >= MOST_DIGITS:
            raise UnwritableError(f"a decimal of more than {MOST_DIGITS:,} digits")
        unscaled = unscaled_integer(value, scale)
        if unscaled is None:
            raise UnwritableError(f"a decimal with more than the {scale} digits after the point of its schema")
        return to_bytes(unscaled)

    return write


def _milliseconds(value: object) -> int:
    if not isinstance(value, Instant):
        raise TypeError(type(value))
    return int(value)


def _date(value: object) -> int:
    days, time_of_day = divmod(_milliseconds(value), DAY_MS)
    if time_of_day:
        raise UnwritableError("a date with a time of day")
    return days


def _time(value: object) -> int:
    time_of_day = _milliseconds(value)
    if not 0 <= time_of_day <= DAY_MS:
        raise UnwritableError("a time of day below zero or beyond 24 hours")
    return time_of_day


_INSTANTS: Final[dict[str, Write]] = {DATE: _date, TIME: _time, TIMESTAMP: _milliseconds}
