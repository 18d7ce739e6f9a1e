"""What the bytes of a key or value are in AWS's event: as Kafka has them, or what a schema registry makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, Protocol, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from kafka_lambda_sink.contracts.formats.sent_record import SentRecord, unsendable
from kafka_lambda_sink.contracts.request import encode
from kafka_lambda_sink.converters.converter import KEY_CONVERTER, VALUE_CONVERTER, Embeddable
from kafka_lambda_sink.converters.wire_format import HEADER_SIZE, schema_id_of
from kafka_lambda_sink.core.sink_record import SchemaAndValue

DataFormat: TypeAlias = Literal["AVRO", "JSON", "PROTOBUF"]
_NULL: Final = b"null"
#: `EventRecordFormat` of an event source mapping's `SchemaRegistryConfig`.
EventRecordFormat: TypeAlias = Literal["JSON", "SOURCE"]


class SchemaMetadata(msgspec.Struct, rename="camel", gc=False):
    """Which schema the bytes were written with."""

    #: Of the bytes that are sent: Powertools refuses to read as JSON what says to be something else.
    data_format: DataFormat
    schema_id: str


class Side(Enum):
    """Key or value, by the stage of its errors."""

    KEY = KEY_CONVERTER
    VALUE = VALUE_CONVERTER

    def raw(self, sent: SentRecord) -> bytes | None:
        """Its bytes in Kafka."""
        return sent.source.key() if self is Side.KEY else sent.source.value()

    def is_own(self, sent: SentRecord) -> bool:
        """Whether no transform has touched it."""
        return sent.has_own_key if self is Side.KEY else sent.has_own_value

    def data(self, sent: SentRecord) -> SchemaAndValue:
        """What it is now."""
        record = sent.record
        if self is Side.KEY:
            return SchemaAndValue(record.key_schema, record.key)
        return SchemaAndValue(record.value_schema, record.value)

    def embedded(self, sent: SentRecord) -> Embeddable:
        """The same as JSON. Raises RecordError."""
        return sent.key if self is Side.KEY else sent.value


class AwsPart(Protocol):
    """How keys or values become bytes."""

    def of(self, sent: SentRecord, side: Side) -> tuple[bytes | None, SchemaMetadata | UnsetType]:
        """The bytes, and what is said of their schema. Raises RecordError."""


@dataclass(frozen=True, slots=True)
class RawPart:
    """The bytes as Kafka has them. Of what a transform has touched: text and bytes as they are, all else as JSON."""

    def of(self, sent: SentRecord, side: Side) -> tuple[bytes | None, UnsetType]:
        """See AwsPart."""
        if side.is_own(sent):
            return side.raw(sent), UNSET
        return _written(sent, side), UNSET


@dataclass(frozen=True, slots=True)
class RegistryPart:
    """What a producer with a schema registry has written, and what AWS makes of it.

    `JSON`: the data as JSON. `SOURCE`: the bytes behind the 5 of Confluent's wire format; of Protobuf they begin with
    the message indexes. Source: `SchemaRegistryConfig` of https://docs.aws.amazon.com/lambda/latest/api/API_KafkaSchemaRegistryConfig.html
    """

    #: Of the producer.
    data_format: DataFormat
    event_record_format: EventRecordFormat = "JSON"

    def of(self, sent: SentRecord, side: Side) -> tuple[bytes | None, SchemaMetadata | UnsetType]:
        """See AwsPart."""
        raw = side.raw(sent)
        if self.event_record_format == "SOURCE":
            if not side.is_own(sent):
                raise unsendable(
                    f"a transform has changed the {side.name.lower()}, and it is to be sent as its producer wrote it"
                )
            return (None, UNSET) if raw is None else (raw[HEADER_SIZE:], self._metadata(raw, side))
        text = encode(side.embedded(sent))
        if raw is None:
            return None if text == _NULL else text, UNSET
        return text, self._metadata(raw, side)

    def _metadata(self, raw: bytes, side: Side) -> SchemaMetadata:
        data_format = self.data_format if self.event_record_format == "SOURCE" else "JSON"
        return SchemaMetadata(data_format, str(schema_id_of(raw, side.value)))


def _written(sent: SentRecord, side: Side) -> bytes | None:
    schema, value = side.data(sent)
    if isinstance(value, bytes):
        return value
    text = encode(side.embedded(sent))
    if value is None:
        # A schema's default may stand for it.
        return None if text == _NULL else text
    # Without a schema, text was read from JSON, and is written as that again.
    return value.encode() if isinstance(value, str) and schema is not None else text
