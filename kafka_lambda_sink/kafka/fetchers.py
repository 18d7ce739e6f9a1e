"""The fetchers of one task: a consumer a partition, or, of many partitions, consumers that several share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from kafka_lambda_sink.core.ports import Clock, Fetcher
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.fetcher import MAX_BYTES, PartitionFetcher
from kafka_lambda_sink.kafka.log_ends import LogEnds
from kafka_lambda_sink.kafka.memory_budget import COPIES, MemoryBudget
from kafka_lambda_sink.kafka.opening_pace import OpeningPace
from kafka_lambda_sink.kafka.shared_consumer import SharedConsumer
from kafka_lambda_sink.kafka.shared_fetcher import SharedFetcher


class Fetchers:
    """Opens fetchers on at most `most` consumers. Any thread.

    Who opens says whether a partition may have a consumer of its own. Once one has not, those that have are retired and
    come back for a shared one, so that all are read alike; meanwhile there may be one consumer more.
    """

    def __init__(
        self,
        *,
        own_config: Mapping[str, Any],
        shared_config: Mapping[str, Any],
        admin_config: Mapping[str, Any],
        most: int,
        memory: int,
        clock: Clock,
    ) -> None:
        """The configurations come from `client_config`; `memory` is bytes for the records of all."""
        self._own_config = own_config
        self._shared_config = shared_config
        self._most = most
        self._memory = memory
        self._budget = MemoryBudget(memory)
        self._ends = LogEnds(admin_config, shared_config["isolation.level"])
        self._clock = clock
        self._pace = OpeningPace(clock)
        self._never = threading.Event()
        self._lock = threading.Lock()
        self._own: set[PartitionFetcher] = set()
        #: Opening ones, too.
        self._own_count = 0
        self._shared: list[SharedConsumer] = []

    def __repr__(self) -> str:
        """`<Fetchers: 12 own, 0 shared of 32>`."""
        return f"<Fetchers: {self._own_count} own, {len(self._shared)} shared of {self._most}>"

    def own(self, tp: TopicPartition) -> Fetcher:
        """One with a consumer of its own, unless others share or all are in use. Blocks for its turn to open."""
        with self._lock:
            if self._shared or self._own_count >= self._most:
                return self._share(tp, None)
            self._own_count += 1
        try:
            self._wait()
            fetcher = PartitionFetcher(tp, self._own_config, max_bytes=self._max_bytes, on_closed=self._on_own_closed)
        except BaseException:
            with self._lock:
                self._own_count -= 1
            raise
        with self._lock:
            self._own.add(fetcher)
            if self._shared:
                fetcher.retire()
        return fetcher

    def share(self, tp: TopicPartition, on_ready: Callable[[], None]) -> SharedFetcher:
        """One on a shared consumer. `on_ready`: see `SharedFetcher`. Does not block."""
        with self._lock:
            for fetcher in self._own:
                fetcher.retire()
            return self._share(tp, on_ready)

    def close(self, timeout: float) -> None:
        """Wait until the shared consumers are closed; they are when their fetchers are."""
        with self._lock:
            shared = list(self._shared)
        until = self._clock.monotonic() + timeout
        for consumer in shared:
            consumer.join(max(until - self._clock.monotonic(), 0.0))

    def _share(self, tp: TopicPartition, on_ready: Callable[[], None] | None) -> SharedFetcher:
        """With the lock held."""
        while True:
            consumer = self._consumer()
            fetcher = consumer.open(tp, on_ready)
            if fetcher is not None:
                return fetcher
            # It ends, and has not said so yet.
            self._shared.remove(consumer)

    def _consumer(self) -> SharedConsumer:
        if self._shared and self._own_count + len(self._shared) >= self._most:
            return min(self._shared, key=lambda consumer: consumer.count)
        consumer = SharedConsumer(
            self._shared_config,
            self._budget,
            self._ends,
            before_open=self._wait,
            on_closed=self._on_shared_closed,
        )
        self._shared.append(consumer)
        return consumer

    def _wait(self) -> None:
        self._never.wait(self._pace.delay())

    def _max_bytes(self) -> int:
        """Of one fetch: a part of the memory, where it is less than what is useful."""
        return min(MAX_BYTES, self._memory // (COPIES * max(self._own_count, 1)))

    def _on_own_closed(self, fetcher: PartitionFetcher) -> None:
        with self._lock:
            self._own.discard(fetcher)
            self._own_count -= 1

    def _on_shared_closed(self, consumer: SharedConsumer) -> None:
        with self._lock:
            if consumer in self._shared:
                self._shared.remove(consumer)
