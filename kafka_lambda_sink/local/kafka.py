"""A Kafka inside the process, for the demo: librdkafka's mock cluster, behind the catalog that it lacks.

It speaks Kafka's protocol on a port of 127.0.0.1, so that the sink's own clients run on it unchanged. It keeps about
5 MB a partition and drops what is older without a word, takes transactions and does not keep to them, answers no
controller request (creating, describing, deleting topics), and is gone with its process.
Source: rdkafka_mock.h of librdkafka; each limit was seen on librdkafka 2.16.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from kafka_lambda_sink.core.errors import RetriableKafkaError
from kafka_lambda_sink.core.ports import Clock, TopicSnapshot
from kafka_lambda_sink.local.clock import SystemClock

#: Partitions of a topic that is created by asking for it: librdkafka's default, and its only way here.
PARTITIONS: Final = 4

_TIMEOUT: Final = 10.0
_logger = logging.getLogger(__name__)


class EmbeddedKafka:
    """One broker, as a context manager. Raises RetriableKafkaError where it does not answer within ten seconds."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        # Lives as long as this client.
        self._host: Producer | None = Producer({"test.mock.num.brokers": 1, "logger": _logger, "log_level": 3})
        brokers = _ask(self._host.list_topics, timeout=_TIMEOUT).brokers.values()
        #: Address for clients.
        self.bootstrap = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the broker; everything in it is gone."""
        self._host = None

    def produce(self, topic: str, records: Iterable[tuple[int, bytes | None, bytes | None]]) -> dict[int, list[int]]:
        """Write (partition, key, value) records in order; the offsets that they got, by partition. Blocks.

        Creates the topic. Raises RetriableKafkaError where a record is not acknowledged within ten seconds.
        """
        EmbeddedCatalog({"bootstrap.servers": self.bootstrap}).create(topic, PARTITIONS, 1, {})
        offsets: dict[int, list[int]] = {}
        errors: list[KafkaError] = []

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                errors.append(error)
            else:
                offsets.setdefault(message.partition() or 0, []).append(message.offset() or 0)

        producer = Producer({**self._client(), "enable.idempotence": True, "linger.ms": 5})
        for partition, key, value in records:
            producer.produce(topic, key=key, value=value, partition=partition, on_delivery=on_delivery)
            producer.poll(0)
        left = producer.flush(_TIMEOUT)
        if errors or left:
            raise RetriableKafkaError(f"{topic}: {errors[0] if errors else f'{left} records are not acknowledged'}")
        return offsets

    def read_all(self, topic: str) -> list[Message]:
        """Every record of a topic, partition after partition, in the order of their offsets. Blocks.

        Raises RetriableKafkaError where the ends do not come within ten seconds.
        """
        consumer = Consumer(
            {
                **self._client(),
                "group.id": "reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )
        try:
            partitions = _ask(consumer.list_topics, topic, timeout=_TIMEOUT).topics[topic].partitions
            consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
            records = self._read_to_the_ends(consumer, set(partitions))
        finally:
            consumer.close()
        return sorted(records, key=lambda message: (message.partition() or 0, message.offset() or 0))

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """The group's committed offsets by partition. Blocks."""
        consumer = Consumer({**self._client(), "group.id": group})
        try:
            partitions = _ask(consumer.list_topics, topic, timeout=_TIMEOUT).topics[topic].partitions
            asked = [TopicPartition(topic, partition) for partition in partitions]
            found: list[TopicPartition] = _ask(consumer.committed, asked, _TIMEOUT)
        finally:
            consumer.close()
        return {tp.partition: tp.offset for tp in found if tp.offset >= 0}

    def _read_to_the_ends(self, consumer: Consumer, unread: set[int]) -> list[Message]:
        records: list[Message] = []
        deadline = self._clock.monotonic() + _TIMEOUT
        while unread:
            if self._clock.monotonic() > deadline:
                raise RetriableKafkaError(f"no end of partitions {sorted(unread)} within {_TIMEOUT} s")
            for message in consumer.consume(1000, 0.1):
                error = message.error()
                if error is None:
                    records.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                    unread.discard(message.partition() or 0)
        return records

    def _client(self) -> dict[str, Any]:
        return {"bootstrap.servers": self.bootstrap, "logger": _logger}


class EmbeddedCatalog:
    """`core.ports.TopicCatalog` on metadata requests alone: the mock cluster answers no others about topics.

    Topics have no ids here, and asking for a single one creates it.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        client: dict[str, Any] = {**config, "logger": _logger}
        self._admin = AdminClient(client)

    def cluster_id(self) -> str | None:
        """Which cluster it is."""
        found: str | None = _ask(self._admin.list_topics, timeout=_TIMEOUT).cluster_id
        return found

    def names(self) -> list[str]:
        """Names of all topics."""
        return sorted(_ask(self._admin.list_topics, timeout=_TIMEOUT).topics)

    def describe(self, topics: Sequence[str]) -> dict[str, TopicSnapshot]:
        """Those of `topics` that exist. Raises RetriableKafkaError."""
        found = _ask(self._admin.list_topics, timeout=_TIMEOUT).topics
        return {name: TopicSnapshot(None, len(found[name].partitions)) for name in topics if name in found}

    def create(self, topic: str, partitions: int, replication_factor: int, config: dict[str, str]) -> None:  # noqa: ARG002 - the mock decides them
        """Create a topic of `PARTITIONS` partitions, whatever is asked for. Raises RetriableKafkaError."""
        _ask(self._admin.list_topics, topic, timeout=_TIMEOUT)

    def close(self) -> None:
        """Nothing to serve: the client ends with its last reference."""


def _ask(question: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    try:
        return question(*arguments, **options)
    except KafkaException as error:
        raise RetriableKafkaError(f"the embedded Kafka: {error}") from error
