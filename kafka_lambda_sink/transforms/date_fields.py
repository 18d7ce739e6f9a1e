"""What was read of a date, and the instant that it is: `java.util.GregorianCalendar` in UTC, lenient (JDK 17)."""

from __future__ import annotations

from typing import Final

from kafka_lambda_sink.core.java_calendar import DAY_MS, WEEK, day_of_week, days_of, week_start

_EPOCH_YEAR: Final = 1970


class DateFields:
    """Numbers by the letters of patterns: G y Y M w W D d F u a H K m s S, and Z, minutes east of Greenwich."""

    def __init__(self) -> None:
        #: In the order that they were set in: of those that say the same the last one counts.
        self._numbers: dict[str, int] = {}
        #: A date before this instant is meant to be a century later. In milliseconds.
        self.not_before: int | None = None

    def set(self, letter: str, number: int) -> None:
        """Set, perhaps again."""
        self._numbers.pop(letter, None)
        self._numbers[letter] = number

    def milliseconds(self) -> int:
        """Since the epoch, as a long. Raises ValueError for years of weeks before Christ."""
        instant = self._instant()
        if self.not_before is not None and instant < self.not_before:
            for year in {"y", "Y"} & self._numbers.keys():
                self._numbers[year] += 100
            instant = self._instant()
        return (instant + 2**63) % 2**64 - 2**63

    def _instant(self) -> int:
        get = self._numbers.get
        time = ((self._hours() * 60 + get("m", 0)) * 60 + get("s", 0)) * 1000 + get("S", 0)
        days = self._days_of_week_date() if self._order("Y") > self._order("y") else self._days()
        return days * DAY_MS + time - get("Z", 0) * 60_000

    def _hours(self) -> int:
        get = self._numbers.get
        if self._order("H") > self._order("a", "K"):
            return get("H", 0)
        return get("K", 0) + 12 * get("a", 0)

    def _days_of_week_date(self) -> int:
        """By the year of the week, which no month and no day of the month is asked beside."""
        get = self._numbers.get
        year = get("Y", 0)
        if year <= 1 or get("G") == 0:
            # Java makes another year of it.
            raise ValueError("there are no years of weeks before Christ")
        weeks, day = divmod(get("u", WEEK) - 1, WEEK)
        return week_start(days_of(year, 1, 1)) + (get("w", 1) - 1 + weeks) * WEEK + (day + 1) % WEEK

    def _days(self) -> int:
        """By whatever says it last: day of the month or of the year, or a week and the day of the week in it."""
        year, order = self._numbers.get("y", _EPOCH_YEAR), self._order
        if self._numbers.get("G") == 0:
            year = 1 - year
        day, day_of_year = order("d"), order("D")
        weeks = {"W": order("W", "u"), "F": order("F", "u"), "w": order("w", "u")}
        if not any([day, day_of_year, *weeks.values()]):
            # A week counts without its day, and a day of the week without its week.
            weeks = {"W": order("W"), "F": max(order("F"), order("u")), "w": order("w")}
        last = max(day, day_of_year, *weeks.values())
        if day == last:
            return days_of(year, self._month(), self._numbers.get("d", 1))
        of_month = [it for it in "WF" if weeks[it] == last and order(it) >= order("w")]
        if of_month:
            return self._in_week_of_month(year, "W" if max(of_month, key=order) == "W" else "F")
        first = days_of(year, 1, 1)
        if day_of_year == last:
            return first + self._numbers["D"] - 1
        return week_start(first) + self._weekday() + (self._numbers["w"] - 1) * WEEK

    def _in_week_of_month(self, year: int, letter: str) -> int:
        first, number = days_of(year, self._month(), 1), self._numbers.get(letter, 1)
        if letter == "W":
            return week_start(first) + self._weekday() + (number - 1) * WEEK
        # The number of a day of the week counts from the end where it is negative.
        end = first if number >= 0 else days_of(year, self._month() + 1, 1) + WEEK
        end += number * WEEK - 1
        return end - (day_of_week(end) - self._weekday()) % WEEK

    def _month(self) -> int:
        return self._numbers.get("M", 1)

    def _weekday(self) -> int:
        """From 0, which is Sunday. What is no day from 1 to 7 is counted so by Java, not from Monday."""
        number = self._numbers.get("u", WEEK)
        return (number if 1 <= number <= WEEK else number - 1) % WEEK

    def _order(self, *letters: str) -> int:
        """When the last of them was set, from 1; 0 unless all were."""
        order = list(self._numbers)
        return max(order.index(it) + 1 for it in letters) if {*letters} <= {*order} else 0
