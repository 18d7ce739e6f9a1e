from __future__ import annotations

import logging

import pytest
from confluent_kafka import KafkaError

from kafka_lambda_sink.core.errors import FatalKafkaError, KafkaAuthorizationError, RetriableKafkaError
from kafka_lambda_sink.kafka.client_events import ClientEvents, RepeatFilter


def line(text: str, at: float) -> logging.LogRecord:
    record = logging.LogRecord("librdkafka", logging.WARNING, "", 0, "%s", (text,), None)
    record.created = at
    return record


def test_lines_that_differ_in_numbers_pass_once_a_minute():
    repeats = RepeatFilter()
    assert repeats.filter(line("consumer-1: broker:9092 refused (after 3ms)", 1000.0))
    assert not repeats.filter(line("consumer-2: broker:9092 refused (after 4ms)", 1059.0))
    assert repeats.filter(line("consumer-2: another fault", 1059.0))
    assert repeats.filter(line("consumer-2: broker:9092 refused (after 4ms)", 1061.0))


def test_a_clock_set_back_does_not_silence_a_line():
    repeats = RepeatFilter()
    assert repeats.filter(line("a", 1000.0))
    assert repeats.filter(line("a", 10.0))


def test_what_is_remembered_is_bounded():
    repeats = RepeatFilter()
    for number in range(2000):
        repeats.filter(line("x" * number, 1.0))
    assert len(repeats._passed) <= 500


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KafkaError(KafkaError._AUTHENTICATION, "Authentication failed"), KafkaAuthorizationError),
        (KafkaError(KafkaError._FATAL, "fenced", True), FatalKafkaError),
    ],
)
def test_grave_errors_are_handed_out_once(error: KafkaError, kind: type[Exception]):
    events = ClientEvents()
    events.config()["error_cb"](error)
    events.config()["error_cb"](KafkaError(KafkaError._ALL_BROKERS_DOWN))
    assert type(events.take_grave()) is kind
    assert events.take_grave() is None


def test_errors_that_pass_are_not_grave_but_explain_a_call_that_failed():
    events = ClientEvents()
    events.config()["error_cb"](KafkaError(KafkaError._SSL, "certificate verify failed"))
    assert events.take_grave() is None
    explained = events.explain(KafkaError(KafkaError._TIMED_OUT), "describing topics")
    assert type(explained) is RetriableKafkaError
    assert "describing topics" in str(explained)
    assert "certificate verify failed" in str(explained)


def test_a_call_that_timed_out_on_refused_credentials_is_an_authorization_error():
    events = ClientEvents()
    events.config()["error_cb"](KafkaError(KafkaError._AUTHENTICATION, "Authentication failed"))
    explained = events.explain(KafkaError(KafkaError._TIMED_OUT), "describing topics")
    assert type(explained) is KafkaAuthorizationError
    assert explained.hint is not None


def test_a_client_that_has_worked_since_is_not_blamed():
    events = ClientEvents()
    events.config()["error_cb"](KafkaError(KafkaError._AUTHENTICATION, "Authentication failed"))
    events.clear()
    assert events.take_grave() is None
