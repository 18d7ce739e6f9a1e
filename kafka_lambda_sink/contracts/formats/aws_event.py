"""The formats `aws-self-managed` and `aws-msk`: the event that AWS's own Kafka trigger sends.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html and
https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html ("Example event").
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from kafka_lambda_sink.contracts.formats.aws_parts import AwsPart, RawPart, SchemaMetadata, Side
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.sent_record import SentRecord
from kafka_lambda_sink.contracts.frame import Frame
from kafka_lambda_sink.contracts.request import encode
from kafka_lambda_sink.contracts.source_headers import headers_of
from kafka_lambda_sink.converters.converter import Embeddable
from kafka_lambda_sink.core.record import TopicPartition

#: What today's triggers write, and what Powertools' parser asks for; functions of before 2025 may compare with
#: `aws:SelfManagedKafka`.
SELF_MANAGED: Final = "SelfManagedKafka"
MSK: Final = "aws:kafka"

#: Names of Kafka's `TimestampType`.
_TIMESTAMP_TYPES: Final = {1: "CREATE_TIME", 2: "LOG_APPEND_TIME"}
_NO_TIMESTAMP: Final = ("NO_TIMESTAMP_TYPE", -1)


class EventRecord(msgspec.Struct, rename="camel", gc=False):
    """One record; the order of the fields is that of AWS's example."""

    topic: str
    partition: int
    offset: int
    #: Milliseconds since the epoch; -1 for none, as Java has it.
    timestamp: int
    timestamp_type: str
    #: Bytes are written in base64.
    key: bytes | None
    value: bytes | None
    #: In order; each byte a number with a sign, as Java has them.
    headers: list[dict[str, list[int]]]
    key_schema_metadata: SchemaMetadata | UnsetType = UNSET
    value_schema_metadata: SchemaMetadata | UnsetType = UNSET


def build_aws_self_managed(
    *,
    bootstrap_servers: str,
    event_source: str = SELF_MANAGED,
    key: AwsPart | None = None,
    value: AwsPart | None = None,
) -> RequestFormat:
    """The event of a self-managed cluster; `bootstrap_servers` with commas between them.

    `key` and `value` say what their bytes are, `RawPart` where they are None.
    """
    return _build({"eventSource": event_source, "bootstrapServers": bootstrap_servers}, key, value)


def build_aws_msk(
    *,
    bootstrap_servers: str,
    event_source_arn: str,
    event_source: str = MSK,
    key: AwsPart | None = None,
    value: AwsPart | None = None,
) -> RequestFormat:
    """As `build_aws_self_managed`, of a cluster of Amazon MSK with the ARN `event_source_arn`."""
    fields = {
        "eventSource": event_source,
        "eventSourceArn": event_source_arn,
        "bootstrapServers": bootstrap_servers,
    }
    return _build(fields, key, value)


def _build(fields: dict[str, str], key: AwsPart | None, value: AwsPart | None) -> RequestFormat:
    before = encode(fields)[:-1] + b',"records":{'
    write_key, write_value = key or RawPart(), value or RawPart()

    def frame(tp: TopicPartition) -> Frame:
        return Frame(before + encode(str(tp)) + b":[", b"]}}")

    def entry(sent: SentRecord) -> EventRecord:
        source, timestamp = sent.source, sent.record.timestamp
        kind = _TIMESTAMP_TYPES.get(source.timestamp()[0], _TIMESTAMP_TYPES[1])
        timestamp_type, moment = _NO_TIMESTAMP if timestamp is None else (kind, timestamp)
        topic, partition = sent.origin
        key_bytes, key_metadata = write_key.of(sent, Side.KEY)
        value_bytes, value_metadata = write_value.of(sent, Side.VALUE)
        return EventRecord(
            topic,
            partition,
            source.offset(),
            moment,
            timestamp_type,
            key_bytes,
            value_bytes,
            _headers(sent),
            key_metadata,
            value_metadata,
        )

    def stored_value(sent: SentRecord) -> bytes | None:
        """What base64 would have carried."""
        return write_value.of(sent, Side.VALUE)[0]

    # The source's are taken where no transform has touched them, read or not.
    return RequestFormat(entry=entry, frame=frame, stored_value=stored_value)


def _headers(sent: SentRecord) -> list[dict[str, list[int]]]:
    if sent.has_own_headers:
        headers = headers_of(sent.source)
    else:
        written = zip(sent.record.headers, sent.headers, strict=True)
        headers = [(header.name, _header_bytes(header.value, embedded.value)) for header, embedded in written]
    # A header without a value has no bytes: readers go through them without asking.
    return [{name: memoryview(raw or b"").cast("b").tolist()} for name, raw in headers]


def _header_bytes(value: object, embedded: Embeddable) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else encode(embedded)
