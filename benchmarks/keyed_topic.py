"""A topic whose keys come again and again."""

from __future__ import annotations

import random
from collections.abc import Callable

from confluent_kafka import Producer

from benchmarks.bench_broker import BenchBroker, value_of
from benchmarks.cell import Source

_SERVE_EVERY = 10_000
_SEED = 6


def fill(broker: BenchBroker, source: Source, records: int, advance: Callable[[int], None]) -> None:
    """Produce `records`, evenly over the partitions, each with a key drawn from the same few, the same in every run."""
    broker.create_topic(source.topic, source.partitions)
    producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 50, "queue.buffering.max.messages": 10**6})
    draw = random.Random(_SEED)
    for number in range(records):
        key = b"key-%d" % draw.randrange(source.keys)
        producer.produce(source.topic, value_of(number, source.bytes), key, number % source.partitions)
        if number % _SERVE_EVERY == 0:
            producer.poll(0)
            advance(number)
    if producer.flush(60):
        raise RuntimeError(f"{source.topic} could not be filled")
    advance(records)
