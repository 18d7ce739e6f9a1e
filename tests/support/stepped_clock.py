"""A clock that stands still until it is told to go on."""

from __future__ import annotations


class SteppedClock:
    """Implements `core.ports.Clock`."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return round(self.seconds * 1000)

    def step(self, seconds: float) -> None:
        self.seconds += seconds
