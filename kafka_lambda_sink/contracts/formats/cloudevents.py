"""The format `cloudevents`: a JSON batch of CloudEvents 1.0.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md (section 4), and its
extension `partitionkey`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from kafka_lambda_sink.contracts.formats.placeholders import check_placeholders, filled, values_of
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.sent_record import SentRecord
from kafka_lambda_sink.contracts.request import encode
from kafka_lambda_sink.converters.converter import Embeddable
from kafka_lambda_sink.core.record import TopicPartition

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CloudEvent(msgspec.Struct, gc=False):
    """One event; what is UNSET is not written."""

    specversion: str
    #: `orders-3-41`: topic, partition and offset, so that a redelivered record has the id that it had.
    id: str
    source: str
    type: str
    #: RFC 3339, in milliseconds; of records from before the year 1 or after 9999 it is left out.
    time: str | UnsetType
    #: The record's key: text as it is, all else as JSON.
    partitionkey: str | UnsetType
    datacontenttype: str | UnsetType = UNSET
    #: Neither for a tombstone.
    data: Embeddable | UnsetType = UNSET
    #: Of values that are bytes.
    data_base64: bytes | UnsetType = UNSET


def build_cloudevents(*, source: str = "/topics/${topic}", event_type: str, connector: str) -> RequestFormat:
    """`source` and `event_type` may have the placeholders `${topic}`, `${partition}` and `${connector}`.

    Raises ValueError for one that is empty, or has another placeholder.
    """
    for name, text in (("source", source), ("type", event_type)):
        if not text:
            raise ValueError(f"CloudEvents: {name} must not be empty")
        check_placeholders(text)

    @lru_cache
    def context_of(tp: TopicPartition) -> tuple[str, str]:
        values = values_of(tp, connector)
        return filled(source, values), filled(event_type, values)

    def entry(sent: SentRecord) -> CloudEvent:
        tp, record = sent.origin, sent.record
        event = CloudEvent(
            "1.0",
            f"{tp}-{record.offset}",
            *context_of(tp),
            _time(record.timestamp),
            _partition_key(sent),
        )
        if isinstance(record.value, bytes):
            event.datacontenttype = "application/octet-stream"
            event.data_base64 = record.value
        elif record.value is not None:
            event.datacontenttype = "application/json"
            event.data = sent.value
        return event

    return RequestFormat(entry=entry)


def _time(timestamp: int | None) -> str | UnsetType:
    if timestamp is None:
        return UNSET
    try:
        moment = _EPOCH + timedelta(milliseconds=timestamp)
    except OverflowError:
        return UNSET
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _partition_key(sent: SentRecord) -> str | UnsetType:
    key = sent.record.key
    if key is None or isinstance(key, str):
        # An attribute of CloudEvents is never empty.
        return key or UNSET
    return encode(sent.key).decode()
