"""Failed records where several batches are in flight, on fakes: what is sent again, in which order, and who waits."""

from __future__ import annotations

import json
from collections.abc import Collection

import pytest

from kafka_lambda_sink.contracts.replies.batch_item_failures import BatchItemFailures
from kafka_lambda_sink.contracts.replies.records import RecordsContract
from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, ReplyContract, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import PayloadInvocationError, TransientInvocationError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.recovery import FOR_EVER, RecoveryPolicy, RetryScope
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.core.state import PipelineState
from tests.support.records import TP, record
from tests.support.side_by_side import FAILED, SideBySideDelivering, errors, keyed

#: The wait before the first attempt again is up to 0.1 s, and no wait is longer than 20 s.
SOON, LATER = 0.1, 20.0


def named(*offsets: int) -> InvokeReply:
    """A reply that says that these records have failed."""
    failures = [{"itemIdentifier": offset} for offset in offsets]
    return InvokeReply(200, json.dumps({"batchItemFailures": failures}).encode())


def by_item(keys: str, *, scope: RetryScope = RetryScope.FROM_FIRST, retries: int = 1, **others: object):
    return SideBySideDelivering(
        keyed(keys), contract=BatchItemFailures(TP), recovery=RecoveryPolicy(retries=retries, scope=scope),
        behavior="log", topics="errors", batch_size=9, taken=lambda _: named(), **others,  # type: ignore[arg-type]
    ).begin()  # fmt: skip


# --- the function fails -----------------------------------------------------------------------------------------------


def test_the_keys_of_a_batch_that_failed_are_parked_each_by_itself():
    under_test = SideBySideDelivering(keyed("ababc"), batch_size=4, recovery=RecoveryPolicy(retries=1)).begin()
    assert under_test.out() == [[0, 1, 2, 3], [4]]
    under_test.answer(0, 1, 2, 3, by=FAILED)
    assert under_test.state() is PipelineState.RETRYING
    assert under_test.out() == [[4]]
    under_test.pass_time(SOON)
    assert under_test.out() == [[0, 2], [1, 3], [4]]
    under_test.finish()
    assert under_test.committable.offset == 5
    assert under_test.counters.retries == 1


def test_records_without_a_key_are_parked_together_and_so_is_an_unordered_batch():
    for ordering, keys in (("key", "...."), ("unordered", "abab")):
        under_test = SideBySideDelivering(
            keyed(keys), ordering=ordering, batch_size=4, recovery=RecoveryPolicy(retries=1)
        ).begin()
        under_test.answer(0, 1, 2, 3, by=FAILED).pass_time(SOON)
        assert under_test.out() == [[0, 1, 2, 3]]
        under_test.finish()


def test_what_waits_behind_a_parked_key_waits_and_others_flow():
    under_test = SideBySideDelivering(
        keyed("ababab"), batch_size=1, in_flight=1, recovery=RecoveryPolicy(retries=1)
    ).begin()
    under_test.answer(0, by=FAILED).answer(1).answer(3)
    assert under_test.out() == [[5]]
    under_test.answer(5)
    assert under_test.out() == []
    assert under_test.beyond() == ((1, 2), (3, 4), (5, 6))
    under_test.pass_time(SOON)
    assert under_test.out() == [[0]]
    under_test.finish()
    assert under_test.batches == [[0], [1], [3], [5], [0], [2], [4]]


def test_others_flow_though_more_keys_fail_for_ever_than_batches_may_be_in_flight():
    under_test = SideBySideDelivering(
        keyed("abcdefgh" + "xyxyxyxy"), batch_size=1, in_flight=2, recovery=RecoveryPolicy(retries=FOR_EVER), jitter=0.0
    ).begin()
    for _ in range(40):
        # All that is parked is due at once.
        under_test.clock.step(1)
        for call in [*under_test.in_flight]:
            under_test.answer(*call.offsets, by=None if call.offsets[0] >= 8 else FAILED)
    assert under_test.beyond() == ((8, 16),)
    assert {*map(tuple, under_test.batches)} == {(offset,) for offset in range(16)}
    tries = [under_test.batches.count([offset]) for offset in range(8)]
    assert min(tries) > 3, "they are tried in turn too"
    under_test.finish()
    assert under_test.committable.offset == 16


def test_the_wait_grows_and_the_attempts_end():
    under_test = SideBySideDelivering(
        keyed("ab"), batch_size=1, behavior="log", topics="errors", recovery=RecoveryPolicy(retries=2), jitter=0.99
    ).begin()
    under_test.answer(1).answer(0, by=FAILED)
    assert under_test.pass_time(0.09).out() == []
    assert under_test.pass_time(0.01).out() == [[0]]
    under_test.answer(0, by=FAILED)
    assert under_test.pass_time(0.19).out() == []
    under_test.pass_time(0.01).answer(0, by=FAILED)
    assert errors(under_test) == [(0, 1)]
    under_test.finish()
    assert under_test.committable.offset == 2


def test_what_is_parked_is_bounded_by_its_attempts():
    under_test = SideBySideDelivering(
        keyed("ab"), batch_size=2, behavior="log", topics="errors",
        recovery=RecoveryPolicy(retries=FOR_EVER, max_attempts=2),
    ).begin()  # fmt: skip
    under_test.answer(0, 1, by=FAILED).pass_time(SOON).answer(0, by=FAILED).answer(1)
    assert errors(under_test) == [(0, 1)]
    under_test.finish()


def test_a_record_that_grew_too_old_is_given_up_in_its_turn():
    def aged(offset: int, key: bytes, age: int) -> SourceRecord:
        return record(offset, key=key, timestamp=(1, 1_000_000 - age))

    records = [aged(0, b"a", 0), aged(1, b"a", 5000), aged(2, b"a", 0), aged(3, b"b", 5000), aged(4, b"b", 0)]
    under_test = SideBySideDelivering(
        records, batch_size=9, behavior="log", topics="errors",
        recovery=RecoveryPolicy(retries=FOR_EVER, max_age_ms=4000),
    ).begin()  # fmt: skip
    under_test.answer(0, 1, 2, 3, 4, by=FAILED)
    assert errors(under_test) == [(3, 4)], "nothing of its key comes before it; 1 comes behind 0"
    under_test.pass_time(SOON)
    assert under_test.out() == [[0], [4]], "2 comes behind 1"
    under_test.answer(0)
    assert errors(under_test) == [(3, 4), (1, 2)]
    assert under_test.out() == [[2], [4]]
    under_test.finish()
    assert under_test.committable.offset == 5


# --- halves -----------------------------------------------------------------------------------------------------------


def guilty(under_test: SideBySideDelivering, offsets: Collection[int], times: int) -> None:
    """Answer the calls in flight, and fail those with one of these records, so many times each."""
    left = dict.fromkeys(offsets, times)
    while under_test.in_flight or under_test.pool.later:
        for call in [*under_test.in_flight]:
            hit = [offset for offset in call.offsets if left.get(offset)]
            under_test.answer(*call.offsets, by=FAILED if hit else None)
            if len(call.offsets) == 1 and hit:
                left[hit[0]] -= 1
        under_test.pass_time(LATER)


def test_a_record_that_is_found_by_halves_keeps_what_comes_behind_it_back():
    under_test = SideBySideDelivering(
        keyed("abab"), batch_size=4, recovery=RecoveryPolicy(bisects=True, retries=1)
    ).begin()
    under_test.answer(0, 1, 2, 3, by=FAILED).answer(0, 1, by=FAILED).answer(0, by=FAILED)
    assert under_test.out() == [[1]], "0 is parked"
    under_test.answer(1)
    assert under_test.out() == [[3]], "and 2 behind it"
    under_test.answer(3)
    assert under_test.out() == []
    under_test.pass_time(SOON).answer(0)
    assert under_test.out() == [[2]]
    under_test.answer(2)
    assert under_test.committable.offset == 4
    assert under_test.progress.unfinished == 0


def test_without_order_nothing_waits_behind_what_is_parked():
    under_test = SideBySideDelivering(
        keyed("aaaa"), ordering="unordered", batch_size=4, recovery=RecoveryPolicy(bisects=True, retries=1)
    ).begin()
    under_test.answer(0, 1, 2, 3, by=FAILED).answer(0, 1, by=FAILED).answer(0, by=FAILED).answer(1)
    assert under_test.out() == [[2, 3]]
    under_test.finish()
    assert under_test.committable.offset == 4


def test_halves_of_what_is_too_large_keep_their_order():
    too_large = PayloadInvocationError("too large", code="RequestTooLargeException", status=413)
    under_test = SideBySideDelivering(keyed("aab"), batch_size=3, recovery=RecoveryPolicy(retries=1)).begin()
    under_test.answer(0, 1, 2, by=too_large).answer(0, by=FAILED)
    assert under_test.out() == [[2]]
    under_test.answer(2).pass_time(SOON).answer(0, by=too_large)
    assert under_test.state() is PipelineState.FAILED
    assert under_test.batches == [[0, 1, 2], [0], [2], [0]], "1 is not sent once 0 has stopped the partition"


def test_bisecting_finds_the_guilty_and_delivers_all_others():
    under_test = SideBySideDelivering(
        keyed("abcab-cabc"), batch_size=9, behavior="log", topics="errors",
        recovery=RecoveryPolicy(bisects=True, retries=1),
    ).begin()  # fmt: skip
    guilty(under_test, {1, 6}, times=2)
    assert sorted(errors(under_test)) == [(1, 2), (6, 7)]
    assert under_test.committable.offset == 10
    assert under_test.counters.delivered == 7


# --- verdicts on single records ---------------------------------------------------------------------------------------


def test_from_the_first_failed_record_of_each_key():
    under_test = by_item("abcabcab")
    under_test.answer(*range(8), by=named(3, 1))
    assert under_test.beyond() == ((2, 3), (5, 6)), "c"
    assert under_test.committable.offset == 1, "0 comes before the first of a that failed"
    under_test.pass_time(SOON)
    assert under_test.out() == [[1, 4, 7], [3, 6]]
    under_test.answer(3, 6, by=named(3)).answer(1, 4, 7)
    assert errors(under_test) == [(3, 4)]
    under_test.finish()
    assert under_test.committable.offset == 8
    assert under_test.counters.delivered == 7


def test_failed_records_alone_keep_their_order_by_key():
    under_test = by_item("aabab", scope=RetryScope.ALONE)
    under_test.answer(*range(5), by=named(0, 1, 4))
    assert under_test.beyond() == ((2, 4),)
    under_test.pass_time(SOON)
    assert under_test.out() == [[0, 1], [4]]
    under_test.answer(0, 1, by=named(1))
    assert errors(under_test) == [(1, 2)]
    under_test.finish()
    assert under_test.committable.offset == 5


def test_failed_records_of_an_unordered_batch_are_sent_alone():
    under_test = by_item("aabab", ordering="unordered")
    under_test.answer(*range(5), by=named(1, 3)).pass_time(SOON)
    assert under_test.out() == [[1, 3]]
    under_test.finish()
    assert under_test.committable.offset == 5


def test_a_key_whose_record_is_given_up_alone_goes_on_behind_it():
    under_test = by_item("aaba", retries=0, in_flight=1)
    under_test.fetcher.log += keyed("----ab")
    under_test.fetcher.end = 6
    under_test.step().answer(*range(4), by=named(1))
    assert errors(under_test) == [(1, 2)]
    assert under_test.committable.offset == 4
    assert under_test.out() == [[4, 5]]
    under_test.finish()


class AsksAgain(ReplyContract):
    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        offsets = json.loads(reply.payload)
        indexes = [index for index, each in enumerate(batch.records) if each.offset() in offsets]
        return Verdicts([None] * batch.count, {index: RecordFailure("later", is_retriable=True) for index in indexes})


def test_a_record_that_the_function_asks_for_again_is_parked():
    under_test = SideBySideDelivering(keyed("aab"), batch_size=9, contract=AsksAgain()).begin()
    under_test.answer(0, 1, 2, by=InvokeReply(200, b"[0]"))
    assert under_test.beyond() == ((2, 3),)
    under_test.pass_time(SOON)
    assert under_test.out() == [[0, 1]]
    under_test.answer(0, 1, by=InvokeReply(200, b"[]"))
    assert under_test.committable.offset == 3
    assert under_test.progress.unfinished == 0


# --- what is told -----------------------------------------------------------------------------------------------------


def test_error_records_tell_of_ranges_without_any_other_record():
    under_test = SideBySideDelivering(keyed("abacaab-a"), batch_size=9, behavior="log", topics="errors").begin()
    under_test.answer(0, 1, 2, 3, 4, 5, 6, 8, by=FAILED)
    assert errors(under_test) == [(0, 7), (8, 9)], "there is no record at 7, which nobody knows here"
    other = SideBySideDelivering(keyed("abacaab"), batch_size=5, behavior="log", topics="errors").begin()
    assert other.out() == [[0, 1, 2, 4, 5], [3]]
    other.answer(0, 1, 2, 4, 5, by=FAILED).answer(3, by=FAILED).answer(6)
    assert errors(other) == [(0, 3), (4, 6), (3, 4)]
    payloads = [json.loads(report.value or b"")["inputPayload"] for report in other.written("errors")]
    assert [[entry["payload"]["offset"] for entry in json.loads(text)] for text in payloads] == [
        [0, 1, 2], [4, 5], [3],
    ]  # fmt: skip
    under_test.finish()
    other.finish()


def test_dead_letters_of_a_batch_are_its_records():
    under_test = SideBySideDelivering(keyed("aba"), batch_size=2, behavior="log", topics="given-up").begin()
    under_test.answer(0, 2, by=FAILED).answer(1)
    assert [report.key for report in under_test.written("dead")] == [b"a", b"a"]
    under_test.finish()
    assert under_test.committable.offset == 3


def test_results_come_as_batches_are_completed():
    under_test = SideBySideDelivering(
        keyed("abcd"), batch_size=1, topics="results", contract=RecordsContract(TP)
    ).begin()

    def result(offset: int) -> InvokeReply:
        payload = {"topic": "orders", "partition": 3, "offset": offset, "result": offset}
        return InvokeReply(200, json.dumps([{"payload": payload}]).encode())

    for offset in (2, 0, 3, 1):
        under_test.answer(offset, by=result(offset))
    assert [json.loads(report.key or b"")["offset"] for report in under_test.written("results")] == [2, 0, 3, 1]
    under_test.finish()


# --- the API refuses --------------------------------------------------------------------------------------------------


def test_what_the_api_could_not_take_within_the_bounds_is_given_up():
    away = TransientInvocationError("away", code="ServiceException", status=503)
    under_test = SideBySideDelivering(
        keyed("ab"), batch_size=1, behavior="log", topics="errors", retry=RetryPolicy(max_attempts=2)
    ).begin()
    under_test.answer(0, by=away).answer(1)
    assert under_test.out() == [[0]]
    under_test.answer(0, by=away)
    assert errors(under_test) == [(0, 1)]
    under_test.finish()
    assert under_test.counters.failed == 1


@pytest.mark.parametrize("ordering", ["key", "unordered"])
def test_what_the_api_refuses_is_cut_down_to_its_guilty_records(ordering: str):
    refused = PayloadInvocationError("no", code="InvalidRequestContentException", status=400)
    under_test = SideBySideDelivering(
        keyed("abab"), ordering=ordering, batch_size=4, behavior="log", topics="errors",
        recovery=RecoveryPolicy(bisects=True),
    ).begin()  # fmt: skip
    while under_test.in_flight:
        (call,) = under_test.in_flight
        under_test.answer(*call.offsets, by=refused if 2 in call.offsets else None)
    assert errors(under_test) == [(2, 3)]
    assert under_test.committable.offset == 4
    assert under_test.progress.unfinished == 0
