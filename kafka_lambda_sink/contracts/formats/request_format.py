"""What a request format is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from kafka_lambda_sink.contracts.formats.sent_record import SentRecord
from kafka_lambda_sink.contracts.frame import ARRAY, BARE, Frame
from kafka_lambda_sink.converters.converter import Embeddable
from kafka_lambda_sink.core.record import TopicPartition

#: A record to what stands for it in the request, which `request.encode` takes. Raises RecordError.
EntryMaker: TypeAlias = Callable[[SentRecord], object]


def plain_value(sent: SentRecord) -> Embeddable:
    """What stands for a record's value where it is kept outside of a request: bytes, or JSON. Raises RecordError."""
    value = sent.record.value
    return value if isinstance(value, bytes) else sent.value


def array_frame(_: TopicPartition) -> Frame:
    """The frame of formats that are a bare array, of whatever partition."""
    return ARRAY


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFormat:
    """From the records of a batch to the bytes of its request. Pure, for any thread."""

    entry: EntryMaker
    #: What surrounds the entries of one partition's batches.
    frame: Callable[[TopicPartition], Frame] = array_frame
    #: Whether `SentRecord.headers` is asked for, or the headers in `SentRecord.record`.
    needs_headers: bool = False
    #: What is kept of a value that is too large for a request.
    stored_value: Callable[[SentRecord], Embeddable] = plain_value


def single(request_format: RequestFormat) -> RequestFormat:
    """`request_format`, which is a bare array, without the array: for batches of one record."""
    return replace(request_format, frame=lambda _: BARE)
