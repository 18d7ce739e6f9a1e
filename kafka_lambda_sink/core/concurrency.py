"""How many invocations of one function may be in flight: additive increase, multiplicative decrease. Pure.

A *window* begins with a throttle. All calls that were in flight at that moment belong to the one before, so what their
throttles say has one effect together: one takes a tenth of the limit away, many of them up to half. What was in flight
without the throttled ones is the *knee*: up to it the limit grows quickly again, and beyond it by one, as a trial,
after `_TRIAL_AFTER` calls: one throttle in so many calls is what it costs to notice that there is room again.

Of the other clients of this kind, TCP's congestion control and Netflix's concurrency-limits, it differs in one thing:
Lambda refuses at once instead of queueing, so latency says nothing, and the number of refusals says where the limit is.
"""

from __future__ import annotations

from math import inf
from typing import Final

from kafka_lambda_sink.core.call_outcome import CallOutcome

#: Calls that have to be answered at the knee before one more at a time is tried.
_TRIAL_AFTER: Final = 100
#: Seconds after which it is tried whatever their number: a function may take minutes.
_TRIAL_AT_LAST: Final = 60.0
#: Seconds that the limit stays at the knee after a throttle of the rate. A trial there costs all of them a pause.
_RATE_HOLD: Final = 30.0
#: Seconds that nobody invokes after a throttle of the rate without `Retry-After`, and the first wait of a lone call.
_PAUSE: Final = 0.25
#: Seconds: no wait of ours for a function is longer, so that it is noticed soon that it takes calls again.
LONGEST_WAIT: Final = 5.0
#: Of a call beyond the limit: it is of no window.
BEYOND: Final = -1
#: Seconds without an answer after which one call beyond the limit is tried: those in flight may hang. Doubled by each
#: that is tried, until one is answered: calls that take long are not refused many others.
_BEYOND_AFTER: Final = 2.0
_BEYOND_AT_LAST: Final = 60.0
#: Seconds that a function has to refuse everything for before it is called paused.
_PAUSED_AFTER: Final = 1.0
_KEPT: Final = 0.9


class ConcurrencyLimit:
    """The limit of one function, as the outcomes of its calls have it. Times are seconds of one clock that go forwards.

    Whoever begins a call remembers `window` and gives it back with the outcome.
    """

    __slots__ = (
        "_alone", "_at_first", "_beyond_after", "_beyond_at", "_ceiling", "_hold_until", "_knee", "_refused", "_run",
        "_run_began", "_step", "_successes", "_trial_at", "begin_at", "is_paused", "limit", "window",
    )  # fmt: skip

    def __init__(self, ceiling: int | None = None) -> None:
        """`ceiling` is the most there may ever be; None: no limit until the first throttle."""
        self._ceiling = ceiling
        #: Most calls in flight, at least 1; None: as many as there are.
        self.limit = ceiling
        #: Number of the present window.
        self.window = 0
        #: Nobody may begin before this moment.
        self.begin_at = 0.0
        self._beyond_at = inf
        self._beyond_after = _BEYOND_AFTER
        #: Refused, for its reserved concurrency, although no other call of ours was in flight: it is 0, or all of it is
        #: somebody else's.
        self.is_paused = False
        self._knee: int | None = None
        #: In flight at the window's first throttle, and throttled of those.
        self._at_first = 0
        self._refused = 0
        #: Of the present limit.
        self._successes = 0
        self._step = 1
        self._hold_until = 0.0
        self._trial_at = 0.0
        #: Throttles since the last success, and when the first of them came; those of lone calls.
        self._run = 0
        self._run_began = 0.0
        self._alone = 0

    def answered(self, window: int, now: float, *, is_full: bool) -> None:
        """A call was not throttled. `is_full`: there were as many as there may be, or more wanted to begin."""
        self._run = self._alone = 0
        self.is_paused = False
        limit = self.limit
        if window == BEYOND and limit is not None:
            self._beyond_after = _BEYOND_AFTER
            self._knee, self._step = None, 1
            self._grow(limit + 1)
        self._beyond_at = now + self._beyond_after
        if limit is None or window != self.window or not is_full or limit == self._ceiling:
            return
        self._successes += 1
        knee = self._knee
        if knee is not None and limit >= knee:
            is_due = self._successes >= max(limit, _TRIAL_AFTER) or now >= self._trial_at
            if is_due and now >= self._hold_until:
                self._knee, self._step = None, 1
                self._grow(limit + 1)
        elif self._successes >= limit:
            step, self._step = self._step, self._step * 2
            self._grow(limit + step if knee is None else min(limit + step, knee))

    @property
    def beyond_at(self) -> float:
        """When one call more than the limit may begin; never more than the ceiling."""
        return inf if self.limit == self._ceiling else self._beyond_at

    def began_beyond(self, now: float) -> None:
        """A call begins at `beyond_at`; its window is BEYOND."""
        self._beyond_after = min(self._beyond_after * 2, _BEYOND_AT_LAST)
        self._beyond_at = now + self._beyond_after

    def throttled(
        self, window: int, now: float, *, kind: CallOutcome, in_flight: int, retry_after: float | None
    ) -> None:
        """A call was throttled; `in_flight` were with it, itself included. `retry_after` in seconds."""
        wait = retry_after or 0.0
        if not self._run:
            self._run_began = now
        self._run += 1
        self._decrease(window, in_flight)
        self._beyond_at = now + max(self._beyond_after, retry_after or 0.0)
        is_rate = kind is CallOutcome.TOO_FAST
        self._hold_until = now + max(wait, _RATE_HOLD if is_rate else 0.0)
        self._trial_at = now + _TRIAL_AT_LAST
        if is_rate:
            self.begin_at = max(self.begin_at, now + (wait or _PAUSE))
        elif in_flight <= 1 < self._run:
            self._refused_alone(now, wait)
            if kind is CallOutcome.RESERVED and now - self._run_began >= _PAUSED_AFTER:
                self.is_paused = True

    def _decrease(self, window: int, in_flight: int) -> None:
        if window == self.window:
            self.window += 1
            self._successes, self._step = 0, 1
            self._at_first = first = min(in_flight, self.limit or in_flight)
            self._refused = 1
            limit = min(first - 1, int(first * _KEPT))
        elif window == self.window - 1 and self.limit is not None:
            first = self._at_first
            self._refused += 1
            limit = min(self.limit, max((first + 1) // 2, first - self._refused))
        else:
            return
        self.limit = max(limit, 1)
        room = first - self._refused
        # None: nothing says that there is room for any.
        self._knee = max(self.limit, room) if room > 0 else None

    def _refused_alone(self, now: float, wait: float) -> None:
        """Nothing of ours takes up what there is, and still there is no room: one call tries it from time to time."""
        self.limit, self._knee, self._step, self._successes = 1, None, 1, 0
        self._alone += 1
        doubled = _PAUSE * 2.0 ** min(self._alone - 1, 8)
        self.begin_at = max(self.begin_at, now + max(wait, min(doubled, LONGEST_WAIT)))

    def _grow(self, limit: int) -> None:
        self.limit = limit if self._ceiling is None else min(limit, self._ceiling)
        self._successes = 0
