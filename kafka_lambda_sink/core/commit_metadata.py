"""What we write beside a committed offset: the topic's id, so that a restart notices a topic that was created again."""

from __future__ import annotations

from typing import Final

_PREFIX: Final = "kls1;"
_TOPIC_ID: Final = "topic="


def encode(topic_id: str | None) -> str:
    """Commit metadata of version 1, e.g. `kls1;topic=3Db5QLSqSZieL3rJBUUegA`; empty when the id is unknown."""
    return f"{_PREFIX}{_TOPIC_ID}{topic_id}" if topic_id else ""


def topic_id_of(metadata: str) -> str | None:
    """The topic id in `metadata`, or None when another program or another version wrote it."""
    if not metadata.startswith(_PREFIX):
        return None
    for field in metadata[len(_PREFIX) :].split(";"):
        if field.startswith(_TOPIC_ID):
            return field[len(_TOPIC_ID) :]
    return None
