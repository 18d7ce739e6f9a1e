import pytest

from kafka_lambda_sink.core.replay_marks import ReplayMarks, decode, encode


def resumed(marks: ReplayMarks) -> ReplayMarks:
    """What the next run has of them."""
    encoded = encode("id", marks.runs())
    assert encoded.is_whole
    topic_id, runs = decode(encoded.metadata)
    assert topic_id == "id"
    return ReplayMarks(marks.low, runs)


def read(marks: ReplayMarks, offsets: list[int]) -> list[int]:
    """The offsets that are still open."""
    return [offset for offset in offsets if marks.read(offset)]


def test_the_first_open_report_is_committed():
    marks = ReplayMarks(10)
    assert read(marks, [10, 11, 12, 13]) == [10, 11, 12, 13]
    assert marks.low == 10
    marks.mark(11)
    assert marks.low == 10
    marks.mark(10)
    assert marks.low == 12
    marks.mark(13)
    marks.mark(12)
    assert marks.low == 14
    marks.passed(20)
    assert marks.low == 20


def test_what_is_done_behind_an_open_report_is_told_to_the_next_run():
    marks = ReplayMarks(0)
    read(marks, list(range(10)))
    for offset in (2, 3, 7):
        marks.mark(offset)
    assert encode("id", marks.runs()).metadata == "klsr1;topic=id;done=2.2.3.1"
    assert read(resumed(marks), list(range(12))) == [0, 1, 4, 5, 6, 8, 9, 10, 11]


def test_a_run_that_did_not_read_to_the_end_keeps_what_an_earlier_one_knew():
    first = ReplayMarks(0)
    read(first, list(range(10)))
    first.mark(8)
    second = resumed(first)
    assert read(second, [0, 1]) == [0, 1]
    second.mark(0)
    assert read(resumed(second), list(range(1, 10))) == [1, 2, 3, 4, 5, 6, 7, 9]


def test_where_there_is_no_room_the_last_marks_are_left_out():
    marks = ReplayMarks(0)
    read(marks, list(range(10_000)))
    for offset in range(1, 10_000, 2):
        marks.mark(offset)
    encoded = encode("id", marks.runs())
    assert not encoded.is_whole
    assert len(encoded.metadata) <= 4000
    _, runs = decode(encoded.metadata)
    again = ReplayMarks(marks.low, runs)
    still_open = read(again, list(range(10_000)))
    assert set(range(0, 10_000, 2)) <= set(still_open)
    assert 1 not in still_open


@pytest.mark.parametrize(
    "metadata", ["", "kls1;topic=abc", "klsr1;topic=abc", "klsr1;topic=abc;done=x.y", "klsr1;abc;done=1.1", "a;b;c"]
)
def test_what_somebody_else_wrote_says_nothing(metadata: str):
    assert decode(metadata) == (None, [])


def test_an_unknown_topic_id_is_none():
    assert decode(encode(None, [1, 2]).metadata) == (None, [1, 2])
