"""The forms of a timestamp that `TimestampConverter` knows: text, unix time, and Connect's Date, Time and Timestamp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from kafka_lambda_sink.core.java_calendar import DAY_MS
from kafka_lambda_sink.core.schema import (
    DATE,
    INT64,
    OPTIONAL_INT64,
    OPTIONAL_STRING,
    STRING,
    TIME,
    TIMESTAMP,
    Instant,
    Schema,
    Type,
    date_schema,
    time_schema,
    timestamp_schema,
)
from kafka_lambda_sink.transforms.date_format import DateFormat
from kafka_lambda_sink.transforms.java_numbers import wrapped
from kafka_lambda_sink.transforms.requirement import refused

FormName: TypeAlias = Literal["string", "unix", "Date", "Time", "Timestamp"]
Precision: TypeAlias = Literal["seconds", "milliseconds", "microseconds", "nanoseconds"]

_LONG: Final = 2**63
#: Units in a millisecond; a second has none.
_IN_A_MILLISECOND: Final[dict[Precision, int]] = {"milliseconds": 1, "microseconds": 1000, "nanoseconds": 1_000_000}
_LOGICAL: Final[dict[str | None, FormName]] = {TIMESTAMP: "Timestamp", DATE: "Date", TIME: "Time"}


@dataclass(frozen=True, slots=True)
class TimestampForm:
    """One of them."""

    #: To an instant; raises RecordError.
    read: Callable[[object], Instant]
    write: Callable[[Instant], object]
    schema: Schema
    optional_schema: Schema


def timestamp_forms(date_format: DateFormat | None, precision: Precision) -> dict[FormName, TimestampForm]:
    """All forms by their names."""
    return {
        "string": _text_form(date_format),
        "unix": TimestampForm(_unix_reader(precision), _unix_writer(precision), INT64, OPTIONAL_INT64),
        "Date": TimestampForm(
            _read_instant,
            lambda instant: Instant(wrapped(instant - instant % DAY_MS, 64)),
            date_schema(),
            date_schema(is_optional=True),
        ),
        "Time": TimestampForm(
            _read_instant, lambda instant: Instant(instant % DAY_MS), time_schema(), time_schema(is_optional=True)
        ),
        "Timestamp": TimestampForm(
            _read_instant, lambda instant: instant, timestamp_schema(), timestamp_schema(is_optional=True)
        ),
    }


def form_of_schema(schema: Schema) -> FormName:
    """The form of a schema's values. Raises RecordError for a schema that is none of a timestamp."""
    if schema.name in _LOGICAL:
        return _LOGICAL[schema.name]
    match schema.type:
        case Type.STRING:
            return "string"
        case Type.INT64:
            return "unix"
    raise refused(f"{schema.type} is no type of a timestamp: there are string, int64, Date, Time and Timestamp")


def form_of_value(value: object) -> FormName:
    """The form of a value without a schema. Raises RecordError for one that is no timestamp."""
    match value:
        case Instant():
            return "Timestamp"
        case str():
            return "string"
        case int() if not isinstance(value, bool):
            return "unix"
    raise refused(f"a {type(value).__name__} is no timestamp: it must be a text or a whole number")


def _text_form(date_format: DateFormat | None) -> TimestampForm:
    def read(value: object) -> Instant:
        if date_format is None:
            raise refused("it is a text, and there is no `format` to read it with")
        if not isinstance(value, str):
            raise refused(f"a {type(value).__name__} where the schema says string")
        try:
            return date_format.parse(value)
        except ValueError:
            raise refused(f"it does not match the format {date_format.pattern}") from None

    def write(instant: Instant) -> str:
        # The configuration has a format where texts are to be written.
        assert date_format is not None
        return date_format.format(instant)

    return TimestampForm(read, write, STRING, OPTIONAL_STRING)


def _read_instant(value: object) -> Instant:
    if not isinstance(value, Instant):
        raise refused(f"a {type(value).__name__} where the schema says Date, Time or Timestamp")
    return value


def _unix_reader(precision: Precision) -> Callable[[object], Instant]:
    units = _IN_A_MILLISECOND.get(precision)

    def read(value: object) -> Instant:
        if not isinstance(value, int) or isinstance(value, bool | Instant) or not -_LONG <= value < _LONG:
            raise refused("it is no whole number of 64 bits")
        return Instant(_saturated(value * 1000) if units is None else _quotient(value, units))

    return read


def _unix_writer(precision: Precision) -> Callable[[Instant], int]:
    units = _IN_A_MILLISECOND.get(precision)
    if units is None:
        return lambda instant: _quotient(instant, 1000)
    return lambda instant: _saturated(instant * units)


def _quotient(number: int, divisor: int) -> int:
    """Towards zero, as Java divides."""
    return number // divisor if number >= 0 else -(-number // divisor)


def _saturated(number: int) -> int:
    """As Java's TimeUnit converts what is beyond a long."""
    return max(-_LONG, min(number, _LONG - 1))
