"""Whatever the order of events: nothing is committed or reported that the current epoch has not earned."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.errors import InvocationAborted, PartitionStopped
from kafka_lambda_sink.core.ports import Committed, Position, Report, TopicSnapshot
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.assignment import Assignment
from kafka_lambda_sink.pipeline.committer import Committer
from kafka_lambda_sink.pipeline.coordinator import Coordinator, CoordinatorSettings
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.reporting import Reporter
from kafka_lambda_sink.pipeline.stop_deadline import StopDeadline
from kafka_lambda_sink.pipeline.topics import TopicWatch
from tests.support.fake_group import Commit, FakeGroupMember, FakePipeline
from tests.support.fake_producer import FakeProducer, Produced
from tests.support.fakes import CreepingClock, FakeCatalog

PARTITIONS = [TopicPartition("orders", 0), TopicPartition("orders", 1)]
partitions = st.sampled_from(PARTITIONS)
numbers = st.integers(0, 7)


@dataclass
class Epoch:
    """What a model of one pipeline knows: the ends of its batches, in order, and which are written."""

    tp: TopicPartition
    start: int
    progress: PartitionProgress
    ends: list[int] = field(default_factory=list)
    written: set[int] = field(default_factory=set)
    #: The end of a batch that the function has and has not answered yet.
    called: int | None = None
    last_commit: int = 0
    is_over: bool = False
    has_failed: bool = False

    @property
    def earned(self) -> int:
        """The end of the prefix that is written whole."""
        offset = self.start
        for end in self.ends:
            if end not in self.written:
                break
            offset = end
        return offset


class Interleavings(RuleBasedStateMachine):
    """Two partitions under a real coordinator, committer, reporter and progress; broker and function are the test."""

    @initialize()
    def begin(self) -> None:
        self.clock = CreepingClock(0.0)
        alarms = Alarms(self.clock)
        self.member = FakeGroupMember(self.clock)
        watch = TopicWatch(FakeCatalog(orders=TopicSnapshot("A", 2)), ("orders",), None, 5.0, alarms)
        watch.refresh()
        self.producer = FakeProducer()
        self.reporter = Reporter(lambda: self.producer, lambda: self.producer, lambda _: None, self.clock, alarms)
        self.coordinator = Coordinator(
            member=self.member,
            watch=watch,
            committer=Committer(self.member, self.clock, alarms, interval=0.2, session_timeout=45.0),
            open_pipeline=self._open,
            clock=self.clock,
            stop=StopDeadline(self.clock, 5.0),
            settings=CoordinatorSettings(drain_timeout=0.5, exit_on_partition_failed=False),
            alarms=alarms,
        )
        self.epochs: dict[TopicPartition, Epoch] = {}
        self.dead: list[Epoch] = []
        self.member.group = {tp: Committed(tp, 0, commit_metadata.encode("A")) for tp in PARTITIONS}
        self.seen_commits = 0
        self.unanswered: list[tuple[Commit, dict[TopicPartition, Epoch]]] = []
        self.owner_of: dict[int, tuple[Epoch, int]] = {}
        self.coordinator.step()
        self._step_with(lambda: self.member.assign(*PARTITIONS))

    def _open(self, assignment: Assignment, on_drained):
        assert isinstance(assignment.start, Position)
        pipeline = FakePipeline(assignment, on_drained)
        assert assignment.tp not in self.epochs, "never two epochs of one partition"
        start = assignment.start.offset
        self.epochs[assignment.tp] = Epoch(assignment.tp, start, pipeline.progress, last_commit=start)
        return pipeline

    # --- the group ---

    @precondition(lambda self: len(self.member.owned) < len(PARTITIONS))
    @rule(tp=partitions)
    def assign(self, tp: TopicPartition) -> None:
        if tp not in self.member.owned:
            self._step_with(lambda: self.member.assign(tp))

    @rule(tp=partitions)
    def revoke(self, tp: TopicPartition) -> None:
        if tp in self.member.owned:
            # Time passes while it drains, so that what cannot be drained is given up.
            self.clock.creep = 0.3
            self._step_with(lambda: self.member.revoke(tp))
            self.clock.creep = 0.0

    @rule(tp=partitions)
    def lose(self, tp: TopicPartition) -> None:
        if tp in self.member.owned:
            self._step_with(lambda: self.member.lose(tp))

    @rule(tp=partitions, by=st.integers(1, 5))
    def be_lost_to_another_owner_that_goes_on(self, tp: TopicPartition, by: int) -> None:
        if tp in self.member.owned:
            self._step_with(lambda: self.member.lose(tp))
            offset = self.member.group[tp].offset or 0
            self.member.group[tp] = Committed(tp, offset + by, commit_metadata.encode("A"))

    @rule(tp=partitions)
    def come_back_at_once(self, tp: TopicPartition) -> None:
        if tp in self.member.owned:

            def lost_and_assigned() -> None:
                self.member.lose(tp)
                self._bury(tp)
                self.member.assign(tp)

            self._step_with(lost_and_assigned)

    @rule()
    def step(self) -> None:
        self._step_with(lambda: self.clock.step(0.1))

    @rule()
    def be_stopped_for_a_minute_inside_a_poll(self) -> None:
        before = len(self.member.commits)
        self._step_with(lambda: self.clock.step(60.0))
        assert len(self.member.commits) == before

    def _step_with(self, event) -> None:
        self.member.in_poll.append(event)
        self.coordinator.step()
        for tp in [tp for tp in self.epochs if tp not in self.member.owned]:
            self._bury(tp)
        self._judge_commits()

    def _bury(self, tp: TopicPartition) -> None:
        epoch = self.epochs.pop(tp, None)
        if epoch is not None:
            self.dead.append(epoch)
            self._judge_commits()
            epoch.is_over = True

    # --- the function ---

    @rule(tp=partitions, gap=st.integers(1, 5))
    def call(self, tp: TopicPartition, gap: int) -> None:
        self._call(tp, gap)

    def _call(self, tp: TopicPartition, gap: int) -> None:
        epoch = self.epochs.get(tp)
        if epoch is not None and epoch.called is None and epoch.progress.begin():
            epoch.called = (epoch.ends[-1] if epoch.ends else epoch.start) + gap

    @rule(number=numbers, reports=st.integers(0, 3))
    def reply(self, number: int, reports: int) -> None:
        """Of a living epoch or of a dead one; without reports the records count at once."""
        waiting = [epoch for epoch in [*self.epochs.values(), *self.dead] if epoch.called is not None]
        if not waiting:
            return
        self._reply(waiting[number % len(waiting)], reports)

    @rule(tp=partitions, gap=st.integers(1, 5), reports=st.integers(0, 2))
    def call_and_reply(self, tp: TopicPartition, gap: int, reports: int) -> None:
        self._call(tp, gap)
        epoch = self.epochs.get(tp)
        if epoch is not None and epoch.called is not None:
            self._reply(epoch, reports)

    def _reply(self, epoch: Epoch, reports: int) -> None:
        end, epoch.called = epoch.called, None
        assert end is not None
        before = len(self.producer.waiting)
        try:
            if reports:
                values = [Report("results", b"%d" % end, b"v")] * reports
                self.reporter.send(epoch.progress, Position(end), values, reports)
            else:
                epoch.progress.delivered(Position(end))
        except InvocationAborted:
            assert epoch.is_over
        if epoch.is_over:
            assert len(self.producer.waiting) == before, "nothing of a dead epoch is reported"
            return
        epoch.ends.append(end)
        if not reports:
            epoch.written.add(end)
        for produced in self.producer.waiting[before:]:
            self.owner_of[id(produced.done)] = (epoch, end)
        epoch.progress.end()

    @rule(tp=partitions)
    def fail(self, tp: TopicPartition) -> None:
        epoch = self.epochs.get(tp)
        if epoch is not None and epoch.called is not None and not epoch.has_failed:
            epoch.called, epoch.has_failed = None, True
            epoch.progress.fail(PartitionStopped("poison"))
            epoch.progress.end()

    # --- the report topic ---

    @precondition(lambda self: self.producer.waiting)
    @rule(number=numbers)
    def write(self, number: int) -> None:
        self._write(number)

    def _write(self, number: int) -> None:
        produced = self._take(number)
        produced.deliver()
        epoch, end = self.owner_of[id(produced.done)]
        if not any(self.owner_of.get(id(other.done)) == (epoch, end) for other in self.producer.waiting):
            self._note_written(epoch, end)

    @precondition(lambda self: self.producer.waiting)
    @rule(number=numbers)
    def fail_to_write(self, number: int) -> None:
        """It stays unwritten until the reporter has produced it again, and that was written."""
        produced = self._take(number)
        epoch, end = self.owner_of[id(produced.done)]
        produced.fail()
        self.clock.step(1.0)
        before = len(self.producer.waiting)
        self.reporter.step(0.0)
        again = self.producer.waiting[before:]
        assert bool(again) is (not epoch.is_over)
        for other in again:
            self.owner_of[id(other.done)] = (epoch, end)

    def _take(self, number: int) -> Produced:
        return self.producer.waiting.pop(number % len(self.producer.waiting))

    def _note_written(self, epoch: Epoch, end: int) -> None:
        if not epoch.is_over:
            epoch.written.add(end)

    # --- the answers to commits ---

    @precondition(lambda self: self.unanswered)
    @rule(is_refused=st.booleans())
    def answer_commit(self, is_refused: bool) -> None:  # noqa: FBT001 - hypothesis passes by name
        self._answer(is_refused=is_refused)

    def _answer(self, *, is_refused: bool) -> None:
        commit, owners = self.unanswered.pop(0)
        if is_refused:
            commit.answer(orders_0="REBALANCE_IN_PROGRESS", orders_1="REBALANCE_IN_PROGRESS")
            return
        for tp, offset in commit.offsets.items():
            # The broker had it before any later commit, whenever its answer is read.
            if not owners[tp].is_over and offset > (self.member.group[tp].offset or 0):
                self.member.group[tp] = Committed(tp, offset, commit_metadata.encode("A"))
        commit.answer()

    def teardown(self) -> None:
        """In the end the group has what the living epochs have earned."""
        for _ in range(10):  # Longer than the time without commits after a stop.
            while self.producer.waiting:
                self._write(0)
            while self.unanswered:
                self._answer(is_refused=False)
            self._step_with(lambda: self.clock.step(1.0))
        for tp, epoch in self.epochs.items():
            assert self.member.group[tp].offset == epoch.earned

    def _judge_commits(self) -> None:
        for commit in self.member.commits[self.seen_commits :]:
            owners = {}
            for tp, offset in commit.offsets.items():
                epoch = self.epochs.get(tp) or self._last_of(tp)
                assert not epoch.is_over, "nothing of a dead epoch is committed"
                assert offset <= epoch.earned, "never past a record without its outcome"
                assert offset >= epoch.last_commit, "commits of an epoch never go back"
                epoch.last_commit = offset
                owners[tp] = epoch
            if not commit.is_sync:
                self.unanswered.append((commit, owners))
                assert len(self.unanswered) == 1, "one asynchronous commit at a time"
        self.seen_commits = len(self.member.commits)

    def _last_of(self, tp: TopicPartition) -> Epoch:
        return next(epoch for epoch in reversed(self.dead) if epoch.tp == tp)

    @invariant()
    def what_an_epoch_may_commit_is_exactly_what_it_has_earned(self) -> None:
        for epoch in getattr(self, "epochs", {}).values():
            assert epoch.progress.committable == Position(epoch.earned)


Interleavings.TestCase.settings = settings(
    max_examples=300, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestInterleavings = Interleavings.TestCase
