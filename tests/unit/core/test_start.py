import pytest

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.ports import Committed, Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.start import Start, decide_start

TP = TopicPartition("orders", 0)


def committed(offset: int | None, metadata: str = "", leader_epoch: int | None = None) -> Committed:
    return Committed(TP, offset, metadata, leader_epoch)


@pytest.mark.parametrize(
    ("found", "appeared", "expected"),
    [
        (committed(42), False, Position(42)),
        (committed(42, commit_metadata.encode("A"), 3), False, Position(42, 3)),
        (committed(42, "written by another client"), False, Position(42)),
        (committed(0), False, Position(0)),
        (committed(None), False, Start.FROM_RESET),
        (committed(None), True, Start.FROM_EARLIEST),
        (committed(42, commit_metadata.encode("B")), False, Start.FROM_EARLIEST),
        (committed(42, commit_metadata.encode("B")), True, Start.FROM_EARLIEST),
    ],
)
def test_start(found, appeared, expected):
    assert decide_start(found, "A", appeared_while_running=appeared) == expected


def test_an_unknown_topic_id_never_discards_a_committed_offset():
    assert decide_start(committed(42, commit_metadata.encode("B")), None, appeared_while_running=False) == Position(42)


def test_a_start_brings_the_state_that_was_committed():
    start = decide_start(committed(42, commit_metadata.encode("A", b'{"n":1}')), "A", appeared_while_running=False)
    assert start == Position(42, state=b'{"n":1}')
    elsewhere = decide_start(committed(42, commit_metadata.encode("B", b'{"n":1}')), "A", appeared_while_running=False)
    assert elsewhere is Start.FROM_EARLIEST, "another topic's state is nobody's"


def test_a_start_brings_what_is_finished_beyond_it():
    metadata = commit_metadata.encode("A", offset=42, done=[(43, 45)], done_epoch=7)
    start = decide_start(committed(42, metadata, 3), "A", appeared_while_running=False)
    assert start == Position(42, 3, done=((43, 45),), done_epoch=7)
    moved = decide_start(committed(40, metadata), "A", appeared_while_running=False)
    assert moved == Position(40), "somebody else has moved the offset"
    assert decide_start(committed(42, metadata), "B", appeared_while_running=False) is Start.FROM_EARLIEST
    assert decide_start(committed(None, metadata), "A", appeared_while_running=False) is Start.FROM_RESET
