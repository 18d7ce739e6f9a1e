"""Questions are asked until they are answered, until waiting has no end, or until a stop."""

import threading

import pytest

from kafka_lambda_sink.connector.patience import patiently
from kafka_lambda_sink.core.errors import InvocationAborted, KafkaAuthorizationError, RetriableKafkaError
from tests.support.stepped_clock import SteppedClock


def test_an_answer_that_comes_late_is_taken():
    answers = iter([RetriableKafkaError("no coordinator yet")])

    def ask() -> int:
        for failure in answers:
            raise failure
        return 5

    assert patiently(ask, SteppedClock()) == 5


def test_it_ends_after_a_while():
    clock = SteppedClock()

    def ask() -> int:
        clock.step(10)
        raise RetriableKafkaError(f"at {clock.seconds}")

    with pytest.raises(RetriableKafkaError, match="at 1020"):
        patiently(ask, clock)


def test_what_waiting_does_not_end_is_raised_at_once():
    def ask() -> int:
        raise KafkaAuthorizationError("may not")

    with pytest.raises(KafkaAuthorizationError):
        patiently(ask, SteppedClock())


def test_a_stop_ends_the_waiting():
    stop = threading.Event()
    asked = []

    def ask() -> int:
        asked.append(1)
        stop.set()
        raise RetriableKafkaError("brokers are away")

    with pytest.raises(InvocationAborted):
        patiently(ask, SteppedClock(), stop)
    assert asked == [1]
