"""The Kafka inside the process."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.core.ports import TopicSnapshot
from kafka_lambda_sink.local.kafka import PARTITIONS, EmbeddedCatalog, EmbeddedKafka


@pytest.fixture
def kafka():
    with EmbeddedKafka() as running:
        yield running


def test_what_is_produced_is_read_back_in_order(kafka):
    records = [(number % PARTITIONS, b"k%d" % number, b"v%d" % number) for number in range(1000)]
    offsets = kafka.produce("orders", records)
    assert offsets == {partition: list(range(250)) for partition in range(PARTITIONS)}
    read = kafka.read_all("orders")
    expected = sorted((partition, key, value) for partition, key, value in records)
    assert sorted((message.partition(), message.key(), message.value()) for message in read) == expected
    assert [(message.partition(), message.offset()) for message in read] == [
        (partition, offset) for partition in range(PARTITIONS) for offset in range(250)
    ]


def test_nothing_is_committed_at_first(kafka):
    kafka.produce("orders", [(0, None, b"x")])
    assert kafka.committed("connect-orders", "orders") == {}


def test_its_catalog_creates_and_describes_topics(kafka):
    catalog = EmbeddedCatalog({"bootstrap.servers": kafka.bootstrap})
    assert catalog.names() == []
    assert catalog.describe(["results"]) == {}
    catalog.create("results", 1, 3, {})
    assert catalog.describe(["results", "errors"]) == {"results": TopicSnapshot(None, PARTITIONS)}
    assert catalog.names() == ["results"]
    catalog.close()
