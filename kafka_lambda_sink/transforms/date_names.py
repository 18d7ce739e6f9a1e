"""The names in dates, as Java has them in English."""

from __future__ import annotations

from typing import Final

#: By the month of the year, from 0; the short names are the first three letters.
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
#: By the day of the week, Monday being 0; the short names are the first three letters.
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
#: Of the day.
HALVES: Final = ("AM", "PM")
#: Before and after Christ.
ERAS: Final = ("BC", "AD")
#: Read, but never written.
LONG_ERAS: Final = ("Before Christ", "Anno Domini")
