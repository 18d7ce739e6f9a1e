"""Where a partition starts. librdkafka's own reset is always `error`: the decision is ours."""

from __future__ import annotations

from enum import Enum

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.ports import Committed, Position


class OffsetReset(Enum):
    """`auto.offset.reset`, in Kafka's words."""

    EARLIEST = "earliest"
    LATEST = "latest"
    ERROR = "error"


class Start(Enum):
    """What to do where no committed offset can be used."""

    #: The log's first offset, whatever `auto.offset.reset` says.
    FROM_EARLIEST = "from earliest"
    #: As `auto.offset.reset` says.
    FROM_RESET = "from reset"


def decide_start(committed: Committed, topic_id: str | None, *, appeared_while_running: bool) -> Position | Start:
    """The position to start at, or how to find it.

    A committed offset counts unless its metadata names another incarnation of the topic: that one starts from its
    first record. A partition that appeared while we run does too, or its first records would be skipped under `latest`.
    """
    written_under = commit_metadata.topic_id_of(committed.metadata)
    if written_under is not None and topic_id is not None and written_under != topic_id:
        return Start.FROM_EARLIEST
    if committed.offset is not None:
        return _position(committed.offset, committed)
    return Start.FROM_EARLIEST if appeared_while_running else Start.FROM_RESET


def _position(offset: int, committed: Committed) -> Position:
    metadata = committed.metadata
    done = tuple(commit_metadata.done_of(metadata, offset))
    return Position(
        offset,
        committed.leader_epoch,
        commit_metadata.state_of(metadata),
        done,
        commit_metadata.done_epoch_of(metadata) if done else None,
    )
