"""A record on its way into a request, as every format sees it."""

from __future__ import annotations

from typing import Final, NamedTuple

from kafka_lambda_sink.contracts.request import EntryHeader
from kafka_lambda_sink.converters.converter import Embeddable, Embedder
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from kafka_lambda_sink.core.sink_record import SinkRecord

#: Kafka Connect's name of the stage in which a sink takes a record.
TASK_PUT: Final = "TASK_PUT"


class Writers(NamedTuple):
    """What writes Connect's data as JSON. Each raises RecordError."""

    key: Embedder
    value: Embedder
    #: None where headers are not read.
    header: Embedder | None


class SentRecord(NamedTuple):
    """One record. What it is as JSON is made when it is asked for: not every format needs it."""

    #: As the converters read it.
    read: SinkRecord
    #: As transforms left it; the same object where there were none.
    record: SinkRecord
    writers: Writers

    @property
    def source(self) -> SourceRecord:
        """As it came from Kafka: its topic, partition and offset are those that replies are held against."""
        return self.record.source

    @property
    def origin(self) -> TopicPartition:
        """The partition that it came from."""
        return self.record.origin

    @property
    def key(self) -> Embeddable:
        """The key as JSON. Raises RecordError."""
        return self.writers.key(self.record.key_schema, self.record.key)

    @property
    def value(self) -> Embeddable:
        """The value as JSON. Raises RecordError."""
        return self.writers.value(self.record.value_schema, self.record.value)

    @property
    def headers(self) -> list[EntryHeader]:
        """The headers as JSON, in order; none where they are not read. Raises RecordError."""
        embed = self.writers.header
        if embed is None:
            return []
        return [EntryHeader(name, embed(schema, value)) for name, schema, value in self.record.headers]

    @property
    def has_own_key(self) -> bool:
        """Whether no transform has touched the key: its bytes in Kafka still say the same."""
        return self.record.key is self.read.key and self.record.key_schema is self.read.key_schema

    @property
    def has_own_value(self) -> bool:
        """Whether no transform has touched the value."""
        return self.record.value is self.read.value and self.record.value_schema is self.read.value_schema

    @property
    def has_own_headers(self) -> bool:
        """Whether no transform has touched the headers."""
        return self.record.headers is self.read.headers


def unsendable(message: str) -> RecordError:
    """The error of a record that a format has no form for."""
    return RecordError(message, stage=TASK_PUT)
