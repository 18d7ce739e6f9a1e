import itertools
import threading

import pytest

from kafka_lambda_sink.core.errors import (
    ConfigurationInvocationError,
    OffsetOutOfRangeError,
    PartitionStopped,
    PayloadInvocationError,
    RetriableKafkaError,
    TransientInvocationError,
    UnknownTopicError,
)
from kafka_lambda_sink.core.ports import FetcherRetired, InvokeReply, Position
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.core.start import OffsetReset, Start
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.report_budget import ReportBudget
from tests.support.delivering import Delivering, key_of, orders
from tests.support.fakes import FakeFetcher, echo
from tests.support.picky_converter import PickyConverter
from tests.support.waiting import wait_until

TOO_LARGE = PayloadInvocationError("too large", code="RequestTooLargeException", status=413)


def throttled() -> TransientInvocationError:
    return TransientInvocationError("throttled", code="TooManyRequestsException", status=429)


# --- delivering ------------------------------------------------------------------------------------------------------


def test_records_are_invoked_in_order_over_gaps():
    under_test = Delivering(orders(0, 1, 5, 9, 10))
    under_test.run()
    assert under_test.batches == [[0, 1], [5, 9], [10]]
    assert under_test.committable.offset == 11
    assert [key_of(report)["offset"] for report in under_test.written("results")] == [0, 1, 5, 9, 10]


def test_nothing_is_committable_before_the_results_are_written():
    under_test = Delivering(orders(0, 1, 2), holds_reports=True)
    for _ in range(3):
        under_test.pipeline.step()
    assert under_test.batches == [[0, 1], [2]], "the next invocation does not wait for the reports"
    assert under_test.committable.offset == 0
    first, second, third = under_test.producer.take()
    third.deliver()
    first.deliver()
    assert under_test.committable.offset == 0
    second.deliver()
    assert under_test.committable.offset == 3


def test_a_result_that_fails_is_produced_again_and_the_function_is_not_invoked_again():
    under_test = Delivering(orders(0), holds_reports=True)
    under_test.pipeline.step()
    under_test.pipeline.step()
    under_test.producer.take()[0].fail()
    under_test.clock.step(1.0)
    under_test.reporter.step(0.0)
    under_test.producer.deliver_all()
    assert under_test.committable.offset == 1
    assert under_test.batches == [[0]]


@pytest.mark.parametrize("behavior", ["fail", "log", "ignore"])
def test_a_result_that_can_never_be_written_stops_the_partition_whatever_behavior_on_error_says(behavior):
    under_test = Delivering(orders(0, 1, 2, 3), behavior=behavior, topics="results errors", holds_reports=True)
    under_test.pipeline.step()
    under_test.pipeline.step()
    under_test.producer.take()[0].fail(is_permanent=True)
    under_test.pipeline.run()
    assert under_test.progress.state is PipelineState.FAILED
    assert under_test.batches == [[0, 1]]
    assert under_test.committable.offset == 0


def test_a_partition_that_a_report_has_stopped_tries_its_next_batch_no_more():
    def refuse_the_first_result(_: bytes) -> InvokeReply:
        under_test.producer.take()[0].fail(is_permanent=True)
        raise throttled()

    under_test = Delivering(
        orders(0, 1), echo, refuse_the_first_result, *[throttled()] * 9, batch_size=1, holds_reports=True
    )
    under_test.pipeline.run()
    assert under_test.progress.state is PipelineState.FAILED
    assert under_test.batches == [[0], [1]]
    assert under_test.committable.offset == 0


def test_records_that_nobody_wants_count_as_delivered():
    converter = PickyConverter(drops={0, 2, 3, 6, 7})
    under_test = Delivering(orders(0, 1, 2, 3, 4, 5, 6, 7), converter=converter, batch_size=8, topics="results errors")
    under_test.run()
    assert under_test.batches == [[1, 4, 5]]
    assert under_test.committable.offset == 8
    assert under_test.counters.filtered == 5
    assert under_test.counters.delivered == 3


def test_a_partition_in_which_nothing_is_wanted_moves_on():
    under_test = Delivering(orders(0, 1, 2), converter=PickyConverter(drops={0, 1, 2}))
    under_test.run()
    assert under_test.batches == []
    assert under_test.committable.offset == 3
    assert under_test.counters.filtered == 3


def test_what_is_dropped_behind_a_failed_batch_is_not_passed_over():
    under_test = Delivering(
        orders(0, 1, 2),
        InvokeReply(200, b"{}", function_error="Unhandled"),
        converter=PickyConverter(drops={2}),
        batch_size=3,
        behavior="fail",
    )
    under_test.run()
    assert under_test.committable.offset == 0
    assert under_test.counters.filtered == 0


def test_a_record_that_cannot_be_converted_yet_is_waited_for_and_nothing_is_sent_twice(caplog):
    converter = PickyConverter(waits_at=3, waits=1, drops={4})
    under_test = Delivering(orders(0, 1, 2, 3, 4, 5), converter=converter, batch_size=2, topics="")
    under_test.run()
    assert under_test.batches == [[0, 1], [2, 3], [5]]
    assert converter.asked == [0, 1, 2, 3, 2, 3, 4, 5]
    assert under_test.committable.offset == 6
    assert under_test.counters.filtered == 1
    assert "cannot convert now: trying again" in caplog.text


def test_a_drain_ends_the_wait_for_a_conversion():
    under_test = Delivering(orders(0, 1, 2), converter=PickyConverter(waits_at=2, waits=10**6), batch_size=2)
    thread = threading.Thread(target=under_test.pipeline.run)
    thread.start()
    wait_until(lambda: under_test.progress.state is PipelineState.RETRYING)
    under_test.pipeline.drain()
    thread.join(5)
    assert not thread.is_alive()
    assert under_test.progress.state is PipelineState.CLOSED
    assert under_test.committable.offset == 2


def test_single_records_are_fetched_together_and_sent_one_by_one():
    under_test = Delivering(orders(0, 1, 2, 3), batch_size=1, topics="")
    under_test.pipeline.step()
    under_test.pipeline.step()
    assert under_test.batches == [[0], [1], [2], [3]]
    assert under_test.committable.offset == 4


def test_a_stop_leaves_the_rest_of_single_records_fetched_together():
    def drain(payload: bytes) -> InvokeReply:
        under_test.pipeline.drain()
        return echo(payload)

    under_test = Delivering(orders(0, 1, 2, 3), echo, drain, batch_size=1, topics="")
    under_test.pipeline.run()
    assert under_test.batches == [[0], [1]]
    assert under_test.committable.offset == 2


@pytest.mark.parametrize("end", ["drain", "abandon"])
def test_a_stop_does_not_wait_for_the_window_of_a_batch(end):
    under_test = Delivering(orders(0))
    under_test.pipeline.step()
    getattr(under_test.pipeline, end)()
    assert under_test.fetcher.is_interrupted


@pytest.mark.parametrize("bound", [{"max_spans": 1}, {"budget": ReportBudget(1)}], ids=["spans", "bytes"])
def test_the_next_invocation_waits_while_too_much_is_unreported(bound):
    under_test = Delivering(orders(0, 1, 2, 3), holds_reports=True, **bound)
    thread = threading.Thread(target=under_test.run)
    thread.start()
    wait_until(lambda: len(under_test.producer.waiting) == 2)
    thread.join(0.05)
    assert under_test.batches == [[0, 1]]
    under_test.producer.deliver_all()
    wait_until(lambda: len(under_test.producer.waiting) == 2)
    under_test.producer.deliver_all()
    thread.join(10)
    assert not thread.is_alive()
    assert under_test.batches == [[0, 1], [2, 3]]
    assert under_test.committable.offset == 4


def test_the_rest_position_passes_the_markers_at_the_tail_once_all_is_reported():
    under_test = Delivering(orders(0, 1), holds_reports=True)
    under_test.fetcher.end = 4
    for _ in range(3):
        under_test.pipeline.step()
    assert under_test.committable.offset == 0, "the results are not written"
    under_test.producer.deliver_all()
    assert under_test.committable.offset == 2
    under_test.pipeline.step()
    assert under_test.committable == Position(4, 7)


def test_a_batch_refused_as_too_large_is_split_until_it_fits_and_order_is_kept():
    under_test = Delivering(orders(0, 1, 2, 3, 4), TOO_LARGE, TOO_LARGE, batch_size=5)
    under_test.run()
    assert under_test.batches == [[0, 1, 2, 3, 4], [0, 1], [0], [1], [2, 3, 4]]
    assert under_test.committable.offset == 5
    assert [key_of(report)["offset"] for report in under_test.written("results")] == [0, 1, 2, 3, 4]


def test_a_single_record_refused_as_too_large_is_not_split_and_behavior_on_error_decides():
    under_test = Delivering(orders(0, 1), *[TOO_LARGE] * 3, behavior="log", topics="errors")
    under_test.run()
    assert under_test.batches == [[0, 1], [0], [1]]
    assert [key_of(report)["endOffset"] for report in under_test.written("errors")] == [1, 2]
    assert under_test.committable.offset == 2


# --- retries ---------------------------------------------------------------------------------------------------------


def test_a_transient_refusal_holds_the_partition_until_it_passes():
    under_test = Delivering(orders(0, 1, 2), throttled(), throttled())
    under_test.run()
    assert under_test.batches == [[0, 1], [0, 1], [0, 1], [2]]
    assert [attempt for attempt, _ in under_test.waits] == [1, 2]
    assert under_test.committable.offset == 3


def test_a_drain_during_the_wait_for_an_attempt_leaves_the_batch_uncommitted():
    under_test = Delivering(orders(0, 1, 2, 3), echo, throttled())

    def drained_meanwhile(_: bytes) -> InvokeReply:
        under_test.pipeline.drain()
        raise throttled()

    under_test.invoker.script[1] = drained_meanwhile
    under_test.pipeline.run()
    assert under_test.batches == [[0, 1], [2, 3]], "no further attempt"
    assert under_test.committable.offset == 2
    assert under_test.progress.state is PipelineState.CLOSED
    assert under_test.progress.error is None


def test_a_drain_lets_the_call_in_flight_end_and_takes_no_more():
    under_test = Delivering(orders(0, 1, 2, 3))

    def drained_meanwhile(payload: bytes) -> InvokeReply:
        under_test.pipeline.drain()
        return echo(payload)

    under_test.invoker.script.append(drained_meanwhile)
    under_test.pipeline.run()
    assert under_test.batches == [[0, 1]]
    assert under_test.committable.offset == 2
    assert under_test.fetcher.is_closed
    assert under_test.invoker.is_closed


def test_a_drain_between_the_halves_of_a_batch_keeps_the_first():
    under_test = Delivering(orders(0, 1), TOO_LARGE)

    def drained_meanwhile(payload: bytes) -> InvokeReply:
        under_test.pipeline.drain()
        return echo(payload)

    under_test.invoker.script.append(drained_meanwhile)
    under_test.pipeline.run()
    assert under_test.batches == [[0, 1], [0]]
    assert under_test.committable.offset == 1


def test_a_partition_that_stops_while_it_drains_is_stopped_and_not_just_drained():
    """Or it would be invoked again by the next epoch of ours."""
    under_test = Delivering(orders(0, 1, 2, 3), behavior="fail")

    def failed_meanwhile(_: bytes) -> InvokeReply:
        under_test.pipeline.drain()
        return InvokeReply(200, b"{}", function_error="Unhandled")

    under_test.invoker.script.append(failed_meanwhile)
    under_test.pipeline.run()
    assert under_test.progress.state is PipelineState.FAILED
    assert isinstance(under_test.progress.error, PartitionStopped)
    assert under_test.progress.is_drained
    assert under_test.committable.offset == 0


@pytest.mark.parametrize(
    "late",
    [
        InvokeReply(200, b"{}", function_error="Unhandled"),
        PayloadInvocationError("refused", code="x", status=400),
        ConfigurationInvocationError("gone", code="x", status=404),
        throttled(),
        None,
    ],
    ids=["function error", "refusal", "configuration", "transient", "result"],
)
def test_what_comes_back_after_the_epoch_died_moves_nothing_and_reports_nothing(late, caplog):
    under_test = Delivering(orders(0, 1, 2), topics="results errors", behavior="log", retry=RetryPolicy(max_attempts=1))

    def lost_meanwhile(payload: bytes) -> InvokeReply:
        under_test.pipeline.abandon()
        if isinstance(late, Exception):
            raise late
        return late or echo(payload)

    under_test.invoker.script.append(lost_meanwhile)
    under_test.pipeline.run()
    assert under_test.producer.written == []
    assert under_test.committable.offset == 0
    assert under_test.progress.error is None
    assert under_test.counters.delivered == under_test.counters.failed == 0
    assert caplog.messages == []


def test_a_configuration_error_stops_the_partition_as_what_it_is():
    error = ConfigurationInvocationError("no such function", code="ResourceNotFoundException", status=404)
    under_test = Delivering(orders(0), error, behavior="ignore")
    under_test.run()
    assert under_test.progress.error is error
    assert under_test.committable.offset == 0


# --- where it starts -------------------------------------------------------------------------------------------------


def test_a_committed_start_is_not_committed_again():
    under_test = Delivering(orders(5, 6), start=Position(6, 2))
    under_test.pipeline.step()
    assert under_test.fetcher.assigned == [Position(6, 2)]
    assert under_test.progress.take_committable() == (Position(6, 2), False)


@pytest.mark.parametrize(
    ("start", "reset", "expected"),
    [
        (Start.FROM_RESET, OffsetReset.EARLIEST, 3),
        (Start.FROM_RESET, OffsetReset.LATEST, 6),
        (Start.FROM_EARLIEST, OffsetReset.LATEST, 3),
        (Start.FROM_EARLIEST, OffsetReset.ERROR, 3),
    ],
)
def test_a_start_that_was_found_is_committed_at_once(start, reset, expected):
    under_test = Delivering(orders(3, 4, 5), start=start, reset=reset)
    under_test.fetcher.low = 3
    under_test.pipeline.step()
    assert under_test.fetcher.assigned == [Position(expected)]
    assert under_test.progress.take_committable() == (Position(expected), True)


def test_no_committed_offset_under_error_stops_the_partition():
    under_test = Delivering(orders(0), start=Start.FROM_RESET, reset=OffsetReset.ERROR)
    under_test.run()
    assert isinstance(under_test.progress.error, PartitionStopped)
    assert under_test.batches == []
    assert under_test.progress.take_committable() is None


def without_waiting(under_test: Delivering) -> None:
    """Nothing is in the way of a next look at the broker."""
    under_test.pipeline._halt.set()


def test_a_broker_that_does_not_tell_the_start_is_asked_again():
    under_test = Delivering(orders(3), start=Start.FROM_EARLIEST)
    under_test.fetcher.lookup_failures.append(RetriableKafkaError("timed out"))
    without_waiting(under_test)
    under_test.run()
    assert under_test.batches == [[3]]


@pytest.mark.parametrize(("reset", "expected"), [(OffsetReset.EARLIEST, 100), (OffsetReset.LATEST, 103)])
def test_an_offset_out_of_range_is_reset_committed_at_once_and_logged_with_both_offsets(reset, expected, caplog):
    under_test = Delivering(orders(100, 101, 102), start=Position(40), reset=reset)
    under_test.fetcher.low = 100
    for _ in range(3):
        under_test.pipeline.step()
    assert under_test.fetcher.assigned == [Position(40), Position(expected)]
    assert under_test.progress.take_committable() == (Position(expected), True)
    (line,) = [line for line in caplog.records if "out of range" in line.message]
    assert (line.fields["committed"], line.fields["restarted_at"]) == (40, expected)


def test_an_offset_out_of_range_under_error_stops_the_partition():
    under_test = Delivering(orders(100), start=Position(40), reset=OffsetReset.ERROR)
    under_test.fetcher.low = 100
    under_test.run()
    assert isinstance(under_test.progress.error, PartitionStopped)
    assert under_test.committable.offset == 40


@pytest.mark.parametrize("reset", [OffsetReset.EARLIEST, OffsetReset.LATEST])
def test_a_truncated_log_is_read_on_from_where_it_was_cut_whatever_auto_offset_reset_says(reset, caplog):
    under_test = Delivering(orders(100, 101, 102), start=Position(102, 4), reset=reset)
    under_test.fetcher.low = 90
    under_test.fetcher.failures.append(OffsetOutOfRangeError("cut at 101", diverged_at=101))
    under_test.run()
    assert under_test.fetcher.assigned == [Position(102, 4), Position(101)]
    assert under_test.batches == [[101, 102]]
    (line,) = [line for line in caplog.records if "truncated" in line.message]
    assert (line.fields["committed"], line.fields["restarted_at"]) == (102, 101)


def test_a_truncated_log_under_error_stops_the_partition():
    under_test = Delivering(orders(100, 101), start=Position(101, 4), reset=OffsetReset.ERROR)
    under_test.fetcher.failures.append(OffsetOutOfRangeError("cut at 100", diverged_at=100))
    under_test.run()
    assert isinstance(under_test.progress.error, PartitionStopped)
    assert under_test.committable.offset == 101


def test_a_reset_that_the_broker_fails_to_answer_is_tried_again_and_stops_nothing():
    under_test = Delivering(orders(100), start=Position(40))
    under_test.fetcher.low = 100
    under_test.fetcher.lookup_failures.extend([RetriableKafkaError("timed out"), RetriableKafkaError("timed out")])
    without_waiting(under_test)
    under_test.run()
    assert under_test.progress.error is None
    assert under_test.batches == [[100]]


def test_a_reset_waits_for_what_is_not_reported_yet():
    """Or the new start would pass it over."""
    under_test = Delivering(orders(0, 1), holds_reports=True)
    under_test.pipeline.step()
    under_test.pipeline.step()
    under_test.fetcher.failures.append(OffsetOutOfRangeError("truncated"))
    under_test.fetcher.low = under_test.fetcher.end = 100
    thread = threading.Thread(target=under_test.run)
    thread.start()
    thread.join(0.05)
    assert under_test.fetcher.assigned == [Position(0)]
    assert under_test.committable.offset == 0
    under_test.producer.deliver_all()
    thread.join(10)
    assert not thread.is_alive()
    assert under_test.fetcher.assigned == [Position(0), Position(100)]
    assert under_test.committable.offset == 100


@pytest.mark.parametrize("error", [RetriableKafkaError("no broker"), UnknownTopicError("gone")])
def test_a_partition_that_cannot_be_read_is_tried_again(error):
    under_test = Delivering(orders(0, 1))
    under_test.fetcher.failures.extend([error, error])
    without_waiting(under_test)
    under_test.run()
    assert under_test.batches == [[0, 1]]
    assert under_test.progress.error is None


def test_a_bug_stops_the_partition_with_its_trace(caplog):
    under_test = Delivering(orders(0))
    under_test.fetcher.failures.append(ZeroDivisionError("a bug"))
    under_test.run()
    assert isinstance(under_test.progress.error, ZeroDivisionError)
    (line,) = [line for line in caplog.records if line.message == "partition stopped"]
    assert line.exc_info
    assert under_test.fetcher.is_closed


# --- another fetcher -------------------------------------------------------------------------------------------------


def test_a_retired_fetcher_is_followed_by_another_at_its_position():
    under_test = Delivering(orders(0, 1, 2))
    under_test.pipeline.step()
    under_test.pipeline.step()
    first = under_test.fetcher
    under_test.fetcher = FakeFetcher(orders(0, 1, 2))
    first.failures.append(FetcherRetired("shared from now on"))
    under_test.run()
    assert first.is_closed
    assert under_test.batches == [[0, 1], [2]]


def test_a_fetcher_that_is_retired_before_it_has_read_is_followed_at_its_start():
    under_test = Delivering(orders(3, 4, 5), start=Position(4))
    under_test.pipeline.step()
    first = under_test.fetcher
    under_test.fetcher = FakeFetcher(orders(3, 4, 5))
    first.failures.append(FetcherRetired("shared from now on"))
    under_test.run()
    assert under_test.batches == [[4, 5]]


def test_fetchers_that_are_retired_one_after_the_other_read_nothing_twice_that_is_not_reported_yet():
    under_test = Delivering(orders(0, 1, 2), holds_reports=True)
    under_test.pipeline.step()
    under_test.pipeline.step()
    fetchers = [under_test.fetcher, FakeFetcher(orders(0, 1, 2)), FakeFetcher(orders(0, 1, 2))]
    for retired, successor in itertools.pairwise(fetchers):
        retired.failures.append(FetcherRetired("shared from now on"))
        under_test.pipeline.step()
        assert retired.is_closed
        under_test.fetcher = successor
    under_test.pipeline.step()
    assert under_test.batches == [[0, 1], [2]]
    assert under_test.committable.offset == 0
    under_test.producer.deliver_all()
    assert under_test.committable.offset == 3
