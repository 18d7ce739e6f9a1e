"""The `records` response contract: an array that answers each record, in order (seed: "Response Topic")."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from kafka_lambda_sink.contracts.reply_fault import raise_fault
from kafka_lambda_sink.converters.json_depth import MAX_DEPTH, is_too_deep
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ReplyError
from kafka_lambda_sink.core.record import TopicPartition

_OFFSET_KEY: Final = b'"offset"'
#: Escapes of the letters in `payload` and `offset`, by which a key could hide from a search for its plain spelling.
_ESCAPED_LETTERS: Final = (b"\\u006", b"\\u007")


class _RawEntry(msgspec.Struct, gc=False):
    payload: msgspec.Raw


_decode_entries = msgspec.json.Decoder(list[_RawEntry]).decode
_decode_texts = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class ReplyChecker:
    """Checks the replies for one partition. Pure; any thread."""

    __slots__ = ("_decode_coordinates", "_tp")

    def __init__(self, tp: TopicPartition) -> None:
        self._tp = tp
        self._decode_coordinates = _coordinates_decoder(tp)

    def check(self, reply: bytes, batch: Batch) -> list[bytes]:
        """The text of each entry's `payload`, as received, pairwise with the batch's records.

        Entries must be as many as records and name the topic, partition and offset of the record in their place, as a
        string and two integers. Other fields are allowed: those in `payload` are part of its text, those beside it are
        dropped, as by the model.

        Raises ReplyError, which says what is wrong and where.
        """
        offsets = [record.offset() for record in batch.records]
        if is_too_deep(reply):
            raise ReplyError(f"the reply is nested deeper than {MAX_DEPTH} levels")
        try:
            # Nothing else looks at the bytes inside `result`.
            if not reply.isascii():
                reply.decode()
            entries = _decode_entries(reply)
            found = [entry.payload.offset for entry in self._decode_coordinates(reply)]
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = None
        if found != offsets:
            raise_fault(reply, self._tp, offsets)
        if reply.count(_OFFSET_KEY) != len(offsets):
            _refuse_repeated_coordinates(reply)
        if b"\\" in reply and any(escape in reply for escape in _ESCAPED_LETTERS):
            _refuse_hidden_coordinates(reply)
        return [bytes(entry.payload) for entry in entries]


def _coordinates_decoder(tp: TopicPartition) -> Callable[[bytes], list[Any]]:
    """A decoder of the coordinates alone, that refuses another topic or partition itself.

    Every occurrence of a repeated key is held against its type, so only `offset` can be repeated with another content.
    """
    fields: list[tuple[str, Any]] = [
        ("topic", Literal.__getitem__(tp.topic)),
        ("partition", Literal.__getitem__(tp.partition)),
        ("offset", int),
    ]
    coordinates = msgspec.defstruct("Coordinates", fields, gc=False)
    entry = msgspec.defstruct("CoordinatesEntry", [("payload", coordinates)], gc=False)
    decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[entry])  # type: ignore[valid-type]
    return decoder.decode


def _refuse_repeated_coordinates(reply: bytes) -> None:
    """Parsers take the last of repeated keys, others the first: a reply that could be read in two ways is refused.

    A repeated key's earlier value is missing among the decoded fields, so the occurrences no longer add up.
    """
    for index, text in enumerate(_decode_texts(reply)):
        fields = _decode_fields(text)
        if (
            _own_occurrences(bytes(text), fields) != ("offset" in fields)
            or _own_occurrences(bytes(fields["payload"]), _decode_fields(fields["payload"])) != 1
        ):
            raise ReplyError(f"entry {index}: a field of its coordinates is repeated")


def _own_occurrences(text: bytes, fields: dict[str, msgspec.Raw]) -> int:
    return text.count(_OFFSET_KEY) - sum(bytes(value).count(_OFFSET_KEY) for value in fields.values())


def _refuse_hidden_coordinates(reply: bytes) -> None:
    """The slow way, for replies that spell letters as escapes: hardly any serializer does."""

    def refuse_repeated(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs if name in {"payload", "offset"}]
        if len(names) != len(set(names)):
            raise ReplyError("a field of an entry's coordinates is repeated, spelt with escapes")

    json.loads(reply, object_pairs_hook=refuse_repeated, parse_int=str, parse_float=str)
