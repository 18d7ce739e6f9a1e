"""The `confluent` request format, a JSON array of `{"payload": {…}}` (seed: "AWS Lambda Payload")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from kafka_lambda_sink.converters.converter import Converter, Embeddable
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import TIMESTAMP_NOT_AVAILABLE, SourceRecord, TopicPartition


class _Payload(msgspec.Struct, gc=False):
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

    payload: _Payload


@dataclass(slots=True)
class Conversion:
    """Records sorted into those that could be converted and those that could not, both in offset order."""

    #: Those that could, and their entries, pairwise.
    records: list[SourceRecord] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    failures: list[tuple[SourceRecord, RecordError]] = field(default_factory=list)


class RequestEncoder:
    """Turns the records of one partition into request payloads. Pure; belongs to one thread."""

    __slots__ = ("_encode", "_key_converter", "_partition", "_topic", "_value_converter")

    def __init__(self, tp: TopicPartition, key_converter: Converter, value_converter: Converter) -> None:
        self._topic = tp.topic
        self._partition = tp.partition
        self._key_converter = key_converter
        self._value_converter = value_converter
        self._encode = msgspec.json.Encoder().encode

    def convert(self, records: Sequence[SourceRecord]) -> Conversion:
        """Convert every record; a failure leaves the others as they are."""
        topic, partition = self._topic, self._partition
        key_converter, value_converter = self._key_converter, self._value_converter
        result = Conversion()
        add_record, add_entry = result.records.append, result.entries.append
        for record in records:
            kind, timestamp = record.timestamp()
            try:
                payload = _Payload(
                    None if kind == TIMESTAMP_NOT_AVAILABLE or timestamp < 0 else timestamp,
                    topic,
                    partition,
                    record.offset(),
                    key_converter(record.key()),
                    value_converter(record.value()),
                )
            except RecordError as error:
                result.failures.append((record, error))
                continue
            add_record(record)
            add_entry(Entry(payload))
        return result

    def encode(self, entries: Sequence[Entry]) -> bytes:
        """The payload that carries `entries`."""
        return self._encode(entries)

    def encode_each(self, entries: Sequence[Entry]) -> list[bytes]:
        """Each entry by itself; `join` makes a payload of any run of them."""
        return [self._encode(entry) for entry in entries]


def join(encoded: Sequence[bytes]) -> bytes:
    """The payload of entries that were encoded one by one: the same bytes as `RequestEncoder.encode` gives."""
    return b"[" + b",".join(encoded) + b"]"
