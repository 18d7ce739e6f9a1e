"""Steps one after another, on transforms of the test."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kafka_lambda_sink.core.errors import RecordError, RetriableConversionError
from kafka_lambda_sink.core.sink_record import SinkRecord
from kafka_lambda_sink.transforms.chain import Step, TransformChain
from tests.support.records import record
from tests.support.stepped_clock import SteppedClock


def sink_record(value: object, offset: int = 7) -> SinkRecord:
    source = record(offset)
    return SinkRecord(
        source=source, topic="orders", partition=3, key_schema=None, key=None, value_schema=None, value=value,
        timestamp=None,
    )  # fmt: skip


def appending(text: str) -> Step:
    return Step(alias=text, transform=lambda it: replace(it, value=f"{it.value}{text}"))


def test_steps_run_in_their_order():
    result = TransformChain([appending("a"), appending("b")], SteppedClock())(sink_record("-"))
    assert result is not None
    assert result.value == "-ab"


def test_no_step_follows_a_dropped_record():
    def never(_: SinkRecord) -> SinkRecord:
        raise AssertionError

    chain = TransformChain(
        [Step(alias="drop", transform=lambda _: None), Step(alias="x", transform=never)], SteppedClock()
    )
    assert chain(sink_record("-")) is None


@pytest.mark.parametrize(("is_negated", "expected"), [(False, ["yes!", "no"]), (True, ["yes", "no!"])])
def test_a_predicate_says_where_a_step_applies(*, is_negated: bool, expected: list[str]):
    step = Step(
        alias="x",
        transform=lambda it: replace(it, value=f"{it.value}!"),
        predicate=lambda it: it.value == "yes",
        is_negated=is_negated,
    )
    chain = TransformChain([step], SteppedClock())
    assert [chain(sink_record(value)).value for value in ("yes", "no")] == expected  # type: ignore[union-attr]


def test_whatever_a_step_raises_is_the_records_own_failure_and_names_the_step():
    def raises_on(it: SinkRecord) -> SinkRecord:
        raise KeyError(it.value)

    chain = TransformChain([Step(alias="mask", class_name="acme.Mask", transform=raises_on)], SteppedClock())
    with pytest.raises(RecordError, match=r"transforms\.mask: KeyError") as caught:
        chain(sink_record("a secret"))
    assert caught.value.stage == "TRANSFORMATION"
    assert caught.value.class_name == "acme.Mask"
    assert "a secret" not in str(caught.value)


def test_a_record_that_may_be_tried_again_is_given_up_after_errors_retry_timeout():
    def waits(_: SinkRecord) -> SinkRecord:
        raise RetriableConversionError("the lookup table is not there yet")

    clock = SteppedClock()
    chain = TransformChain([Step(alias="look", transform=waits)], clock, retry_timeout=10.0)
    for offset in (7, 8):
        with pytest.raises(RetriableConversionError):
            chain(sink_record("-", offset))
        clock.step(9.0)
        with pytest.raises(RetriableConversionError):
            chain(sink_record("-", offset))
        clock.step(1.0)
        with pytest.raises(RecordError, match=r"errors\.retry\.timeout"):
            chain(sink_record("-", offset))


@pytest.mark.parametrize(("timeout", "error"), [(0.0, RecordError), (-1.0, RetriableConversionError)])
def test_without_a_timeout_a_record_is_tried_once_and_with_minus_one_for_ever(timeout: float, error: type[Exception]):
    def waits(_: SinkRecord) -> SinkRecord:
        raise RetriableConversionError("not yet")

    clock = SteppedClock()
    chain = TransformChain([Step(alias="look", transform=waits)], clock, retry_timeout=timeout)
    clock.step(10**6)
    with pytest.raises(error):
        chain(sink_record("-"))
