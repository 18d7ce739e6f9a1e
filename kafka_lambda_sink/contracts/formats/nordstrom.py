"""The formats `nordstrom-plain` and `nordstrom-json`, those of Nordstrom's connector (1.4.0).

Source: `PlainPayload.java`, `Payload.java` and `JsonPayloadFormatter.java` of
https://github.com/Nordstrom/kafka-connect-lambda
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from kafka_lambda_sink.contracts.formats.java_text import java_text
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.schema_json import SchemaTexts
from kafka_lambda_sink.contracts.formats.sent_record import SentRecord
from kafka_lambda_sink.contracts.request import encode
from kafka_lambda_sink.converters.converter import Embeddable
from kafka_lambda_sink.core.schema import Schema

#: `payload.formatter.{key,value}.schema.visibility`: no name, name and version, or Connect's whole envelope.
Visibility: TypeAlias = Literal["none", "min", "all"]

#: Names of Kafka's `TimestampType`, as its `toString` gives them.
_TIMESTAMP_TYPES: Final = {1: "CreateTime", 2: "LogAppendTime"}
_NO_TIMESTAMP_TYPE: Final = "NoTimestampType"


class PlainPayload(msgspec.Struct, rename="camel", gc=False):
    """One record as texts; the order of the fields is that of the Java class."""

    key: str
    key_schema_name: str | None
    value: str
    value_schema_name: str | None
    topic: str
    partition: int
    offset: int
    #: 0 where there is none.
    timestamp: int
    timestamp_type_name: str


class JsonPayload(msgspec.Struct, rename="camel", gc=False):
    """One record as JSON."""

    key: Embeddable
    key_schema_name: str | None
    key_schema_version: str | None
    value: Embeddable
    value_schema_name: str | None
    value_schema_version: str | None
    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type_name: str


def build_nordstrom_plain() -> RequestFormat:
    """Keys and values as Java's `toString` writes them; null is the empty text."""

    def entry(sent: SentRecord) -> PlainPayload:
        record = sent.record
        key_schema, value_schema = record.key_schema, record.value_schema
        return PlainPayload(
            "" if record.key is None else java_text(key_schema, record.key),
            None if key_schema is None else key_schema.name,
            "" if record.value is None else java_text(value_schema, record.value),
            None if value_schema is None else value_schema.name,
            *_place(sent),
        )

    return RequestFormat(entry=entry)


def build_nordstrom_json(*, key_visibility: Visibility = "min", value_visibility: Visibility = "min") -> RequestFormat:
    """Keys and values as JSON; with the visibility `all`, those that have a schema in Connect's envelope."""
    texts = SchemaTexts()

    def entry(sent: SentRecord) -> JsonPayload:
        record = sent.record
        key_name, key_version = _named(record.key_schema, key_visibility)
        value_name, value_version = _named(record.value_schema, value_visibility)
        return JsonPayload(
            _shown(texts, record.key_schema, sent.key, key_visibility),
            key_name,
            key_version,
            _shown(texts, record.value_schema, sent.value, value_visibility),
            value_name,
            value_version,
            *_place(sent),
        )

    return RequestFormat(entry=entry)


def _place(sent: SentRecord) -> tuple[str, int, int, int, str]:
    """Topic, partition, offset, timestamp and its type; that of a transform goes first, as there."""
    record = sent.record
    partition = sent.origin.partition if record.partition is None else record.partition
    kind = _TIMESTAMP_TYPES.get(sent.source.timestamp()[0], _NO_TIMESTAMP_TYPE)
    return record.topic, partition, record.offset, record.timestamp or 0, kind


def _named(schema: Schema | None, visibility: Visibility) -> tuple[str | None, str | None]:
    if schema is None or visibility == "none":
        return None, None
    return schema.name, None if schema.version is None else str(schema.version)


def _shown(texts: SchemaTexts, schema: Schema | None, embedded: Embeddable, visibility: Visibility) -> Embeddable:
    if schema is None or visibility != "all":
        return embedded
    return msgspec.Raw(b'{"schema":' + texts.of(schema) + b',"payload":' + encode(embedded) + b"}")
