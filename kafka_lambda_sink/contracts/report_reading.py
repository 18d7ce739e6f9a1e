"""Records of the error and dead letter topics, read back: which source records they are about, and why they failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kafka_lambda_sink.contracts.reports import CONTEXT_PREFIX
from kafka_lambda_sink.contracts.source_headers import headers_of
from kafka_lambda_sink.converters.json_depth import is_too_deep
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from kafka_lambda_sink.core.replay_item import Place, ReplayItem, digest_of

#: Prefix of the headers of ours.
_OWN: Final = "kls."
_UNKNOWN: Final = "unknown"


class UnreadableReport(ValueError):
    """A record that is no report of ours, or of a connector that writes them as Confluent's does."""


class ForeignReport(ValueError):
    """A report of another connector that writes to the same topic."""


class _Range(msgspec.Struct, rename="camel", gc=False):
    """The key of an error record."""

    topic: str
    partition: int
    start_offset: int
    end_offset: int


class _Cause(msgspec.Struct, rename="camel", gc=False):
    """What of the value of an error record says why."""

    function_error: str | None = None
    payload: str | None = None


class _RangeEnvelope(msgspec.Struct, gc=False):
    payload: _Range


class _CauseEnvelope(msgspec.Struct, gc=False):
    #: No default: a plain value has a `payload` too, which is a text.
    payload: _Cause


class _Thrown(msgspec.Struct, rename="camel", gc=False):
    """The reply of a function that raised."""

    error_type: str | None = None


def read_error(record: SourceRecord) -> ReplayItem:
    """What an error record tells, with or without Connect's envelope. Raises UnreadableReport."""
    place = _decode(record.key(), _Range, _RangeEnvelope)
    if place is None or not (0 <= place.start_offset < place.end_offset and place.partition >= 0 and place.topic):
        raise UnreadableReport("its key does not name a range of offsets")
    cause = _decode(record.value(), _Cause, _CauseEnvelope) or _Cause()
    headers = _headers(record)
    thrown = _decode(cause.payload.encode(), _Thrown) if cause.payload else None
    words = (cause.function_error, thrown.error_type if thrown else None, _text(headers.get("exception")))
    stamp = _text(headers.get("input_record_timestamp"))
    return ReplayItem(
        place=_place(record),
        tp=TopicPartition(place.topic, place.partition),
        start=place.start_offset,
        end=place.end_offset,
        error_type=_shown(words),
        names=frozenset(word for word in words if word),
        written=record.timestamp()[1],
        timestamp=int(stamp) if stamp is not None and stamp.isdecimal() else None,
    )


def read_dead_letter(record: SourceRecord, connector: str) -> ReplayItem:
    """What a dead letter tells: the record that its context headers name, without them itself.

    Raises ForeignReport for that of another connector, UnreadableReport where the headers name no record.
    """
    # A record that became a dead letter twice has the headers twice: the last ones are about the record read last.
    headers = _headers(record)
    context = {
        name.removeprefix(CONTEXT_PREFIX): value for name, value in headers.items() if name.startswith(CONTEXT_PREFIX)
    }
    owner = _text(context.get("connector.name"))
    if owner is not None and owner != connector:
        raise ForeignReport(owner)
    kind = _text(context.get("exception.class.name"))
    words = (
        _text(headers.get(f"{_OWN}function.error")),
        _text(headers.get(f"{_OWN}error.type")),
        kind and kind.rpartition(".")[2],
        kind,
        _text(context.get("stage")),
    )
    if "topic" not in context:
        tp, start, digest = TopicPartition(record.topic(), record.partition()), record.offset(), None
    else:
        topic, partition, offset = (_text(context.get(name)) for name in ("topic", "partition", "offset"))
        if not topic or not partition or not offset or not (partition.isdecimal() and offset.isdecimal()):
            raise UnreadableReport("its headers do not name a record")
        tp, start, digest = TopicPartition(topic, int(partition)), int(offset), digest_of(record)
    return ReplayItem(
        place=_place(record),
        tp=tp,
        start=start,
        # A range of one offset.
        end=start + 1,
        error_type=_shown(words),
        names=frozenset(word for word in words if word),
        written=record.timestamp()[1],
        digest=digest,
    )


def _shown(words: Sequence[str | None]) -> str:
    """What failed and how, where that is known, else the first word that is."""
    first = list(dict.fromkeys(word for word in words[:2] if word))
    return " ".join(first) or next((word for word in words if word), _UNKNOWN)


def _place(record: SourceRecord) -> Place:
    return Place(record.partition(), record.offset())


def _headers(record: SourceRecord) -> dict[str, bytes | None]:
    try:
        return dict(headers_of(record))
    except RecordError:
        return {}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _decode(text: bytes | None, *types: Any) -> Any:
    """The first of `types` that the JSON is, without its envelope; None where it is none of them."""
    if not text or is_too_deep(text):
        return None
    for kind in types:
        try:
            found = msgspec.json.decode(text, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        return found.payload if isinstance(found, (_RangeEnvelope, _CauseEnvelope)) else found
    return None
