"""A circuit breaker: whether a function that seems to be away is invoked. Pure.

CLOSED ──so many failures in a row──► OPEN ──a wait──► HALF_OPEN ──answered──► CLOSED
                                        ▲────────the probe failed────────┘  (a longer wait)
"""

from __future__ import annotations

from enum import Enum


class CircuitState(Enum):
    """What a circuit lets through."""

    #: Every call.
    CLOSED = "closed"
    #: None.
    OPEN = "open"
    #: The one call that tries it.
    HALF_OPEN = "half-open"


class Circuit:
    """The circuit of one function. Times are seconds of one clock that go forwards."""

    __slots__ = ("_first_wait", "_longest_wait", "_threshold", "_wait", "begin_at", "failures", "state")

    def __init__(self, threshold: int, first_wait: float, longest_wait: float) -> None:
        """Opens at `threshold` failures in a row, 0: never; waits double from `first_wait` to `longest_wait`."""
        self._threshold = threshold
        self._first_wait = min(first_wait, longest_wait)
        self._longest_wait = longest_wait
        self._wait = self._first_wait
        self.state = CircuitState.CLOSED
        #: Failures since the last answer.
        self.failures = 0
        #: When the next probe may begin, unless it is closed.
        self.begin_at = 0.0

    def may_begin(self, now: float) -> bool:
        """Whether a call may begin."""
        return self.state is CircuitState.CLOSED or now >= self.begin_at

    def began(self, now: float) -> bool:
        """A call begins that `may_begin`; whether it is the probe.

        A probe that takes longer than the wait may be a function at work: it does not keep the next one away.
        """
        if self.state is CircuitState.CLOSED:
            return False
        self.state = CircuitState.HALF_OPEN
        self.begin_at = now + self._wait
        return True

    def answered(self) -> None:
        """Whatever the answer: it is there."""
        self.state = CircuitState.CLOSED
        self.failures = 0
        self._wait = self._first_wait

    def failed(self, now: float, *, is_probe: bool) -> None:
        """A call failed. Those that began before it opened say nothing new."""
        self.failures += 1
        if self.state is CircuitState.CLOSED:
            if not self._threshold or self.failures < self._threshold:
                return
        elif is_probe:
            self._wait = min(self._wait * 2, self._longest_wait)
        else:
            return
        self.state = CircuitState.OPEN
        self.begin_at = now + self._wait
