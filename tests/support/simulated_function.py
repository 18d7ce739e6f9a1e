"""A function that takes so many calls at a time, and partitions that call it one after another, in simulated time.

What stands between them is `core.concurrency`, used as `pipeline.function_gate` uses it, and nothing else.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from kafka_lambda_sink.core.call_outcome import CallOutcome
from kafka_lambda_sink.core.concurrency import ConcurrencyLimit

#: Seconds until a call is refused, and until a partition has its next batch.
_REFUSAL = 0.003
_BETWEEN = 0.0005


@dataclass(slots=True)
class Call:
    """One call that has ended."""

    began: float
    ended: float
    is_throttled: bool


@dataclass
class SimulatedFunction:
    """Runs up to `capacity` (by time) calls at once, and refuses the others with `retry_after`. Times in seconds."""

    capacity: Callable[[float], int]
    latency: float
    partitions: int
    seed: int
    retry_after: float | None = 1.0
    kind: CallOutcome = CallOutcome.RESERVED
    limit: ConcurrencyLimit = field(default_factory=ConcurrencyLimit)
    calls: list[Call] = field(default_factory=list)
    #: Moments at which the limit called it paused.
    paused: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = count()
        self._waiting: deque[None] = deque()
        self._in_flight = self._running = 0

    def run(self, seconds: float) -> None:
        """From nothing on."""
        for _ in range(self.partitions):
            self._at(self._random.random() * 0.01, self._arrive)
        while self._events and self._events[0][0] <= seconds:
            now, _, happens = heapq.heappop(self._events)
            happens(now)
            self._let_in(now)

    def used(self, begin: float, end: float, capacity: int) -> float:
        """Share of what it could have run in that time."""
        busy = sum(
            max(0.0, min(call.ended, end) - max(call.began, begin)) for call in self.calls if not call.is_throttled
        )
        return busy / (capacity * (end - begin))

    def throttled(self, begin: float, end: float) -> tuple[int, int]:
        """Calls that were refused, and all, of those that began in that time."""
        found = [call.is_throttled for call in self.calls if begin <= call.began < end]
        return sum(found), len(found)

    def _at(self, moment: float, happens: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), happens))

    def _arrive(self, _: float) -> None:
        self._waiting.append(None)

    def _let_in(self, now: float) -> None:
        limit = self.limit
        while self._waiting and now >= limit.begin_at and (limit.limit is None or self._in_flight < limit.limit):
            self._waiting.popleft()
            self._begin(now, limit.window)
        if self._waiting and now < limit.begin_at:
            self._at(limit.begin_at, lambda _: None)

    def _begin(self, now: float, window: int) -> None:
        self._in_flight += 1
        if self._running < self.capacity(now):
            self._running += 1
            ends = now + self.latency * self._random.uniform(0.8, 1.2)
            self._at(ends, lambda moment: self._answer(now, moment, window))
        else:
            self._at(now + _REFUSAL, lambda moment: self._refuse(now, moment, window))

    def _answer(self, began: float, now: float, window: int) -> None:
        most = self.limit.limit
        is_full = bool(self._waiting) or (most is not None and self._in_flight >= most)
        self._in_flight -= 1
        self._running -= 1
        self.calls.append(Call(began, now, is_throttled=False))
        self.limit.answered(window, now, is_full=is_full)
        self._at(now + _BETWEEN, self._arrive)

    def _refuse(self, began: float, now: float, window: int) -> None:
        self.calls.append(Call(began, now, is_throttled=True))
        self.limit.throttled(window, now, kind=self.kind, in_flight=self._in_flight, retry_after=self.retry_after)
        self._in_flight -= 1
        if self.limit.is_paused:
            self.paused.append(now)
        self._at(now + max(self.retry_after or 0.0, self._random.random() * 0.1), self._arrive)
