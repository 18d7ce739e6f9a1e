"""`Fetcher` on a real broker."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from kafka_lambda_sink.core.errors import (
    KafkaAuthorizationError,
    OffsetOutOfRangeError,
    RetriableKafkaError,
    UnknownTopicError,
)
from kafka_lambda_sink.core.ports import Fetcher, Position
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from kafka_lambda_sink.kafka.client_config import admin_config, fetcher_config
from kafka_lambda_sink.kafka.fetcher import PartitionFetcher
from kafka_lambda_sink.kafka.log_ends import LogEnds
from kafka_lambda_sink.kafka.memory_budget import MemoryBudget
from kafka_lambda_sink.kafka.shared_consumer import SharedConsumer
from kafka_lambda_sink.kafka.shared_fetcher import SharedFetcher
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

Open = Callable[..., Fetcher]
OpenOwn = Callable[..., PartitionFetcher]


def open_shared(tp: TopicPartition, config: Mapping[str, Any]) -> SharedFetcher:
    given = {key: value for key, value in config.items() if not key.startswith("topic.")}
    ends = LogEnds(admin_config(given, client_id="test"), config["isolation.level"])
    consumer = SharedConsumer(config, MemoryBudget(1 << 28), ends, before_open=lambda: None, on_closed=lambda _: None)
    fetcher = consumer.open(tp, None)
    assert fetcher is not None
    return fetcher


@pytest.fixture(params=[PartitionFetcher, open_shared], ids=["own", "shared"])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def open_fetcher(cluster: Cluster, kind: Any) -> Iterator[Open]:
    opened: list[Fetcher] = []

    def open_one(topic: str, start: int | None = 0, **properties: str) -> Fetcher:
        given = {"bootstrap.servers": cluster.bootstrap, "fetch.wait.max.ms": "50"}
        given |= {key.replace("_", "."): value for key, value in properties.items()}
        config = fetcher_config(given, group_id="fetchers", client_id="test", is_shared=kind is open_shared)
        fetcher: Fetcher = kind(TopicPartition(topic, 0), config)
        opened.append(fetcher)
        if start is not None:
            fetcher.assign(Position(start))
        return fetcher

    yield open_one
    for fetcher in opened:
        fetcher.close()


def read(fetcher: Fetcher, count: int) -> list[SourceRecord]:
    """Fetch until `count` records came."""
    records: list[SourceRecord] = []

    def is_enough() -> bool:
        records.extend(fetcher.fetch(100, 0.5, 0.002))
        return len(records) >= count

    wait_until(is_enough, every=0)
    return records


def position_after(fetcher: Fetcher, offset: int) -> Position:
    """The position once it has come to `offset`; no record may come on the way."""

    def arrived() -> Position | None:
        assert not fetcher.fetch(100, 0.1, 0.0)
        position = fetcher.position()
        return position if position is not None and position.offset >= offset else None

    return wait_until(arrived, every=0)


def test_records_come_in_order_with_all_they_carry(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    cluster.produce(topic, [(b"k", b"v0", [("h", b"1"), ("h", b"\xff"), ("n", None)]), (None, None), *[b"x"] * 500])
    fetcher = open_fetcher(topic)
    records = read(fetcher, 502)
    assert [record.offset() for record in records] == list(range(502))
    first, tombstone = records[:2]
    assert (first.topic(), first.partition(), first.key(), first.value()) == (topic, 0, b"k", b"v0")
    assert first.headers() == [("h", b"1"), ("h", b"\xff"), ("n", None)]
    assert first.timestamp()[0] == 1
    assert first.leader_epoch() == 0
    assert (tombstone.key(), tombstone.value()) == (None, None)


def test_a_fetch_is_cut_at_max_records(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    cluster.produce(topic, [b"x"] * 10)
    fetcher = open_fetcher(topic)
    assert [record.offset() for record in fetcher.fetch(1, 5.0, 1.0)] == [0]
    assert [record.offset() for record in fetcher.fetch(4, 5.0, 1.0)] == [1, 2, 3, 4]
    assert fetcher.position() == Position(5, 0)


def test_a_window_of_large_records_is_bounded_by_bytes(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    cluster.produce(topic, [b"x" * 900_000] * 30)
    fetcher = open_fetcher(topic)
    at = 0
    while at < 30:
        records = fetcher.fetch(10_000, 5.0, 3.0)
        assert [record.offset() for record in records] == list(range(at, at + len(records)))
        assert 0 < sum(len(record.value() or b"") for record in records) < 9_000_000
        at += len(records)


def test_a_long_window_is_filled_and_can_be_interrupted(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    cluster.produce(topic, [b"x"] * 3)
    fetcher = open_fetcher(topic)
    fetched: list[list[int]] = []
    thread = threading.Thread(
        target=lambda: fetched.append([record.offset() for record in fetcher.fetch(10, 5.0, 60.0)])
    )
    thread.start()
    thread.join(1.5)
    assert thread.is_alive(), "it waits for more"
    fetcher.interrupt()
    thread.join(5)
    assert fetched == [[0, 1, 2]]


@pytest.mark.parametrize("kind", [PartitionFetcher], indirect=True, ids=["own"])
def test_a_failure_behind_records_does_not_take_them_with_it(cluster: Cluster, open_fetcher: OpenOwn, monkeypatch):
    topic = cluster.create_topic()
    cluster.produce(topic, [b"x"] * 3)
    fetcher = open_fetcher(topic)
    consumer = fetcher._consumer

    class FailsOnce:
        def consume(self, count: int, timeout: float) -> object:
            if count > 1:
                monkeypatch.setattr(fetcher, "_consumer", consumer)
                raise KafkaException(KafkaError(KafkaError._FAIL))
            return consumer.consume(count, timeout)

    monkeypatch.setattr(fetcher, "_consumer", FailsOnce())
    assert [record.offset() for record in fetcher.fetch(10, 5.0, 1.0)] == [0]
    with pytest.raises(RetriableKafkaError):
        fetcher.fetch(10, 5.0, 1.0)
    assert [record.offset() for record in fetcher.fetch(10, 5.0, 1.0)] == [1, 2]


def test_there_is_no_position_before_anything_was_seen(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    cluster.produce(topic, [b"x"] * 3)
    fetcher = open_fetcher(topic)
    assert fetcher.position() is None
    read(fetcher, 3)
    fetcher.assign(Position(1))
    assert fetcher.position() is None
    assert [record.offset() for record in read(fetcher, 2)] == [1, 2]


def test_the_position_of_an_earlier_assignment_is_never_told(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    cluster.produce(topic, [b"x"] * 20)
    fetcher = open_fetcher(topic)
    for _ in range(10):  # The client itself told the old position in about one of three.
        read(fetcher, 20)
        fetcher.assign(Position(0))
        assert fetcher.position() is None


def test_the_end_of_an_empty_partition_is_a_position(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    assert position_after(open_fetcher(topic), 0).offset == 0


def test_aborted_records_are_passed_over_and_markers_leave_no_lag(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    cluster.produce(topic, [b"0", b"1"])
    cluster.produce_transaction(topic, [b"aborted"], abort=True)
    cluster.produce_transaction(topic, [b"4"])
    fetcher = open_fetcher(topic)
    assert [(record.offset(), record.value()) for record in read(fetcher, 3)] == [(0, b"0"), (1, b"1"), (4, b"4")]
    assert position_after(fetcher, 6).offset == 6 == cluster.end_offsets(topic)[0]
    cluster.produce_transaction(topic, [b"aborted"], abort=True)
    assert position_after(fetcher, 8).offset == 8


def test_a_position_never_passes_a_record_that_was_not_taken(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    cluster.produce_transaction(topic, [b"0"])
    cluster.produce(topic, [b"2"])
    fetcher = open_fetcher(topic)
    assert [record.offset() for record in fetcher.fetch(1, 5.0, 0.0)] == [0]
    position = fetcher.position()
    assert position is not None
    assert position.offset in {1, 2}
    assert [record.offset() for record in fetcher.fetch(1, 5.0, 0.0)] == [2]


def test_an_open_transaction_ends_what_is_visible(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    cluster.produce(topic, [b"0"])
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce(topic, b"pending", partition=0)
    producer.flush(10)
    committed, uncommitted = open_fetcher(topic), open_fetcher(topic, isolation_level="read_uncommitted")
    try:
        assert (committed.latest(), uncommitted.latest()) == (1, 2)
        read(committed, 1)
        assert position_after(committed, 1).offset == 1
        assert len(read(uncommitted, 2)) == 2
    finally:
        producer.abort_transaction(10)
    assert position_after(committed, 3).offset == 3


def test_compaction_leaves_gaps_and_the_tail_is_reached(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic(
        cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.0", max_compaction_lag_ms="100"
    )
    cluster.produce(topic, [(b"k", b"%d" % number) for number in range(20)])

    def is_compacted() -> bool:
        # A new record closes the segment before it, which only then may be compacted.
        cluster.produce(topic, [(b"k", b"more")])
        return len(cluster.read_all(topic)) < 20

    wait_until(is_compacted, 30, every=0.3)
    offsets = [record.offset() for record in cluster.read_all(topic)]
    fetcher = open_fetcher(topic)
    assert [record.offset() for record in read(fetcher, len(offsets))] == offsets
    assert offsets[0] != 0
    end = cluster.end_offsets(topic)[0]
    position = position_after(fetcher, end)
    assert position.offset == end
    fetcher.assign(position)
    assert not fetcher.fetch(10, 0.5, 0.0), "its epoch does not look like that of a truncated log"


@pytest.mark.parametrize("start", [3, 11], ids=["before the log", "behind the log"])
def test_an_offset_out_of_range_is_said_and_a_new_assignment_goes_on(cluster: Cluster, open_fetcher: Open, start: int):
    topic = cluster.create_topic()
    cluster.produce(topic, [b"x"] * 10)
    cluster.delete_records(topic, 0, 5)
    fetcher = open_fetcher(topic, start)
    with pytest.raises(OffsetOutOfRangeError) as caught:
        read(fetcher, 1)
    assert str(TopicPartition(topic, 0)) in str(caught.value)
    assert (fetcher.earliest(), fetcher.latest()) == (5, 10)
    fetcher.assign(Position(fetcher.earliest()))
    assert [record.offset() for record in read(fetcher, 5)] == [5, 6, 7, 8, 9]


def test_a_deleted_topic_is_silent_and_its_shorter_successor_out_of_range(cluster: Cluster, open_fetcher: Open):
    topic = cluster.create_topic()
    cluster.produce(topic, [b"x"] * 10)
    fetcher = open_fetcher(topic, topic_metadata_refresh_interval_ms="200")
    read(fetcher, 10)
    cluster.delete_topic(topic)
    assert not fetcher.fetch(10, 1.0, 0.0)
    cluster.create_topic(name=topic)
    cluster.produce(topic, [b"new"])
    with pytest.raises(OffsetOutOfRangeError):
        read(fetcher, 1)
    fetcher.assign(Position(0))
    assert [record.value() for record in read(fetcher, 1)] == [b"new"]


@pytest.fixture(scope="module")
def led_twice() -> Iterator[tuple[str, str]]:
    """A broker and a topic of which leaders of epoch 0 and of a later one have written ten records each."""
    with Broker() as own:
        topic = Cluster(own).create_topic()
        Cluster(own).produce(topic, [b"x"] * 10)
        own.restart()
        Cluster(own).produce(topic, [b"y"] * 10)
        yield own.bootstrap, topic


@pytest.mark.parametrize(
    ("start", "diverged_at"),
    [
        (Position(5, 0), None),
        (Position(10, 0), None),
        # Read up to here under a leader whose log ended earlier: what came after is not what was read.
        (Position(15, 0), 10),
        (Position(20, 0), 10),
        (Position(25, 0), 10),
    ],
    ids=str,
)
def test_a_log_that_another_leader_cut_is_noticed_at_a_start_with_its_epoch(
    open_fetcher: Open, led_twice: tuple[str, str], start: Position, diverged_at: int | None
):
    bootstrap, topic = led_twice
    fetcher = open_fetcher(topic, None, bootstrap_servers=bootstrap)
    fetcher.assign(start)
    if diverged_at is not None:
        with pytest.raises(OffsetOutOfRangeError) as caught:
            read(fetcher, 1)
        assert caught.value.diverged_at == diverged_at
        start = Position(diverged_at)
        fetcher.assign(start)
    assert [record.offset() for record in read(fetcher, 20 - start.offset)] == list(range(start.offset, 20))
    # What is committed after that is no start that looks truncated.
    fetcher.assign(position_after(fetcher, 20))
    assert not fetcher.fetch(10, 1.0, 0.0)


def test_an_epoch_that_the_log_never_had_is_out_of_range_and_stalls_nothing(
    open_fetcher: Open, led_twice: tuple[str, str]
):
    bootstrap, topic = led_twice
    fetcher = open_fetcher(topic, None, bootstrap_servers=bootstrap)
    fetcher.assign(Position(15, 99))
    with pytest.raises(OffsetOutOfRangeError) as caught:
        read(fetcher, 1)
    assert caught.value.diverged_at is None
    fetcher.assign(Position(15))
    assert len(read(fetcher, 5)) == 5


def test_aborted_records_of_a_later_leader_do_not_look_like_a_truncation(open_fetcher: Open):
    with Broker() as own:
        topic = Cluster(own).create_topic()
        Cluster(own).produce(topic, [b"x"] * 10)
        own.restart()
        cluster = Cluster(own)
        cluster.produce_transaction(topic, [b"aborted"], abort=True)
        fetcher = open_fetcher(topic, bootstrap_servers=own.bootstrap)
        read(fetcher, 10)
        end = cluster.end_offsets(topic)[0]
        fetcher.assign(position_after(fetcher, end))
        cluster.produce(topic, [b"next"])
        assert [record.offset() for record in read(fetcher, 1)] == [end]


def test_the_ends_of_an_unknown_topic(open_fetcher: Open):
    with pytest.raises(UnknownTopicError):
        open_fetcher("nowhere", None).earliest()


def test_an_idle_fetch_returns_in_time_and_one_at_work_goes_on_when_the_broker_was_away(open_fetcher: Open):
    with Broker() as own:
        cluster = Cluster(own)
        topic = cluster.create_topic()
        cluster.produce(topic, [b"0"])
        fetcher = open_fetcher(topic, 0, bootstrap_servers=own.bootstrap)
        read(fetcher, 1)
        own.stop()
        assert not fetcher.fetch(10, 0.2, 0.0)
        own.start()
        cluster.produce(topic, [b"1"])
        assert [record.offset() for record in read(fetcher, 1)] == [1]


def test_a_wrong_password_is_said(sasl_broker: Broker, open_fetcher: Open):
    wrong = {key.replace(".", "_"): value for key, value in sasl_broker.client_config("sink", "wr0ng").items()}
    fetcher = open_fetcher("any", 0, **wrong)
    with pytest.raises(KafkaAuthorizationError) as caught:
        read(fetcher, 1)
    assert "wr0ng" not in str(caught.value)
    assert caught.value.hint is not None
