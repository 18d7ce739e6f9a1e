from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from kafka_lambda_sink.connector.asking import Asking, ask_together
from kafka_lambda_sink.connector.findings import Finding, broken, fine
from kafka_lambda_sink.core.errors import RetriableKafkaError
from kafka_lambda_sink.pipeline.clock import SystemClock

LATE = broken("brokers", "b:9092", RetriableKafkaError("no answer in time"))
GROUP, FUNCTION = fine("group", "connect-orders", "may be joined"), fine("function", "orders", "may be invoked")


def together(*askings: Asking, timeout: float = 10.0) -> list[Finding]:
    return ask_together(askings, SystemClock(), timeout)


def test_answers_stand_in_the_order_of_the_questions_whoever_answers_first():
    answered = threading.Event()

    def slow() -> Iterator[Finding]:
        assert answered.wait(10)
        yield GROUP

    def fast() -> Iterator[Finding]:
        yield FUNCTION
        answered.set()

    assert together(Asking(slow(), LATE), Asking(fast(), LATE)) == [GROUP, FUNCTION]


def test_what_is_not_answered_in_time_is_said_behind_what_was():
    never = threading.Event()

    def hanging() -> Iterator[Finding]:
        yield GROUP
        never.wait()

    try:
        assert together(Asking(hanging(), LATE), Asking(iter([FUNCTION]), LATE), timeout=0.2) == [GROUP, LATE, FUNCTION]
    finally:
        never.set()


def test_a_bug_in_a_question_is_raised():
    def broken_question() -> Iterator[Finding]:
        yield GROUP
        raise AttributeError("a bug")

    with pytest.raises(AttributeError, match="a bug"):
        together(Asking(broken_question(), LATE))
