"""The long way of a record: to Connect's data, through transforms and filters, to JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_lambda_sink.contracts.request import Conversion, Entry, EntryHeader, Payload, PayloadWithHeaders, encode
from kafka_lambda_sink.converters.converter import Embeddable, Embedder
from kafka_lambda_sink.converters.reading import Reader
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import TIMESTAMP_NOT_AVAILABLE, SourceRecord
from kafka_lambda_sink.core.schema import Schema
from kafka_lambda_sink.core.sink_record import Header, Predicate, SinkRecord, Transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How keys, values or headers are read and written."""

    read: Reader
    embed: Embedder


class RecordPath:
    """Converts, transforms, filters. Belongs to one thread, as its transforms may remember what they saw."""

    __slots__ = ("_header", "_is_wanted", "_key", "_transform", "_value", "_writes_headers")

    def __init__(
        self,
        *,
        key: Part,
        value: Part,
        header: Part | None,
        transform: Transform | None,
        is_wanted: Predicate | None,
        writes_headers: bool,
    ) -> None:
        """`header` is None where neither transforms nor filters nor the payload have a use for headers."""
        self._key = key
        self._value = value
        self._header = header
        self._transform = transform
        self._is_wanted = is_wanted
        self._writes_headers = writes_headers

    def convert(self, records: Sequence[SourceRecord], into: Conversion) -> None:
        """See RecordConverter."""
        for record in records:
            try:
                entry = self._entry(record)
            except RecordError as error:
                into.failures.append((record, error))
                continue
            if entry is None:
                into.dropped += 1
            else:
                into.records.append(record)
                into.entries.append(entry)

    def read(self, record: SourceRecord) -> SinkRecord:
        """What transforms see. Raises RecordError, RetriableConversionError."""
        kind, timestamp = record.timestamp()
        key_schema, key = self._key.read(record.key())
        value_schema, value = self._value.read(record.value())
        return SinkRecord(
            source=record,
            topic=record.topic(),
            partition=record.partition(),
            key_schema=key_schema,
            key=key,
            value_schema=value_schema,
            value=value,
            timestamp=None if kind == TIMESTAMP_NOT_AVAILABLE or timestamp < 0 else timestamp,
            headers=self._headers(record, self._header) if self._header else (),
        )

    def transformed(self, record: SinkRecord) -> SinkRecord | None:
        """What filters see; None when a transform drops the record."""
        return record if self._transform is None else self._transform(record)

    def is_wanted(self, record: SinkRecord) -> bool:
        """Whether the filters let it pass."""
        return self._is_wanted is None or self._is_wanted(record)

    def entry(self, record: SinkRecord) -> Entry:
        """What is sent. Topic, partition and offset are the original's, whatever transforms made of them."""
        topic, partition = record.origin
        fields = (
            record.timestamp,
            topic,
            partition,
            record.offset,
            self.embedded_key(record),
            self.embedded_value(record),
        )
        if not self._writes_headers:
            return Entry(Payload(*fields))
        return Entry(PayloadWithHeaders(*fields, self.embedded_headers(record)))

    def embedded_key(self, record: SinkRecord) -> Embeddable:
        """The key as it is sent."""
        return self._key.embed(record.key_schema, record.key)

    def embedded_value(self, record: SinkRecord) -> Embeddable:
        """The value as it is sent."""
        return self._value.embed(record.value_schema, record.value)

    def embedded_headers(self, record: SinkRecord) -> list[EntryHeader]:
        """The headers as they are sent, where they are."""
        if self._header is None:
            return []
        embed = self._header.embed
        return [EntryHeader(name, embed(schema, value)) for name, schema, value in record.headers]

    def _entry(self, source: SourceRecord) -> Entry | None:
        record = self.transformed(self.read(source))
        return None if record is None or not self.is_wanted(record) else self.entry(record)

    def _headers(self, record: SourceRecord, part: Part) -> tuple[Header, ...]:
        return tuple([Header(name, *part.read(raw)) for name, raw in record.headers() or ()])


def escaping(embed: Embedder) -> Embedder:
    """As `EscapedJsonKeyValueConverter` of the Confluent connector: what has no schema is a string with JSON in it."""

    def embed_escaped(schema: Schema | None, value: object) -> Embeddable:
        embedded = embed(schema, value)
        return embedded if schema is not None or value is None else encode(embedded).decode()

    return embed_escaped
