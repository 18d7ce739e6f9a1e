"""What was read of a date, and the instant that it is: `java.util.GregorianCalendar` in UTC, lenient (JDK 17)."""

from __future__ import annotations

from typing import Final

from kafka_lambda_sink.transforms.java_calendar import DAY_MS, day_of_week, days_of

_EPOCH_YEAR: Final = 1970
_WEEK: Final = 7


class DateFields:
    """Numbers by the letters of patterns: G y M D d u a H K m s S, and Z, minutes east of Greenwich."""

    def __init__(self) -> None:
        #: In the order that they were set in: of two that say the same the last one counts.
        self._numbers: dict[str, int] = {}
        #: A date before this instant is meant to be a century later. In milliseconds.
        self.not_before: int | None = None

    def set(self, letter: str, number: int) -> None:
        """Set, perhaps again."""
        self._numbers.pop(letter, None)
        self._numbers[letter] = number

    def milliseconds(self) -> int:
        """Since the epoch, as a long."""
        instant = self._instant()
        if self.not_before is not None and instant < self.not_before:
            self._numbers["y"] += 100
            instant = self._instant()
        return (instant + 2**63) % 2**64 - 2**63

    def _instant(self) -> int:
        get = self._numbers.get
        time = ((self._hours() * 60 + get("m", 0)) * 60 + get("s", 0)) * 1000 + get("S", 0)
        return self._days() * DAY_MS + time - get("Z", 0) * 60_000

    def _days(self) -> int:
        get = self._numbers.get
        year, month = get("y", _EPOCH_YEAR), get("M", 1)
        if get("G") == 0:
            year = 1 - year
        is_day_last = self._order("d") > self._order("D")
        if "D" in self._numbers and not is_day_last:
            return days_of(year, 1, 1) + self._numbers["D"] - 1
        if "u" in self._numbers and not is_day_last:
            # A day of the week alone is the first of its month. Java counts from Sunday, and those that are none, too.
            number = self._numbers["u"]
            last = days_of(year, month, 1) + _WEEK - 1
            return last - (day_of_week(last) - number + (0 if 1 <= number <= _WEEK else 1)) % _WEEK
        return days_of(year, month, get("d", 1))

    def _hours(self) -> int:
        get = self._numbers.get
        has_half = {"a", "K"} <= self._numbers.keys()
        half_order = max(self._order("a"), self._order("K")) if has_half else -1
        if self._order("H") > half_order:
            return get("H", 0)
        return get("K", 0) + 12 * get("a", 0)

    def _order(self, letter: str) -> int:
        return list(self._numbers).index(letter) if letter in self._numbers else -1
