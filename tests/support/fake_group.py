"""A group member that is driven by hand, and pipelines that only keep their progress."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kafka_lambda_sink.core.ports import CommitOffset, Committed, Position, RebalanceListener
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.pipeline.assignment import Assignment
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.report_budget import ReportBudget
from tests.support.stepped_clock import SteppedClock

CommitDone = Callable[[dict[TopicPartition, str | None]], None]


@dataclass
class Commit:
    """One commit as it was asked for."""

    offsets: dict[TopicPartition, int]
    is_sync: bool
    metadata: dict[TopicPartition, str] = field(default_factory=dict)
    done: CommitDone | None = None

    def answer(self, **codes: str) -> None:
        """Call back; `codes` by `topic_partition`, all else succeeds. The group has to be told by the test."""
        assert self.done is not None
        self.done({tp: codes.get(f"{tp.topic}_{tp.partition}") for tp in self.offsets})


class FakeGroupMember:
    """Runs what a test has laid ready from inside `poll`, as the client does; commits wait for their answer.

    `group` is what the broker has. A synchronous commit is answered at once by `sync_codes`; an asynchronous one when
    the test says so.
    """

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock
        self.subscriptions: list[list[str]] = []
        self.listener: RebalanceListener | None = None
        self.in_poll: deque[Callable[[], None]] = deque()
        self.group: dict[TopicPartition, Committed] = {}
        self.commits: list[Commit] = []
        self.sync_codes: dict[TopicPartition, str] = {}
        self.lookup_failures: deque[Exception] = deque()
        self.commit_failures: deque[Exception] = deque()
        self.owned: list[TopicPartition] = []
        self.polls = 0
        #: Nothing is answered: what waits for the group waits as long as it may.
        self.hangs = False
        self.is_closed = False

    # --- the port ---

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None:
        self.subscriptions.append(list(topics))
        self.listener = listener

    def poll(self, timeout: float) -> None:
        assert timeout > 0
        self.polls += 1
        if self.in_poll:
            self.in_poll.popleft()()
        else:
            self._clock.step(timeout)

    def committed(self, partitions: Sequence[TopicPartition], timeout: float) -> list[Committed]:
        assert timeout > 0
        if self.lookup_failures:
            raise self.lookup_failures.popleft()
        return [self.group.get(tp, Committed(tp, None, "")) for tp in partitions]

    def commit(self, offsets: Sequence[CommitOffset], done: CommitDone) -> None:
        if self.commit_failures:
            raise self.commit_failures.popleft()
        self.commits.append(_commit(offsets, is_sync=False, done=done))

    def commit_sync(self, offsets: Sequence[CommitOffset], timeout: float) -> dict[TopicPartition, str | None]:
        assert timeout >= 0
        if self.hangs:
            self._clock.step(timeout)
            return {part.tp: "_TIMED_OUT" for part in offsets}
        if self.commit_failures:
            raise self.commit_failures.popleft()
        self.commits.append(_commit(offsets, is_sync=True))
        self._apply(offsets)
        return {part.tp: self.sync_codes.get(part.tp) for part in offsets}

    def close(self, timeout: float) -> None:
        assert timeout >= 0
        if self.hangs:
            self._clock.step(timeout)
        if self.listener is not None:
            self.listener.on_revoked(self.owned)
        self.is_closed = True

    # --- the test's side ---

    def assign(self, *partitions: TopicPartition) -> None:
        self._listener().on_assigned(partitions)
        self.owned.extend(partitions)

    def revoke(self, *partitions: TopicPartition) -> None:
        self._listener().on_revoked(partitions)
        self.owned = [tp for tp in self.owned if tp not in partitions]

    def lose(self, *partitions: TopicPartition) -> None:
        self._listener().on_lost(partitions)
        self.owned = [tp for tp in self.owned if tp not in partitions]

    def _listener(self) -> RebalanceListener:
        assert self.listener is not None
        return self.listener

    def _apply(self, offsets: Sequence[CommitOffset]) -> None:
        for part in offsets:
            if part.tp not in self.sync_codes:
                self.group[part.tp] = Committed(part.tp, part.offset, part.metadata, part.leader_epoch)


def _commit(offsets: Sequence[CommitOffset], *, is_sync: bool, done: CommitDone | None = None) -> Commit:
    return Commit({o.tp: o.offset for o in offsets}, is_sync, {o.tp: o.metadata for o in offsets}, done)


class FakePipeline:
    """A pipeline without a thread: its progress is moved by the test."""

    def __init__(self, assignment: Assignment, on_drained: Callable[[], None]) -> None:
        self.assignment = assignment
        self.progress = PartitionProgress(assignment.tp, on_drained, ReportBudget(1 << 20))
        self.is_aborted = False
        self.is_started = False
        #: Run when it is told to drain: what is in flight may end meanwhile.
        self.when_draining: Callable[[], None] = lambda: None
        #: Run when its end is waited for, with the seconds that this may take.
        self.when_joined: Callable[[float], None] = lambda _: None

    def start(self) -> None:
        self.is_started = True
        if isinstance(self.assignment.start, Position):
            self.progress.start_at(self.assignment.start, commit_now=False)

    def drain(self) -> None:
        self.progress.drain()
        self.when_draining()

    def abandon(self) -> None:
        self.progress.abandon()
        self.is_aborted = True

    def join(self, timeout: float) -> bool:
        assert timeout >= 0
        self.when_joined(timeout)
        return True
