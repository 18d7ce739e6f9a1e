"""The one place that reads the machine's clocks."""

from __future__ import annotations

import time


class SystemClock:
    """The `Clock` port on the real clocks."""

    def monotonic(self) -> float:
        """CLOCK_MONOTONIC: goes on while the process is stopped by SIGSTOP."""
        return time.monotonic()  # noqa: TID251 - the implementation of the port that the rule asks for

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000
