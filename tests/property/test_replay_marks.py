"""What is committed of a replay, over any number of runs that end anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.core.replay_marks import ReplayMarks, decode, encode


def resumed(marks: ReplayMarks) -> ReplayMarks:
    """What the next run has of them."""
    return ReplayMarks(marks.low, decode(encode("id", marks.runs()).metadata)[1])


@given(st.data())
def test_over_any_runs_nothing_is_lost_and_nothing_done_comes_again(data: st.DataObject):
    offsets = sorted(data.draw(st.sets(st.integers(0, 60), max_size=40), label="offsets"))
    done: set[int] = set()
    marks = ReplayMarks(0)
    for _ in range(data.draw(st.integers(1, 4), label="runs")):
        ahead = [offset for offset in offsets if offset >= marks.low]
        seen = ahead[: data.draw(st.integers(0, len(ahead)), label="how far it reads")]
        still_open = [offset for offset in seen if marks.read(offset)]
        assert still_open == [offset for offset in seen if offset not in done]
        if seen == ahead:
            marks.passed(61)
        if still_open:
            for offset in data.draw(st.sets(st.sampled_from(still_open)), label="succeed"):
                marks.mark(offset)
                done.add(offset)
        assert all(offset in done for offset in offsets if offset < marks.low)
        marks = resumed(marks)
