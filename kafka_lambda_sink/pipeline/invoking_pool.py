"""The threads that invoke where a partition has several batches in flight; all partitions of a task share them."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias

from kafka_lambda_sink.core.ports import Clock, Invoker

#: Seconds after which a thread that has nothing to do ends.
_IDLE: Final = 30.0


class InvokingThread:
    """What a thread of the pool has of its own: one invoker a function."""

    def __init__(self, open_invoker: Callable[[str], Invoker]) -> None:
        self._open = open_invoker
        self._invokers: dict[str, Invoker] = {}

    def invoker(self, topic: str) -> Invoker:
        """The invoker of the topic's function. May raise what opening one raises."""
        found = self._invokers.get(topic)
        if found is None:
            found = self._invokers[topic] = self._open(topic)
        return found

    def discard(self, topic: str) -> None:
        """Close an invoker that was aborted: it makes no call any more."""
        invoker = self._invokers.pop(topic, None)
        if invoker is not None:
            invoker.close()

    def close(self) -> None:
        """Close all of them."""
        for topic in [*self._invokers]:
            self.discard(topic)


#: One batch of some partition; must not raise.
Turn: TypeAlias = Callable[[InvokingThread], None]


class InvokingPool:
    """Runs turns in the order that they are due in, on up to `max_threads` threads, which come and go as needed."""

    def __init__(self, open_invoker: Callable[[str], Invoker], clock: Clock, *, max_threads: int) -> None:
        self._open_invoker = open_invoker
        self._clock = clock
        self._max_threads = max_threads
        self._changed = threading.Condition()
        self._turns: deque[Turn] = deque()
        #: (when it is due, a number, turn).
        self._later: list[tuple[float, int, Turn]] = []
        self._numbers = itertools.count()
        self._threads = 0
        self._idle = 0
        self._is_closing = False

    def submit(self, turn: Turn) -> None:
        """Run `turn` as soon as a thread is free. Any thread; does not block."""
        with self._changed:
            self._turns.append(turn)
            self._wake()

    def submit_later(self, delay: float, turn: Turn) -> None:
        """The same after `delay` seconds."""
        with self._changed:
            heapq.heappush(self._later, (self._clock.monotonic() + delay, next(self._numbers), turn))
            self._wake()

    def close(self) -> None:
        """Run nothing more; threads end when their turn does. Does not block."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    @property
    def threads(self) -> int:
        """How many there are now."""
        return self._threads

    def _wake(self) -> None:
        self._changed.notify()
        self._reinforce()

    def _reinforce(self) -> None:
        """Start a thread where those that are free, one of which waits for what is due later, are too few."""
        wanted = len(self._turns) + bool(self._later)
        if wanted > self._idle and self._threads < self._max_threads and not self._is_closing:
            self._threads += 1
            try:
                threading.Thread(target=self._run, name=f"invoking {self._threads}", daemon=True).start()
            except RuntimeError:
                self._threads -= 1
                # There can be no more of them: the others do it all.
                if not self._threads:
                    raise

    def _run(self) -> None:
        own = InvokingThread(self._open_invoker)
        try:
            while (turn := self._next()) is not None:
                turn(own)
        finally:
            with suppress(Exception):
                own.close()

    def _next(self) -> Turn | None:
        """The next turn; None when the thread is to end. Blocks."""
        with self._changed:
            deadline = self._clock.monotonic() + _IDLE
            while True:
                now = self._clock.monotonic()
                while self._later and self._later[0][0] <= now:
                    self._turns.append(heapq.heappop(self._later)[2])
                if self._turns and not self._is_closing:
                    turn = self._turns.popleft()
                    self._reinforce()
                    return turn
                # One thread waits for what is due later.
                if self._is_closing or (now >= deadline and not (self._later and not self._idle)):
                    self._threads -= 1
                    return None
                until = self._later[0][0] if self._later else deadline
                self._idle += 1
                self._changed.wait(max(until - now, 0.001))
                self._idle -= 1
