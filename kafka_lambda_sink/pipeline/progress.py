"""How far one epoch of one partition has come: what its thread, the reporters and the coordinator share."""

from __future__ import annotations

import threading
from collections.abc import Callable

from kafka_lambda_sink.core.errors import InvocationAborted
from kafka_lambda_sink.core.offsets import OffsetTracker, Span
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.state import PipelineEvent, PipelineState, transition


class PartitionProgress:
    """State, offsets and unfinished reports of one partition in one assignment epoch, under one lock.

    A progress that was abandoned stays abandoned: what comes back later resolves nothing. A partition that is assigned
    again gets a new one, so nothing of an old epoch can reach a new one.
    """

    __slots__ = (
        "_error", "_failed_spans", "_is_busy", "_is_urgent", "_lock", "_on_drained", "_room", "_state",
        "_tracker", "_unreported_bytes", "tp",
    )  # fmt: skip

    def __init__(self, tp: TopicPartition, on_drained: Callable[[], None]) -> None:
        self.tp = tp
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._on_drained = on_drained
        self._state = PipelineState.STARTING
        self._tracker: OffsetTracker | None = None
        self._is_busy = False
        self._is_urgent = False
        self._unreported_bytes = 0
        self._failed_spans: list[Span] = []
        self._error: Exception | None = None

    # --- the pipeline's thread ---------------------------------------------------------------------------------------

    def start_at(self, position: Position, *, commit_now: bool) -> None:
        """Begin, or begin again after a reset, at `position`. Nothing may be pending.

        `commit_now` asks the coordinator to commit it at once: under `latest` a crash before the first commit would
        otherwise lose what arrives meanwhile.
        """
        with self._lock:
            if self._state is PipelineState.CLOSED:
                return
            self._tracker = OffsetTracker(position)
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

    def track(self, end: Position, unreported_bytes: int = 0) -> Span:
        """Follow records up to `end` whose outcome is known but perhaps not yet reported.

        Raises InvocationAborted when the epoch is dead: nothing of it is reported any more.
        """
        with self._lock:
            if self._state is PipelineState.CLOSED:
                raise InvocationAborted
            assert self._tracker is not None
            self._unreported_bytes += unreported_bytes
            return self._tracker.track(end)

    def delivered(self, end: Position) -> None:
        """The records up to `end` have their final outcome and need no report."""
        with self._lock:
            if self._state is not PipelineState.CLOSED:
                assert self._tracker is not None
                self._tracker.resolve(self._tracker.track(end))

    def rest_at(self, position: Position | None) -> None:
        """Nothing came: what is committable may move past transaction markers at the tail."""
        with self._lock:
            if position is not None and self._tracker is not None and self._may_deliver():
                self._tracker.rest(position)

    def wait_for_room(self, max_spans: int, max_bytes: int) -> bool:
        """Block while too much is unreported; False when no more may be delivered."""
        with self._room:
            if self._may_deliver() and self._has_room(max_spans, max_bytes):
                return True
            self._room.wait_for(lambda: not self._may_deliver() or self._has_room(max_spans, max_bytes))
            return self._may_deliver()

    # --- any thread --------------------------------------------------------------------------------------------------

    def resolve(self, span: Span, reported_bytes: int = 0) -> None:
        """The span has its final outcome. Ignored when the epoch is dead."""
        with self._lock:
            if self._state is PipelineState.CLOSED or self._tracker is None:
                return
            self._unreported_bytes -= reported_bytes
            self._tracker.resolve(span)
            self._room.notify_all()
            is_drained = self._finish_drain()
        if is_drained:
            self._on_drained()

    def fail(self, error: Exception, span: Span | None = None) -> None:
        """Stop at `span`, or where the pipeline stands. The first error counts; a dead epoch has none."""
        with self._lock:
            if self._state is PipelineState.CLOSED:
                return
            self._state = transition(self._state, PipelineEvent.FATAL)
            if self._error is None:
                self._error = error
            if span is not None:
                self._failed_spans.append(span)
            self._room.notify_all()
        self._on_drained()

    # --- the coordinator's thread ------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Take no more records. `is_drained` turns true when what is in flight has its outcome."""
        with self._lock:
            if self._state not in {PipelineState.FAILED, PipelineState.CLOSED}:
                self._state = transition(self._state, PipelineEvent.REVOKED)
            self._finish_drain()
            self._room.notify_all()

    def abandon(self) -> None:
        """Kill the epoch: nothing that comes back later counts."""
        with self._lock:
            if self._state is not PipelineState.CLOSED:
                self._state = transition(self._state, PipelineEvent.LOST)
            self._room.notify_all()

    def take_committable(self) -> tuple[Position, bool] | None:
        """(committable position, whether to commit it at once), or None before the start is known."""
        with self._lock:
            if self._tracker is None:
                return None
            is_urgent, self._is_urgent = self._is_urgent, False
            return self._tracker.committable, is_urgent

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

    def _has_room(self, max_spans: int, max_bytes: int) -> bool:
        return self._tracker is None or (self._tracker.pending < max_spans and self._unreported_bytes < max_bytes)

    def _is_settled(self) -> bool:
        if self._is_busy:
            return False
        tracker = self._tracker
        if tracker is None or not tracker.pending:
            return True
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
