"""Whichever records are guilty: exactly those are reported, all others are delivered in order, by few invocations."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, ReplyContract, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import PayloadInvocationError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.recovery import RecoveryPolicy, RetryScope
from tests.support.delivering import Delivering, orders


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[int], set[int]]:
    """Offsets with gaps, and the guilty among them."""
    gaps = draw(st.lists(st.integers(min_value=1, max_value=3), min_size=1, max_size=64))
    offsets = [sum(gaps[:end]) for end in range(1, len(gaps) + 1)]
    return offsets, draw(st.sets(st.sampled_from(offsets), max_size=5))


def offsets_of(payload: bytes) -> list[int]:
    return [entry["payload"]["offset"] for entry in json.loads(payload)]


def results_of(offsets: Sequence[int]) -> bytes:
    payloads = [{"topic": "orders", "partition": 3, "offset": offset, "result": offset} for offset in offsets]
    return json.dumps([{"payload": payload} for payload in payloads]).encode()


def failing(guilty: Collection[int]) -> Callable[[bytes], InvokeReply]:
    """A function that fails whenever a guilty record is among its records."""

    def invoke(payload: bytes) -> InvokeReply:
        offsets = offsets_of(payload)
        if guilty & set(offsets):  # type: ignore[operator]
            return InvokeReply(200, b'{"errorMessage":"no"}', function_error="Unhandled")
        return InvokeReply(200, results_of(offsets))

    return invoke


def refusing(guilty: Collection[int]) -> Callable[[bytes], InvokeReply]:
    """An API that refuses each event with a guilty record, and accepts the others for later."""

    def invoke(payload: bytes) -> InvokeReply:
        if guilty & set(offsets_of(payload)):  # type: ignore[operator]
            raise PayloadInvocationError("no", code="InvalidRequestContentException", status=400)
        return InvokeReply(202, b"")

    return invoke


class NamesTheGuilty(ReplyContract):
    """A contract by which a function names the records it could not take."""

    def __init__(self, guilty: Collection[int]) -> None:
        self.guilty = guilty

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        offsets = [record.offset() for record in batch.records]
        failed = {index: RecordFailure("no") for index, offset in enumerate(offsets) if offset in self.guilty}
        results = [None if index in failed else b"%d" % offset for index, offset in enumerate(offsets)]
        assert reply.status == 200
        return Verdicts(results, failed)


class AsksAgain(ReplyContract):
    """A contract by which a function asks for some records so many times, and cannot take the guilty."""

    def __init__(self, guilty: Collection[int], times: Mapping[int, int]) -> None:
        self.guilty = guilty
        self.times = dict(times)

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        failed = {}
        for index, record in enumerate(batch.records):
            offset = record.offset()
            if offset in self.guilty:
                failed[index] = RecordFailure("no")
            elif self.times.get(offset):
                self.times[offset] -= 1
                failed[index] = RecordFailure("later", is_retriable=True)
        assert reply.status == 200
        return Verdicts([None if index in failed else b"taken" for index in range(batch.count)], failed)


def reported(under_test: Delivering) -> list[tuple[int, int]]:
    keys = [json.loads(report.key or b"") for report in under_test.written("errors")]
    return [(key["startOffset"], key["endOffset"]) for key in keys]


def results(under_test: Delivering) -> list[int]:
    return [json.loads(report.key or b"")["offset"] for report in under_test.written("results")]


def assert_each_has_its_outcome(under_test: Delivering, offsets: Sequence[int], guilty: Collection[int]) -> None:
    assert reported(under_test) == [(offset, offset + 1) for offset in sorted(guilty)]
    assert results(under_test) == [offset for offset in offsets if offset not in guilty]
    assert under_test.committable.offset == offsets[-1] + 1


@given(batches())
def test_bisecting_finds_the_guilty(batch: tuple[list[int], set[int]]):
    offsets, guilty = batch
    under_test = Delivering(
        orders(*offsets), *[failing(guilty)] * 1000, batch_size=64, behavior="log", topics="results errors",
        recovery=RecoveryPolicy(bisects=True),
    )  # fmt: skip
    under_test.run()
    assert_each_has_its_outcome(under_test, offsets, guilty)
    assert_few_invocations(under_test, offsets, guilty)


def assert_few_invocations(under_test: Delivering, offsets: Sequence[int], guilty: Collection[int]) -> None:
    per_guilty = 2 * math.ceil(math.log2(len(offsets))) if len(offsets) > 1 else 0
    assert len(under_test.batches) <= 1 + per_guilty * len(guilty)


@given(batches())
def test_bisecting_asynchronous_events_finds_what_is_refused(batch: tuple[list[int], set[int]]):
    offsets, guilty = batch
    under_test = Delivering(
        orders(*offsets), *[refusing(guilty)] * 1000, batch_size=64, behavior="log", topics="errors",
        recovery=RecoveryPolicy(bisects=True),
    )  # fmt: skip
    under_test.run()
    assert reported(under_test) == [(offset, offset + 1) for offset in sorted(guilty)]
    accepted = [offset for batch in under_test.batches if not guilty & set(batch) for offset in batch]
    assert accepted == [offset for offset in offsets if offset not in guilty]
    assert under_test.committable.offset == offsets[-1] + 1
    assert_few_invocations(under_test, offsets, guilty)


@given(batches(), st.sampled_from(RetryScope), st.integers(min_value=0, max_value=2))
def test_records_that_are_named_are_reported_alone(batch: tuple[list[int], set[int]], scope: RetryScope, retries: int):
    offsets, guilty = batch
    under_test = Delivering(
        orders(*offsets), *[lambda _: InvokeReply(200, b"[]")] * 1000, batch_size=64, behavior="log",
        topics="results errors", contract=NamesTheGuilty(guilty),
        recovery=RecoveryPolicy(scope=scope, retries=retries),
    )  # fmt: skip
    under_test.run()
    assert_each_has_its_outcome(under_test, offsets, guilty)
    assert len(under_test.batches) == 1 + (retries if guilty else 0)


@given(st.data(), batches(), st.sampled_from(RetryScope), st.integers(min_value=0, max_value=1))
def test_what_a_function_asks_for_it_gets_until_it_takes_it(
    data: st.DataObject, batch: tuple[list[int], set[int]], scope: RetryScope, retries: int
):
    offsets, guilty = batch
    times = data.draw(st.dictionaries(st.sampled_from(offsets), st.integers(min_value=1, max_value=3), max_size=3))
    under_test = Delivering(
        orders(*offsets), *[lambda _: InvokeReply(200, b"[]")] * 1000, batch_size=64, behavior="log",
        topics="results errors", contract=AsksAgain(guilty, times),
        recovery=RecoveryPolicy(scope=scope, retries=retries),
    )  # fmt: skip
    under_test.run()
    assert_each_has_its_outcome(under_test, offsets, guilty)


@given(batches(), st.sampled_from(RetryScope))
def test_what_fails_once_is_delivered_by_the_next_attempt(batch: tuple[list[int], set[int]], scope: RetryScope):
    offsets, guilty = batch
    contract = NamesTheGuilty(guilty)

    def recover(_: bytes) -> InvokeReply:
        contract.guilty = ()
        return InvokeReply(200, b"[]")

    under_test = Delivering(
        orders(*offsets), lambda _: InvokeReply(200, b"[]"), recover, batch_size=64, behavior="fail",
        topics="results errors", contract=contract, recovery=RecoveryPolicy(scope=scope, retries=1),
    )  # fmt: skip
    under_test.run()
    assert_each_has_its_outcome(under_test, offsets, ())
    if guilty:
        again = [offset for offset in offsets if offset >= min(guilty)]
        assert under_test.batches == [offsets, again if scope is RetryScope.FROM_FIRST else sorted(guilty)]


@given(batches(), st.data())
def test_those_that_are_taken_alone_are_bisected_and_settled_in_order(
    batch: tuple[list[int], set[int]], data: st.DataObject
):
    """The first reply names some; sent alone, some of these make the function fail."""
    offsets, named = batch
    guilty = data.draw(st.sets(st.sampled_from(sorted(named)))) if named else set()
    contract = NamesTheGuilty(named)

    def fail_or_take(payload: bytes) -> InvokeReply:
        contract.guilty = ()
        return failing(guilty)(payload)

    under_test = Delivering(
        orders(*offsets), lambda _: InvokeReply(200, b"[]"), *[fail_or_take] * 1000, batch_size=64, behavior="log",
        topics="results errors", contract=contract,
        recovery=RecoveryPolicy(bisects=True, scope=RetryScope.ALONE, retries=1),
    )  # fmt: skip
    under_test.run()
    assert_each_has_its_outcome(under_test, offsets, guilty)
