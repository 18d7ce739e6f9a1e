"""`ReportProducer` on a real broker."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from kafka_lambda_sink.core.errors import PermanentReportError, TransientReportError
from kafka_lambda_sink.core.ports import DeliveryFailure, Report
from kafka_lambda_sink.kafka.client_config import producer_config
from kafka_lambda_sink.kafka.producer import KafkaReportProducer
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

Build = Callable[..., KafkaReportProducer]


@pytest.fixture
def build(cluster: Cluster) -> Iterator[Build]:
    built: list[KafkaReportProducer] = []

    def build_one(**properties: str) -> KafkaReportProducer:
        given = {"bootstrap.servers": cluster.bootstrap}
        given |= {key.replace("_", "."): value for key, value in properties.items()}
        built.append(KafkaReportProducer(producer_config(given, client_id="test")))
        return built[-1]

    yield build_one
    for producer in built:
        producer.close(0.0)


class Results:
    """A callback that notes what it was told, per report in order."""

    def __init__(self) -> None:
        self.told: list[DeliveryFailure | None] = []

    def __call__(self, failure: DeliveryFailure | None) -> None:
        self.told.append(failure)

    def wait(self, producer: KafkaReportProducer, count: int, timeout: float = 20.0) -> list[DeliveryFailure | None]:
        def is_told() -> bool:
            producer.poll(0.05)
            return len(self.told) >= count

        wait_until(is_told, timeout, every=0)
        return self.told


def only_failure(results: Results, producer: KafkaReportProducer) -> DeliveryFailure:
    [failure] = results.wait(producer, 1)
    assert failure is not None
    return failure


def test_a_report_is_written_with_key_value_and_headers(cluster: Cluster, build: Build):
    topic = cluster.create_topic()
    producer, results = build(), Results()
    producer.produce(Report(topic, b"k", b"v", (("h", b"1"), ("h", b"\xff"), ("n", None))), results)
    producer.produce(Report(topic, None, None), results)
    assert results.wait(producer, 2) == [None, None]
    first, second = cluster.read_all(topic)
    assert (first.key(), first.value()) == (b"k", b"v")
    assert first.headers() == [("h", b"1"), ("h", b"\xff"), ("n", None)]
    assert (second.key(), second.value(), second.headers()) == (None, None, None)


def test_reports_of_one_key_stay_in_order_on_java_s_partition(cluster: Cluster, build: Build):
    topic = cluster.create_topic(4)
    producer, results = build(), Results()
    for number in range(500):
        producer.produce(Report(topic, b"order-1", b"%d" % number), results)
    results.wait(producer, 500)
    written = cluster.read_all(topic)
    assert [record.value() for record in written] == [b"%d" % number for number in range(500)]
    # murmur2("order-1") as org.apache.kafka.clients.producer.internals.BuiltInPartitioner computes it.
    assert {record.partition() for record in written} == {murmur2(b"order-1") % 4}


def murmur2(data: bytes) -> int:
    """Kafka's 32 bit murmur2, made positive. Source: org.apache.kafka.common.utils.Utils."""
    mask, multiplier = 0xFFFFFFFF, 0x5BD1E995
    value = (0x9747B28C ^ len(data)) & mask
    body = len(data) - len(data) % 4
    for at in range(0, body, 4):
        word = int.from_bytes(data[at : at + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        value = value * multiplier & mask ^ word
    if body < len(data):
        value = (value ^ int.from_bytes(data[body:], "little")) * multiplier & mask
    value = (value ^ value >> 13) * multiplier & mask
    return (value ^ value >> 15) & 0x7FFFFFFF


def test_an_unknown_topic_is_transient_and_carries_the_report(build: Build):
    producer, results = build(message_timeout_ms="1500"), Results()
    report = Report("nowhere", b"k", b"v", (("h", b"1"),))
    producer.produce(report, results)
    failure = only_failure(results, producer)
    assert failure.report is report
    assert isinstance(failure.error, TransientReportError)
    assert not failure.is_fatal


def test_what_the_client_finds_too_large_is_told_at_once(cluster: Cluster, build: Build):
    producer, results = build(message_max_bytes="2000", batch_size="1000"), Results()
    producer.produce(Report(cluster.create_topic(), None, b"x" * 3000), results)
    [failure] = results.told
    assert failure is not None
    assert failure.is_too_large
    assert isinstance(failure.error, PermanentReportError)


def test_what_the_topic_finds_too_large_leaves_its_neighbours_alone(cluster: Cluster, build: Build):
    topic = cluster.create_topic(max_message_bytes="100000")
    producer, results = build(), Results()
    for size in (100, 200_000, 100):
        producer.produce(Report(topic, None, b"x" * size), results)
    producer.produce(Report(topic, None, b"x" * 60_000), results)
    told = results.wait(producer, 4)
    failures = [failure for failure in told if failure is not None]
    assert [len(failure.report.value or b"") for failure in failures] == [200_000]
    assert failures[0].is_too_large
    assert len(cluster.read_all(topic)) == 3


def test_a_full_queue_blocks_until_there_is_room(cluster: Cluster, build: Build):
    topic = cluster.create_topic()
    producer, results = build(queue_buffering_max_messages="10"), Results()
    for number in range(200):
        producer.produce(Report(topic, None, b"%d" % number), results)
    assert results.wait(producer, 200) == [None] * 200
    assert [record.value() for record in cluster.read_all(topic)] == [b"%d" % number for number in range(200)]


def test_a_callback_that_fails_hides_no_other(cluster: Cluster, build: Build, caplog: pytest.LogCaptureFixture):
    topic = cluster.create_topic()
    producer, results = build(), Results()

    def fail(_: DeliveryFailure | None) -> None:
        raise LookupError("ours")

    producer.produce(Report(topic, None, b"1"), fail)
    producer.produce(Report(topic, None, b"2"), results)
    assert results.wait(producer, 1) == [None]
    assert "callback" in caplog.text


def test_closing_hands_back_what_was_not_written():
    with Broker() as own:
        topic = Cluster(own).create_topic()
        producer = KafkaReportProducer(producer_config({"bootstrap.servers": own.bootstrap}, client_id="test"))
        results = Results()
        producer.produce(Report(topic, None, b"written"), results)
        results.wait(producer, 1)
        own.pause()
        for number in range(3):
            producer.produce(Report(topic, None, b"%d" % number), results)
        assert producer.close(0.3) == 3
        assert results.told[0] is None
        left = [failure for failure in results.told if failure is not None]
        assert [failure.report.value for failure in left] == [b"0", b"1", b"2"]
        assert {type(failure.error) for failure in left} == {TransientReportError}
        producer.produce(Report(topic, None, b"late"), results)
        late = results.told[-1]
        assert late is not None
        assert late.is_fatal
        own.resume()


def test_a_producer_at_work_outlives_a_restart_of_the_broker(build: Build):
    with Broker() as own:
        cluster = Cluster(own)
        topic = cluster.create_topic()
        producer, results = build(bootstrap_servers=own.bootstrap), Results()
        producer.produce(Report(topic, None, b"before"), results)
        results.wait(producer, 1)
        own.kill()
        producer.produce(Report(topic, None, b"after"), results)
        own.start()
        assert results.wait(producer, 2) == [None, None]
        assert [record.value() for record in cluster.read_all(topic)] == [b"before", b"after"]
        producer.close(5.0)


def test_a_fatal_producer_hands_back_every_report(cluster: Cluster, build: Build):
    topic = cluster.create_topic()
    producer, results = build(), Results()
    producer.produce(Report(topic, None, b"fine"), results)
    results.wait(producer, 1)
    make_fatal(producer)
    producer.produce(Report(topic, None, b"late"), results)
    _, failure = results.wait(producer, 2)
    assert failure is not None
    assert failure.is_fatal
    assert isinstance(failure.error, TransientReportError)
    assert failure.report.value == b"late"


def make_fatal(producer: KafkaReportProducer) -> None:
    """librdkafka's own test hook; the client's handle stands behind the object's header."""
    package = Path(confluent_kafka.__file__).parent
    [library] = (package.parent / "confluent_kafka.libs").glob("librdkafka-*.so*")
    handle = ctypes.cast(id(producer._producer) + 16, ctypes.POINTER(ctypes.c_void_p))[0]
    out_of_order_sequence = 45
    ctypes.CDLL(str(library)).rd_kafka_test_fatal_error(ctypes.c_void_p(handle), out_of_order_sequence, b"a test")


def test_many_threads_produce_while_one_polls(cluster: Cluster, build: Build):
    topic = cluster.create_topic(4)
    producer, results = build(queue_buffering_max_messages="1000"), Results()

    def produce(thread: int) -> None:
        for number in range(1000):
            producer.produce(Report(topic, b"%d" % thread, b"%d" % number), results)

    threads = [threading.Thread(target=produce, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    assert results.wait(producer, 4000) == [None] * 4000
    for thread in threads:
        thread.join()
    for thread_number in range(4):
        values = [record.value() for record in cluster.read_all(topic) if record.key() == b"%d" % thread_number]
        assert values == [b"%d" % number for number in range(1000)]


def test_without_the_right_to_write_a_report_is_refused_for_good(sasl_broker: Broker, sasl_cluster: Cluster):
    topic, open_topic = sasl_cluster.create_topic(), sasl_cluster.create_topic()
    sasl_cluster.allow("sink", ResourceType.TOPIC, open_topic, AclOperation.WRITE)
    sasl_cluster.allow("sink", ResourceType.TOPIC, topic, AclOperation.DESCRIBE)
    producer = KafkaReportProducer(producer_config(sasl_broker.client_config("sink"), client_id="test"))
    refused, written = Results(), Results()
    producer.produce(Report(topic, None, b"x"), refused)
    producer.produce(Report(open_topic, None, b"x"), written)
    failure = only_failure(refused, producer)
    assert isinstance(failure.error, PermanentReportError)
    assert not failure.is_fatal
    assert "TOPIC_AUTHORIZATION_FAILED" in str(failure.error)
    assert written.wait(producer, 1) == [None]
    assert producer.close(5.0) == 0
