from dataclasses import dataclass, field

import pytest

from kafka_lambda_sink.core.errors import FatalKafkaError, RetriableKafkaError
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.committer import Committer
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.report_budget import ReportBudget
from tests.support.fake_group import FakeGroupMember
from tests.support.stepped_clock import SteppedClock

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)


@dataclass
class Committing:
    """A committer over two partitions that start at 0; the group has 0 for both."""

    clock: SteppedClock = field(default_factory=SteppedClock)

    def __post_init__(self) -> None:
        self.member = FakeGroupMember(self.clock)
        self.committer = Committer(self.member, self.clock, Alarms(self.clock), interval=1.0, session_timeout=45.0)
        self.progresses = {}
        for epoch, tp in enumerate((P0, P1), 1):
            self.committer.ledger.open(tp, epoch, 0, "A")
            self.progresses[tp] = PartitionProgress(tp, lambda: None, ReportBudget(1 << 20))
            self.progresses[tp].start_at(Position(0), commit_now=False)

    def deliver(self, tp: TopicPartition, to: int) -> None:
        self.progresses[tp].delivered(Position(to))

    def tick(self, after: float = 1.0) -> None:
        """A round of the coordinator: a poll, then the committer."""
        self.clock.step(after)
        self.committer.polled(self.clock.monotonic())
        self.committer.tick(self.progresses)

    @property
    def commits(self) -> list[dict[TopicPartition, int]]:
        return [commit.offsets for commit in self.member.commits]


def test_what_is_due_is_committed_once_an_interval():
    committing = Committing()
    committing.deliver(P0, 10)
    committing.tick(0.5)
    assert committing.commits == []
    committing.deliver(P0, 20)
    committing.tick(0.5)
    assert committing.commits == [{P0: 20}]
    assert committing.member.commits[0].metadata == {P0: "kls1;topic=A"}


def test_nothing_is_committed_where_nothing_moved():
    committing = Committing()
    committing.tick()
    assert committing.commits == []


def test_a_resolved_start_is_committed_without_waiting_for_the_interval():
    committing = Committing()
    committing.progresses[P0].start_at(Position(500), commit_now=True)
    committing.tick(0.0)
    assert committing.commits == [{P0: 500}]


def test_a_resolved_start_waits_for_the_outstanding_commit_and_no_longer():
    committing = Committing()
    committing.deliver(P0, 10)
    committing.tick()
    committing.progresses[P1].start_at(Position(500), commit_now=True)
    committing.tick(0.0)
    assert len(committing.commits) == 1
    committing.member.commits[0].answer()
    committing.tick(0.0)
    assert committing.commits[1] == {P1: 500}


def test_one_asynchronous_commit_is_outstanding_at_a_time():
    committing = Committing()
    committing.deliver(P0, 10)
    committing.tick()
    committing.deliver(P0, 20)
    committing.tick()
    committing.tick()
    assert committing.commits == [{P0: 10}]
    committing.member.commits[0].answer()
    committing.tick()
    assert committing.commits == [{P0: 10}, {P0: 20}]


def test_a_partition_that_is_refused_is_committed_again_and_the_others_are_not():
    committing = Committing()
    committing.deliver(P0, 10)
    committing.deliver(P1, 10)
    committing.tick()
    committing.member.commits[0].answer(orders_0="REBALANCE_IN_PROGRESS")
    committing.tick()
    assert committing.commits == [{P0: 10, P1: 10}, {P0: 10}]


def test_a_commit_that_cannot_be_sent_is_made_again(caplog):
    committing = Committing()
    committing.member.commit_failures.append(RetriableKafkaError("no coordinator"))
    committing.deliver(P0, 10)
    committing.tick()
    assert committing.commits == []
    assert [line.message for line in caplog.records] == ["commit failed: trying again"]
    committing.tick()
    assert committing.commits == [{P0: 10}]


def test_a_fenced_member_is_not_tried_again():
    committing = Committing()
    committing.member.commit_failures.append(FatalKafkaError())
    committing.deliver(P0, 10)
    with pytest.raises(FatalKafkaError):
        committing.tick()


def test_no_commit_when_the_last_poll_is_older_than_a_third_of_the_session_timeout():
    committing = Committing()
    committing.deliver(P0, 10)
    committing.tick(0.0)
    committing.clock.step(15.1)
    committing.committer.tick(committing.progresses)
    assert committing.commits == [], "stopped for a while: somebody else may own the partition"
    committing.tick(0.0)
    assert committing.commits == [], "the group has not had the time to tell"
    for _ in range(6):
        committing.tick(1.0)
    assert committing.commits == [{P0: 10}]


def test_no_synchronous_commit_after_the_process_was_stopped_in_a_drain():
    committing = Committing()
    committing.deliver(P0, 10)
    committing.tick(0.0)
    for _ in range(30):
        committing.clock.step(1.0)
        assert committing.committer.awake(), "a long drain is no stop"
    committing.clock.step(60.0)
    committing.committer.commit_now(committing.progresses, 5.0)
    assert committing.commits == []


def test_a_commit_that_is_never_answered_is_made_again():
    committing = Committing()
    committing.deliver(P0, 10)
    committing.tick()
    for _ in range(59):
        committing.tick()
    assert committing.commits == [{P0: 10}]
    committing.tick()
    assert committing.commits == [{P0: 10}, {P0: 10}]
    committing.member.commits[0].answer()
    committing.member.commits[1].answer()
    committing.tick()
    assert len(committing.commits) == 2


def test_a_poll_that_the_process_was_stopped_in_is_as_old_as_its_beginning():
    committing = Committing()
    committing.deliver(P0, 10)
    began = committing.clock.monotonic()
    committing.clock.step(60.0)
    committing.committer.polled(began)
    committing.committer.tick(committing.progresses)
    assert committing.commits == []


def test_a_callback_that_comes_after_a_newer_synchronous_commit_takes_nothing_back():
    committing = Committing()
    committing.deliver(P0, 10)
    committing.tick()
    committing.deliver(P0, 20)
    committing.committer.commit_now(committing.progresses, 5.0)
    committing.member.commits[0].answer()
    assert committing.committer.ledger.committed(P0) == 20
    committing.tick()
    assert committing.commits == [{P0: 10}, {P0: 20}]


def test_a_callback_for_an_older_epoch_counts_for_nothing():
    committing = Committing()
    committing.deliver(P0, 10)
    committing.tick()
    committing.committer.ledger.close(P0)
    committing.committer.ledger.open(P0, 9, 5, "A")
    committing.member.commits[0].answer()
    assert committing.committer.ledger.committed(P0) == 5


def test_a_synchronous_commit_is_of_the_given_partitions_only():
    committing = Committing()
    committing.deliver(P0, 10)
    committing.deliver(P1, 10)
    committing.committer.commit_now({P0: committing.progresses[P0]}, 5.0)
    assert committing.commits == [{P0: 10}]
    assert committing.member.commits[0].is_sync


def test_a_synchronous_commit_that_fails_is_told_and_does_not_raise(caplog):
    committing = Committing()
    committing.deliver(P0, 10)
    committing.member.commit_failures.append(RetriableKafkaError("no coordinator"))
    committing.committer.commit_now(committing.progresses, 5.0)
    committing.member.sync_codes[P0] = "UNKNOWN_MEMBER_ID"
    committing.committer.commit_now(committing.progresses, 5.0)
    assert committing.committer.ledger.committed(P0) == 0
    assert [line.fields["reason"] for line in caplog.records] == ["no coordinator", "UNKNOWN_MEMBER_ID"]


def test_an_outstanding_commit_from_before_a_reset_leaves_the_reset_to_be_committed():
    committing = Committing()
    committing.deliver(P0, 100)
    committing.tick()
    committing.progresses[P0].start_at(Position(3), commit_now=True)
    committing.tick(0.0)
    committing.member.commits[0].answer()
    committing.tick(0.0)
    assert committing.commits == [{P0: 100}, {P0: 3}]
