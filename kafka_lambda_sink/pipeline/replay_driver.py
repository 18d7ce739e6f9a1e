"""Drives ranges of several partitions through their pipelines, some partitions at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.replay_item import ReplayRange
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.assignment import Pipeline
from kafka_lambda_sink.pipeline.replay_ledger import RangeOutcome, ReplayLedger

#: Partitions that are replayed at the same time.
AT_ONCE: Final = 8


class Opened(NamedTuple):
    """The pipeline of one partition, which drains itself behind the last range, and what it tells."""

    pipeline: Pipeline
    ledger: ReplayLedger


class ReplayDriver:
    """Steps until `is_over`. One thread owns it; the pipelines have their own."""

    def __init__(self, open_pipeline: Callable[[TopicPartition, Sequence[ReplayRange]], Opened]) -> None:
        self._open = open_pipeline
        self._waiting: deque[tuple[TopicPartition, Sequence[ReplayRange]]] = deque()
        self._running: list[Opened] = []
        self._ended: list[Pipeline] = []
        self._is_draining = False
        #: Why a pipeline stopped: the first counts, and ends the others.
        self.failure: Exception | None = None

    def drive(self, ranges: Sequence[ReplayRange]) -> None:
        """Take more: in the order of `ranges_of`."""
        self._waiting.extend((tp, list(own)) for tp, own in groupby(ranges, key=lambda range_: range_.tp))

    def step(self) -> list[RangeOutcome]:
        """Start what may start; what has become final. Does not block."""
        while self._waiting and len(self._running) < AT_ONCE and not self._is_draining:
            opened = self._open(*self._waiting.popleft())
            self._running.append(opened)
            opened.pipeline.start()
        return [outcome for opened in [*self._running] for outcome in self._take(opened)]

    @property
    def is_over(self) -> bool:
        """Whether nothing runs and nothing is going to."""
        return not self._running and (self._is_draining or not self._waiting)

    @property
    def running(self) -> int:
        """Partitions that are replayed now."""
        return len(self._running)

    def drain(self) -> None:
        """Take no more; what is in flight is finished."""
        self._is_draining = True
        for opened in self._running:
            opened.pipeline.drain()

    def abandon(self) -> None:
        """Give up what is in flight, at once."""
        self._is_draining = True
        for opened in self._running:
            opened.pipeline.abandon()

    def join(self, timeout: Callable[[], float]) -> None:
        """Wait for the threads; each for as many seconds as `timeout` says then."""
        for pipeline in [*self._ended, *(opened.pipeline for opened in self._running)]:
            pipeline.join(timeout())

    def _take(self, opened: Opened) -> list[RangeOutcome]:
        progress = opened.pipeline.progress
        # In this order: what becomes final meanwhile is taken by the next step.
        is_over = progress.state in {PipelineState.CLOSED, PipelineState.FAILED} and progress.is_drained
        if is_over:
            opened.ledger.close()
        committable = progress.committable
        taken = opened.ledger.take(committable.offset if committable is not None else 0)
        if is_over:
            self._running.remove(opened)
            self._ended = [*(pipeline for pipeline in self._ended if not pipeline.join(0.0)), opened.pipeline]
            if self.failure is None and progress.error is not None:
                self.failure = progress.error
                self.drain()
        return taken
