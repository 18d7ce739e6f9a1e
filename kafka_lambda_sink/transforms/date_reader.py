"""Texts read by a date pattern, as leniently as `SimpleDateFormat.parse` reads them (JDK 17)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Final

from kafka_lambda_sink.transforms.date_fields import DateFields
from kafka_lambda_sink.transforms.date_names import DAYS, ERAS, HALVES, LONG_ERAS, MONTHS, SHORT_DAYS, SHORT_MONTHS
from kafka_lambda_sink.transforms.date_pattern import ZONES, DateField, DatePattern
from kafka_lambda_sink.transforms.zone_offset import read_zone

#: An integer as DecimalFormat reads it: with an exponent, if it has one.
_INTEGER: Final = re.compile(r"(-?)(\d+)(?:E(-?\d+))?")
_BLANKS: Final = re.compile(r"[ \t]*")
#: Java's long.
_LONG: Final = 2**63
#: Powers of ten beyond this one are beyond a long, too.
_MOST_EXPONENT: Final = 30
#: Two-digit years are from so many years ago on.
_YEARS_BACK: Final = 80


def _names(*lists: Sequence[str], first: int = 0) -> list[tuple[str, int]]:
    """Names in lower case with their numbers, the longest first."""
    named = [(name.lower(), number) for names in lists for number, name in enumerate(names, first)]
    return sorted(named, key=lambda it: -len(it[0]))


#: What a letter sets, and its names.
_NAMED: Final = {
    "G": ("G", _names(ERAS, LONG_ERAS)),
    "M": ("M", _names(MONTHS, SHORT_MONTHS, first=1)),
    "L": ("M", _names(MONTHS, SHORT_MONTHS, first=1)),
    "E": ("u", _names(DAYS, SHORT_DAYS, first=1)),
    "a": ("a", _names(HALVES)),
}
#: What a letter of a number sets, where it is not its own, and the number that stands for zero.
_ALIASES: Final[dict[str, tuple[str, int | None]]] = {
    "L": ("M", None),
    "k": ("H", 24),
    "h": ("K", 12),
}

#: Reads one part of a text: from a position, into the fields; where it ends, or None.
_Read = Callable[[str, int, DateFields], "int | None"]


class DateReader:
    """A pattern, compiled for reading."""

    def __init__(self, pattern: DatePattern) -> None:
        self._readers = [_part_reader(part, after) for part, after in zip_longest(pattern, pattern[1:])]

    def read(self, text: str) -> int | None:
        """Milliseconds since the epoch, None for a text that the pattern does not fit. Raises ValueError."""
        fields, position = DateFields(), 0
        for read in self._readers:
            end = read(text, position, fields)
            if end is None:
                return None
            position = end
        # What takes nothing of the text has read nothing.
        return fields.milliseconds() if position else None


def _part_reader(part: DateField | str, following: DateField | str | None) -> _Read:
    if isinstance(part, str):
        return _text_reader(part)
    if part.is_number:
        # Digits end with the field only where digits of another follow at once.
        is_bounded = isinstance(following, DateField) and following.is_number
        return _number_reader(part, is_bounded=is_bounded)
    if part.letter in ZONES:
        return _zone_reader(part)
    return _name_reader(*_NAMED[part.letter])


def _text_reader(expected: str) -> _Read:
    def read(text: str, start: int, _: DateFields) -> int | None:
        return start + len(expected) if text.startswith(expected, start) else None

    return read


def _begin(text: str, start: int) -> int | None:
    """Where something begins after blanks."""
    found = _BLANKS.match(text, start)
    begin = found.end() if found else start
    return begin if begin < len(text) else None


def _name_reader(field: str, names: list[tuple[str, int]]) -> _Read:
    def read(text: str, start: int, fields: DateFields) -> int | None:
        if _begin(text, start) is None:
            return None
        for name, number in names:
            # Unlike numbers, names have no blanks before them.
            if text[start : start + len(name)].lower() == name:
                fields.set(field, number)
                return start + len(name)
        return None

    return read


def _zone_reader(field: DateField) -> _Read:
    def read(text: str, start: int, fields: DateFields) -> int | None:
        begin = _begin(text, start)
        found = None if begin is None else read_zone(text, begin, field)
        if found is None:
            return None
        if found.minutes is not None:
            fields.set("Z", found.minutes)
        return found.end

    return read


def _number_reader(part: DateField, *, is_bounded: bool) -> _Read:
    field, zero = _ALIASES.get(part.letter, (part.letter, None))
    is_short_year = part.letter in "yY" and part.length <= 2  # noqa: PLR2004 - years of two digits
    # Java takes the day that the format is made on.
    century = _Century(datetime.now(UTC)) if is_short_year else None

    def read(text: str, start: int, fields: DateFields) -> int | None:
        begin = _begin(text, start)
        limit = start + part.length if is_bounded else len(text)
        if begin is None or limit > len(text):
            return None
        found = _INTEGER.match(text, begin, limit)
        if found is None:
            return None
        number = _integer(*found.groups())
        if century is not None and found.end() - begin == 2 and not found[1]:  # noqa: PLR2004 - digits
            number = century.year(number, fields)
        fields.set(field, 0 if number == zero else number)
        return found.end()

    return read


class _Century:
    """In which century years of two digits are."""

    def __init__(self, now: datetime) -> None:
        self._first_year = now.year - _YEARS_BACK
        self._start = int(now.replace(year=self._first_year).timestamp() * 1000)

    def year(self, number: int, fields: DateFields) -> int:
        first = self._first_year % 100
        if number == first:
            # Only the rest of the date says whether it is the first or the last of these years.
            fields.not_before = self._start
        return number + self._first_year - first + (100 if number < first else 0)


def _integer(sign: str, digits: str, exponent: str | None) -> int:
    """Java's int of a number: that of a long, or the nearest where it is none."""
    number = int(sign + digits)
    if exponent:
        power = max(-_MOST_EXPONENT, min(int(exponent), _MOST_EXPONENT))
        number = number * 10**power if power >= 0 else (abs(number) // 10**-power) * (-1 if sign else 1)
    if not -_LONG <= number < _LONG:
        return 2**31 - 1 if number > 0 else -(2**31)
    return (number + 2**31) % 2**32 - 2**31
