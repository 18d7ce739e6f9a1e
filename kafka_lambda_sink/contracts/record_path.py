"""The long way of a record: to Connect's data, through transforms and filters, to its entry in the request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kafka_lambda_sink.contracts.formats.request_format import EntryMaker, plain_value
from kafka_lambda_sink.contracts.formats.sent_record import SentRecord, Writers, unsendable
from kafka_lambda_sink.contracts.request import Conversion
from kafka_lambda_sink.contracts.source_headers import headers_of
from kafka_lambda_sink.converters.converter import Embeddable, Embedder
from kafka_lambda_sink.converters.reading import Reader
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import TIMESTAMP_NOT_AVAILABLE, SourceRecord
from kafka_lambda_sink.core.sink_record import Header, Predicate, SinkRecord, Transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How keys, values or headers are read and written."""

    read: Reader
    embed: Embedder


class RecordPath:
    """Converts, transforms, filters. Belongs to one thread, as its transforms may remember what they saw."""

    __slots__ = ("_entry_of", "_header", "_is_wanted", "_key", "_stored_value_of", "_transform", "_value", "_writers")

    def __init__(
        self,
        *,
        key: Part,
        value: Part,
        header: Part | None,
        transform: Transform | None,
        is_wanted: Predicate | None,
        entry: EntryMaker,
        stored_value: Callable[[SentRecord], Embeddable] = plain_value,
    ) -> None:
        """`header` is None where neither transforms nor filters nor the format have a use for headers.

        `entry` and `stored_value` are the request format's.
        """
        self._key = key
        self._value = value
        self._header = header
        self._transform = transform
        self._is_wanted = is_wanted
        self._entry_of = entry
        self._stored_value_of = stored_value
        self._writers = Writers(key.embed, value.embed, header.embed if header else None)

    def convert(self, records: Sequence[SourceRecord], into: Conversion) -> None:
        """See RecordConverter."""
        for record in records:
            try:
                sent = self._sent(record)
                # None is an entry like any other: a tombstone in an array of values.
                entry = None if sent is None else self._entry_of(sent)
            except RecordError as error:
                into.failures.append((record, error))
                continue
            if sent is None:
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

    def sent(self, read: SinkRecord, record: SinkRecord) -> SentRecord:
        """What the format sees of a record that was `read` and is `record` now."""
        return SentRecord(read, record, self._writers)

    def entry(self, sent: SentRecord) -> object:
        """What stands in the request. Raises RecordError."""
        return self._entry_of(sent)

    def without_value(self, record: SourceRecord, take: Callable[[Embeddable], dict[str, object]]) -> object:
        """See contracts.request.ValueReplacer."""
        sent = self._sent(record)
        if sent is None:
            raise unsendable("a transform or filter dropped the record when it was made again")
        reference = take(self._stored_value_of(sent))
        return self._entry_of(sent._replace(record=replace(sent.record, value_schema=None, value=reference)))

    def _sent(self, source: SourceRecord) -> SentRecord | None:
        read = self.read(source)
        record = self.transformed(read)
        return None if record is None or not self.is_wanted(record) else self.sent(read, record)

    def _headers(self, record: SourceRecord, part: Part) -> tuple[Header, ...]:
        return tuple([Header(name, *part.read(raw)) for name, raw in headers_of(record)])
