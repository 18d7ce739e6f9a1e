"""Instants as texts and back, as `java.text.SimpleDateFormat` does it (JDK 17): in UTC, names in English, lenient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from kafka_lambda_sink.core.java_calendar import (
    DAY_MS,
    WEEK,
    CivilDate,
    date_of,
    day_of_week,
    day_of_year,
    days_of,
    week_date,
    week_of,
)
from kafka_lambda_sink.core.schema import Instant
from kafka_lambda_sink.transforms.date_names import DAYS, ERAS, HALVES, MONTHS, SHORT_DAYS, SHORT_MONTHS
from kafka_lambda_sink.transforms.date_pattern import DateField, parse_date_pattern
from kafka_lambda_sink.transforms.date_reader import DateReader

#: From so many letters on a name is written whole.
_WHOLE: Final = 4


class DateFormat:
    """A pattern, compiled. Pure, for any thread."""

    def __init__(self, pattern: str) -> None:
        """Raise ValueError for a pattern that Java refuses."""
        self.pattern = pattern
        parts = parse_date_pattern(pattern)
        self._writers = [_text_writer(it) if isinstance(it, str) else _field_writer(it) for it in parts]
        self._reader = DateReader(parts)

    def format(self, instant: int) -> str:
        """The text of an instant in milliseconds."""
        moment = _moment(instant)
        return "".join([write(moment) for write in self._writers])

    def parse(self, text: str) -> Instant:
        """The instant that a text begins with; what follows it may be anything. Raises ValueError, without the text.

        As in Java fields that are out of range carry over (a thirteenth month is January), and those that the pattern
        has not are those of 1970-01-01T00:00:00Z.
        """
        found = self._reader.read(text)
        if found is None:
            raise ValueError(f"does not match the pattern {self.pattern}")
        return Instant(found)


class _Moment(NamedTuple):
    days: int
    date: CivilDate
    #: Milliseconds since midnight.
    time: int


def _moment(instant: int) -> _Moment:
    days, time = divmod(instant, DAY_MS)
    return _Moment(days, date_of(days), time)


_Write = Callable[[_Moment], str]


def _text_writer(text: str) -> _Write:
    return lambda _: text


def _hour(moment: _Moment) -> int:
    return moment.time // 3_600_000


def _year(moment: _Moment) -> int:
    year = moment.date.year
    return year if year > 0 else 1 - year


_NUMBERS: Final[dict[str, Callable[[_Moment], int]]] = {
    "y": _year,
    "Y": lambda it: week_date(it.days)[0],
    "w": lambda it: week_date(it.days)[1],
    "W": lambda it: week_of(it.days, days_of(it.date.year, it.date.month, 1)),
    "F": lambda it: (it.days - days_of(it.date.year, it.date.month, 1)) // WEEK + 1,
    "M": lambda it: it.date.month,
    "L": lambda it: it.date.month,
    "d": lambda it: it.date.day,
    "D": lambda it: day_of_year(it.days),
    "u": lambda it: day_of_week(it.days),
    "H": _hour,
    "k": lambda it: _hour(it) or 24,
    "K": lambda it: _hour(it) % 12,
    "h": lambda it: _hour(it) % 12 or 12,
    "m": lambda it: it.time // 60_000 % 60,
    "s": lambda it: it.time // 1000 % 60,
    "S": lambda it: it.time % 1000,
}


def _month_writer(months: Sequence[str]) -> _Write:
    return lambda it: months[it.date.month - 1]


def _day_writer(days: Sequence[str]) -> _Write:
    return lambda it: days[day_of_week(it.days) - 1]


#: Of names and zones, by their letters: with few letters, and written whole.
_WORDS: Final[dict[str, tuple[_Write, _Write]]] = {
    "M": (_month_writer(SHORT_MONTHS), _month_writer(MONTHS)),
    "L": (_month_writer(SHORT_MONTHS), _month_writer(MONTHS)),
    "E": (_day_writer(SHORT_DAYS), _day_writer(DAYS)),
    "a": (lambda it: HALVES[_hour(it) // 12],) * 2,
    "G": (lambda it: ERAS[it.date.year > 0],) * 2,
    "z": (_text_writer("UTC"), _text_writer("Coordinated Universal Time")),
    "Z": (_text_writer("+0000"),) * 2,
    "X": (_text_writer("Z"),) * 2,
}


def _field_writer(field: DateField) -> _Write:
    if field.is_number:
        return _number_writer(field)
    return _WORDS[field.letter][field.length >= _WHOLE]


def _number_writer(field: DateField) -> _Write:
    letter, count = field
    number = _NUMBERS[letter]
    # Two letters of a year are its last two digits.
    kept = 2 if letter in "yY" and count == 2 else None  # noqa: PLR2004 - letters

    def write(moment: _Moment) -> str:
        value = number(moment)
        digits = f"{abs(value):0{count}d}"
        return ("-" if value < 0 else "") + (digits if kept is None else digits[-kept:])

    return write
