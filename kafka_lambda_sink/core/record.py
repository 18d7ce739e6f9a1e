"""A record as it comes from Kafka, before conversion."""

from __future__ import annotations

from typing import NamedTuple, Protocol

#: The timestamp type of a record that has none (`Message.timestamp()[0]`).
TIMESTAMP_NOT_AVAILABLE = 0


class TopicPartition(NamedTuple):
    """A partition by name. Across re-creation of a topic, only (topic id, partition) is an identity."""

    topic: str
    partition: int

    def __str__(self) -> str:
        """`orders-2`, Kafka's own way of writing it."""
        return f"{self.topic}-{self.partition}"


class SourceRecord(Protocol):
    """What the hot path reads of a consumed record.

    The shape is that of confluent-kafka's `Message`, so that no object is built a record; accessors cost 25 to 75 ns.
    """

    def topic(self) -> str:
        """Name of the topic it came from."""

    def partition(self) -> int:
        """Partition it came from."""

    def offset(self) -> int:
        """Its offset. Offsets of a partition have gaps: use `next_offset`, never `offset + 1`."""

    def key(self) -> bytes | None:
        """Raw key, or None."""

    def value(self) -> bytes | None:
        """Raw value, or None for a tombstone."""

    def timestamp(self) -> tuple[int, int]:
        """(type, milliseconds since the epoch); type 0, or -1 as Java writes it, mean that the record has none."""

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        """Headers in order, duplicates kept, or None."""

    def leader_epoch(self) -> int | None:
        """Epoch of the partition leader that wrote it, or None where the broker gave none."""


def next_offset(record: SourceRecord) -> int:
    """The offset to commit, and to resume from, once `record` and all before it have a final outcome."""
    return record.offset() + 1
