"""What a test does to a Kafka cluster beside the sink: set up topics, produce, look at offsets and records."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
)

from tests.support.broker import Broker
from tests.support.broker_trio import BrokerTrio
from tests.support.waiting import wait_until

_COORDINATOR_MOVES = frozenset(
    {KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR}
)

#: value, or (key, value), or (key, value, headers)
Record = bytes | tuple[Any, ...]


class Cluster:
    """Admin rights on one broker or three. Every method blocks and raises KafkaException."""

    def __init__(self, broker: Broker | BrokerTrio) -> None:
        self.broker = broker
        self.bootstrap = broker.bootstrap
        self._config: dict[str, Any] = {"bootstrap.servers": broker.admin_bootstrap, "log_level": "0"}
        self.admin = AdminClient(self._config)
        #: The group that was asked last, and who asked.
        self._reader: tuple[str, Consumer] | None = None

    def create_topic(self, partitions: int = 1, *, name: str | None = None, **config: str) -> str:
        """A new topic's name, usable at once; `config` keys with `_` for `.`."""
        name = name or f"topic-{uuid.uuid4().hex[:12]}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        self.admin.create_topics([NewTopic(name, partitions, config=settings)])[name].result()
        wait_until(lambda: self._has_leaders(name, partitions), what=f"{name} has leaders")
        return name

    def delete_topic(self, name: str) -> None:
        """Delete it; returns when the cluster does not list it any more."""
        self.admin.delete_topics([name])[name].result()
        wait_until(lambda: name not in self.admin.list_topics(timeout=10).topics, what=f"{name} is gone")

    def add_partitions(self, name: str, total: int) -> None:
        """Grow a topic to `total` partitions."""
        self.admin.create_partitions([NewPartitions(name, total)])[name].result()
        wait_until(lambda: self._has_leaders(name, total), what=f"{name} has {total} leaders")

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """Move the start of the log to `before`, as retention does."""
        tp = TopicPartition(topic, partition, before)
        self.admin.delete_records([tp])[tp].result()

    def produce(self, topic: str, records: Iterable[Record], *, partition: int = 0) -> None:
        """Write records to one partition and wait for every acknowledgement."""
        self.produce_each(topic, {partition: records})

    def produce_each(self, topic: str, records: Mapping[int, Iterable[Record]]) -> None:
        """Write records to several partitions and wait for every acknowledgement."""
        errors: list[KafkaError] = []
        # What a topic takes is for the broker to say.
        config = self._config | {"linger.ms": "5", "enable.idempotence": "true", "message.max.bytes": "10000000"}
        producer = Producer(config)

        def note(error: KafkaError | None, _: Message) -> None:
            if error:
                errors.append(error)

        for partition, record in ((partition, record) for partition, some in records.items() for record in some):
            key, value, headers = (*record, None, None)[:3] if isinstance(record, tuple) else (None, record, None)
            while True:
                try:
                    producer.produce(topic, value, key, partition, on_delivery=note, headers=headers or [])
                    break
                except BufferError:
                    producer.poll(0.1)
        left = producer.flush(30)
        assert not left, f"{left} records of {topic} were not written"
        assert not errors, f"{topic}: {errors[0]}"

    def produce_transaction(
        self, topic: str, values: Iterable[bytes], *, partition: int = 0, abort: bool = False
    ) -> None:
        """One committed or aborted transaction: a marker stands in the log after its records."""
        producer = Producer(self._config | {"transactional.id": uuid.uuid4().hex})
        producer.init_transactions(30)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value=value, partition=partition)
        producer.flush(30)
        if abort:
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)

    def committed(self, group: str, topic: str) -> dict[int, TopicPartition]:
        """Committed offset and metadata by partition; partitions without a commit are left out."""
        known = self.admin.list_topics(timeout=10).topics.get(topic)
        partitions = [] if known is None else [TopicPartition(topic, partition) for partition in known.partitions]
        found = wait_until(lambda: self._ask_group(group, partitions), what=f"offsets of {group}") if partitions else []
        return {tp.partition: tp for tp in found if tp.error is None and tp.offset >= 0}

    def end_offsets(self, topic: str, *, isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED) -> dict[int, int]:
        """The offset after the last record (and marker) of each partition."""
        return self._offsets(topic, OffsetSpec.latest(), isolation)

    def read_all(self, topic: str, *, read_committed: bool = True, timeout: float = 20.0) -> list[Message]:
        """Every record visible now, partition after partition, in offset order."""
        config: dict[str, Any] = self._config | {
            "group.id": f"reader-{uuid.uuid4().hex}",
            "enable.auto.commit": "false",
            "enable.partition.eof": "true",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed" if read_committed else "read_uncommitted",
        }
        partitions = self.admin.list_topics(topic, timeout=10).topics[topic].partitions
        consumer = Consumer(config)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        unread = set(partitions)
        records: list[Message] = []
        try:
            wait_until(lambda: _read_on(consumer, records, unread), timeout, what=f"end of {topic}", every=0)
        finally:
            consumer.close()
        return sorted(records, key=lambda message: (message.partition(), message.offset()))

    def allow(self, user: str, resource: ResourceType, name: str, *operations: AclOperation) -> None:
        """Give `user` operations on one resource by its literal name."""
        bindings = [
            AclBinding(
                resource,
                name,
                ResourcePatternType.LITERAL,
                f"User:{user}",
                "*",
                operation,
                AclPermissionType.ALLOW,
            )
            for operation in operations
        ]
        for done in self.admin.create_acls(bindings).values():
            done.result()

    def _ask_group(self, group: str, partitions: list[TopicPartition]) -> list[TopicPartition] | None:
        try:
            return self._reader_of(group).committed(partitions, timeout=10)
        except KafkaException as error:
            # The first group of a broker has it create and load the offsets topic.
            if error.args[0].code() in _COORDINATOR_MOVES:
                return None
            raise

    def _reader_of(self, group: str) -> Consumer:
        """A consumer that never joins.

        librdkafka's admin client crashes the process (2.16) when a group's coordinator moves or still loads under
        `list_consumer_group_offsets`.
        """
        if self._reader is None or self._reader[0] != group:
            if self._reader is not None:
                self._reader[1].close()
            self._reader = group, Consumer(self._config | {"group.id": group})
        return self._reader[1]

    def _has_leaders(self, name: str, partitions: int) -> bool:
        found = self.admin.list_topics(name, timeout=10).topics[name].partitions
        return len(found) == partitions and all(partition.leader >= 0 for partition in found.values())

    def _offsets(self, topic: str, spec: OffsetSpec, isolation: IsolationLevel) -> dict[int, int]:
        def answered() -> dict[int, int] | None:
            # A broker that has just come back moves its leaders about.
            with contextlib.suppress(KafkaException):
                return self._ask_offsets(topic, spec, isolation)
            return None

        return wait_until(answered, what=f"the offsets of {topic}")

    def _ask_offsets(self, topic: str, spec: OffsetSpec, isolation: IsolationLevel) -> dict[int, int]:
        partitions: Sequence[int] = list(self.admin.list_topics(topic, timeout=10).topics[topic].partitions)
        asked: Mapping[TopicPartition, OffsetSpec] = {
            TopicPartition(topic, partition): spec for partition in partitions
        }
        answers = self.admin.list_offsets(dict(asked), isolation_level=isolation)
        return {tp.partition: answer.result().offset for tp, answer in answers.items()}


def _read_on(consumer: Consumer, records: list[Message], unread: set[int]) -> bool:
    """Move what has come to `records`, drop partitions at their end from `unread`; whether none is left."""
    for message in consumer.consume(500, 0.05):
        error = message.error()
        if error is None:
            records.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            unread.discard(message.partition() or 0)
        else:
            raise KafkaException(error)
    return not unread
