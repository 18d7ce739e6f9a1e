"""How far one epoch of one partition has come: what its thread, the reporters and the coordinator share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Protocol

from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import InvocationAborted
from kafka_lambda_sink.core.offsets import OffsetTracker
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.state import PipelineEvent, PipelineState, transition
from kafka_lambda_sink.pipeline.report_budget import ReportBudget

#: At most so many spans may wait for their delivery reports, or behind one that does, before the next invocation. Their
#: bytes are for the task's budget to bound.
MAX_UNREPORTED_SPANS: Final = 64


class Tracker(Protocol):
    """Which offset may be committed; `core.offsets` and `core.record_tracker` have one each.

    Extents and spans are its own: an extent is what `PartitionProgress.extent` makes of records, and a span stands for
    the records of one outcome.
    """

    @property
    def committable(self) -> Position:
        """Every record before it has its final outcome."""

    @property
    def pending(self) -> int:
        """Spans that are tracked and not resolved."""

    def track(self, extent: Any) -> Any:
        """Follow the outcome of an extent."""

    def resolve(self, span: Any) -> bool:
        """It is final."""

    def rest(self, position: Position) -> bool:
        """Nothing came up to `position`."""


class PartitionProgress:
    """State, offsets and unfinished reports of one partition in one assignment epoch, under one lock.

    A progress that was abandoned stays abandoned: what comes back later resolves nothing. A partition that is assigned
    again gets a new one, so nothing of an old epoch can reach a new one.
    """

    __slots__ = (
        "_budget", "_error", "_failed_spans", "_held", "_is_busy", "_is_urgent", "_lock", "_may_have_room",
        "_on_drained", "_state", "_tracker", "tp",
    )  # fmt: skip

    def __init__(self, tp: TopicPartition, on_drained: Callable[[], None], budget: ReportBudget) -> None:
        self.tp = tp
        self._lock = threading.Lock()
        #: Set by whatever may end a wait for room, with the lock held or without.
        self._may_have_room = threading.Event()
        self._on_drained = on_drained
        self._budget = budget
        #: Bytes of the budget.
        self._held = 0
        self._state = PipelineState.STARTING
        self._tracker: Tracker | None = None
        self._is_busy = False
        self._is_urgent = False
        self._failed_spans: list[Any] = []
        self._error: Exception | None = None

    # --- the pipeline's thread ---------------------------------------------------------------------------------------

    def start_at(self, position: Position, *, commit_now: bool) -> None:
        """Begin, or begin again after a reset, at `position`. Nothing may be pending.

        `commit_now` asks the coordinator to commit it at once: under `latest` a crash before the first commit would
        otherwise lose what arrives meanwhile. A reset leaves the function its state.
        """
        with self._lock:
            if self._state is PipelineState.CLOSED:
                return
            if self._tracker is not None:
                position = replace(position, state=self._tracker.committable.state)
            self._tracker = self._new_tracker(position)
            self._is_urgent = commit_now
            if self._state is PipelineState.STARTING:
                self._state = transition(self._state, PipelineEvent.STARTED)

    def begin(self) -> bool:
        """Announce that fetched records are about to be delivered; False when none may be any more."""
        with self._lock:
            self._is_busy = self._may_deliver()
            return self._is_busy

    def end(self) -> None:
        """What `begin` announced is over."""
        with self._lock:
            self._is_busy = False
            is_drained = self._finish_drain()
        if is_drained:
            self._on_drained()

    def retrying(self, *, is_over: bool = False) -> None:
        """Show that the pipeline waits to try something again, or (`is_over`) that it worked.

        Raises InvocationAborted when a report has stopped the partition meanwhile: nothing is tried again then.
        """
        with self._lock:
            if self._state is PipelineState.FAILED:
                raise InvocationAborted
            if self._state in {PipelineState.RUNNING, PipelineState.RETRYING}:
                event = PipelineEvent.DELIVERED if is_over else PipelineEvent.RETRIABLE_FAILURE
                self._state = transition(self._state, event)

    def extent(self, item: Batch | FailedRecord, state: bytes | None) -> object:
        """What `track` wants for the records of `item`, behind which the function has `state`."""
        return Position(item.next_offset, item.leader_epoch, state)

    def track(self, extent: object | None, cost: int = 0) -> object:
        """Follow records whose outcome is known; `cost` bytes are held until it is reported too.

        None: reports of records that are not done yet; what comes after them waits for them too.
        Raises InvocationAborted when the epoch is dead: nothing of it is reported any more.
        """
        with self._lock:
            if self._state is PipelineState.CLOSED:
                raise InvocationAborted
            assert self._tracker is not None
            self._hold(cost)
            return self._hold_back() if extent is None else self._tracker.track(extent)

    def delivered(self, extent: object) -> None:
        """Records have their final outcome and need no report."""
        with self._lock:
            if self._state is not PipelineState.CLOSED:
                assert self._tracker is not None
                self._tracker.resolve(self._tracker.track(extent))

    def rest_at(self, position: Position | None) -> None:
        """Nothing came: what is committable may move past transaction markers at the tail."""
        with self._lock:
            if position is not None and self._tracker is not None and self._may_deliver():
                self._tracker.rest(position)

    def wait_for_room(self, max_spans: int) -> bool:
        """Block while too much is unreported, here or in the whole task; False when no more may be delivered.

        Never blocks while nothing of this partition is pending.
        """
        while True:
            with self._lock:
                if not self._may_deliver():
                    return False
                if self._has_room(max_spans):
                    return True
            self._may_have_room.wait()

    # --- any thread --------------------------------------------------------------------------------------------------

    def resolve(self, span: object, cost: int = 0) -> None:
        """The span, tracked with `cost`, has its final outcome. Ignored when the epoch is dead."""
        with self._lock:
            if self._state is PipelineState.CLOSED or self._tracker is None:
                return
            self._hold(-cost)
            self._tracker.resolve(span)
            self._may_have_room.set()
            is_drained = self._finish_drain()
        if is_drained:
            self._on_drained()

    def fail(self, error: Exception, span: object | None = None) -> None:
        """Stop at `span`, or where the pipeline stands. The first error counts; a dead epoch has none."""
        with self._lock:
            if self._state is PipelineState.CLOSED:
                return
            self._release()
            self._state = transition(self._state, PipelineEvent.FATAL)
            if self._error is None:
                self._error = error
            if span is not None:
                self._failed_spans.append(span)
            self._may_have_room.set()
        self._on_drained()

    # --- the coordinator's thread ------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Take no more records. `is_drained` turns true when what is in flight has its outcome."""
        with self._lock:
            if self._state not in {PipelineState.FAILED, PipelineState.CLOSED}:
                self._state = transition(self._state, PipelineEvent.REVOKED)
            self._finish_drain()
            self._may_have_room.set()

    def abandon(self) -> None:
        """Kill the epoch: nothing that comes back later counts."""
        with self._lock:
            if self._state is not PipelineState.CLOSED:
                self._release()
                self._state = transition(self._state, PipelineEvent.LOST)
            self._may_have_room.set()

    def take_committable(self) -> tuple[Position, bool] | None:
        """(committable position, whether to commit it at once), or None before the start is known."""
        with self._lock:
            if self._tracker is None:
                return None
            is_urgent, self._is_urgent = self._is_urgent, False
            return self._tracker.committable, is_urgent

    @property
    def wants_commit(self) -> bool:
        """Whether what is committable is to be committed at once."""
        return self._is_urgent

    @property
    def committable(self) -> Position | None:
        """Where a new owner would go on, or None before the start is known."""
        with self._lock:
            return self._tracker.committable if self._tracker else None

    @property
    def state(self) -> PipelineState:
        """The pipeline's state."""
        return self._state

    @property
    def error(self) -> Exception | None:
        """Why it failed, or None."""
        return self._error

    @property
    def is_open(self) -> bool:
        """Whether records may still be taken."""
        return self._may_deliver() or self._state is PipelineState.STARTING

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is in flight or unreported."""
        return not self._is_busy and (self._tracker is None or not self._tracker.pending)

    @property
    def is_drained(self) -> bool:
        """Whether nothing that could move the committable offset is in flight."""
        with self._lock:
            return self._state is PipelineState.CLOSED or self._is_settled()

    # --- with the lock held ------------------------------------------------------------------------------------------

    def _may_deliver(self) -> bool:
        # By identity: a set of enum members is built and hashed anew each time, and this runs several times a batch.
        return self._state is PipelineState.RUNNING or self._state is PipelineState.RETRYING

    def _has_room(self, max_spans: int) -> bool:
        tracker = self._tracker
        if tracker is None or not tracker.pending:
            return True
        # Before the look: what changes from here on sets it again.
        self._may_have_room.clear()
        return tracker.pending < max_spans and self._budget.has_room(self._held, self._may_have_room.set)

    def _hold(self, size: int) -> None:
        """Account for `size` bytes more, or less. A stopped partition has given back what it held, once and for all."""
        if not size or self._state is PipelineState.FAILED:
            return
        self._held += size
        if size > 0:
            self._budget.take(size)
        else:
            self._budget.give_back(-size)

    def _release(self) -> None:
        self._budget.give_back(self._held)
        self._held = 0

    def _is_settled(self) -> bool:
        if self._is_busy:
            return False
        tracker = self._tracker
        if tracker is None or not tracker.pending:
            return True
        return self._waits_for_failures(tracker)

    # --- what depends on the order ------------------------------------------------------------------------------------

    def _new_tracker(self, position: Position) -> Tracker:
        return OffsetTracker(position)

    def _hold_back(self) -> object:
        assert isinstance(self._tracker, OffsetTracker)
        return self._tracker.hold()

    def _waits_for_failures(self, tracker: Tracker) -> bool:
        """Whether whatever is pending waits for spans that failed."""
        assert isinstance(tracker, OffsetTracker)
        return any(tracker.is_blocked_by(span) for span in self._failed_spans)

    def _finish_drain(self) -> bool:
        """Close the epoch when it drains and nothing is left; the tracker stays for the last commit."""
        if self._state is PipelineState.DRAINING and self._is_settled():
            self._state = transition(self._state, PipelineEvent.DRAINED)
            return True
        return False

    def __repr__(self) -> str:
        """`<PartitionProgress orders-2 RUNNING committable 42, 0 pending>`."""
        tracker = self._tracker
        place = f" committable {tracker.committable.offset}, {tracker.pending} pending" if tracker else ""
        return f"<PartitionProgress {self.tp} {self._state.value}{place}>"
