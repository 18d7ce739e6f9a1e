"""A pipeline that a pool steps; the test plays the pool and the consumer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from kafka_lambda_sink.core.errors import OffsetOutOfRangeError
from kafka_lambda_sink.core.ports import Fetcher
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.pipeline.invoking_pool import InvokingPool, InvokingThread
from kafka_lambda_sink.pipeline.partition import PartitionPipeline
from kafka_lambda_sink.pipeline.pooled import PooledPipeline
from tests.support.delivering import Delivering, orders
from tests.support.fakes import FakeFetcher

NO_THREAD = cast("InvokingThread", None)


class HandPool:
    """Runs turns when it is told to."""

    def __init__(self) -> None:
        self.ready: list[Callable[[InvokingThread], None]] = []
        self.later: list[Callable[[InvokingThread], None]] = []

    def submit(self, turn: Callable[[InvokingThread], None]) -> None:
        self.ready.append(turn)

    def submit_later(self, delay: float, turn: Callable[[InvokingThread], None]) -> None:
        assert delay > 0
        self.later.append(turn)

    def run(self) -> int:
        """Until nobody is ready; how many turns that were."""
        turns = 0
        while self.ready:
            self.ready.pop(0)(NO_THREAD)
            turns += 1
            assert turns < 100, "it never rests"
        return turns


class BufferedFetcher:
    """A `FakeFetcher` that knows whether it has something."""

    def __init__(self, inner: FakeFetcher) -> None:
        self._inner = inner
        self.is_ready = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def fetch(self, max_records: int, idle: float, window: float) -> Sequence[SourceRecord]:
        self.is_ready = False
        records = self._inner.fetch(max_records, idle, window)
        self.is_ready = bool(records)
        return records


class Pooled:
    def __init__(self, records: Sequence[SourceRecord], **options: Any) -> None:
        self.inner = Delivering(records, **options)
        self.fetcher = BufferedFetcher(self.inner.fetcher)
        self.pool = HandPool()
        self.on_ready: Callable[[], None] = lambda: None
        self.under_test = PooledPipeline(cast("InvokingPool", self.pool), self._open, self._build)

    def _open(self, on_ready: Callable[[], None]) -> Any:
        self.on_ready = on_ready
        return self.fetcher

    def _build(self, open_fetcher: Callable[[], Fetcher], _: Callable[[], None]) -> PartitionPipeline:
        self.inner.pipeline._open_fetcher = open_fetcher
        return self.inner.pipeline

    def start(self) -> None:
        self.under_test.start()
        assert self.pool.run() == 1
        self.come()

    def come(self) -> None:
        """There are records."""
        self.fetcher.is_ready = True
        self.on_ready()


def test_it_is_stepped_while_there_is_something_and_rests_then():
    pooled = Pooled(orders(0, 1, 2, 3, 4))
    pooled.start()
    assert pooled.pool.run() == 4, "three batches, and the look that finds nothing"
    assert pooled.inner.batches == [[0, 1], [2, 3], [4]]
    assert pooled.inner.committable.offset == 5
    assert not pooled.pool.later


def test_it_is_never_in_two_turns_however_often_it_is_woken():
    pooled = Pooled(orders(0))
    pooled.under_test.start()
    for _ in range(5):
        pooled.under_test.wake()
    assert len(pooled.pool.ready) == 1


def test_who_is_woken_in_its_turn_has_another_one():
    pooled = Pooled(orders(0))
    pooled.start()
    wakes = [pooled.on_ready]
    pooled.inner.fetcher.when_empty = lambda: wakes.pop()() if wakes else None
    assert pooled.pool.run() == 3, "a batch, nothing but a wake, and nothing"


def test_while_reports_are_under_way_it_looks_again_in_a_while_and_not_more_than_once():
    pooled = Pooled(orders(0, 1), holds_reports=True)
    pooled.start()
    pooled.pool.run()
    pooled.come()
    pooled.pool.run()
    assert len(pooled.pool.later) == 1
    for report in pooled.inner.producer.take():
        report.deliver()
    pooled.pool.later.pop()(NO_THREAD)
    pooled.pool.run()
    assert pooled.inner.committable.offset == 2
    assert not pooled.pool.later


def test_an_offset_out_of_range_is_looked_into_without_waiting_for_records():
    pooled = Pooled(orders(0, 1))
    pooled.inner.fetcher.failures.append(OffsetOutOfRangeError("gone"))
    pooled.start()
    assert pooled.pool.run() == 2
    assert not pooled.inner.pipeline.is_seeking
    assert not pooled.inner.batches


@pytest.mark.parametrize("end", ["drain", "abandon"])
def test_it_ends_although_there_is_nothing_to_fetch(end: str):
    pooled = Pooled(orders(0))
    pooled.start()
    pooled.pool.run()
    assert not pooled.under_test.join(0.0)
    getattr(pooled.under_test, end)()
    pooled.pool.run()
    assert pooled.under_test.join(0.0)
    pooled.under_test.wake()
    assert not pooled.pool.ready
    assert pooled.inner.invoker.is_closed
