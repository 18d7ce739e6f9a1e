"""The names in dates, as Java has them in English."""

from __future__ import annotations

from typing import Final

#: By the month of the year, from 0.
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
SHORT_MONTHS: Final = tuple(name[:3] for name in MONTHS)
#: By the day of the week, Monday being 0.
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT_DAYS: Final = tuple(name[:3] for name in DAYS)
#: Of the day.
HALVES: Final = ("AM", "PM")
#: Before and after Christ.
ERAS: Final = ("BC", "AD")
#: Read, but never written.
LONG_ERAS: Final = ("Before Christ", "Anno Domini")
