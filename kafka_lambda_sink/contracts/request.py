"""The `confluent` request format, a JSON array of `{"payload": {…}}` (seed: "AWS Lambda Payload")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from kafka_lambda_sink.converters.converter import Converter, Embeddable
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import TIMESTAMP_NOT_AVAILABLE, SourceRecord, TopicPartition


class Payload(msgspec.Struct, gc=False):
    """One record; the order of the fields is that of the seed."""

    #: Milliseconds since the epoch, or null.
    timestamp: int | None
    topic: str
    partition: int
    offset: int
    key: Embeddable
    value: Embeddable


class Entry(msgspec.Struct, gc=False):
    """One element of the request's array."""

    payload: Payload


class EntryHeader(msgspec.Struct, gc=False):
    """One header of a record, where `aws.lambda.record.headers` asks for them."""

    name: str
    value: Embeddable


class PayloadWithHeaders(Payload, gc=False):
    """One record with its headers in order, those of one name kept."""

    headers: list[EntryHeader]


@dataclass(slots=True)
class Conversion:
    """Records sorted into those that are sent, those that cannot be converted, and those filtered; in offset order."""

    #: Those that could, and their entries, pairwise.
    records: list[SourceRecord] = field(default_factory=list)
    entries: list[object] = field(default_factory=list)
    #: Their tenants, pairwise; empty where a function keeps none apart.
    tenants: list[str] = field(default_factory=list)
    failures: list[tuple[SourceRecord, RecordError]] = field(default_factory=list)
    #: How many nobody wants: a filter or a transform has dropped them.
    dropped: int = 0

    def is_covering(self, record: SourceRecord) -> bool:
        """Whether `record`, the last that was looked at, is one that was not dropped."""
        return bool((self.records and self.records[-1] is record) or (self.failures and self.failures[-1][0] is record))


class RecordConverter(Protocol):
    """Makes entries of records. Belongs to one thread."""

    def convert(self, records: Sequence[SourceRecord], into: Conversion) -> None:
        """Add each of `records` to one of the lists; a failure leaves the others as they are.

        Raises RetriableConversionError when a record can be converted later; `into` is then of no use.
        """


class ValueReplacer(Protocol):
    """Makes entries of single records with something else in their value's place. Belongs to one thread."""

    def without_value(self, record: SourceRecord, take: Callable[[Embeddable], dict[str, object]]) -> object:
        """The entry of `record` with `take(value)` in its value's place.

        Raises RecordError, RetriableConversionError.
        """


class PlainConverter:
    """Keys and values by their converters, and nothing else: the fast path. Pure."""

    __slots__ = ("_key_converter", "_partition", "_topic", "_value_converter")

    def __init__(self, tp: TopicPartition, key_converter: Converter, value_converter: Converter) -> None:
        self._topic = tp.topic
        self._partition = tp.partition
        self._key_converter = key_converter
        self._value_converter = value_converter

    def convert(self, records: Sequence[SourceRecord], into: Conversion) -> None:
        """See RecordConverter."""
        topic, partition = self._topic, self._partition
        key_converter, value_converter = self._key_converter, self._value_converter
        add_record, add_entry = into.records.append, into.entries.append
        for record in records:
            kind, timestamp = record.timestamp()
            try:
                payload = Payload(
                    None if kind == TIMESTAMP_NOT_AVAILABLE or timestamp < 0 else timestamp,
                    topic,
                    partition,
                    record.offset(),
                    key_converter(record.key()),
                    value_converter(record.value()),
                )
            except RecordError as error:
                into.failures.append((record, error))
                continue
            add_record(record)
            add_entry(Entry(payload))

    def without_value(self, record: SourceRecord, take: Callable[[Embeddable], dict[str, object]]) -> Entry:
        """See ValueReplacer."""
        found = Conversion()
        self.convert([record], found)
        for _, error in found.failures:
            raise error
        (entry,) = found.entries
        assert isinstance(entry, Entry)
        entry.payload.value = msgspec.Raw(encode(take(entry.payload.value)))
        return entry


#: One entry, or an array of them, as JSON.
encode = msgspec.json.Encoder().encode
