"""Dates against Python's own, and texts of dates there and back."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from kafka_lambda_sink.core.java_calendar import DAY_MS, date_of, day_of_week, day_of_year, days_of
from kafka_lambda_sink.transforms.date_format import DateFormat

EPOCH = date(1970, 1, 1)
#: Any long, and as many within some 2000 years of the epoch: of all longs next to none are.
INSTANTS = st.integers(-(2**46), 2**46) | st.integers(-(2**63), 2**63 - 1)
LAST_OF_10_BC = -62_419_852_800_001
#: Java's own calendar is Julian before.
GREGORIAN = st.dates(min_value=date(1582, 10, 15))


@given(GREGORIAN)
def test_days_are_those_of_datetime(day: date):
    days = (day - EPOCH).days
    assert days_of(day.year, day.month, day.day) == days
    assert date_of(days) == (day.year, day.month, day.day)
    assert day_of_week(days) == day.isoweekday()
    if day.year > 1582:
        assert day_of_year(days) == day.timetuple().tm_yday


@given(st.integers(-(2**40), 2**40))
def test_every_day_has_one_date(days: int):
    assert days_of(*date_of(days)) == days
    assert date_of(days) < date_of(days + 1)


@given(st.datetimes(min_value=datetime(1583, 1, 1)))  # noqa: DTZ001 - hypothesis takes naive bounds only
def test_texts_are_those_of_datetime(moment: datetime):
    instant = (moment - datetime(1970, 1, 1)) // timedelta(milliseconds=1)  # noqa: DTZ001 - as above
    text = DateFormat("yyyy-MM-dd'T'HH:mm:ss.SSSXXX").format(instant)
    read = datetime.fromisoformat(text)
    assert read == (moment - timedelta(microseconds=moment.microsecond % 1000)).replace(tzinfo=UTC)


@given(INSTANTS)
@example(LAST_OF_10_BC)
def test_what_is_written_is_read(instant: int):
    for pattern in ["G yyyy-MM-dd HH:mm:ss.SSS Z", "SSS ss mm kk D yyy G", "EEEE, d MMMM yyy G h:mm:ss.SSS a z"]:
        written = DateFormat(pattern)
        assert written.parse(written.format(instant)) == instant


@given(INSTANTS)
@example(LAST_OF_10_BC)
def test_only_years_of_two_digits_need_three_letters(instant: int):
    year = date_of(instant // DAY_MS).year
    # Java reads the 10 of `y` as 2010, before Christ as after; the golden tables have it.
    has_two_digits = 10 <= (year if year > 0 else 1 - year) <= 99
    for pattern in ["SSS ss mm kk D y G", "EEEE, d MMMM y G h:mm:ss.SSS a z"]:
        written = DateFormat(pattern)
        assert (written.parse(written.format(instant)) == instant) is not has_two_digits


@given(st.text(alphabet="0123456789-:.+ TZE", max_size=30))
def test_reading_raises_nothing_but_value_errors(text: str):
    with suppress(ValueError):
        DateFormat("yyyy-MM-dd'T'HH:mm:ss.SSSX").parse(text)
