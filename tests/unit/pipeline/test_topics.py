import re
import threading

import pytest

from kafka_lambda_sink.core.errors import RetriableKafkaError
from kafka_lambda_sink.core.ports import TopicSnapshot
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.topics import TopicWatch
from tests.support.fakes import FakeCatalog
from tests.support.stepped_clock import SteppedClock
from tests.support.waiting import wait_until


def watch(catalog: FakeCatalog, *topics: str, pattern: str | None = None, interval: float = 60.0) -> TopicWatch:
    return TopicWatch(catalog, topics, re.compile(pattern) if pattern else None, interval, Alarms(SteppedClock()))


def test_the_snapshot_has_the_topics_that_exist(caplog):
    catalog = FakeCatalog(orders=TopicSnapshot("A", 2))
    under_test = watch(catalog, "orders", "returns")
    under_test.refresh()
    assert under_test.snapshot == {"orders": TopicSnapshot("A", 2)}
    (waiting,) = [line for line in caplog.records if "do not exist" in line.message]
    assert waiting.fields["topics"] == ["returns"]


def test_a_regular_expression_is_matched_whole_and_never_an_internal_topic():
    one = TopicSnapshot("A", 1)
    catalog = FakeCatalog(**{"orders": one, "orders-eu": one, "my-orders": one, "__consumer_offsets": one})
    under_test = watch(catalog, pattern="(?:orders|__.*)")
    under_test.refresh()
    assert set(under_test.snapshot) == {"orders"}


def test_what_appears_later_is_known_from_what_was_there_first():
    catalog = FakeCatalog(orders=TopicSnapshot("A", 2))
    under_test = watch(catalog, pattern=".*")
    under_test.refresh()
    catalog.topics = {"orders": TopicSnapshot("A", 3), "returns": TopicSnapshot("B", 1)}
    under_test.refresh()
    appeared = under_test.appeared_while_running
    assert not appeared("A", TopicPartition("orders", 1))
    assert appeared("A", TopicPartition("orders", 2))
    assert appeared("B", TopicPartition("returns", 0))
    assert appeared("C", TopicPartition("orders", 0)), "created again"


def test_topics_without_ids_are_told_apart_by_name():
    catalog = FakeCatalog(orders=TopicSnapshot(None, 1))
    under_test = watch(catalog, pattern=".*")
    under_test.refresh()
    assert not under_test.appeared_while_running(None, TopicPartition("orders", 0))
    assert under_test.appeared_while_running(None, TopicPartition("returns", 0))


def test_a_topic_missing_at_the_first_answer_appears_while_running():
    catalog = FakeCatalog()
    under_test = watch(catalog, "orders")
    under_test.refresh()
    assert under_test.appeared_while_running("A", TopicPartition("orders", 0))


def test_a_cluster_that_does_not_answer_changes_nothing():
    catalog = FakeCatalog(orders=TopicSnapshot("A", 1))
    under_test = watch(catalog, "orders")
    under_test.refresh()
    catalog.failures.append(RetriableKafkaError())
    with pytest.raises(RetriableKafkaError):
        under_test.refresh()
    assert set(under_test.snapshot) == {"orders"}


def test_the_thread_outlives_failures_and_asks_when_told():
    catalog = FakeCatalog()
    catalog.failures.extend([RetriableKafkaError(), TimeoutError("a stopped process"), AttributeError("a bug")])
    under_test = watch(catalog, "orders", interval=0.01)
    thread = threading.Thread(target=under_test.run)
    thread.start()
    try:
        wait_until(lambda: not catalog.failures)
        catalog.topics["orders"] = TopicSnapshot("A", 1)
        under_test.ask_soon()
        wait_until(lambda: under_test.snapshot)
    finally:
        under_test.stop()
        thread.join(10)
    assert not thread.is_alive()
