"""More partitions than consumers: they share fetchers, threads and memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import chain

import pytest

from tests.support.running_task import Sink

pytestmark = pytest.mark.broker

PARTITIONS = 60
HOT, HOT_RECORDS, COLD_RECORDS = 7, 2000, 10
WIDE = {
    "task.max.fetchers": "4",
    "task.max.threads": "8",
    # So that the hot partition's share is a fraction of what it has, and it is paused and goes on.
    "memory.max.bytes": "16777216",
    "aws.lambda.batch.size": "20",
    "behavior.on.error": "fail",
}


def threads(name: str) -> int:
    return sum(thread.name.startswith(name) for thread in threading.enumerate())


def test_every_partition_gets_on_beside_a_hot_one(make_sink: Callable[..., Sink]):
    sink = make_sink(PARTITIONS)
    counts = {partition: HOT_RECORDS if partition == HOT else COLD_RECORDS for partition in range(PARTITIONS)}
    sink.cluster.produce_each(
        sink.source,
        {partition: [b'"%d"' % number + b" " * 300 for number in range(count)] for partition, count in counts.items()},
    )
    with sink.running(WIDE) as task:
        task.wait_committed(counts)
        assert threads("shared fetcher") == 4
        assert 0 < threads("invoking") <= 8
        sink.produce_everywhere([b'"later"'])
        task.wait_committed({partition: count + 1 for partition, count in counts.items()})
    for partition, count in counts.items():
        assert list(chain.from_iterable(sink.offsets(partition))) == list(range(count + 1))
    order = [entry.partition for entry in sink.requests()]
    last_first = max(order.index(partition) for partition in range(PARTITIONS))
    assert order[:last_first].count(HOT) < HOT_RECORDS / 20 / 2, "the others wait for the hot one"
    assert threads("shared fetcher") == 0


def test_partitions_with_consumers_of_their_own_share_once_there_are_too_many(make_sink: Callable[..., Sink]):
    sink = make_sink(2)
    with sink.running(
        {**WIDE, "task.max.fetchers": "2", "consumer.override.topic.metadata.refresh.interval.ms": "500"}
    ) as task:
        sink.produce_everywhere([b'"%d"' % number for number in range(30)])
        task.wait_committed({0: 30, 1: 30})
        assert threads("shared fetcher") == 0
        sink.cluster.add_partitions(sink.source, 5)
        sink.partitions = 5
        sink.produce_everywhere([b'"%d"' % number for number in range(30)])
        task.wait_committed({0: 60, 1: 60, 2: 30, 3: 30, 4: 30})
        task.wait_for(lambda: threads("shared fetcher") == 2, "two shared consumers")
    for partition, count in enumerate([60, 60, 30, 30, 30]):
        assert list(chain.from_iterable(sink.offsets(partition))) == list(range(count))
