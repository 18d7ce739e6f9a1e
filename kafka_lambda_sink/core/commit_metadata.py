"""What we write beside a committed offset, for whoever goes on from there.

The topic's id, so that a restart notices a topic that was created again, and the state of a function that keeps one.
Version 1: `kls1;` and fields that are separated by `;`, of which unknown ones are passed over.
"""

from __future__ import annotations

import json
from typing import Final

#: Bytes of a function's state, at most: brokers take 4,096 of metadata (`offset.metadata.max.bytes`).
MAX_STATE: Final = 3072

_PREFIX: Final = "kls1;"
_TOPIC_ID: Final = "topic="
_STATE: Final = "state="
#: The separator, as JSON's strings may spell it; it stands nowhere else in JSON.
_ESCAPED: Final = "\\u003b"


def encode(topic_id: str | None, state: bytes | None = None) -> str:
    """E.g. `kls1;topic=3Db5QLSqSZieL3rJBUUegA;state={"cursor":7}`; empty when there is nothing to write.

    `state` is the JSON text of an object.
    """
    fields = []
    if topic_id:
        fields.append(_TOPIC_ID + topic_id)
    if state is not None:
        fields.append(_STATE + state.decode().replace(";", _ESCAPED))
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


def _field(metadata: str, name: str) -> str | None:
    if not metadata.startswith(_PREFIX):
        return None
    fields = metadata[len(_PREFIX) :].split(";")
    return next((field[len(name) :] for field in fields if field.startswith(name)), None)
