"""What is committed when: ordinary partitions by their offsets alone, others also when more is finished beyond."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.commits import CommitLedger
from kafka_lambda_sink.core.ports import CommitOffset, Position
from kafka_lambda_sink.core.record import TopicPartition

TP = TopicPartition("orders", 0)
ANSWERS = st.sampled_from([None, None, "REBALANCE_IN_PROGRESS"])
FOUND = st.sampled_from(["", "of others", "kls1;topic=A", "kls1;topic=B"])


def commit(ledger: CommitLedger, answer: str | None) -> CommitOffset | None:
    due = ledger.due()
    ledger.settle(ledger.sending(due), {TP: answer})
    return due[0] if due else None


class OffsetsAlone:
    """The rule for a partition of which nothing is finished beyond its offset."""

    def __init__(self, committed: int | None) -> None:
        self.acknowledged = committed
        self.may_rewind = False

    def commit(self, offset: int, answer: str | None) -> bool:
        is_due = self.acknowledged is None or offset > self.acknowledged
        is_due = is_due or (self.may_rewind and offset != self.acknowledged)
        if is_due and answer is None:
            self.acknowledged, self.may_rewind = offset, False
        return is_due


@given(
    committed=st.none() | st.integers(0, 9),
    found=FOUND,
    steps=st.lists(st.tuples(st.integers(0, 9), st.booleans(), ANSWERS), max_size=20),
)
def test_an_ordinary_partition_is_committed_by_its_offset_alone(committed, found, steps):
    ledger, model = CommitLedger(), OffsetsAlone(committed)
    ledger.open(TP, 1, committed, "A", found)
    for offset, is_reset, answer in steps:
        ledger.offer(TP, Position(offset, offset // 3), is_reset=is_reset)
        model.may_rewind |= is_reset
        made = commit(ledger, answer)
        assert (made is not None) is model.commit(offset, answer)
        assert made is None or made == CommitOffset(TP, offset, offset // 3, "kls1;topic=A")
        assert ledger.committed(TP) == model.acknowledged


@given(
    committed=st.integers(0, 5),
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([(), ((100, 101),), ((100, 105),)]), ANSWERS, st.booleans()),
        max_size=20,
    ),
)
def test_the_group_gets_to_know_what_is_finished_and_an_offset_never_goes_back(committed, steps):
    ledger = CommitLedger()
    group = (committed, "")
    ledger.open(TP, 1, committed, None)
    offset = committed
    for advance, done, answer, again in steps:
        offset += advance
        for _ in range(1 + again):
            ledger.offer(TP, Position(offset, done=done))
            made = commit(ledger, answer)
            assert (made is None) is (group[0] == offset and commit_metadata.done_of(group[1], offset) == list(done))
            if made is not None and answer is None:
                group = (made.offset, made.metadata)
    ledger.offer(TP, Position(offset - 1, done=((130, 131),)))
    if group[0] == offset:
        assert ledger.due() == []
