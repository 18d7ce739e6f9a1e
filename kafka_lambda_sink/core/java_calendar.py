"""Dates of `java.util.GregorianCalendar` in UTC: Julian before 15 October 1582, and nothing is out of range.

Years are counted through zero: 0 is 1 BC. Days are those since 1970-01-01. Weeks begin on Sundays, and the first one
of a year or month is that of its first day, as everywhere in English but for a few countries.
"""

from __future__ import annotations

from typing import Final, NamedTuple

DAY_MS: Final = 86_400_000
WEEK: Final = 7
#: 15 October 1582, the first day of the Gregorian calendar.
_CUTOVER: Final = -141_427
_CUTOVER_YEAR: Final = 1582
#: From 1 March of year 0 to the epoch.
_GREGORIAN_EPOCH: Final = 719_468
_JULIAN_EPOCH: Final = 719_470
_DAYS_OF_4_YEARS: Final = 1461
_DAYS_OF_400_YEARS: Final = 146_097
#: Days of a century that does not end with a leap year.
_DAYS_OF_100_YEARS: Final = 36_524
#: What `month` counts from where years begin in March, for their leap day to be the last.
_MARCH: Final = 3


class CivilDate(NamedTuple):
    """A day by its year, month (from 1) and day (from 1)."""

    year: int
    month: int
    day: int


def days_of(year: int, month: int, day: int) -> int:
    """The day that these are; a thirteenth month is the next year's first, a day zero the last of the month before."""
    gregorian = _from_march(year, month, day, is_gregorian=True)
    if year >= _CUTOVER_YEAR and gregorian >= _CUTOVER:
        return gregorian
    return _from_march(year, month, day, is_gregorian=False)


def _from_march(year: int, month: int, day: int, *, is_gregorian: bool) -> int:
    year, month = divmod(year * 12 + month - _MARCH, 12)
    days = 365 * year + year // 4 + _days_before(month) + day - 1
    if is_gregorian:
        return days - year // 100 + year // 400 - _GREGORIAN_EPOCH
    return days - _JULIAN_EPOCH


def _days_before(month: int) -> int:
    """Days before a month that counts from March as 0."""
    return (153 * month + 2) // 5


def date_of(days: int) -> CivilDate:
    """The date of a day."""
    if days >= _CUTOVER:
        eras, rest = divmod(days + _GREGORIAN_EPOCH, _DAYS_OF_400_YEARS)
        centuries = min(rest // _DAYS_OF_100_YEARS, 3)
        rest -= centuries * _DAYS_OF_100_YEARS
        year = eras * 400 + centuries * 100
    else:
        year, rest = 0, days + _JULIAN_EPOCH
    fours, rest = divmod(rest, _DAYS_OF_4_YEARS)
    years = min(rest // 365, 3)
    rest -= years * 365
    month = (5 * rest + 2) // 153
    year += fours * 4 + years + (1 if month >= 10 else 0)  # noqa: PLR2004 - January and February from March
    return CivilDate(year, (month + 2) % 12 + 1, rest - _days_before(month) + 1)


def day_of_year(days: int) -> int:
    """From 1."""
    return days - days_of(date_of(days).year, 1, 1) + 1


def day_of_week(days: int) -> int:
    """From 1, which is Monday, to 7."""
    return (days + 3) % 7 + 1


def week_start(days: int) -> int:
    """The Sunday of the week."""
    return days - (days + 4) % WEEK


def week_of(days: int, first: int) -> int:
    """Number of the week, counted from that of the day `first`, which is 1."""
    return (days - week_start(first)) // WEEK + 1


def week_date(days: int) -> tuple[int, int]:
    """The year of the week and its number in that year: the last days of December may be of the first of the next."""
    year = date_of(days).year
    if days >= week_start(days_of(year + 1, 1, 1)):
        return year + 1, 1
    return year, week_of(days, days_of(year, 1, 1))
