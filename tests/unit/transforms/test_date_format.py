"""What golden tables cannot say of date formats: it depends on the day, or is refused here alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kafka_lambda_sink.transforms.date_format import DateFormat

YEAR_MS = 366 * 86_400_000


def test_years_of_two_digits_are_from_eighty_years_ago_to_twenty_years_from_now():
    now = datetime.now(UTC).timestamp() * 1000
    read = [DateFormat("yy-MM-dd").parse(f"{year:02d}-{month:02d}-01") for year in range(100) for month in range(1, 13)]
    assert all(now - 80 * YEAR_MS <= instant < now + 20 * YEAR_MS for instant in read)
    assert len(set(read)) == 1200


def test_unknown_letters_are_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"`T` in `yyyy-MM-ddTHH` is no letter of a date: there are D, E, F, G, H"):
        DateFormat("yyyy-MM-ddTHH")
