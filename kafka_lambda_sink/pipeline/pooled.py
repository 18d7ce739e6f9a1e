"""A partition pipeline without a thread of its own: it is stepped on those of a pool when there is something to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Protocol

from kafka_lambda_sink.core.ports import Fetcher
from kafka_lambda_sink.pipeline.invoking_pool import InvokingPool, InvokingThread
from kafka_lambda_sink.pipeline.partition import PartitionPipeline
from kafka_lambda_sink.pipeline.progress import PartitionProgress

#: Seconds until a pipeline that waits for delivery reports is stepped again: then its position may move.
_AGAIN: Final = 0.5


class WakingFetcher(Fetcher, Protocol):
    """A fetcher that tells when there is something to fetch."""

    @property
    def is_ready(self) -> bool:
        """Whether a fetch has something to do. Any thread."""


class PooledPipeline:
    """`pipeline.assignment.Pipeline` around a `PartitionPipeline`. One step a turn: none keeps others waiting."""

    def __init__(
        self,
        pool: InvokingPool,
        open_fetcher: Callable[[Callable[[], None]], WakingFetcher],
        build: Callable[[Callable[[], Fetcher], Callable[[], None]], PartitionPipeline],
    ) -> None:
        """`open_fetcher` is given what to call, from any thread, when there is something to fetch.

        `build` makes the pipeline from what opens its fetcher, and what to call when its progress fails; its fetches
        must not wait for a first record.
        """
        self._pool = pool
        self._open_fetcher = open_fetcher
        self._pipeline = build(self._open, self.wake)
        self._fetcher: WakingFetcher | None = None
        self._lock = threading.Lock()
        #: Waits for a turn, or has it.
        self._is_queued = False
        self._is_running = False
        #: Woken while it was running.
        self._is_woken = False
        self._is_due_later = False
        self._has_ended = threading.Event()

    @property
    def progress(self) -> PartitionProgress:
        """How far it is."""
        return self._pipeline.progress

    def start(self) -> None:
        """Begin on the pool's threads."""
        self.wake()

    def drain(self) -> None:
        """Take no more; give up waiting for a next attempt. Does not block."""
        self._pipeline.drain()
        self.wake()

    def abandon(self) -> None:
        """Kill the epoch and a call in flight. Does not block."""
        self._pipeline.abandon()
        self.wake()

    def join(self, timeout: float) -> bool:
        """Wait for its last step; whether it ended."""
        return self._has_ended.wait(timeout)

    def wake(self) -> None:
        """Have a turn. Any thread; does not block."""
        with self._lock:
            if self._is_running:
                self._is_woken = True
                return
            if self._is_queued:
                return
            self._is_queued = True
        self._pool.submit(self._turn)

    def _open(self) -> Fetcher:
        self._fetcher = self._open_fetcher(self.wake)
        return self._fetcher

    def _turn(self, _: InvokingThread) -> None:
        with self._lock:
            self._is_running = True
            self._is_woken = False
        if self._has_ended.is_set():
            return
        if not self._pipeline.turn():
            self._has_ended.set()
            return
        with self._lock:
            self._is_running = False
            self._is_queued = self._is_woken or self._is_ready
            is_waiting = not (self._is_queued or self._is_due_later or self.progress.is_quiet)
            self._is_due_later |= is_waiting
        if self._is_queued:
            self._pool.submit(self._turn)
        elif is_waiting:
            self._pool.submit_later(_AGAIN, self._wake_later)

    def _wake_later(self, _: InvokingThread) -> None:
        self._is_due_later = False
        self.wake()

    @property
    def _is_ready(self) -> bool:
        return self._pipeline.is_seeking or self._fetcher is None or self._fetcher.is_ready
