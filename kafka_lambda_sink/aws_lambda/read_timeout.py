"""How long the invokers of one connector wait for a reply."""

from __future__ import annotations

from collections.abc import Callable


def _ignore() -> None:
    """Nobody asks."""


class ReadTimeout:
    """Seconds for a whole reply, shared by invokers; what is set counts from each one's next call on. Thread-safe."""

    __slots__ = ("passed", "seconds")

    def __init__(self, seconds: float, passed: Callable[[], None] = _ignore) -> None:
        self.seconds = seconds
        #: Called after each call whose reply did not come in time, on the thread that made it. Must not block or raise.
        self.passed = passed
