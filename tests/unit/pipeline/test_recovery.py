"""Batches that fail, on fakes: what is sent again, what is given up, what a stop leaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection

import pytest

from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.contracts.replies.batch_item_failures import BatchItemFailures
from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, ReplyContract, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import PayloadInvocationError, TransientInvocationError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.recovery import FOR_EVER, RecoveryPolicy, RetryScope
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.core.state import PipelineState
from tests.support.delivering import Delivering, key_of, orders, value_of
from tests.support.fakes import Answer, echo
from tests.support.records import TP, record
from tests.support.waiting import wait_until

FAILED = InvokeReply(200, b'{"errorMessage":"no"}', function_error="Unhandled", request_id="r-1")


def throttled() -> TransientInvocationError:
    return TransientInvocationError("slow down", code="TooManyRequestsException", status=429)


def test_a_function_that_fails_once_is_invoked_again_with_the_same_records(caplog):
    under_test = Delivering(orders(0, 1, 2, 3), FAILED, recovery=RecoveryPolicy(retries=1))
    under_test.run()
    assert under_test.batches == [[0, 1], [0, 1], [2, 3]]
    assert under_test.committable.offset == 4
    assert under_test.counters.retries == 1
    assert "the function failed: trying again" in caplog.text


def test_after_its_retries_a_batch_goes_the_way_of_behavior_on_error():
    under_test = Delivering(
        orders(0, 1, 2), *[FAILED] * 3, behavior="log", topics="results errors", recovery=RecoveryPolicy(retries=2)
    )
    under_test.run()
    assert under_test.batches == [[0, 1]] * 3 + [[2]]
    (report,) = under_test.written("errors")
    assert json.loads(report.key or b"")["endOffset"] == 2


def test_a_stop_at_the_guilty_record_leaves_what_comes_before_it_delivered():
    def guilty_2(payload: bytes) -> InvokeReply:
        return FAILED if b'"offset":2,' in payload else echo(payload)

    under_test = Delivering(
        orders(0, 1, 2, 3), *[guilty_2] * 9, batch_size=4, behavior="fail", topics="results errors",
        recovery=RecoveryPolicy(bisects=True),
    )  # fmt: skip
    under_test.run()
    assert under_test.progress.state is PipelineState.FAILED
    assert under_test.batches == [[0, 1, 2, 3], [0, 1], [2, 3], [2]]
    assert under_test.committable.offset == 2
    assert [json.loads(report.key or b"")["offset"] for report in under_test.written("results")] == [0, 1]
    (error,) = under_test.written("errors")
    assert json.loads(json.loads(error.value or b"")["inputPayload"])[0]["payload"]["offset"] == 2


def test_a_drain_ends_the_wait_for_an_attempt_and_leaves_the_batch():
    under_test = Delivering(orders(0, 1), *[FAILED] * 99, recovery=RecoveryPolicy(retries=FOR_EVER), jitter=1.0)
    thread = threading.Thread(target=under_test.pipeline.run)
    thread.start()
    wait_until(lambda: under_test.progress.state is PipelineState.RETRYING)
    under_test.pipeline.drain()
    thread.join(5)
    assert not thread.is_alive()
    assert under_test.progress.state is PipelineState.CLOSED
    assert under_test.committable.offset == 0


@pytest.mark.parametrize("most", [1, 3, 4])
def test_the_bound_on_attempts_counts_every_invocation(most: int):
    under_test = Delivering(
        orders(0), throttled(), FAILED, throttled(), FAILED, behavior="log", retry=RetryPolicy(backoff=0.001),
        recovery=RecoveryPolicy(retries=FOR_EVER, max_attempts=most),
    )  # fmt: skip
    under_test.run()
    assert len(under_test.batches) == most
    assert under_test.committable.offset == 1
    assert under_test.counters.failed == 1


class Says(ReplyContract):
    """A contract whose verdicts are a script: by offset, how often a record is asked for; -1: it failed."""

    def __init__(self, **times: int) -> None:
        self.times = {int(name[1:]): count for name, count in times.items()}

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        assert reply.status == 200
        failed = {}
        for index, taken in enumerate(batch.records):
            left = self.times.get(taken.offset(), 0)
            if left:
                self.times[taken.offset()] = max(left - 1, -1)
                failed[index] = RecordFailure("not now", is_retriable=left > 0)
        return Verdicts([None if index in failed else b"taken" for index in range(batch.count)], failed)


@pytest.mark.parametrize(
    ("scope", "sent"),
    [(RetryScope.FROM_FIRST, [[0, 1, 2, 3], [2, 3], [2, 3]]), (RetryScope.ALONE, [[0, 1, 2, 3], [2], [2]])],
)
def test_a_record_that_is_asked_for_again_is_sent_though_failures_are_not(scope: RetryScope, sent: list[list[int]]):
    under_test = Delivering(
        orders(0, 1, 2, 3), batch_size=4, behavior="log", topics="results errors", contract=Says(o1=-1, o2=2),
        recovery=RecoveryPolicy(scope=scope),
    )  # fmt: skip
    under_test.run()
    assert under_test.batches == sent
    assert [json.loads(report.key or b"")["startOffset"] for report in under_test.written("errors")] == [1]
    assert [json.loads(report.key or b"")["offset"] for report in under_test.written("results")] == [0, 2, 3]
    assert under_test.counters.retries == 2


@pytest.mark.parametrize("scope", RetryScope)
def test_what_is_asked_for_without_end_ends_at_the_bound_on_attempts(scope: RetryScope):
    under_test = Delivering(
        orders(0, 1), behavior="log", contract=Says(o1=9), recovery=RecoveryPolicy(scope=scope, max_attempts=3)
    )
    under_test.run()
    assert under_test.batches == [[0, 1], [1], [1]]
    assert under_test.counters.failed == 1
    assert under_test.committable.offset == 2


def test_a_record_that_is_too_old_is_sent_once():
    under_test = Delivering(
        orders(0), FAILED, behavior="log", recovery=RecoveryPolicy(retries=FOR_EVER, max_age_ms=1000)
    )
    under_test.clock.step(10**10)
    under_test.run()
    assert under_test.batches == [[0]]
    assert under_test.counters.failed == 1


#: Milliseconds since the epoch where the clock of these tests stands.
NOW = 1_000_000
OLD, YOUNG, NO_TIMESTAMP = (1, NOW - 1000), (1, NOW - 999), (0, -1)
UP_TO_A_SECOND = RecoveryPolicy(retries=1, max_age_ms=1000)


def aged(*timestamps: tuple[int, int]) -> list[SourceRecord]:
    return [record(offset, timestamp=timestamp) for offset, timestamp in enumerate(timestamps)]


def reported(under_test: Delivering) -> list[tuple[int, int]]:
    keys = [key_of(report) for report in under_test.written("errors")]
    return [(key["startOffset"], key["endOffset"]) for key in keys]


def delivered(under_test: Delivering) -> list[int]:
    return [key_of(report)["offset"] for report in under_test.written("results")]


def naming(*offsets: int) -> InvokeReply:
    failures = [{"itemIdentifier": {"partition": "orders-3", "offset": offset}} for offset in offsets]
    return InvokeReply(200, json.dumps({"batchItemFailures": failures}).encode())


def accept(_: bytes) -> InvokeReply:
    return InvokeReply(202, b"")


@pytest.mark.parametrize("fault", [FAILED, throttled()], ids=["failed", "throttled"])
def test_the_age_of_a_record_is_no_end_for_those_that_are_younger(fault: Answer):
    under_test = Delivering(
        aged(YOUNG, OLD, OLD, NO_TIMESTAMP), fault, batch_size=4, behavior="log", topics="results errors",
        retry=RetryPolicy(backoff=0.001), recovery=UP_TO_A_SECOND,
    )  # fmt: skip
    under_test.run()
    assert under_test.batches == [[0, 1, 2, 3], [0], [3]]
    assert reported(under_test) == [(1, 3)]
    assert delivered(under_test) == [0, 3]
    assert under_test.committable.offset == 4


def test_halves_are_made_of_what_is_young_enough():
    def guilty_3(payload: bytes) -> InvokeReply:
        return FAILED if b'"offset":3,' in payload else echo(payload)

    under_test = Delivering(
        aged(OLD, YOUNG, YOUNG, YOUNG), *[guilty_3] * 9, batch_size=4, behavior="log", topics="results errors",
        recovery=RecoveryPolicy(bisects=True, retries=1, max_age_ms=1000),
    )  # fmt: skip
    under_test.run()
    assert under_test.batches == [[0, 1, 2, 3], [1, 2, 3], [1], [2, 3], [2], [3], [3]]
    assert reported(under_test) == [(0, 1), (3, 4)]
    assert delivered(under_test) == [1, 2]


def test_old_records_that_all_failed_together_are_given_up_together():
    under_test = Delivering(aged(OLD, OLD), FAILED, behavior="log", topics="results errors", recovery=UP_TO_A_SECOND)
    under_test.run()
    assert under_test.batches == [[0, 1]]
    assert reported(under_test) == [(0, 2)]
    assert under_test.counters.retries == 0


def test_records_that_are_left_by_an_older_one_have_their_retries():
    under_test = Delivering(
        aged(OLD, YOUNG), *[FAILED] * 9, behavior="log", topics="errors",
        recovery=RecoveryPolicy(bisects=True, retries=1, max_age_ms=1000),
    )  # fmt: skip
    under_test.run()
    assert under_test.batches == [[0, 1], [1], [1]]
    assert reported(under_test) == [(0, 1), (1, 2)]


def test_the_bound_on_attempts_is_that_of_the_young_as_well():
    under_test = Delivering(
        aged(OLD, YOUNG), *[throttled()] * 9, behavior="log", topics="errors", retry=RetryPolicy(backoff=0.001),
        recovery=RecoveryPolicy(max_attempts=1, max_age_ms=1000),
    )  # fmt: skip
    under_test.run()
    assert under_test.batches == [[0, 1]]
    assert reported(under_test) == [(0, 2)]


@pytest.mark.parametrize(("scope", "again"), [(RetryScope.FROM_FIRST, [1, 2, 3, 4]), (RetryScope.ALONE, [1, 4])])
def test_the_age_of_a_record_that_is_named_is_its_own(scope: RetryScope, again: list[int]):
    under_test = Delivering(
        aged(OLD, YOUNG, OLD, OLD, YOUNG), naming(0, 1, 4), naming(), batch_size=5, behavior="log", topics="errors",
        contract=BatchItemFailures(TP), recovery=RecoveryPolicy(retries=1, max_age_ms=1000, scope=scope),
    )  # fmt: skip
    under_test.run()
    assert under_test.batches == [[0, 1, 2, 3, 4], again]
    assert reported(under_test) == [(0, 1)]
    assert under_test.committable.offset == 5


def test_each_record_that_is_given_up_says_how_often_it_was_tried():
    under_test = Delivering(
        aged(OLD, YOUNG, YOUNG), naming(0, 1), throttled(), naming(1), batch_size=3, behavior="log",
        topics="dead given-up", contract=BatchItemFailures(TP), retry=RetryPolicy(backoff=0.001),
        recovery=RecoveryPolicy(retries=1, max_age_ms=1000, scope=RetryScope.ALONE),
    )  # fmt: skip
    under_test.run()
    attempts = [(report.key, dict(report.headers)["kls.attempts"]) for report in under_test.written("dead")]
    assert attempts == [(None, b"1"), (None, b"3")]


def test_records_that_were_to_be_taken_alone_are_halved_too():
    """The first reply names two; sent alone, one of them makes the function fail."""

    def guilty_3(payload: bytes) -> InvokeReply:
        return FAILED if b'"offset":3,' in payload else naming()

    under_test = Delivering(
        orders(0, 1, 2, 3, 4), naming(1, 3), *[guilty_3] * 9, batch_size=5, behavior="log", topics="errors",
        contract=BatchItemFailures(TP),
        recovery=RecoveryPolicy(retries=1, bisects=True, scope=RetryScope.ALONE),
    )  # fmt: skip
    under_test.run()
    assert under_test.batches == [[0, 1, 2, 3, 4], [1, 3], [1], [3], [3]]
    assert reported(under_test) == [(3, 4)]
    assert under_test.committable.offset == 5
    assert under_test.counters.delivered == 4


def large_reply_above(count: int) -> Callable[[bytes], InvokeReply]:
    """What Lambda answers where more records than these have a reply above 6 MB."""
    text = b'{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded"}'

    def invoke(payload: bytes) -> InvokeReply:
        return echo(payload) if payload.count(b'"offset":') <= count else InvokeReply(200, text, "Unhandled")

    return invoke


def test_records_whose_reply_is_too_large_are_sent_apart():
    under_test = Delivering(
        orders(0, 1, 2, 3), *[large_reply_above(1)] * 9, batch_size=4, topics="results errors",
        recovery=RecoveryPolicy(bisects=True),
    )  # fmt: skip
    under_test.run()
    assert under_test.batches == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3], [2], [3]]
    assert delivered(under_test) == [0, 1, 2, 3]


def test_a_record_whose_own_reply_is_too_large_is_an_error_record_of_range_one():
    under_test = Delivering(
        orders(0, 1), large_reply_above(0), large_reply_above(0), behavior="log", topics="results errors",
        recovery=RecoveryPolicy(bisects=True),
    )  # fmt: skip
    under_test.run()
    assert reported(under_test) == [(0, 1)]
    assert delivered(under_test) == [1]
    (error,) = under_test.written("errors")
    assert value_of(error)["functionError"] == "Unhandled"
    assert "Function.ResponseSizeTooLarge" in value_of(error)["payload"]


def refusing(guilty: Collection[int]) -> Callable[[bytes], InvokeReply]:
    """An API that takes an event unless one of these is among its records."""

    def invoke(payload: bytes) -> InvokeReply:
        if any(b'"offset":%d,' % offset in payload for offset in guilty):
            raise PayloadInvocationError("no", code="InvalidRequestContentException", status=400)
        return accept(payload)

    return invoke


def test_events_that_lambda_refuses_are_halved_until_the_guilty_record_stands_alone():
    under_test = Delivering(
        orders(0, 1, 2, 3), *[refusing({1})] * 9, batch_size=4, behavior="log", topics="errors",
        recovery=RecoveryPolicy(bisects=True, retries=1),
    )  # fmt: skip
    under_test.run()
    # What is refused for good is not sent again.
    assert under_test.batches == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3]]
    assert reported(under_test) == [(1, 2)]
    assert under_test.committable.offset == 4


def test_without_bisecting_a_batch_that_lambda_refuses_is_given_up_as_a_whole():
    under_test = Delivering(orders(0, 1), refusing({1}), behavior="log", topics="errors")
    under_test.run()
    assert reported(under_test) == [(0, 2)]


@pytest.mark.parametrize("answer", [echo, accept], ids=["sync", "async"])
def test_a_stop_between_two_halves_leaves_the_second_one(answer: Callable[[bytes], InvokeReply]):
    too_large = PayloadInvocationError("no", code="RequestTooLargeException", status=413)

    def answer_and_stop(payload: bytes) -> InvokeReply:
        under_test.pipeline.drain()
        return answer(payload)

    topics = "results errors" if answer is echo else "errors"
    under_test = Delivering(orders(0, 1, 2, 3), too_large, answer_and_stop, batch_size=4, topics=topics)
    under_test.pipeline.run()
    assert under_test.batches == [[0, 1, 2, 3], [0, 1]]
    assert under_test.progress.state is PipelineState.CLOSED
    assert under_test.committable.offset == 2
    assert delivered(under_test) == ([0, 1] if answer is echo else [])


def test_a_half_that_comes_back_after_its_partition_was_lost_reports_nothing():
    def guilty_and_lost(_: bytes) -> InvokeReply:
        under_test.pipeline.abandon()
        return FAILED

    under_test = Delivering(
        orders(0, 1), FAILED, guilty_and_lost, behavior="log", topics="results errors",
        recovery=RecoveryPolicy(bisects=True),
    )  # fmt: skip
    under_test.pipeline.run()
    assert under_test.batches == [[0, 1], [0]]
    assert under_test.producer.written == []
    assert under_test.committable.offset == 0


@pytest.mark.parametrize("scope", RetryScope)
def test_a_stop_before_records_are_sent_again_reports_no_outcome_behind_them(scope: RetryScope):
    def named_and_stopped(_: bytes) -> InvokeReply:
        under_test.pipeline.drain()
        return naming(1)

    under_test = Delivering(
        orders(0, 1, 2), named_and_stopped, batch_size=3, behavior="log", topics="errors",
        contract=BatchItemFailures(TP), recovery=RecoveryPolicy(retries=1, scope=scope),
    )  # fmt: skip
    under_test.pipeline.run()
    assert under_test.batches == [[0, 1, 2]]
    assert under_test.progress.state is PipelineState.CLOSED
    assert under_test.producer.written == []
    assert under_test.committable.offset == (1 if scope is RetryScope.FROM_FIRST else 0)


def test_what_was_refused_as_too_large_counts_as_an_attempt():
    too_large = PayloadInvocationError("no", code="RequestTooLargeException", status=413)
    under_test = Delivering(orders(0, 1), too_large, FAILED, behavior="log", topics="dead given-up")
    under_test.run()
    (report,) = under_test.written("dead")
    assert dict(report.headers)["kls.attempts"] == b"2"


def test_attempts_are_counted_across_every_kind_of_retry_in_what_goes_beside_the_payload():
    contexts = CallContexts(
        tp=TP, connector="c", group="g", function="f", has_client_context=True, names_executions=True
    )
    under_test = Delivering(
        orders(0, 1), throttled(), FAILED, throttled(), echo,
        retry=RetryPolicy(backoff=0.001), recovery=RecoveryPolicy(retries=1), contexts=contexts,
    )  # fmt: skip
    under_test.run()
    calls = [call for call in under_test.invoker.calls if call is not None]
    sent = [json.loads(call.client_context or b"")["custom"] for call in calls]
    assert [one["attempt"] for one in sent] == ["1", "2", "3", "4"]
    assert {(one["firstOffset"], one["lastOffset"], one["count"]) for one in sent} == {("0", "1", "2")}
    names = [call.durable_name for call in calls]
    # What may have run is asked for again; what failed runs anew.
    assert names[0] == names[1] != names[2] == names[3]


def test_records_that_are_sent_alone_keep_their_attempts_and_say_who_they_are():
    contexts = CallContexts(tp=TP, connector="c", group="g", function="f", has_client_context=True)
    under_test = Delivering(
        orders(0, 1, 2, 3), FAILED, batch_size=4, recovery=RecoveryPolicy(bisects=True), contexts=contexts
    )
    under_test.run()
    sent = [json.loads(call.client_context or b"")["custom"] for call in under_test.invoker.calls if call]
    assert [(one["firstOffset"], one["count"], one["attempt"]) for one in sent] == [
        ("0", "4", "1"),
        ("0", "2", "2"),
        ("2", "2", "2"),
    ]


def test_without_a_context_nothing_goes_beside_a_payload():
    under_test = Delivering(orders(0, 1), throttled(), retry=RetryPolicy(backoff=0.001))
    under_test.run()
    assert under_test.invoker.calls == [None, None]
