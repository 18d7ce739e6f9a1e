"""Dates and times in texts, as leniently read as `java.text.SimpleDateFormat` reads them (JDK 17, UTC)."""

from __future__ import annotations

import re
from typing import Final

from kafka_lambda_sink.core.java_calendar import DAY_MS, days_of
from kafka_lambda_sink.core.schema import STRING, Instant, Schema, date_schema, time_schema, timestamp_schema
from kafka_lambda_sink.core.sink_record import SchemaAndValue

#: A number as DecimalFormat reads integers: blanks before it, and an exponent.
_NUMBER: Final = r"[ \t]*(-?\d+(?:E-?\d+)?)"
_DATE: Final = re.compile(f"{_NUMBER}-{_NUMBER}-{_NUMBER}")
_TIME: Final = re.compile(rf"{_NUMBER}:{_NUMBER}:{_NUMBER}\.{_NUMBER}Z")
_TIMESTAMP: Final = re.compile(rf"{_DATE.pattern}T{_TIME.pattern}")

_DATE_SCHEMA: Final = date_schema()
_TIME_SCHEMA: Final = time_schema()
_TIMESTAMP_SCHEMA: Final = timestamp_schema()
#: By the length of a text: how it must begin, and the schema.
_BY_LENGTH: Final[dict[int, tuple[re.Pattern[str], Schema]]] = {
    len("yyyy-MM-dd"): (_DATE, _DATE_SCHEMA),
    len("HH:mm:ss.SSSZ"): (_TIME, _TIME_SCHEMA),
    len("yyyy-MM-ddTHH:mm:ss.SSSZ"): (_TIMESTAMP, _TIMESTAMP_SCHEMA),
}


def parse_temporal(text: str) -> SchemaAndValue | None:
    """The Date, Time or Timestamp that `text` is by its length and its beginning; None for other texts.

    What comes after the last number that the pattern needs may be anything, and the 40th of a month is a day of the
    next: `Values.parseAsTemporal` has it so. It also has times at 40 o'clock, which nothing
    can write; here they are strings.
    """
    text = text.replace("\\:", ":")
    pattern, schema = _BY_LENGTH.get(len(text), (None, None))
    found = pattern.match(text) if pattern else None
    if found is None:
        return None
    numbers = [_integer(number) for number in found.groups()]
    milliseconds = 0 if schema is _TIME_SCHEMA else days_of(*numbers[:3]) * DAY_MS
    if schema is not _DATE_SCHEMA:
        milliseconds += _time_of_day(*numbers[-4:])
    if schema is _TIME_SCHEMA and not 0 <= milliseconds <= DAY_MS:
        return SchemaAndValue(STRING, text)
    return SchemaAndValue(schema, Instant(milliseconds))


def _integer(text: str) -> int:
    mantissa, _, exponent = text.partition("E")
    number = int(mantissa)
    if not exponent:
        return _wrapped(number)
    scaled = number * 10.0 ** min(int(exponent), 30)
    return _wrapped(int(scaled)) if abs(scaled) < 2**63 else (2**31 - 1 if scaled > 0 else -(2**31))


def _wrapped(number: int) -> int:
    """`Number.intValue` of a long."""
    return (number + 2**31) % 2**32 - 2**31


def _time_of_day(hours: int, minutes: int, seconds: int, milliseconds: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
