"""Several batches of a partition in flight, on fakes: who is sent when, bounds, stops."""

from __future__ import annotations

import json

import pytest

from kafka_lambda_sink.contracts.tenants import TenantConverter
from kafka_lambda_sink.core.errors import (
    ConfigurationInvocationError,
    InvocationAborted,
    OffsetOutOfRangeError,
    PartitionStopped,
    PermanentReportError,
    TransientInvocationError,
)
from kafka_lambda_sink.core.ports import InvokeReply, Position, StoredValue
from kafka_lambda_sink.core.recovery import FOR_EVER, RecoveryPolicy
from kafka_lambda_sink.core.state import PipelineState
from tests.support.claims import FakeStore
from tests.support.picky_converter import PickyConverter
from tests.support.side_by_side import FAILED, SideBySideDelivering, errors, keyed

RETRIES = RecoveryPolicy(retries=FOR_EVER)


def throttled() -> TransientInvocationError:
    return TransientInvocationError("slow down", code="TooManyRequestsException", status=429)


# --- what is in flight ------------------------------------------------------------------------------------------------


def test_batches_are_in_flight_side_by_side_and_no_key_twice():
    under_test = SideBySideDelivering(keyed("aabaaccd")).begin()
    assert under_test.out() == [[0, 1], [2, 5], [7]], "3 and 4 wait for 0 and 1, 6 for 5"
    under_test.answer(2, 5)
    assert under_test.out() == [[0, 1], [6], [7]]
    under_test.answer(0, 1)
    assert under_test.out() == [[3, 4], [6], [7]]
    under_test.finish()
    assert under_test.committable.offset == 8
    assert under_test.counters.delivered == 8
    assert under_test.counters.batches == 5


def test_no_more_batches_are_in_flight_than_may_be():
    under_test = SideBySideDelivering(keyed("abcdefgh"), batch_size=1, in_flight=3).begin()
    assert under_test.out() == [[0], [1], [2]]
    under_test.answer(1)
    assert under_test.out() == [[0], [2], [3]]
    under_test.finish()
    assert under_test.committable.offset == 8


def test_a_key_is_free_when_all_its_records_of_a_batch_have_their_outcome():
    under_test = SideBySideDelivering(keyed("aabaa"), batch_size=3, recovery=RecoveryPolicy(bisects=True)).begin()
    assert under_test.out() == [[0, 1, 3], [2]]
    under_test.answer(0, 1, 3, by=FAILED)
    assert under_test.out() == [[0], [2]], "the first half"
    under_test.answer(0)
    assert under_test.out() == [[1, 3], [2]], "4 waits for them"
    under_test.answer(1, 3)
    assert under_test.out() == [[2], [4]]
    under_test.finish()


def test_a_key_is_free_while_others_of_its_batch_are_not():
    under_test = SideBySideDelivering(keyed("ab"), recovery=RecoveryPolicy(bisects=True)).begin()
    under_test.fetcher.log += keyed("--a")
    under_test.fetcher.end = 3
    under_test.step().answer(0, 1, by=FAILED)
    assert under_test.out() == [[0]]
    under_test.answer(0)
    assert under_test.out() == [[1], [2]]
    under_test.finish()


def test_records_without_a_key_wait_for_nobody():
    under_test = SideBySideDelivering(keyed("....")).begin()
    assert under_test.out() == [[0, 1], [2, 3]]
    under_test.finish()


def test_unordered_takes_no_heed_of_keys():
    under_test = SideBySideDelivering(keyed("aaaa"), ordering="unordered").begin()
    assert under_test.out() == [[0, 1], [2, 3]]
    under_test.answer(2, 3)
    assert under_test.committable.offset == 0
    assert under_test.beyond() == ((2, 4),)
    under_test.finish()
    assert under_test.committable.offset == 4


def test_batches_are_cut_by_bytes_too():
    under_test = SideBySideDelivering(keyed("abcd", size=100), batch_size=4, max_bytes=450).begin()
    assert under_test.out() == [[0, 1], [2, 3]]
    assert all(len(call.payload) <= 450 for call in under_test.calls)
    under_test.finish()


def test_each_batch_has_one_tenant_and_tenants_do_not_share_keys():
    by_parity = TenantConverter(PickyConverter(), lambda record: "odd" if record.offset() % 2 else "even")
    under_test = SideBySideDelivering(keyed("aaaaa"), converter=by_parity, batch_size=4).begin()
    assert under_test.out() == [[0, 2, 4], [1, 3]]
    under_test.finish()


def test_what_comes_later_is_sent_beside_what_is_in_flight():
    under_test = SideBySideDelivering(keyed("ab"), batch_size=1).begin()
    under_test.fetcher.log += keyed("--ac")
    under_test.fetcher.end = 4
    under_test.step()
    assert under_test.out() == [[0], [1], [3]]
    under_test.finish()
    assert under_test.committable.offset == 4


def test_asynchronous_events_are_side_by_side_too():
    under_test = SideBySideDelivering(keyed("abab"), batch_size=1).begin()
    assert under_test.out() == [[0], [1]]
    under_test.answer(0, by=InvokeReply(202, b""))
    assert under_test.out() == [[1], [2]]
    under_test.finish()


# --- what is committed ------------------------------------------------------------------------------------------------


def test_the_prefix_is_committed_and_what_is_finished_beyond_it():
    under_test = SideBySideDelivering(keyed("ab-cd"), batch_size=1).begin()
    under_test.answer(1).answer(3)
    assert under_test.committable.offset == 0
    assert under_test.beyond() == ((1, 4),), "there is no record at 2"
    under_test.answer(0)
    assert under_test.committable.offset == 4
    assert under_test.beyond() == ()
    under_test.finish()


def test_an_outcome_counts_when_it_is_written_and_frees_its_key_before():
    under_test = SideBySideDelivering(keyed("abab"), batch_size=1, topics="results", holds_reports=True).begin()
    under_test.answer(0).answer(1)
    assert under_test.committable.offset == 0
    assert under_test.out() == [[2], [3]]
    of_0, of_1 = under_test.producer.take()
    of_1.deliver()
    assert under_test.committable.offset == 0
    assert under_test.beyond() == ((1, 2),)
    of_0.deliver()
    assert under_test.committable.offset == 2
    under_test.producer.delivers = True
    under_test.finish()


def test_what_a_former_owner_had_finished_is_not_sent():
    under_test = SideBySideDelivering(keyed("abcdef"), start=Position(1, done=((2, 4), (5, 6))), batch_size=1).begin()
    assert under_test.out() == [[1], [4]]
    assert under_test.beyond() == ((2, 4), (5, 6))
    under_test.finish()
    assert under_test.committable.offset == 6


def test_the_end_of_the_log_is_committed_where_nothing_is_left():
    under_test = SideBySideDelivering(keyed("ab")).begin()
    under_test.fetcher.end = 9
    under_test.step()
    assert under_test.committable.offset == 0
    under_test.answer_all().step()
    assert under_test.committable.offset == 9
    under_test.finish()


# --- records that are not sent ----------------------------------------------------------------------------------------


def test_what_a_filter_drops_is_delivered():
    under_test = SideBySideDelivering(keyed("abcd"), converter=PickyConverter({0, 2, 3}), batch_size=1).begin()
    assert under_test.out() == [[1]]
    assert under_test.committable.offset == 1
    assert under_test.counters.filtered == 3
    under_test.finish()
    assert under_test.committable.offset == 4


def test_an_errant_record_goes_to_the_dead_letters_at_once():
    under_test = SideBySideDelivering(keyed("aba", poison=[1]), tolerates=True, topics="dead", batch_size=1).begin()
    assert under_test.out() == [[0]]
    assert len(under_test.written("dead")) == 1
    assert under_test.beyond() == ((1, 2),)
    assert under_test.counters.errant == 1
    under_test.finish()


def test_a_record_that_stops_the_partition_waits_for_those_before_it():
    under_test = SideBySideDelivering(
        keyed("abacd", poison=[3]), converter=PickyConverter({1}), batch_size=1, recovery=RETRIES
    ).begin()
    assert under_test.out() == [[0]]
    assert under_test.state() is PipelineState.RUNNING
    under_test.answer(0, by=FAILED)
    assert under_test.state() is PipelineState.RETRYING
    under_test.pass_time(1).answer(0).answer(2)
    assert under_test.state() is PipelineState.FAILED
    assert isinstance(under_test.progress.error, PartitionStopped)
    assert under_test.committable.offset == 3
    assert under_test.batches == [[0], [0], [2]], "and not what comes behind it"
    assert under_test.is_drained()
    assert under_test.has_ended


def test_a_stop_need_not_wait_for_those_before_a_record_that_stops_the_partition():
    under_test = SideBySideDelivering(keyed("aab", poison=[2]), batch_size=1).begin()
    under_test.drain().answer(0)
    assert under_test.out() == []
    assert under_test.has_ended
    assert under_test.state() is PipelineState.CLOSED
    assert under_test.progress.error is None


def test_a_large_record_is_reported_while_others_are_in_flight():
    under_test = SideBySideDelivering(
        [*keyed("a"), *keyed("-b", size=1000)], max_bytes=500, behavior="log", topics="errors", batch_size=1
    ).begin()
    assert under_test.out() == [[0]]
    assert errors(under_test) == [(1, 2)]
    under_test.finish()
    assert under_test.committable.offset == 2


def test_large_values_go_to_the_bucket():
    store = FakeStore()
    under_test = SideBySideDelivering(
        [*keyed("a"), *keyed("-b", size=1000)], max_bytes=500, batch_size=1, store=store
    ).begin()
    assert under_test.out() == [[0], [1]]
    assert len(store.values) == 1
    under_test.abandon()
    assert store.aborted.is_set()


def test_what_comes_before_a_large_value_does_not_wait_for_the_bucket():
    class Slow(FakeStore):
        submitted = 0

        def put(self, value: StoredValue) -> None:
            self.submitted = len(under_test.pool.turns)
            super().put(value)

    store = Slow()
    under_test = SideBySideDelivering([*keyed("a"), *keyed("-b", size=1000)], max_bytes=500, batch_size=2, store=store)
    under_test.begin()
    assert store.submitted == 1
    assert under_test.out() == [[0, 1]], "here the turn comes after both"
    under_test.finish()


def test_what_cannot_be_converted_yet_is_waited_for_while_others_go_on():
    under_test = SideBySideDelivering(keyed("ab"), batch_size=1, converter=PickyConverter(waits_at=2, waits=2)).begin()
    under_test.fetcher.log += keyed("--ad")
    under_test.fetcher.end = 4
    under_test.step()
    assert under_test.is_stepping()
    assert under_test.state() is PipelineState.RETRYING
    under_test.answer(0)
    under_test.conversion_wait.elapse()
    under_test.settle()
    assert under_test.is_stepping()
    under_test.conversion_wait.elapse()
    under_test.settle()
    assert under_test.out() == [[1], [2], [3]]
    under_test.finish()
    assert under_test.committable.offset == 4


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_no_more_is_fetched_at_the_bound_of_records():
    under_test = SideBySideDelivering(keyed("abcdef"), batch_size=1, fetch_size=2, max_records=4).begin().step()
    assert under_test.is_stepping()
    assert under_test.out() == [[0], [1], [2], [3]]
    under_test.answer(1)
    assert not under_test.is_stepping()
    under_test.step()
    assert under_test.is_stepping()
    under_test.finish()
    assert under_test.committable.offset == 6


def test_the_bound_of_records_counts_those_that_are_finished_and_not_reported():
    under_test = SideBySideDelivering(
        keyed("abcd"), batch_size=1, fetch_size=2, max_records=2, topics="results", holds_reports=True
    ).begin()
    under_test.answer(0).answer(1)
    assert under_test.is_stepping()
    under_test.producer.deliver_all()
    assert not under_test.settle().is_stepping()
    under_test.producer.delivers = True
    under_test.finish()


def test_no_more_is_fetched_at_the_bound_of_bytes():
    under_test = SideBySideDelivering(
        keyed("aaaa", size=500), batch_size=1, fetch_size=2, max_unfinished_bytes=1000
    ).begin()
    assert under_test.is_stepping(), "one is in flight, one waits"
    under_test.answer(0)
    assert not under_test.is_stepping()
    under_test.step()
    assert under_test.is_stepping()
    under_test.finish()
    assert under_test.committable.offset == 4


def test_no_more_is_fetched_while_the_oldest_record_is_too_old_and_it_is_told(caplog: pytest.LogCaptureFixture):
    under_test = SideBySideDelivering(
        keyed("abcdef"), batch_size=1, in_flight=2, fetch_size=2, max_age=60, recovery=RETRIES
    ).begin()
    under_test.answer(0, by=FAILED).answer(1).pass_time(59).step()
    assert not under_test.is_stepping()
    under_test.answer(2).answer(3).clock.step(1)
    under_test.step().answer(4).answer(5)
    assert under_test.is_stepping(), "although nothing but the oldest is left"
    (told,) = [record.__dict__["fields"] for record in caplog.records if "before more is taken" in record.message]
    assert (told["offset"], told["age_s"], told["unfinished"]) == (0, 60, 3)
    under_test.finish()
    assert under_test.committable.offset == 6


def test_reports_in_the_way_hold_back_the_next_batches():
    under_test = SideBySideDelivering(
        keyed("abcdefgh"), batch_size=1, in_flight=2, topics="results", holds_reports=True
    ).begin()
    for offset in range(4):
        under_test.answer(offset)
    assert under_test.out() == [[4]], "four wait for their reports, and one went before the last of them"
    under_test.answer(4)
    assert under_test.out() == []
    assert under_test.room.is_waited_for()
    under_test.producer.deliver_all()
    assert under_test.settle().out() == [[5], [6]]
    under_test.producer.delivers = True
    under_test.finish()
    assert under_test.committable.offset == 8


# --- what stops the partition -----------------------------------------------------------------------------------------


def test_a_batch_that_stops_the_partition_lets_the_others_finish(caplog):
    under_test = SideBySideDelivering(keyed("abcdaa"), batch_size=1, topics="errors").begin()
    under_test.answer(1, by=FAILED)
    assert under_test.state() is PipelineState.FAILED
    assert not under_test.is_drained(), "others are in flight"
    assert errors(under_test) == [(1, 2)]
    under_test.answer(0).answer(3)
    assert under_test.out() == [[2]], "nothing new begins"
    under_test.answer(2, by=FAILED)
    assert under_test.is_drained()
    assert under_test.committable.offset == 1
    assert under_test.beyond() == ((3, 4),)
    assert caplog.text.count("partition stopped") == 1
    under_test.abandon()


def test_a_batch_that_is_parked_is_not_sent_again_once_the_partition_is_stopped():
    under_test = SideBySideDelivering(
        keyed("abc"), batch_size=1, behavior="fail", recovery=RecoveryPolicy(retries=1)
    ).begin()
    under_test.answer(0, by=FAILED).answer(1, by=FAILED)
    under_test.pass_time(1)
    under_test.answer(0, by=FAILED)
    assert under_test.state() is PipelineState.FAILED
    under_test.answer(1, by=FAILED).answer(2, by=FAILED)
    assert under_test.pass_time(10).out() == []
    assert under_test.is_drained()
    assert under_test.committable.offset == 0


def test_a_report_that_fails_stops_the_partition():
    under_test = SideBySideDelivering(keyed("aabbcc"), batch_size=2, topics="results", holds_reports=True).begin()
    under_test.answer(0, 1).answer(4, 5)
    waiting = under_test.producer.take()
    for produced in waiting[:2]:
        produced.fail(is_permanent=True)
    assert under_test.state() is PipelineState.FAILED
    assert isinstance(under_test.progress.error, PermanentReportError)
    assert not under_test.is_drained(), "a call is in flight, and reports are"
    under_test.answer(2, 3)
    assert not under_test.is_drained(), "reports are in flight"
    for produced in waiting[2:]:
        produced.deliver()
    assert not under_test.is_drained(), "two reports of one batch have failed: others still wait"
    under_test.producer.deliver_all()
    assert under_test.is_drained()
    assert under_test.committable.offset == 0
    assert under_test.beyond() == ((2, 6),)


def test_a_function_that_is_not_there_stops_the_partition():
    under_test = SideBySideDelivering(keyed("ab"), batch_size=1).begin()
    gone = ConfigurationInvocationError("no such function", code="ResourceNotFoundException", status=404)
    under_test.answer(0, by=gone).answer_all()
    assert under_test.progress.error is gone
    assert under_test.is_drained()
    assert under_test.beyond() == ((1, 2),)


def test_an_invoker_that_cannot_be_opened_stops_the_partition():
    under_test = SideBySideDelivering(keyed("ab"))
    fault = ConfigurationInvocationError("no credentials", code="no-credentials")

    def refuse(_: str):
        raise fault

    under_test.pool._open_invoker = refuse
    under_test.begin()
    assert under_test.progress.error is fault
    assert under_test.is_drained()


@pytest.mark.parametrize("behavior", ["log", "ignore"])
def test_a_batch_that_is_given_up_frees_its_keys(behavior: str):
    under_test = SideBySideDelivering(keyed("aaa"), batch_size=2, behavior=behavior, topics="errors given-up").begin()
    under_test.answer(0, 1, by=FAILED)
    assert under_test.out() == [[2]]
    under_test.finish()
    assert errors(under_test) == ([(0, 2)] if behavior == "log" else [])
    assert len(under_test.written("dead")) == (2 if behavior == "log" else 0)
    assert under_test.committable.offset == 3
    assert under_test.counters.failed == 2


# --- stops, in every state --------------------------------------------------------------------------------------------


def test_a_drain_before_the_first_turn_sends_nothing():
    under_test = SideBySideDelivering(keyed("ab")).step()
    under_test.fetcher.when_empty = lambda: None
    under_test._is_stepping = True
    under_test.stage.run(under_test._step, "pipeline")
    under_test.stage.settle()
    assert len(under_test.pool.turns) == 1, "it is submitted"
    under_test.drain()
    assert under_test.calls == []
    assert under_test.state() is PipelineState.CLOSED
    assert under_test.drained == 0, "it was drained when it was told to"
    under_test.step()
    assert under_test.has_ended


def test_a_drain_waits_for_what_is_in_flight_and_for_no_more():
    under_test = SideBySideDelivering(keyed("aab"), batch_size=1).begin()
    under_test.drain()
    assert not under_test.is_drained()
    under_test.answer(0)
    assert not under_test.is_drained()
    under_test.answer(2)
    assert under_test.is_drained()
    assert under_test.drained == 1
    assert under_test.committable.offset == 1
    assert under_test.beyond() == ((2, 3),)
    assert under_test.batches == [[0], [2]]
    assert all(invoker.is_halted and invoker.is_closed for invoker in under_test.opened)


def test_a_drain_leaves_what_is_parked_to_the_next_owner():
    under_test = SideBySideDelivering(keyed("ab"), recovery=RETRIES, batch_size=1).begin()
    under_test.answer(0, by=FAILED).answer(1)
    under_test.drain()
    assert under_test.is_drained()
    assert under_test.pass_time(100).out() == []
    assert under_test.beyond() == ((1, 2),)


def test_a_drain_while_reports_are_in_the_way():
    under_test = SideBySideDelivering(
        keyed("abcdefgh"), batch_size=1, in_flight=1, topics="results", holds_reports=True
    ).begin()
    while under_test.in_flight:
        under_test.answer(*under_test.in_flight[0].offsets)
    assert under_test.room.is_waited_for()
    under_test.drain()
    assert not under_test.room.is_waited_for()
    assert not under_test.is_drained()
    under_test.producer.deliver_all()
    assert under_test.is_drained()
    assert under_test.calls[-1].offsets == [under_test.committable.offset - 1]


def test_a_drain_at_a_bound_ends_the_wait():
    under_test = SideBySideDelivering(keyed("aaaa"), batch_size=1, fetch_size=2, max_records=2).begin()
    assert under_test.is_stepping()
    under_test.drain()
    assert not under_test.is_stepping()
    under_test.answer(0)
    assert under_test.is_drained()


def test_a_drain_while_a_conversion_is_waited_for():
    under_test = SideBySideDelivering(keyed("ab"), converter=PickyConverter(waits_at=1, waits=9)).begin()
    assert under_test.is_stepping()
    under_test.progress.drain()
    assert not under_test.is_drained(), "what is converted now may stop the partition yet"
    under_test.drain()
    assert not under_test.is_stepping()
    assert under_test.is_drained()
    assert under_test.calls == []


def test_a_drain_in_the_middle_of_the_retries_of_a_call():
    under_test = SideBySideDelivering(keyed("ab"), batch_size=1).begin()
    under_test.answer(0, by=throttled())
    assert under_test.out() == [[0], [1]], "sent again by the same thread"
    under_test.drain().answer(0, by=throttled()).answer(1)
    assert under_test.is_drained()
    assert under_test.batches == [[0], [1], [0]]


def test_a_drain_between_the_halves_of_a_batch():
    under_test = SideBySideDelivering(keyed("ab"), recovery=RecoveryPolicy(bisects=True)).begin()
    under_test.answer(0, 1, by=FAILED).drain().answer(0)
    assert under_test.is_drained()
    assert under_test.batches == [[0, 1], [0]]
    assert under_test.committable.offset == 1


def test_an_abort_ends_the_calls_and_moves_nothing():
    under_test = SideBySideDelivering(keyed("aab"), batch_size=1, topics="results").begin()
    under_test.abandon()
    assert under_test.out() == []
    assert under_test.is_drained()
    assert under_test.committable.offset == 0
    assert under_test.written("results") == []
    assert all(invoker.is_closed for invoker in under_test.opened)
    under_test.step()
    assert under_test.has_ended


def test_an_answer_that_comes_after_the_epoch_is_over_counts_for_nothing():
    under_test = SideBySideDelivering(keyed("ab"), batch_size=1, topics="results").begin()
    under_test.progress.abandon()
    under_test.answer_all()
    assert under_test.committable.offset == 0
    assert under_test.written("results") == []


def test_a_reset_waits_for_all_that_is_not_finished():
    under_test = SideBySideDelivering(keyed("ab"), batch_size=1, recovery=RETRIES).begin()
    under_test.answer(0, by=FAILED).answer(1)
    under_test.fetcher.failures.append(OffsetOutOfRangeError("cut", code="_AUTO_OFFSET_RESET", diverged_at=1))
    under_test.step().step()
    assert under_test.is_stepping(), "0 would be passed over"
    under_test.pass_time(1).answer(0)
    assert not under_test.is_stepping()
    assert under_test.fetcher.assigned[-1].offset == 1
    assert under_test.step().out() == [[1]], "1 is another record by now"
    under_test.finish()
    assert under_test.committable.offset == 2


def test_a_log_that_was_cut_makes_no_record_older_than_it_is():
    under_test = SideBySideDelivering(keyed("abcd"), batch_size=1, in_flight=8, max_age=60).begin().answer_all()
    under_test.fetcher.failures.append(OffsetOutOfRangeError("cut", code="_AUTO_OFFSET_RESET", diverged_at=1))
    del under_test.fetcher.log[2:]
    under_test.fetcher.end = 2
    under_test.pass_time(70).step().step().step()
    assert under_test.out() == [[1]]
    assert not under_test.is_stepping(), "1 has just been fetched"
    under_test.finish()
    assert under_test.committable.offset == 2


def test_a_drain_ends_the_wait_before_a_reset():
    under_test = SideBySideDelivering(keyed("ab"), batch_size=1).begin()
    under_test.fetcher.failures.append(OffsetOutOfRangeError("gone", code="_AUTO_OFFSET_RESET"))
    under_test.step().step().drain()
    assert not under_test.is_stepping()
    assert len(under_test.fetcher.assigned) == 1
    under_test.answer_all()
    assert under_test.is_drained()


def test_a_call_that_is_aborted_settles_nothing():
    under_test = SideBySideDelivering(keyed("ab"), batch_size=1).begin()
    under_test.drain().answer(0, by=InvocationAborted()).answer(1)
    assert under_test.is_drained()
    assert under_test.committable.offset == 0
    assert json.loads(under_test.calls[0].payload)
