"""A record between its converters and the payload: what transforms, predicates and filters see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from kafka_lambda_sink.core.schema import Schema


class SchemaAndValue(NamedTuple):
    """A converted key, value or header; `schema` is None for what has none. See `core.schema` for the values."""

    schema: Schema | None
    value: object


class Header(NamedTuple):
    """One header, converted. A record may have several of one name; their order counts."""

    name: str
    schema: Schema | None
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkRecord:
    """Connect's SinkRecord. Immutable: transforms use `dataclasses.replace`."""

    #: The record as it came: its topic, partition and offset stay the coordinates of every report.
    source: SourceRecord
    #: What transforms may change, and no report shows.
    topic: str
    partition: int | None
    key_schema: Schema | None
    key: object
    value_schema: Schema | None
    value: object
    #: Milliseconds since the epoch, or None.
    timestamp: int | None
    headers: tuple[Header, ...] = ()

    @property
    def offset(self) -> int:
        """Its offset in the partition that it came from."""
        return self.source.offset()

    @property
    def origin(self) -> TopicPartition:
        """The partition that it came from."""
        return TopicPartition(self.source.topic(), self.source.partition())


#: One step on a record; None drops it. Raises RecordError for a record it cannot take, with the stage TRANSFORMATION.
Transform: TypeAlias = Callable[[SinkRecord], SinkRecord | None]

#: Whether a record is meant.
Predicate: TypeAlias = Callable[[SinkRecord], bool]
