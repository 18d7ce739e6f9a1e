"""What to commit: monotonic within an assignment epoch, and only what the current epoch has earned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.ports import CommitOffset, Position
from kafka_lambda_sink.core.record import TopicPartition

#: The code of a partition that the result of its commit does not name.
_NO_ANSWER: Final = "NO_ANSWER"


@dataclass(slots=True)
class _Entry:
    epoch: int
    topic_id: str | None
    #: What the group has, as far as we know; None when nothing.
    acknowledged: int | None
    #: What we could commit; None before the start is known.
    position: Position | None = None
    #: A reset (topic created again, out of range) may commit below what the group has, once.
    may_rewind: bool = False
    #: Resets so far: a commit from before the last one does not use up its rewind.
    resets: int = 0


@dataclass(frozen=True, slots=True)
class SentCommit:
    """One partition's part of a commit whose result is not in yet."""

    epoch: int
    resets: int
    offset: int


class CommitLedger:
    """The coordinator's memory of commits. The broker checks membership, not ownership, and accepts any rewind.

    So this is the guard: an offset of a closed epoch is never offered, and an acknowledgement that comes late never
    moves what is known to be committed back (KAFKA-5731).
    """

    def __init__(self) -> None:
        self._entries: dict[TopicPartition, _Entry] = {}

    def open(self, tp: TopicPartition, epoch: int, committed: int | None, topic_id: str | None) -> None:
        """Begin the epoch of an assigned partition whose committed offset was looked up."""
        self._entries[tp] = _Entry(epoch, topic_id, committed)

    def close(self, tp: TopicPartition) -> None:
        """End the partition's epoch."""
        self._entries.pop(tp, None)

    def offer(self, tp: TopicPartition, position: Position, *, is_reset: bool = False) -> None:
        """Note what the pipeline could commit now; `is_reset` when it began anew below or above its last offset."""
        entry = self._entries.get(tp)
        if entry is None:
            return
        entry.position = position
        if is_reset:
            entry.may_rewind = True
            entry.resets += 1

    def due(self, only: Iterable[TopicPartition] | None = None) -> list[CommitOffset]:
        """What differs from what the group has."""
        due = []
        for tp in self._entries if only is None else only:
            entry = self._entries.get(tp)
            if entry is None or entry.position is None:
                continue
            offset, acknowledged = entry.position.offset, entry.acknowledged
            if acknowledged is None or offset > acknowledged or (entry.may_rewind and offset != acknowledged):
                metadata = commit_metadata.encode(entry.topic_id, entry.position.state)
                due.append(CommitOffset(tp, offset, entry.position.leader_epoch, metadata))
        return due

    def sending(self, offsets: Iterable[CommitOffset]) -> dict[TopicPartition, SentCommit]:
        """The parts of a commit that is about to be made, for `settle`."""
        sent = {}
        for part in offsets:
            entry = self._entries[part.tp]
            sent[part.tp] = SentCommit(entry.epoch, entry.resets, part.offset)
        return sent

    def settle(
        self, sent: Mapping[TopicPartition, SentCommit], result: Mapping[TopicPartition, str | None]
    ) -> dict[TopicPartition, str]:
        """Take a commit's result; the error codes of the partitions whose commit has to be made again."""
        failed = {}
        for tp, part in sent.items():
            entry = self._entries.get(tp)
            if entry is None or entry.epoch != part.epoch:
                continue
            code = result.get(tp, _NO_ANSWER)
            if code is not None:
                failed[tp] = code
                continue
            is_rewind = entry.may_rewind and part.resets == entry.resets
            if entry.acknowledged is None or part.offset > entry.acknowledged or is_rewind:
                entry.acknowledged = part.offset
            if is_rewind:
                entry.may_rewind = False
        return failed

    def committed(self, tp: TopicPartition) -> int | None:
        """The offset that the group has for an open partition, as far as we know."""
        entry = self._entries.get(tp)
        return entry.acknowledged if entry else None
