import pytest

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.commits import CommitLedger
from kafka_lambda_sink.core.ports import CommitOffset, Position
from kafka_lambda_sink.core.record import TopicPartition

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)


def opened(committed: int | None = 10, epoch: int = 1) -> CommitLedger:
    ledger = CommitLedger()
    ledger.open(P0, epoch, committed, "A")
    return ledger


def offsets(ledger: CommitLedger) -> dict[TopicPartition, int]:
    return {part.tp: part.offset for part in ledger.due()}


def test_only_what_differs_from_what_the_group_has_is_due():
    ledger = opened(10)
    ledger.open(P1, 2, None, "A")
    assert offsets(ledger) == {}, "no position is known yet"
    ledger.offer(P0, Position(10))
    assert offsets(ledger) == {}
    ledger.offer(P1, Position(0))
    assert offsets(ledger) == {P1: 0}, "absent in the group: even its start is committed"
    ledger.offer(P0, Position(11, 4))
    assert ledger.due([P0]) == [CommitOffset(P0, 11, 4, "kls1;topic=A")]


def test_an_offset_below_the_committed_one_is_never_due():
    ledger = opened(10)
    ledger.offer(P0, Position(9))
    assert offsets(ledger) == {}


def test_nothing_of_a_closed_partition_is_due():
    ledger = opened(10)
    ledger.offer(P0, Position(20))
    ledger.close(P0)
    ledger.offer(P0, Position(30))
    assert ledger.due() == []
    assert ledger.due([P0]) == []
    assert ledger.committed(P0) is None


def test_a_late_acknowledgement_never_takes_a_newer_one_back():
    ledger = opened(10)
    ledger.offer(P0, Position(20))
    older = ledger.sending(ledger.due())
    ledger.offer(P0, Position(30))
    newer = ledger.sending(ledger.due())
    assert ledger.settle(newer, {P0: None}) == {}
    assert ledger.settle(older, {P0: None}) == {}
    assert ledger.committed(P0) == 30
    assert offsets(ledger) == {}


def test_an_acknowledgement_of_an_older_epoch_counts_for_nothing():
    ledger = opened(10, epoch=1)
    ledger.offer(P0, Position(50))
    sent = ledger.sending(ledger.due())
    ledger.close(P0)
    ledger.open(P0, 2, 10, "A")
    assert ledger.settle(sent, {P0: "ILLEGAL_GENERATION"}) == {}
    assert ledger.settle(sent, {P0: None}) == {}
    assert ledger.committed(P0) == 10


def test_a_refused_partition_is_due_again_and_the_others_are_not():
    ledger = opened(10)
    ledger.open(P1, 2, 10, "A")
    ledger.offer(P0, Position(20))
    ledger.offer(P1, Position(20))
    sent = ledger.sending(ledger.due())
    assert ledger.settle(sent, {P0: "REBALANCE_IN_PROGRESS", P1: None}) == {P0: "REBALANCE_IN_PROGRESS"}
    assert offsets(ledger) == {P0: 20}


def test_a_partition_that_the_result_does_not_name_is_not_committed():
    ledger = opened(10)
    ledger.offer(P0, Position(20))
    assert P0 in ledger.settle(ledger.sending(ledger.due()), {})
    assert offsets(ledger) == {P0: 20}


def test_a_reset_may_commit_below_once():
    ledger = opened(100)
    ledger.offer(P0, Position(0), is_reset=True)
    sent = ledger.sending(ledger.due())
    assert sent[P0].offset == 0
    ledger.settle(sent, {P0: None})
    assert ledger.committed(P0) == 0
    ledger.offer(P0, Position(5))
    ledger.settle(ledger.sending(ledger.due()), {P0: None})
    ledger.offer(P0, Position(3))
    assert offsets(ledger) == {}, "the one rewind is used up"


def test_a_refused_rewind_may_be_made_again():
    ledger = opened(100)
    ledger.offer(P0, Position(0), is_reset=True)
    ledger.settle(ledger.sending(ledger.due()), {P0: "COORDINATOR_NOT_AVAILABLE"})
    assert offsets(ledger) == {P0: 0}


def test_a_commit_from_before_a_reset_does_not_use_up_its_rewind():
    """Or the group kept the offset of the old log, and a restart skipped what is before it in the new one."""
    ledger = opened(90)
    ledger.offer(P0, Position(100))
    before = ledger.sending(ledger.due())
    ledger.offer(P0, Position(0), is_reset=True)
    ledger.settle(before, {P0: None})
    assert offsets(ledger) == {P0: 0}
    ledger.offer(P0, Position(40))
    ledger.settle(ledger.sending(ledger.due()), {P0: None})
    assert ledger.committed(P0) == 40


def test_the_state_at_an_offset_is_committed_with_it():
    ledger = opened(10)
    ledger.offer(P0, Position(11, None, b'{"cursor":";"}'))
    (due,) = ledger.due()
    assert commit_metadata.state_of(due.metadata) == b'{"cursor":"\\u003b"}'
    assert commit_metadata.topic_id_of(due.metadata) == "A"


def commit_all(ledger: CommitLedger) -> dict[TopicPartition, CommitOffset]:
    due = ledger.due()
    assert ledger.settle(ledger.sending(due), {part.tp: None for part in due}) == {}
    return {part.tp: part for part in due}


def test_what_is_finished_beyond_an_offset_is_committed_though_the_offset_stays():
    ledger = opened(10)
    ledger.offer(P0, Position(10, 3))
    assert ledger.due() == []
    ledger.offer(P0, Position(10, 3, done=((12, 14),), done_epoch=4))
    part = commit_all(ledger)[P0]
    assert (part.offset, part.leader_epoch) == (10, 3)
    assert commit_metadata.done_of(part.metadata, 10) == [(12, 14)]
    assert commit_metadata.done_epoch_of(part.metadata) == 4
    ledger.offer(P0, Position(10, 3, done=((12, 14),), done_epoch=4))
    assert ledger.due() == []
    ledger.offer(P0, Position(14, 3))
    assert commit_all(ledger)[P0].metadata == "kls1;topic=A"
    assert ledger.due() == []


def test_a_refused_commit_of_what_is_finished_is_due_again():
    ledger = opened(10)
    ledger.offer(P0, Position(10, done=((12, 14),)))
    ledger.settle(ledger.sending(ledger.due()), {P0: "REBALANCE_IN_PROGRESS"})
    assert offsets(ledger) == {P0: 10}


def test_what_is_finished_moves_no_offset_back():
    ledger = opened(10)
    ledger.offer(P0, Position(9, done=((12, 14),)))
    assert ledger.due() == []


def test_what_does_not_fit_is_no_reason_to_commit_again():
    ledger = opened(10)
    done = tuple((at, at + 1) for at in range(12, 12_000, 2))
    ledger.offer(P0, Position(10, done=done))
    commit_all(ledger)
    ledger.offer(P0, Position(10, done=(*done, (20_000, 20_001))))
    assert ledger.due() == []


def test_what_the_group_has_already_is_not_committed_again():
    ledger = CommitLedger()
    found = commit_metadata.encode("A", b'{"n":";"}', offset=10, done=[(12, 14)], done_epoch=4)
    ledger.open(P0, 1, 10, "A", found)
    start = Position(10, 3, commit_metadata.state_of(found), ((12, 14),), 4)
    ledger.offer(P0, start)
    assert ledger.due() == []
    ledger.offer(P0, Position(10, 3, start.state))
    assert commit_metadata.done_of(commit_all(ledger)[P0].metadata, 10) == [], "the log was cut: nothing is finished"


@pytest.mark.parametrize("metadata", ["", "written by another client", "kls1;topic=B", "kls1;done=x"])
def test_a_start_at_an_offset_of_others_is_no_reason_to_commit_it(metadata):
    ledger = CommitLedger()
    ledger.open(P0, 1, 10, "A", metadata)
    ledger.offer(P0, Position(10, 3))
    assert ledger.due() == []
