"""How much memory the unfinished reports of one task may take, whatever the number of its partitions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

#: Bytes around the key and value of a report, which are held twice: here and in the producer. Measured with results of
#: 10 to 100,000 bytes: what 20,000 to 50,000 reports that wait for a broker add to the process is 2 * (key + value)
#: + 1,200, and 1,100 more for a span.
_REPORT_OVERHEAD: Final = 1200
_SPAN_OVERHEAD: Final = 1100


def cost_of(reports: int, size: int) -> int:
    """Bytes of memory that a span takes, of so many reports with `size` bytes of keys and values in all."""
    return _SPAN_OVERHEAD + reports * _REPORT_OVERHEAD + 2 * size


class ReportBudget:
    """Bytes that wait for their delivery reports, of all partitions of a task. Any thread.

    A partition has room while it holds less than what is left. So one alone may hold half, and each of n that want all
    they can get an (n+1)th; what one cannot get rid of narrows the others, and never stops them: whoever holds nothing
    has room. `limit` is exceeded by as much as the partitions have in flight, a batch each.
    """

    __slots__ = ("_limit", "_lock", "_taken", "_waiting")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._taken = 0
        self._waiting: set[Callable[[], None]] = set()

    @property
    def taken(self) -> int:
        """Bytes that are held by all."""
        return self._taken

    def take(self, size: int) -> None:
        """Hold `size` bytes more. Never waits: they are there already."""
        with self._lock:
            self._taken += size

    def give_back(self, size: int) -> None:
        """Hold `size` bytes less."""
        with self._lock:
            self._taken -= size
            # Not at each step: every report would wake every partition.
            if not self._waiting or self._taken * 2 > self._limit:
                return
            waiting, self._waiting = self._waiting, set()
        for wake in waiting:
            wake()

    def has_room(self, held: int, wake: Callable[[], None]) -> bool:
        """Whether a partition that holds `held` bytes may add to them.

        If not, it is to ask again when it holds less, and `wake` is called once when half of the budget is free.
        """
        with self._lock:
            if not held or held < self._limit - self._taken:
                return True
            self._waiting.add(wake)
            return False

    def __repr__(self) -> str:
        """`<ReportBudget 1200 of 16777216 bytes, 2 waiting>`."""
        return f"<ReportBudget {self._taken} of {self._limit} bytes, {len(self._waiting)} waiting>"
