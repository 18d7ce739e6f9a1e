"""The wall clock of the local runtime."""

from __future__ import annotations

import time


class SystemClock:
    """`core.ports.Clock` over the operating system's clocks."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()  # noqa: TID251  # this is the clock

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000
