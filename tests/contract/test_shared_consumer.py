"""Partitions on one shared consumer, on a real broker: what happens to one leaves the others alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kafka_lambda_sink.core.errors import OffsetOutOfRangeError
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.client_config import admin_config, fetcher_config
from kafka_lambda_sink.kafka.log_ends import LogEnds
from kafka_lambda_sink.kafka.memory_budget import MemoryBudget
from kafka_lambda_sink.kafka.shared_consumer import SharedConsumer
from kafka_lambda_sink.kafka.shared_fetcher import SharedFetcher
from tests.support.cluster import Cluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

#: Bytes of memory: little, so that a partition that nobody reads is soon paused.
LIMIT = 400_000


class Shared:
    """One consumer, and what was opened on it."""

    def __init__(self, cluster: Cluster) -> None:
        given = {"bootstrap.servers": cluster.bootstrap, "fetch.wait.max.ms": "50"}
        self.config = fetcher_config(given, group_id="fetchers", client_id="test", is_shared=True)
        self.ends = LogEnds(admin_config(given, client_id="test"), "read_committed")
        self.budget = MemoryBudget(LIMIT)
        self.ended: list[SharedConsumer] = []
        self.consumer = SharedConsumer(
            self.config, self.budget, self.ends, before_open=lambda: None, on_closed=self.ended.append
        )
        self.opened: list[SharedFetcher] = []

    def open(self, topic: str, partition: int, start: int = 0) -> SharedFetcher:
        fetcher = self.consumer.open(TopicPartition(topic, partition), None)
        assert fetcher is not None
        self.opened.append(fetcher)
        fetcher.assign(Position(start))
        return fetcher


@pytest.fixture
def shared(cluster: Cluster) -> Iterator[Shared]:
    made = Shared(cluster)
    yield made
    for fetcher in made.opened:
        fetcher.close()
    made.consumer.join(10)
    assert made.ended == [made.consumer]
    assert made.budget.taken == 0


@pytest.fixture
def make_topic(cluster: Cluster) -> Callable[..., str]:
    """A topic of which each partition has so many records."""

    def make(*counts: int) -> str:
        topic = cluster.create_topic(len(counts))
        cluster.produce_each(topic, {number: [b"x" * 100] * count for number, count in enumerate(counts)})
        return topic

    return make


def read(fetcher: SharedFetcher, count: int, most: int = 50) -> list[int]:
    offsets: list[int] = []

    def is_enough() -> bool:
        offsets.extend(record.offset() for record in fetcher.fetch(most, 0.5, 0.0))
        return len(offsets) >= count

    wait_until(is_enough, every=0)
    return offsets


def test_one_that_nobody_reads_neither_stops_the_others_nor_fills_the_memory(
    shared: Shared, make_topic: Callable[..., str]
):
    topic = make_topic(8000, 50, 3000)
    idle, small, read_now = (shared.open(topic, partition) for partition in range(3))
    assert read(read_now, 3000) == list(range(3000))
    assert read(small, 50) == list(range(50))
    assert shared.budget.taken < LIMIT * 2
    assert read(idle, 8000) == list(range(8000)), "paused and gone on many times, nothing is missing"


def test_an_error_reaches_its_partition_alone(shared: Shared, make_topic: Callable[..., str]):
    topic = make_topic(10, 10)
    good, bad = shared.open(topic, 0), shared.open(topic, 1, start=99)
    with pytest.raises(OffsetOutOfRangeError, match=f"{topic}-1"):
        read(bad, 1)
    assert read(good, 10) == list(range(10))
    bad.assign(Position(bad.earliest()))
    assert read(bad, 10) == list(range(10))
    good.assign(Position(4))
    assert read(good, 6) == list(range(4, 10))


def test_a_new_assignment_in_the_middle_of_the_stream_leaves_no_gap(shared: Shared, make_topic: Callable[..., str]):
    topic = make_topic(5000, 5000)
    other, moving = shared.open(topic, 0), shared.open(topic, 1)
    for start in (0, 3000, 10, 4900, 0):
        moving.assign(Position(start))
        assert read(moving, 90)[:90] == list(range(start, start + 90))
    assert read(other, 5000) == list(range(5000))


def test_a_successor_may_be_opened_before_its_forerunner_is_closed(shared: Shared, make_topic: Callable[..., str]):
    topic = make_topic(300)
    first = shared.open(topic, 0)
    read(first, 50)
    second = shared.open(topic, 0, start=50)
    assert read(second, 50)[0] == 50
    first.close()
    assert not first.fetch(1, 0.0, 0.0)
    assert read(second, 100)[0] >= 100


def test_an_ended_consumer_opens_nothing(shared: Shared, make_topic: Callable[..., str]):
    topic = make_topic(1)
    only = shared.open(topic, 0)
    read(only, 1)
    only.close()
    wait_until(lambda: shared.ended, what="it ends with its last fetcher")
    assert shared.consumer.open(TopicPartition(topic, 0), None) is None
