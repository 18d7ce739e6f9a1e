"""Partitions that share a budget always come to an end, whatever they report, and in whatever order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kafka_lambda_sink.core.errors import PartitionStopped
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.report_budget import ReportBudget

_SPANS = 4


class Bell:
    """What a partition that waits is woken by, heard by the test."""

    def __init__(self) -> None:
        self.has_rung = False

    def set(self) -> None:
        self.has_rung = True

    def clear(self) -> None:
        self.has_rung = False

    def wait(self) -> None:
        """Where the partition's thread would sleep."""
        assert not self.has_rung, "it would spin"
        raise Asleep


class Asleep(Exception):
    """The partition waits for room."""


class Partition:
    """One partition with a progress of its own, and its thread as the test plays it."""

    def __init__(self, number: int, budget: ReportBudget) -> None:
        self.progress = PartitionProgress(TopicPartition("orders", number), lambda: None, budget)
        self.progress.start_at(Position(0), commit_now=False)
        self.bell = Bell()
        self.progress._may_have_room = self.bell  # type: ignore[assignment]
        self.end = 0
        self.is_stopped = False
        self.is_asleep = False
        #: What has no outcome yet, with its cost.
        self.unresolved: list[tuple[object, int]] = []

    @property
    def held(self) -> int:
        return 0 if self.is_stopped else sum(cost for _, cost in self.unresolved)

    @property
    def pending(self) -> int:
        assert self.progress._tracker is not None
        return self.progress._tracker.pending

    def deliver(self, cost: int) -> None:
        """One round of the thread: wait for room, then leave one span behind."""
        try:
            may_go_on = self.progress.wait_for_room(_SPANS)
        except Asleep:
            self.is_asleep = True
            return
        self.is_asleep = False
        assert may_go_on is not self.is_stopped
        if may_go_on:
            self.end += 1
            self.unresolved.append((self.progress.track(Position(self.end), cost), cost))

    def resolve(self, index: int) -> None:
        span, cost = self.unresolved.pop(index % len(self.unresolved))
        self.progress.resolve(span, cost)


class SharedBudget(RuleBasedStateMachine):
    """Asleep means: did not get room, and is not to look again before its bell rings."""

    @initialize(limit=st.integers(1, 100), count=st.integers(1, 4))
    def begin(self, limit, count):
        self.limit = limit
        self.budget = ReportBudget(limit)
        self.partitions = [Partition(number, self.budget) for number in range(count)]

    def some(self, number: int) -> Partition:
        return self.partitions[number % len(self.partitions)]

    @rule(number=st.integers(0, 3), cost=st.integers(1, 60))
    def deliver(self, number, cost):
        partition = self.some(number)
        if not partition.is_asleep or partition.bell.has_rung:
            was_quiet = not partition.pending
            partition.deliver(cost)
            assert not (was_quiet and partition.is_asleep), "nothing pending, and blocked"

    @precondition(lambda self: any(partition.unresolved for partition in self.partitions))
    @rule(number=st.integers(0, 3), index=st.integers(0, 100))
    def resolve(self, number, index):
        partition = self.some(number)
        if partition.unresolved:
            partition.resolve(index)
            assert not partition.is_asleep or partition.bell.has_rung, "one of its own is resolved"

    @rule(number=st.integers(0, 3), how=st.sampled_from(["abandon", "fail", "drain"]))
    def stop(self, number, how):
        partition = self.some(number)
        progress = partition.progress
        progress.fail(PartitionStopped()) if how == "fail" else getattr(progress, how)()
        assert not partition.is_asleep or partition.bell.has_rung
        # What drains still holds what it has in flight.
        partition.is_stopped = True
        if how == "drain":
            while partition.unresolved:
                partition.resolve(0)

    @rule(number=st.integers(0, 3))
    def assign_again(self, number):
        """A new epoch after a stop."""
        partition = self.some(number)
        if partition.is_stopped:
            partition.progress.abandon()
            self.partitions[number % len(self.partitions)] = Partition(number, self.budget)

    @invariant()
    def what_is_taken_is_what_is_held(self):
        if hasattr(self, "budget"):
            assert self.budget.taken == sum(partition.held for partition in self.partitions)

    @invariant()
    def nobody_sleeps_with_nothing_to_wake_him(self):
        for partition in getattr(self, "partitions", []):
            if not partition.is_asleep or partition.bell.has_rung:
                continue
            assert partition.unresolved, "nobody waits but for a report of his own"
            free = self.limit - self.budget.taken
            is_full = partition.pending >= _SPANS
            assert is_full or partition.held >= free or free * 2 < self.limit

    def teardown(self):
        """All reports come in: every partition that goes on has room again."""
        for partition in getattr(self, "partitions", []):
            while partition.unresolved:
                partition.resolve(-1)
        for partition in getattr(self, "partitions", []):
            partition.deliver(1)
            assert not partition.is_asleep


SharedBudget.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestSharedBudget = SharedBudget.TestCase
