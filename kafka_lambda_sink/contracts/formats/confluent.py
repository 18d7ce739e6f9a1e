"""The formats `confluent` and `confluent-escaped`: `[{"payload": {…}}]` (seed: "AWS Lambda Payload")."""

from __future__ import annotations

from collections.abc import Collection

from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.sent_record import SentRecord
from kafka_lambda_sink.contracts.request import Entry, Payload, PayloadWithHeaders, encode
from kafka_lambda_sink.converters.converter import Embeddable
from kafka_lambda_sink.core.schema import Schema


def build_confluent(*, escaped: Collection[str] = (), writes_headers: bool = False) -> RequestFormat:
    """Topic, partition and offset are the original's, whatever transforms made of them.

    `escaped` has the parts, `key` and `value`, that are strings with JSON in them where they have no schema
    (`EscapedJsonKeyValueConverter`).
    """
    escapes_key, escapes_value = "key" in escaped, "value" in escaped

    def entry(sent: SentRecord) -> Entry:
        # Attributes are looked up here rather than through properties: records with transforms go this way by default.
        _, record, writers = sent
        source = record.source
        key = writers.key(record.key_schema, record.key)
        value = writers.value(record.value_schema, record.value)
        if escapes_key:
            key = _escaped(record.key_schema, key)
        if escapes_value:
            value = _escaped(record.value_schema, value)
        fields = (record.timestamp, source.topic(), source.partition(), source.offset(), key, value)
        return Entry(PayloadWithHeaders(*fields, sent.headers) if writes_headers else Payload(*fields))

    return RequestFormat(entry=entry, needs_headers=writes_headers)


def _escaped(schema: Schema | None, embedded: Embeddable) -> Embeddable:
    return embedded if schema is not None or embedded is None else encode(embedded).decode()
