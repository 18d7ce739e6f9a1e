"""How far a partition has come whose batches are delivered side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import InvocationAborted
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition, next_offset
from kafka_lambda_sink.core.record_tracker import RecordTracker
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.progress import PartitionProgress, Tracker
from kafka_lambda_sink.pipeline.report_budget import ReportBudget

#: Seconds between two looks at what is left before a reset, which is rare.
_TICK: Final = 0.1


class UnorderedProgress(PartitionProgress):
    """A `PartitionProgress` of single records, which are finished in any order; its extents are their offsets."""

    __slots__ = ("_active", "_done", "_done_epoch", "_look_again", "_records")

    def __init__(
        self,
        tp: TopicPartition,
        on_drained: Callable[[], None],
        budget: ReportBudget,
        done: Sequence[tuple[int, int]] = (),
        done_epoch: int | None = None,
    ) -> None:
        """`done`: what a former owner had finished beyond the start, as `core.ports.Position` has it and its epoch."""
        super().__init__(tp, on_drained, budget)
        self._done = [*done]
        self._done_epoch = done_epoch
        self._records: RecordTracker | None = None
        #: Batches that are being delivered.
        self._active = 0
        #: Never set. Not `_may_have_room`, which is another waiter's: either could take the other's wake-up away.
        self._look_again = threading.Event()

    # --- the pipeline's thread ---------------------------------------------------------------------------------------

    def follow(self, records: Sequence[SourceRecord]) -> Sequence[SourceRecord]:
        """Follow records that were fetched, at least one; those of them that a former owner has not finished.

        Raises InvocationAborted when the epoch is dead.
        """
        with self._lock:
            if self._state is PipelineState.CLOSED:
                raise InvocationAborted
            assert self._records is not None
            ends = [Position(next_offset(record), record.leader_epoch()) for record in records]
            self._records.follow(ends)
            if not self._done:
                return records
            is_done = [self._was_finished(record) for record in records]
            self._records.finish([record.offset() for record, done in zip(records, is_done, strict=True) if done])
        return [record for record, done in zip(records, is_done, strict=True) if not done]

    def wait_for_room(self, max_spans: int) -> bool:
        """As `PartitionProgress.wait_for_room`; 1 before a reset: until nothing is left that it would pass over."""
        if max_spans > 1:
            return super().wait_for_room(max_spans)
        while self._may_deliver():
            if not self.unfinished:
                return True
            self._look_again.wait(_TICK)
        return False

    # --- any thread --------------------------------------------------------------------------------------------------

    def enter(self) -> bool:
        """A batch is about to be delivered; False when none may be any more."""
        with self._lock:
            if not self._may_deliver():
                return False
            self._active += 1
            return True

    def leave(self) -> None:
        """A batch that `enter` announced has its outcome, or has none."""
        with self._lock:
            self._active -= 1
            self._may_have_room.set()
            is_drained = self._finish_drain()
        if is_drained:
            self._on_drained()

    @property
    def unfinished(self) -> int:
        """Records that have been followed and have no final outcome."""
        with self._lock:
            return self._records.unfinished if self._records is not None else 0

    def extent(self, item: Batch | FailedRecord, state: bytes | None) -> object:  # noqa: ARG002 - there is none
        """As `PartitionProgress.extent`."""
        if isinstance(item, Batch):
            return [record.offset() for record in item.records]
        return [item.first_offset]

    # --- the coordinator's thread ------------------------------------------------------------------------------------

    def take_committable(self) -> tuple[Position, bool] | None:
        """As `PartitionProgress.take_committable`, with what is finished beyond the position."""
        with self._lock:
            if self._records is None:
                return None
            is_urgent, self._is_urgent = self._is_urgent, False
            return self._records.to_commit, is_urgent

    # --- with the lock held ------------------------------------------------------------------------------------------

    def _new_tracker(self, position: Position) -> Tracker:
        if self._records is not None:
            # The log may have been cut: its offsets may be those of other records by now.
            self._done = []
        self._records = RecordTracker(position)
        return self._records

    def _is_settled(self) -> bool:
        return not self._active and super()._is_settled()

    def _waits_for_failures(self, tracker: Tracker) -> bool:
        # Each report of a span may fail.
        return tracker.pending <= len({id(span) for span in self._failed_spans})

    def _was_finished(self, record: SourceRecord) -> bool:
        offset = record.offset()
        while self._done and self._done[0][1] <= offset:
            del self._done[0]
        if not self._done or self._done[0][0] > offset:
            return False
        # Of another epoch it is another record: the log was cut, and written anew.
        return self._done_epoch is None or record.leader_epoch() == self._done_epoch
