import pytest

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.offset_plan import PartitionOffsets, WrittenUnder, plan_move
from kafka_lambda_sink.core.ports import CommitOffset, Committed
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.reset_target import AtOffset, AtTime, ByPartition, LogEnd
from kafka_lambda_sink.core.start import OffsetReset

TP = TopicPartition("orders", 2)
OURS, THEIRS = commit_metadata.encode("A"), commit_metadata.encode("B")


def offsets(committed: int | None, metadata: str = OURS, *, topic_id: str | None = "A") -> PartitionOffsets:
    """Of a log from 10 to 50."""
    return PartitionOffsets(Committed(TP, committed, metadata), topic_id, 10, 50)


@pytest.mark.parametrize(
    ("found", "written_under", "earliest", "latest", "error"),
    [
        (offsets(20), WrittenUnder.THIS_TOPIC, 20, 20, 20),
        (offsets(50), WrittenUnder.THIS_TOPIC, 50, 50, 50),
        (offsets(20, "of another program"), WrittenUnder.NOT_TOLD, 20, 20, 20),
        (offsets(20, topic_id=None), WrittenUnder.NOT_TOLD, 20, 20, 20),
        (offsets(20, THEIRS), WrittenUnder.OTHER_TOPIC, 10, 10, 10),
        (offsets(None, ""), WrittenUnder.NOTHING, 10, 50, None),
        (offsets(9), WrittenUnder.THIS_TOPIC, 10, 50, None),
        (offsets(51), WrittenUnder.THIS_TOPIC, 10, 50, None),
    ],
)
def test_where_a_start_begins(found, written_under, earliest, latest, error):
    assert found.written_under is written_under
    assert [found.start(reset) for reset in OffsetReset] == [earliest, latest, error]
    assert found.lag(OffsetReset.EARLIEST) == 50 - earliest
    assert found.lag(OffsetReset.ERROR) == (None if error is None else 50 - error)


@pytest.mark.parametrize(
    ("target", "at_time", "to", "again", "skipped", "note"),
    [
        (LogEnd.EARLIEST, None, 10, 10, 0, ""),
        (LogEnd.LATEST, None, 50, 0, 30, ""),
        (AtOffset(20), None, 20, 0, 0, ""),
        (AtOffset(9), None, 10, 10, 0, "offset 9 is outside of the log: its start is taken"),
        (AtOffset(51), None, 50, 0, 30, "offset 51 is outside of the log: its end is taken"),
        (ByPartition({2: 30, 3: 5}), None, 30, 0, 10, ""),
        (AtTime(1), 12, 12, 8, 0, ""),
        (AtTime(1), None, 50, 0, 30, "no record is as new: the end is taken"),
    ],
)
def test_the_plan(target, at_time, to, again, skipped, note):  # noqa: PLR0917 - the table's columns
    move = plan_move(offsets(20), target, OffsetReset.EARLIEST, at_time)
    assert (move.start, move.target, move.again, move.skipped, move.note) == (20, to, again, skipped, note)
    assert move.commit == CommitOffset(TP, to, None, OURS)


def test_where_a_start_would_stop_nothing_is_counted():
    move = plan_move(offsets(None), LogEnd.LATEST, OffsetReset.ERROR)
    assert (move.start, move.again, move.skipped) == (None, 0, 0)


def test_without_topic_ids_nothing_is_written_beside_the_offset():
    assert plan_move(offsets(20, topic_id=None), LogEnd.LATEST, OffsetReset.ERROR).commit.metadata == ""
