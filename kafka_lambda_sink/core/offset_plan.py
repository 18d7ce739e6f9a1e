"""What a reset of committed offsets would change, partition by partition. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.ports import CommitOffset, Committed, Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.reset_target import AtOffset, AtTime, ByPartition, LogEnd, ResetTarget
from kafka_lambda_sink.core.start import OffsetReset, Start, decide_start


class WrittenUnder(Enum):
    """Which topic the metadata of a committed offset is about."""

    #: The one that is there now.
    THIS_TOPIC = "this topic"
    #: One of the same name that was deleted: a start begins at the first record.
    OTHER_TOPIC = "a deleted topic"
    #: Another program wrote it, or the cluster has no topic ids.
    NOT_TOLD = "not told"
    #: Nothing is committed.
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class PartitionOffsets:
    """What the group and the log say of one partition."""

    committed: Committed
    #: Of the topic that is there now; None where the cluster has no ids.
    topic_id: str | None
    log_start: int
    #: Offset after the last record that the connector may see.
    log_end: int

    @property
    def tp(self) -> TopicPartition:
        """The partition."""
        return self.committed.tp

    @property
    def written_under(self) -> WrittenUnder:
        """Which topic the committed offset is about."""
        if self.committed.offset is None:
            return WrittenUnder.NOTHING
        told = commit_metadata.topic_id_of(self.committed.metadata)
        if told is None or self.topic_id is None:
            return WrittenUnder.NOT_TOLD
        return WrittenUnder.THIS_TOPIC if told == self.topic_id else WrittenUnder.OTHER_TOPIC

    def start(self, reset: OffsetReset) -> int | None:
        """Where a connector that starts now begins, by the same rule as itself; None where it would stop instead."""
        decided = decide_start(self.committed, self.topic_id, appeared_while_running=False)
        if isinstance(decided, Position) and self.log_start <= decided.offset <= self.log_end:
            return decided.offset
        if decided is Start.FROM_EARLIEST or reset is OffsetReset.EARLIEST:
            return self.log_start
        return self.log_end if reset is OffsetReset.LATEST else None

    def lag(self, reset: OffsetReset) -> int | None:
        """How many offsets are left from where a start begins; None where it would stop instead."""
        start = self.start(reset)
        return None if start is None else self.log_end - start


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of one partition."""

    offsets: PartitionOffsets
    #: Where a start begins without the reset; None where it would stop.
    start: int | None
    #: Where it begins after it.
    target: int
    #: What a person should know, or empty.
    note: str = ""

    @property
    def again(self) -> int:
        """How many offsets are delivered again. Records are fewer where the log has gaps."""
        return 0 if self.start is None else max(self.start - self.target, 0)

    @property
    def skipped(self) -> int:
        """How many offsets are never delivered."""
        return 0 if self.start is None else max(self.target - self.start, 0)

    @property
    def commit(self) -> CommitOffset:
        """What makes it so: a start takes it for this topic's, and asks nobody about a leader's epoch."""
        return CommitOffset(self.offsets.tp, self.target, None, commit_metadata.encode(self.offsets.topic_id))


def plan_move(offsets: PartitionOffsets, target: ResetTarget, reset: OffsetReset, at_time: int | None = None) -> Move:
    """The move of one partition to `target`, kept within its log.

    `at_time` is, for a target in time, the offset of the first record that is not older; None where there is none.
    `ByPartition` must name the partition.
    """
    wanted, note = _wanted(offsets, target, at_time)
    kept = min(max(wanted, offsets.log_start), offsets.log_end)
    if kept != wanted:
        end = "start" if kept == offsets.log_start and wanted < kept else "end"
        note = f"offset {wanted} is outside of the log: its {end} is taken"
    return Move(offsets, offsets.start(reset), kept, note)


def _wanted(offsets: PartitionOffsets, target: ResetTarget, at_time: int | None) -> tuple[int, str]:
    match target:
        case LogEnd.EARLIEST:
            return offsets.log_start, ""
        case LogEnd.LATEST:
            return offsets.log_end, ""
        case AtTime():
            return (offsets.log_end, "no record is as new: the end is taken") if at_time is None else (at_time, "")
        case AtOffset():
            return target.offset, ""
        case ByPartition():
            return target.offsets[offsets.tp.partition], ""
