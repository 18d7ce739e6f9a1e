"""Batches that fail, on fakes: what is sent again, what is given up, what a stop leaves."""

from __future__ import annotations

import json
import threading

import pytest

from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, ReplyContract, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import TransientInvocationError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.recovery import FOR_EVER, RecoveryPolicy, RetryScope
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.core.state import PipelineState
from tests.support.delivering import Delivering, orders
from tests.support.fakes import echo
from tests.support.records import TP
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
        for index, record in enumerate(batch.records):
            left = self.times.get(record.offset(), 0)
            if left:
                self.times[record.offset()] = max(left - 1, -1)
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
