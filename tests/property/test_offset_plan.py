"""Whatever stood there before: after a reset a start begins where the plan said, within the log."""

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.offset_plan import PartitionOffsets, plan_move
from kafka_lambda_sink.core.ports import Committed
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.reset_target import AtOffset, AtTime, ByPartition, LogEnd
from kafka_lambda_sink.core.start import OffsetReset

TP = TopicPartition("orders", 0)
offset = st.integers(0, 100)
topic_id = st.sampled_from([None, "A", "B"])
target = st.one_of(
    st.sampled_from(LogEnd), offset.map(AtOffset), offset.map(AtTime), offset.map(lambda at: ByPartition({0: at}))
)


@st.composite
def partition_offsets(draw):
    start, end = sorted((draw(offset), draw(offset)))
    metadata = draw(st.one_of(topic_id.map(commit_metadata.encode), st.text(max_size=5)))
    return PartitionOffsets(Committed(TP, draw(st.none() | offset), metadata), draw(topic_id), start, end)


@given(partition_offsets(), target, st.sampled_from(OffsetReset), st.data())
def test_a_start_begins_where_the_plan_said(found, target, reset, data):
    at_time = data.draw(st.none() | st.integers(found.log_start, found.log_end))
    move = plan_move(found, target, reset, at_time)
    assert found.log_start <= move.target <= found.log_end
    commit = move.commit
    after = PartitionOffsets(
        Committed(TP, commit.offset, commit.metadata, commit.leader_epoch),
        found.topic_id,
        found.log_start,
        found.log_end,
    )
    assert [after.start(policy) for policy in OffsetReset] == [move.target] * len(OffsetReset)
    if move.start is not None:
        assert move.target - move.start == move.skipped - move.again
        assert 0 in {move.skipped, move.again}
