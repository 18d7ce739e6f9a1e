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
    #: What it has beside it, as we would write it.
    acknowledged_metadata: str
    #: What we could commit; None before the start is known.
    position: Position | None = None
    #: A reset (topic created again, out of range) may commit below what the group has, once.
    may_rewind: bool = False
    #: Resets so far: a commit from before the last one does not use up its rewind.
    resets: int = 0
    _encoded: tuple[Position, str] | None = None

    def metadata(self, position: Position) -> str:
        """What goes beside `position`: encoded once, however often it is offered."""
        if self._encoded is None or self._encoded[0] != position:
            self._encoded = position, _metadata(self.topic_id, position)
        return self._encoded[1]

    def is_due(self, position: Position) -> bool:
        """Whether `position` differs from what the group has, and may be committed."""
        offset, acknowledged = position.offset, self.acknowledged
        if acknowledged is None or offset > acknowledged:
            return True
        if offset == acknowledged:
            return self.metadata(position) != self.acknowledged_metadata
        return self.may_rewind


@dataclass(frozen=True, slots=True)
class SentCommit:
    """One partition's part of a commit whose result is not in yet."""

    epoch: int
    resets: int
    offset: int
    metadata: str


class CommitLedger:
    """The coordinator's memory of commits. The broker checks membership, not ownership, and accepts any rewind.

    So this is the guard: an offset of a closed epoch is never offered, and an acknowledgement that comes late never
    moves what is known to be committed back (KAFKA-5731).
    """

    def __init__(self) -> None:
        self._entries: dict[TopicPartition, _Entry] = {}

    def open(
        self, tp: TopicPartition, epoch: int, committed: int | None, topic_id: str | None, metadata: str = ""
    ) -> None:
        """Begin the epoch of an assigned partition whose committed offset was looked up, with what is beside it.

        That another topic id is beside it, or none, is no reason to commit it again.
        """
        found = Position(
            committed or 0,
            state=commit_metadata.state_of(metadata),
            done=tuple(commit_metadata.done_of(metadata, committed or 0)),
            done_epoch=commit_metadata.done_epoch_of(metadata),
        )
        self._entries[tp] = _Entry(epoch, topic_id, committed, _metadata(topic_id, found))

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
            position = entry.position
            if entry.is_due(position):
                metadata = entry.metadata(position)
                due.append(CommitOffset(tp, position.offset, position.leader_epoch, metadata))
        return due

    def sending(self, offsets: Iterable[CommitOffset]) -> dict[TopicPartition, SentCommit]:
        """The parts of a commit that is about to be made, for `settle`."""
        sent = {}
        for part in offsets:
            entry = self._entries[part.tp]
            sent[part.tp] = SentCommit(entry.epoch, entry.resets, part.offset, part.metadata)
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
            if entry.acknowledged is None or part.offset >= entry.acknowledged or is_rewind:
                entry.acknowledged = part.offset
                entry.acknowledged_metadata = part.metadata
            if is_rewind:
                entry.may_rewind = False
        return failed

    def committed(self, tp: TopicPartition) -> int | None:
        """The offset that the group has for an open partition, as far as we know."""
        entry = self._entries.get(tp)
        return entry.acknowledged if entry else None


def _metadata(topic_id: str | None, position: Position) -> str:
    return commit_metadata.encode(
        topic_id, position.state, offset=position.offset, done=position.done, done_epoch=position.done_epoch
    )
