"""What we write beside a committed offset, for whoever goes on from there.

The topic's id, so that a restart notices a topic that was created again, the state of a function that keeps one, and
what is finished beyond the offset where records are finished in any order.
Version 1: `kls1;` and fields that are separated by `;`, of which unknown ones are passed over.

`done=` is base64url without padding of LEB128 numbers: the committed offset, which it must go with; the leader epoch of
the records plus one, 0 if unknown; then by turns how many offsets are left out and how many are finished.
"""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from typing import Final

#: Bytes of a function's state, at most: brokers take 4,096 of metadata (`offset.metadata.max.bytes`).
MAX_STATE: Final = 3072
#: Bytes of the whole with what is finished beyond the offset, at most.
MAX_SIZE: Final = 4000

_PREFIX: Final = "kls1;"
_TOPIC_ID: Final = "topic="
_STATE: Final = "state="
_DONE: Final = "done="
#: The separator, as JSON's strings may spell it; it stands nowhere else in JSON.
_ESCAPED: Final = "\\u003b"
#: An offset is less than this; a longer number is none of ours.
_TOO_LARGE: Final = 1 << 63
#: LEB128: seven bits a byte, the lowest first; the eighth says that more follow.
_LOW: Final = 0x7F
_MORE: Final = 0x80


def encode(
    topic_id: str | None,
    state: bytes | None = None,
    *,
    offset: int = 0,
    done: Sequence[tuple[int, int]] = (),
    done_epoch: int | None = None,
) -> str:
    """E.g. `kls1;topic=3Db5QLSqSZieL3rJBUUegA;state={"cursor":7};done=KgABAg`; empty when there is nothing to write.

    `state` is the JSON text of an object. `done` are half-open intervals of offsets from `offset` on, in order, and
    `done_epoch` the leader epoch of their records; the last ones are left out where the whole would be too large.
    Raises ValueError for intervals that are empty or not in order.
    """
    fields = []
    if topic_id:
        fields.append(_TOPIC_ID + topic_id)
    if state is not None:
        fields.append(_STATE + state.decode().replace(";", _ESCAPED))
    if done:
        used = len(";".join([_PREFIX, *fields, _DONE]).encode())
        # Three bytes are four characters.
        packed = _pack(offset, done, done_epoch, (MAX_SIZE - used) * 3 // 4)
        if packed:
            fields.append(_DONE + urlsafe_b64encode(packed).decode().rstrip("="))
    return _PREFIX + ";".join(fields) if fields else ""


def size_of_state(state: bytes) -> int:
    """The bytes that a state takes; `encode` wants no more than MAX_STATE."""
    return len(state) + state.count(b";") * (len(_ESCAPED) - 1)


def topic_id_of(metadata: str) -> str | None:
    """The topic id in `metadata`, or None when another program or another version wrote it."""
    return _field(metadata, _TOPIC_ID)


def state_of(metadata: str) -> bytes | None:
    """The function's state in `metadata`, or None where it has none that can be read."""
    text = _field(metadata, _STATE)
    if text is None:
        return None
    try:
        return text.encode() if isinstance(json.loads(text), dict) else None
    except (ValueError, RecursionError):
        return None


def done_of(metadata: str, offset: int) -> list[tuple[int, int]]:
    """The intervals that `encode` was given; none where they cannot be read or do not go with this `offset`."""
    numbers = _done_numbers(metadata)
    if numbers[:1] != [offset]:
        return []
    at, done = offset, []
    for gap, length in zip(numbers[2::2], numbers[3::2], strict=True):
        done.append((at + gap, at + gap + length))
        at += gap + length
    return done


def done_epoch_of(metadata: str) -> int | None:
    """The leader epoch of the records in `done_of`; None if unknown."""
    numbers = _done_numbers(metadata)
    return numbers[1] - 1 if numbers and numbers[1] else None


def _pack(offset: int, done: Iterable[tuple[int, int]], epoch: int | None, room: int) -> bytes:
    head = _varint(offset) + _varint(0 if epoch is None else epoch + 1)
    packed = bytearray(head)
    at = offset
    for start, end in done:
        if not at <= start < end:
            raise ValueError(f"finished records {start} to {end} do not come after {at}")
        pair = _varint(start - at) + _varint(end - start)
        if len(packed) + len(pair) > room:
            break
        packed += pair
        at = end
    return bytes(packed) if len(packed) > len(head) else b""


def _varint(number: int) -> bytes:
    if number < _MORE:
        return bytes((number,))
    return bytes((number & _LOW | _MORE,)) + _varint(number >> 7)


def _done_numbers(metadata: str) -> list[int]:
    """Offset, epoch and at least one pair; or nothing, where any of it cannot be right."""
    text = _field(metadata, _DONE)
    if text is None:
        return []
    try:
        packed = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return []
    numbers, number, shift = [], 0, 0
    for byte in packed:
        number |= (byte & _LOW) << shift
        shift += 7
        if number >= _TOO_LARGE:
            return []
        if byte < _MORE:
            numbers.append(number)
            number = shift = 0
    lengths = numbers[3::2]
    return numbers if not shift and len(numbers) % 2 == 0 and lengths and all(lengths) else []


def _field(metadata: str, name: str) -> str | None:
    if not metadata.startswith(_PREFIX):
        return None
    fields = metadata[len(_PREFIX) :].split(";")
    return next((field[len(name) :] for field in fields if field.startswith(name)), None)
