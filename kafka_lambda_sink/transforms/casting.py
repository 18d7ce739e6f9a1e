"""One value from one of Connect's types to another, as its Cast does it (Kafka 4.1)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from kafka_lambda_sink.converters.singles import nearest_single
from kafka_lambda_sink.core.java_calendar import DAY_MS
from kafka_lambda_sink.core.schema import DATE, TIME, Float32, Instant, Schema, Type
from kafka_lambda_sink.transforms.date_format import DateFormat
from kafka_lambda_sink.transforms.java_numbers import (
    BITS,
    double_text,
    narrowed,
    parse_double,
    parse_integer,
    parse_single,
    single_text,
    wrapped,
)
from kafka_lambda_sink.transforms.requirement import refused

#: What a value can be cast to.
CASTABLE: Final = (*BITS, Type.FLOAT32, Type.FLOAT64, Type.BOOLEAN, Type.STRING)
_SOURCES: Final = frozenset({*CASTABLE, Type.BYTES})

_DATE: Final = DateFormat("yyyy-MM-dd")
_TIME: Final = DateFormat("HH:mm:ss.SSS'Z'")
_TIMESTAMP: Final = DateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")


def cast_value(schema: Schema | None, value: object, target: Type) -> object:
    """`value`, of `schema` where it has one, as a value of `target`, one of CASTABLE. Raises RecordError.

    A number that is too large keeps its lowest bits, or is the nearest that there is, as in Java; a text must fit.
    """
    if value is None:
        return None
    if schema is None:
        _require_type(value)
    elif schema.type not in _SOURCES:
        raise refused(f"{schema.type} cannot be cast to {target}")
    if target is Type.STRING:
        return _text(schema, value)
    if isinstance(value, Instant):
        value = _encoded(schema, value)
    if isinstance(value, str):
        return _parsed(value, target)
    if not isinstance(value, int | float | Decimal):
        raise refused(f"{type(value).__name__} cannot be cast to {target}")
    return _CASTS[target](value)


def _require_type(value: object) -> None:
    if isinstance(value, Instant | Decimal) or not isinstance(value, int | float | str | bytes):
        raise refused(f"a {type(value).__name__} without a schema cannot be cast")
    if isinstance(value, int) and value != wrapped(value, 64):
        raise refused("an integer beyond 64 bits cannot be cast")


def _encoded(schema: Schema | None, instant: Instant) -> int:
    """The number that stands for an instant."""
    if schema is not None and schema.name == DATE:
        days, time = divmod(instant, DAY_MS)
        if time:
            raise refused("a Date must not have a time of day")
        return days
    if schema is not None and schema.name == TIME and not 0 <= instant <= DAY_MS:
        raise refused("a Time must be within one day")
    return int(instant)


def _parsed(text: str, target: Type) -> object:
    try:
        match target:
            case Type.BOOLEAN:
                return text.lower() == "true"
            case Type.FLOAT32:
                return parse_single(text)
            case Type.FLOAT64:
                return parse_double(text)
        return parse_integer(text, BITS[target])
    except ValueError as error:
        # The cause holds the text.
        raise refused(f"a text that is no {target}: {error}") from None


def _integer_cast(bits: int) -> Callable[[float | Decimal], object]:
    return lambda number: narrowed(number, bits)


def _single(number: float | Decimal) -> Float32:
    # An integer is rounded once, not by way of a double.
    return nearest_single(Decimal(number) if isinstance(number, int) else number)


_CASTS: Final[dict[Type, Callable[[float | Decimal], object]]] = {
    **{it: _integer_cast(bits) for it, bits in BITS.items()},
    Type.FLOAT32: _single,
    Type.FLOAT64: float,
    Type.BOOLEAN: lambda number: narrowed(number, 64) != 0,
}


def _text(schema: Schema | None, value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Instant():
            return _instant_text(value)
        case bytes():
            return base64.b64encode(value).decode()
        case float():
            is_single = isinstance(value, Float32) if schema is None else schema.type is Type.FLOAT32
            return single_text(value) if is_single else double_text(value)
    return str(value)


def _instant_text(instant: Instant) -> str:
    """By the value alone, as Connect has it: what is before 1970-01-02 is a time of day, whatever the schema."""
    if instant < DAY_MS:
        return _TIME.format(instant)
    return _DATE.format(instant) if instant % DAY_MS == 0 else _TIMESTAMP.format(instant)
