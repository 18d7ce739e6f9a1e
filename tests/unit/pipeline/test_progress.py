import threading

import pytest

from kafka_lambda_sink.core.errors import InvocationAborted, PartitionStopped, PermanentReportError
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.progress import PartitionProgress

TP = TopicPartition("orders", 0)


def started(at: int = 0) -> PartitionProgress:
    progress = PartitionProgress(TP, lambda: None)
    progress.start_at(Position(at), commit_now=False)
    return progress


def is_drained(progress: PartitionProgress) -> bool:
    return progress.is_drained


def state(progress: PartitionProgress) -> PipelineState:
    return progress.state


def committable(progress: PartitionProgress) -> int:
    taken = progress.take_committable()
    assert taken is not None
    return taken[0].offset


def test_nothing_is_committable_before_the_start_is_known():
    assert PartitionProgress(TP, lambda: None).take_committable() is None


def test_a_resolved_start_is_to_be_committed_at_once_and_said_once():
    progress = PartitionProgress(TP, lambda: None)
    progress.start_at(Position(7), commit_now=True)
    assert progress.take_committable() == (Position(7), True)
    assert progress.take_committable() == (Position(7), False)


def test_an_offset_is_committable_when_all_before_it_have_their_outcome():
    progress = started()
    first, second, third = (progress.track(Position(end)) for end in (10, 20, 30))
    progress.resolve(third)
    progress.resolve(second)
    assert committable(progress) == 0
    progress.resolve(first)
    assert committable(progress) == 30


def test_records_without_a_report_wait_for_earlier_ones_with_one():
    progress = started()
    reported = progress.track(Position(10))
    progress.delivered(Position(20))
    assert committable(progress) == 0
    progress.resolve(reported)
    assert committable(progress) == 20


def test_a_late_outcome_of_an_abandoned_epoch_moves_nothing():
    progress = started()
    span = progress.track(Position(10))
    progress.abandon()
    progress.resolve(span)
    progress.delivered(Position(20))
    progress.rest_at(Position(30))
    progress.start_at(Position(40), commit_now=True)
    assert progress.take_committable() == (Position(0), False)
    assert state(progress) is PipelineState.CLOSED


def test_an_abandoned_epoch_takes_no_reports():
    progress = started()
    progress.abandon()
    with pytest.raises(InvocationAborted):
        progress.track(Position(10))


def test_an_abandoned_epoch_cannot_fail():
    progress = started()
    progress.abandon()
    progress.fail(PartitionStopped())
    assert progress.error is None


def test_a_drain_is_over_when_what_is_in_flight_has_its_outcome():
    drained = threading.Event()
    progress = PartitionProgress(TP, drained.set)
    progress.start_at(Position(0), commit_now=False)
    assert progress.begin()
    progress.drain()
    assert not is_drained(progress)
    span = progress.track(Position(10))
    progress.end()
    assert not is_drained(progress), "its report is not written"
    assert not drained.is_set()
    progress.resolve(span)
    assert is_drained(progress)
    assert drained.is_set()
    assert committable(progress) == 10, "the last commit is made after the drain"


def test_a_partition_with_nothing_in_flight_is_drained_at_once():
    for progress in (started(), PartitionProgress(TP, lambda: None)):
        progress.drain()
        assert is_drained(progress)
        assert state(progress) is PipelineState.CLOSED


def test_a_draining_partition_takes_no_more():
    progress = started()
    progress.track(Position(10))
    progress.drain()
    assert not progress.begin()
    assert not progress.wait_for_room(10, 10)


def test_a_stopped_partition_still_commits_what_came_before():
    progress = started()
    first, second = progress.track(Position(10)), progress.track(Position(20))
    progress.fail(PartitionStopped())
    progress.drain()
    assert not is_drained(progress)
    progress.resolve(first)
    progress.resolve(second)
    assert is_drained(progress)
    assert committable(progress) == 20


def test_a_stopped_partition_holds_at_the_report_that_cannot_be_written():
    progress = started()
    first, second, third = (progress.track(Position(end)) for end in (10, 20, 30))
    progress.resolve(third)
    progress.fail(PermanentReportError(), second)
    assert not is_drained(progress), "the first may still be written"
    progress.resolve(first)
    assert is_drained(progress)
    assert committable(progress) == 10


def test_of_several_unwritable_reports_the_earliest_ends_the_drain():
    progress = started()
    first, second = progress.track(Position(10)), progress.track(Position(20))
    error = PermanentReportError("of the second")
    progress.fail(error, second)
    progress.fail(PermanentReportError("of the first"), first)
    assert is_drained(progress)
    assert committable(progress) == 0
    assert progress.error is error, "the first error counts"


def test_an_unwritable_report_behind_a_failed_batch_ends_the_drain():
    progress = started()
    span = progress.track(Position(10))
    progress.fail(PartitionStopped("the batch after it"))
    progress.fail(PermanentReportError(), span)
    assert is_drained(progress)


def test_the_rest_position_counts_only_when_nothing_is_in_flight():
    progress = started()
    span = progress.track(Position(10))
    progress.rest_at(Position(12))
    assert committable(progress) == 0
    progress.resolve(span)
    assert committable(progress) == 10
    progress.rest_at(None)
    progress.rest_at(Position(12))
    assert committable(progress) == 12
    progress.rest_at(Position(11))
    assert committable(progress) == 12


def test_the_rest_position_of_a_draining_or_stopped_partition_is_not_taken():
    """It may have fetched records that it then did not deliver."""
    draining = started()
    assert draining.begin()
    draining.drain()
    draining.end()
    stopped = started()
    stopped.fail(PartitionStopped())
    for progress in (draining, stopped):
        progress.rest_at(Position(50))
        assert committable(progress) == 0


@pytest.mark.parametrize(("spans", "size"), [(1, 1000), (100, 5)], ids=["by spans", "by bytes"])
def test_the_next_invocation_waits_while_too_much_is_unreported(spans, size):
    progress = started()
    span = progress.track(Position(10), 5)
    passed: list[bool] = []
    waiter = threading.Thread(target=lambda: passed.append(progress.wait_for_room(spans, size)))
    waiter.start()
    waiter.join(0.05)
    assert not passed
    progress.resolve(span, 5)
    waiter.join(10)
    assert passed == [True]


@pytest.mark.parametrize("end", ["drain", "abandon", "fail"])
def test_waiting_for_room_ends_with_the_epoch(end):
    progress = started()
    progress.track(Position(10))
    passed: list[bool] = []
    waiter = threading.Thread(target=lambda: passed.append(progress.wait_for_room(1, 1)))
    waiter.start()
    waiter.join(0.05)
    assert not passed
    progress.fail(PartitionStopped()) if end == "fail" else getattr(progress, end)()
    waiter.join(10)
    assert passed == [False]


def test_a_partition_that_tries_again_goes_on_taking_records():
    progress = started()
    progress.retrying()
    assert state(progress) is PipelineState.RETRYING
    assert progress.begin(), "else what was fetched would be passed over"
    assert progress.wait_for_room(1, 1)
    progress.end()
    progress.retrying(is_over=True)
    assert state(progress) is PipelineState.RUNNING
    assert progress.is_open
