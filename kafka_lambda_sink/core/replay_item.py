"""What a replay drives through the function again: ranges of source records, told by reports of failures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kafka_lambda_sink.core.record import TIMESTAMP_NOT_AVAILABLE, SourceRecord, TopicPartition


class Place(NamedTuple):
    """Where a report stands in the error or dead letter topic."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayItem:
    """One report: source records that failed together."""

    place: Place
    tp: TopicPartition
    start: int
    #: Exclusive.
    end: int
    #: Why it failed, for people.
    error_type: str
    #: What `--error-type` may call it.
    names: frozenset[str]
    #: When the report was written, in milliseconds since the epoch.
    written: int
    #: Timestamp of the first record where the report tells it, else None.
    timestamp: int | None = None
    #: `digest_of` the record where the report has its key and value, else None.
    digest: int | None = None

    def tells_of(self, record: SourceRecord) -> bool:
        """Whether `record`, found at `start`, is the one that failed: a topic may have been created again since."""
        kind, timestamp = record.timestamp()
        has_time = kind != TIMESTAMP_NOT_AVAILABLE and timestamp >= 0
        if self.timestamp is not None and has_time and timestamp != self.timestamp:
            return False
        return self.digest is None or digest_of(record) == self.digest


@dataclass(frozen=True, slots=True)
class ReplayRange:
    """Source records of one partition, and every report that is about them."""

    tp: TopicPartition
    start: int
    #: Exclusive.
    end: int
    items: Sequence[ReplayItem]

    def begins_with(self, record: SourceRecord) -> bool:
        """Whether its first record is the one that the reports tell of."""
        first = record.offset()
        return all(item.tells_of(record) for item in self.items if item.start == first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which items a replay is about; None and empty mean all."""

    #: Of the source.
    topic: str | None = None
    #: Of the source.
    partitions: frozenset[int] = frozenset()
    error_type: str | None = None
    #: Oldest report, in milliseconds since the epoch.
    since: int | None = None

    def takes(self, item: ReplayItem) -> bool:
        """Whether the item is among them."""
        return (
            (self.topic is None or item.tp.topic == self.topic)
            and (not self.partitions or item.tp.partition in self.partitions)
            and (self.error_type is None or self.error_type in item.names)
            and (self.since is None or item.written >= self.since)
        )


def digest_of(record: SourceRecord) -> int:
    """A record's key and value in a number; comparable within a process."""
    return hash((record.key(), record.value()))


def ranges_of(items: Iterable[ReplayItem]) -> list[ReplayRange]:
    """The items in the order of their sources, each record once: those that overlap are one range.

    Neighbours stay apart: what failed by itself is sent by itself again.
    """
    ranges: list[ReplayRange] = []
    for item in sorted(items, key=lambda item: (item.tp, item.start, item.end, item.place)):
        last = ranges[-1] if ranges else None
        if last is not None and last.tp == item.tp and item.start < last.end:
            ranges[-1] = ReplayRange(last.tp, last.start, max(last.end, item.end), (*last.items, item))
        else:
            ranges.append(ReplayRange(item.tp, item.start, item.end, (item,)))
    return ranges
