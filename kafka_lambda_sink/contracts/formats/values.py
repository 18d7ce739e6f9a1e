"""The format `values`: a bare array of values, tombstones as null."""

from __future__ import annotations

from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.sent_record import SentRecord
from kafka_lambda_sink.converters.converter import Embeddable


def build_values() -> RequestFormat:
    """Topic, partition, offset, key and headers are not sent."""
    return RequestFormat(entry=_value)


def _value(sent: SentRecord) -> Embeddable:
    return sent.value
