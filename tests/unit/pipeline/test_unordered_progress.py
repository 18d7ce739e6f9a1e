"""How far a partition has come whose records are finished in any order."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.core.errors import InvocationAborted, PartitionStopped
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.report_budget import ReportBudget
from kafka_lambda_sink.pipeline.unordered_progress import UnorderedProgress
from tests.support.records import TP, record


class OfEpoch:
    """A record with the epoch of its leader."""

    def __init__(self, offset: int, epoch: int | None) -> None:
        self._record = record(offset)
        self._epoch = epoch

    def leader_epoch(self) -> int | None:
        return self._epoch

    def __getattr__(self, name: str) -> object:
        return getattr(self._record, name)


def records(*offsets: int, epoch: int | None = 4) -> list[SourceRecord]:
    return [OfEpoch(offset, epoch) for offset in offsets]  # type: ignore[misc]


def begun(start: Position) -> UnorderedProgress:
    progress = UnorderedProgress(TP, lambda: None, ReportBudget(1000), start.done, start.done_epoch)
    progress.start_at(start, commit_now=False)
    return progress


def offsets(found: object) -> list[int]:
    return [each.offset() for each in found]  # type: ignore[attr-defined]


def committable(progress: UnorderedProgress) -> Position:
    taken = progress.take_committable()
    assert taken is not None
    return taken[0]


def drained(progress: UnorderedProgress) -> bool:
    return progress.is_drained


def test_what_was_finished_before_is_left_out_and_moves_the_commit():
    progress = begun(Position(2, 4, done=((3, 5), (7, 8)), done_epoch=4))
    assert offsets(progress.follow(records(2, 3, 4))) == [2]
    assert committable(progress) == Position(2, 4, done=((3, 5), (7, 8)), done_epoch=4)
    progress.delivered([2])
    assert committable(progress) == Position(5, 4, done=((7, 8),), done_epoch=4)
    assert offsets(progress.follow(records(6, 7, 8))) == [6, 8]
    progress.delivered([6])
    assert committable(progress) == Position(8, 4)


def test_a_record_of_another_epoch_is_another_record():
    progress = begun(Position(0, 3, done=((1, 3),), done_epoch=3))
    assert offsets(progress.follow(records(0, 1, epoch=3))) == [0]
    assert offsets(progress.follow(records(2, epoch=5))) == [2]
    progress.delivered([0])
    assert committable(progress).offset == 2


def test_where_no_epoch_is_known_what_was_finished_is_believed():
    progress = begun(Position(0, done=((1, 2),)))
    assert offsets(progress.follow(records(0, 1, epoch=None))) == [0]


def test_a_reset_forgets_what_was_finished_before():
    progress = begun(Position(0, 3, done=((1, 3),), done_epoch=3))
    progress.start_at(Position(1), commit_now=True)
    assert offsets(progress.follow(records(1, 2, epoch=3))) == [1, 2]
    assert progress.take_committable() == (Position(1), True)
    assert progress.take_committable() == (Position(1), False)


def test_a_dead_epoch_takes_nothing_more():
    progress = begun(Position(0))
    progress.abandon()
    with pytest.raises(InvocationAborted):
        progress.follow(records(0))
    assert not progress.enter()


@pytest.mark.parametrize("ends", ["drain", "fail"])
def test_no_batch_begins_once_it_is_to_end(ends: str):
    progress = begun(Position(0))
    assert progress.enter()
    if ends == "drain":
        progress.drain()
    else:
        progress.fail(PartitionStopped("no"))
    assert not progress.enter()
    assert not progress.wait_for_room(9)
    assert not progress.wait_for_room(1)
    assert not drained(progress)
    progress.leave()
    assert drained(progress)
    assert progress.state is (PipelineState.CLOSED if ends == "drain" else PipelineState.FAILED)


def test_it_is_drained_when_whatever_is_tracked_has_failed():
    progress = begun(Position(0))
    progress.follow(records(0, 1, 2))
    first, second = progress.track([0]), progress.track([1])
    progress.fail(PartitionStopped("not written"), first)
    progress.fail(PartitionStopped("not written"), first)
    assert not drained(progress)
    progress.resolve(second)
    assert drained(progress)
    assert committable(progress) == Position(0, done=((1, 2),), done_epoch=4)


def test_before_the_start_nothing_is_known():
    progress = UnorderedProgress(TP, lambda: None, ReportBudget(1000))
    assert progress.take_committable() is None
    assert progress.unfinished == 0
