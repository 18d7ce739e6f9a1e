"""The broker of a benchmark: its topics, their records, and what a group has committed."""

from __future__ import annotations

import json
from collections.abc import Callable

from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from tests.support.broker import Broker

RESULT_PARTITIONS = 4
#: Its type hints lack those of this method.
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_WORDS = "seventeen elephants observe every excellent element near the river "
_SERVE_EVERY = 10_000
#: Bytes that wait in the producer at most.
_QUEUE_BYTES = 64 * 1024 * 1024


def value_of(number: int, size: int) -> bytes:
    """A JSON document of about `size` bytes."""
    fields = {"id": number, "uuid": "3f0e12ab-5555-4e0e-9e10-0123456789ab", "amount": 12.5, "text": ""}
    missing = max(0, size - len(json.dumps(fields, separators=(",", ":"))))
    fields["text"] = (_WORDS * (missing // len(_WORDS) + 1))[:missing]
    return json.dumps(fields, separators=(",", ":")).encode()


class BenchBroker(Broker):
    """A test broker that knows the questions of a benchmark."""

    def create_topic(self, topic: str, partitions: int) -> None:
        """Create, and wait for it."""
        self._admin().create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)

    def delete_topic(self, topic: str) -> None:
        """Delete, and wait for it."""
        self._admin().delete_topics([topic])[topic].result(30)

    def fill(self, topic: str, partitions: int, records: int, size: int, advance: Callable[[int], None]) -> None:
        """Produce `records` values of about `size` bytes, evenly over the partitions."""
        self.create_topic(topic, partitions)
        producer = Producer(
            {"bootstrap.servers": self.bootstrap, "linger.ms": 50, "queue.buffering.max.messages": 10**6}
        )
        for number in range(records):
            producer.produce(topic, value_of(number, size), b"key-%d" % number, number % partitions)
            if number % _SERVE_EVERY == 0:
                producer.poll(0)
                advance(number)
            if number * size % _QUEUE_BYTES < size:
                producer.flush(60)
        if producer.flush(60):
            raise RuntimeError(f"{topic} could not be filled")
        advance(records)

    def count(self, topic: str, partitions: int) -> int:
        """Records in a topic that nothing was ever deleted from."""
        latest = {TopicPartition(topic, number): _LATEST for number in range(partitions)}
        return sum(future.result(30).offset for future in self._admin().list_offsets(latest).values())

    def committed(self, group: str) -> int:
        """Sum of a group's committed offsets."""
        return sum(self.committed_each(group))

    def committed_each(self, group: str) -> list[int]:
        """A group's committed offsets, of the partitions that have any."""
        [future] = self._admin().list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
        return [max(0, place.offset) for place in future.result(30).topic_partitions or []]

    def _admin(self) -> AdminClient:
        if not hasattr(self, "_client"):
            self._client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": "0"})
        return self._client
