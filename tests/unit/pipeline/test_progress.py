import threading
from collections.abc import Callable

import pytest

from kafka_lambda_sink.core.errors import InvocationAborted, PartitionStopped, PermanentReportError
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.report_budget import ReportBudget

TP = TopicPartition("orders", 0)


def unstarted(on_drained: Callable[[], None] = lambda: None, budget: ReportBudget | None = None) -> PartitionProgress:
    return PartitionProgress(TP, on_drained, budget or ReportBudget(1000))


def started(at: int = 0, budget: ReportBudget | None = None) -> PartitionProgress:
    progress = unstarted(budget=budget)
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
    assert unstarted().take_committable() is None


def test_a_resolved_start_is_to_be_committed_at_once_and_said_once():
    progress = unstarted()
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
    progress = unstarted(drained.set)
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
    for progress in (started(), unstarted()):
        progress.drain()
        assert is_drained(progress)
        assert state(progress) is PipelineState.CLOSED


def test_a_draining_partition_takes_no_more():
    progress = started()
    progress.track(Position(10))
    progress.drain()
    assert not progress.begin()
    assert not progress.wait_for_room(10)


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


class Waiter:
    """A thread that waits for room."""

    def __init__(self, progress: PartitionProgress, max_spans: int = 64) -> None:
        self.answers: list[bool] = []
        self._thread = threading.Thread(target=lambda: self.answers.append(progress.wait_for_room(max_spans)))
        self._thread.start()

    def waits(self) -> bool:
        self._thread.join(0.05)
        return not self.answers

    def answer(self) -> bool:
        self._thread.join(10)
        return self.answers[0]


def stop(progress: PartitionProgress, how: str) -> None:
    progress.fail(PartitionStopped()) if how == "fail" else getattr(progress, how)()


@pytest.mark.parametrize(("spans", "size"), [(1, 1000), (100, 5)], ids=["by spans", "by bytes"])
def test_the_next_invocation_waits_while_too_much_is_unreported(spans, size):
    progress = started(budget=ReportBudget(size))
    span = progress.track(Position(10), 5)
    waiter = Waiter(progress, spans)
    assert waiter.waits()
    progress.resolve(span, 5)
    assert waiter.answer()


@pytest.mark.parametrize("end", ["drain", "abandon", "fail"])
@pytest.mark.parametrize("spans", [1, 100], ids=["by spans", "by bytes"])
def test_waiting_for_room_ends_with_the_epoch(end, spans):
    progress = started(budget=ReportBudget(5))
    progress.track(Position(10), 5)
    waiter = Waiter(progress, spans)
    assert waiter.waits()
    stop(progress, end)
    assert not waiter.answer()


def test_a_partition_with_nothing_pending_has_room_whatever_the_others_hold():
    budget = ReportBudget(100)
    started(budget=budget).track(Position(10), 10_000)
    progress = started(budget=budget)
    assert progress.wait_for_room(1)
    progress.resolve(progress.track(Position(10), 50), 50)
    assert progress.wait_for_room(1)


@pytest.mark.parametrize("end", ["resolve", "abandon", "fail"])
def test_what_another_partition_gives_back_ends_the_wait(end):
    budget = ReportBudget(100)
    other, progress = started(budget=budget), started(budget=budget)
    span = other.track(Position(10), 80)
    progress.track(Position(10), 30)
    waiter = Waiter(progress)
    assert waiter.waits()
    other.resolve(span, 80) if end == "resolve" else stop(other, end)
    assert waiter.answer()


def test_what_is_given_back_during_the_look_is_not_missed():
    class GivenBackMeanwhile(ReportBudget):
        def has_room(self, held: int, wake: Callable[[], None]) -> bool:
            has_room = super().has_room(held, wake)
            if self.taken == 110:
                self.give_back(80)
            return has_room

    budget = GivenBackMeanwhile(100)
    budget.take(80)
    progress = started(budget=budget)
    progress.track(Position(10), 30)
    assert Waiter(progress).answer()


@pytest.mark.parametrize("end", ["abandon", "fail"])
def test_an_end_gives_back_what_is_held_once_and_for_all(end):
    budget = ReportBudget(100)
    progress = started(budget=budget)
    spans = [progress.track(Position(offset), 10) for offset in (1, 2, 3)]
    progress.resolve(spans[0], 10)
    assert budget.taken == 20
    stop(progress, end)
    assert budget.taken == 0
    progress.resolve(spans[1], 10)
    if end == "fail":
        late = progress.track(Position(4), 10)
        assert budget.taken == 0, "it was in flight; nothing follows it"
        progress.resolve(late, 10)
    progress.abandon()
    assert budget.taken == 0


def test_what_is_held_by_a_draining_partition_is_given_back_as_it_is_reported():
    budget = ReportBudget(100)
    progress = started(budget=budget)
    span = progress.track(Position(10), 10)
    progress.drain()
    assert budget.taken == 10
    progress.resolve(span, 10)
    assert state(progress) is PipelineState.CLOSED
    assert budget.taken == 0


def test_a_partition_that_tries_again_goes_on_taking_records():
    progress = started()
    progress.retrying()
    assert state(progress) is PipelineState.RETRYING
    assert progress.begin(), "else what was fetched would be passed over"
    assert progress.wait_for_room(1)
    progress.end()
    progress.retrying(is_over=True)
    assert state(progress) is PipelineState.RUNNING
    assert progress.is_open


def test_reports_of_records_that_are_not_done_hold_back_what_comes_behind_them():
    progress = started(5)
    in_part = progress.track(None)
    done = progress.track(Position(10))
    progress.resolve(done)
    assert committable(progress) == 5
    assert not progress.is_quiet
    progress.resolve(in_part)
    assert committable(progress) == 10


def test_the_state_of_the_last_finished_records_stands_until_others_are_finished():
    progress = unstarted()
    progress.start_at(Position(5, None, b'{"n":0}'), commit_now=False)
    span = progress.track(Position(9, None, b'{"n":1}'))
    assert progress.committable == Position(5, None, b'{"n":0}')
    progress.resolve(span)
    assert progress.committable == Position(9, None, b'{"n":1}')
    progress.rest_at(Position(11, 2))
    assert progress.committable == Position(11, 2, b'{"n":1}'), "markers at the tail bring no state"
    progress.start_at(Position(30), commit_now=True)
    assert progress.committable == Position(30, None, b'{"n":1}'), "nor does a reset"
