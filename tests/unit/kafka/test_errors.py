from __future__ import annotations

import pytest
from confluent_kafka import KafkaError

from kafka_lambda_sink.core.errors import (
    FatalKafkaError,
    KafkaAuthorizationError,
    KafkaClientError,
    OffsetOutOfRangeError,
    PermanentReportError,
    RetriableKafkaError,
    TransientReportError,
    UnknownTopicError,
)
from kafka_lambda_sink.kafka import errors
from kafka_lambda_sink.kafka.errors import client_error, report_error


def error(name: str, text: str = "", *, fatal: bool = False) -> KafkaError:
    return KafkaError(getattr(KafkaError, name), text or None, fatal)


@pytest.mark.parametrize("name", sorted({*errors._CLIENT_CLASS, *errors._PERMANENT_REPORT, *errors._HINTS}))
def test_the_table_has_only_names_that_librdkafka_gives(name: str):
    assert error(name).name() == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("_TRANSPORT", RetriableKafkaError),
        ("NOT_COORDINATOR", RetriableKafkaError),
        ("_MAX_POLL_EXCEEDED", RetriableKafkaError),
        ("REBALANCE_IN_PROGRESS", RetriableKafkaError),
        ("STALE_MEMBER_EPOCH", RetriableKafkaError),
        ("TOPIC_AUTHORIZATION_FAILED", KafkaAuthorizationError),
        ("SASL_AUTHENTICATION_FAILED", KafkaAuthorizationError),
        ("UNKNOWN_TOPIC_OR_PART", UnknownTopicError),
        ("_AUTO_OFFSET_RESET", OffsetOutOfRangeError),
        ("FENCED_INSTANCE_ID", FatalKafkaError),
    ],
)
def test_a_code_says_what_may_happen_next(name: str, kind: type[KafkaClientError]):
    mapped = client_error(error(name), "reading orders-2")
    assert type(mapped) is kind
    assert mapped.code == name
    assert str(mapped).startswith("reading orders-2: ")


@pytest.mark.parametrize(
    ("text", "diverged_at"),
    [
        (
            (
                "Partition log truncation detected at offset 15 (leader epoch 0): broker end offset is 10 "
                "(offset leader epoch 0). Reset to INVALID.: Local: Partition log truncation detected (broker 1)"
            ),
            10,
        ),
        (
            (
                "No epoch found less or equal to offset 15 (leader epoch 7): broker end offset is -1 (offset leader "
                "epoch -1). Reset using configured policy.: Local: Partition log truncation detected (broker 1)"
            ),
            None,
        ),
        ("fetch failed due to requested offset not available on the broker: Broker: Offset out of range", None),
    ],
)
def test_where_a_log_was_cut_is_read_from_what_the_client_says(text: str, diverged_at: int | None):
    mapped = client_error(error("_AUTO_OFFSET_RESET", text), "reading orders-2")
    assert isinstance(mapped, OffsetOutOfRangeError)
    assert mapped.diverged_at == diverged_at


def test_an_unknown_code_is_tried_again():
    assert type(client_error(KafkaError(9999), "x")) is RetriableKafkaError
    assert type(report_error(KafkaError(9999), "results").error) is TransientReportError


def test_the_fatal_flag_counts_more_than_the_code():
    assert type(client_error(error("_TRANSPORT", fatal=True), "x")) is FatalKafkaError


@pytest.mark.parametrize("name", ["FENCED_INSTANCE_ID", "UNRELEASED_INSTANCE_ID"])
def test_a_client_that_became_unusable_says_why(name: str):
    """librdkafka has one code for it, `_FATAL`, and the reason in its text."""
    text = f"Fatal error: {error(name).str()}: Fatal consumer error: {error(name).str()}"
    mapped = client_error(error("_FATAL", text, fatal=True), "the group")
    assert type(mapped) is FatalKafkaError
    assert mapped.code == name
    assert "group.instance.id" in (mapped.hint or "")
    assert client_error(error("_FATAL", "Fatal error: other"), "the group").code == "_FATAL"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SASL authentication error: Authentication failed during authentication due to …", KafkaAuthorizationError),
        ("SASL authentication error: Local: Broker transport failure", RetriableKafkaError),
        ("SASL authentication error: Disconnected", RetriableKafkaError),
        ("Failed to acquire SASL OAUTHBEARER token: OAuth callback raised exception", RetriableKafkaError),
        ("Failed to acquire SASL OAUTHBEARER token: Server did not provide an error string", RetriableKafkaError),
        ('Failed to acquire SASL OAUTHBEARER token: {"error":"temporarily_unavailable"}', RetriableKafkaError),
        ('Failed to acquire SASL OAUTHBEARER token: {"error":"invalid_client"}', KafkaAuthorizationError),
        ('Failed to acquire SASL OAUTHBEARER token: {"errorCode" : "invalid_client", "x": 1}', KafkaAuthorizationError),
        (
            'Failed to acquire SASL OAUTHBEARER token: {"error_description":"no","error":"access_denied"}',
            KafkaAuthorizationError,
        ),
    ],
)
def test_a_connection_that_ends_in_the_handshake_and_a_token_service_that_is_away_are_no_refusal(
    text: str, kind: type[KafkaClientError]
):
    assert type(client_error(error("_AUTHENTICATION", text), "x")) is kind


@pytest.mark.parametrize(
    ("name", "kind", "is_too_large", "may_be_another", "is_fatal"),
    [
        ("_MSG_TIMED_OUT", TransientReportError, False, False, False),
        ("UNKNOWN_TOPIC_OR_PART", TransientReportError, False, False, False),
        ("NOT_ENOUGH_REPLICAS", TransientReportError, False, False, False),
        ("MSG_SIZE_TOO_LARGE", PermanentReportError, True, True, False),
        ("TOPIC_AUTHORIZATION_FAILED", PermanentReportError, False, False, False),
        ("INVALID_RECORD", PermanentReportError, False, True, False),
        ("_FATAL", TransientReportError, False, False, True),
    ],
)
def test_a_failed_delivery_says_what_becomes_of_the_report(
    name: str, kind: type[Exception], *, is_too_large: bool, may_be_another: bool, is_fatal: bool
):
    verdict = report_error(error(name), "results")
    assert (type(verdict.error), *verdict[1:]) == (kind, is_too_large, may_be_another, is_fatal)
    assert name in str(verdict.error)
    assert "results" in str(verdict.error)


def test_a_producer_that_became_unusable_says_nothing_against_the_report():
    verdict = report_error(error("INVALID_PRODUCER_EPOCH", fatal=True), "results")
    assert type(verdict.error) is TransientReportError
    assert verdict.is_fatal


def test_a_cluster_that_refuses_every_producer_of_ours_is_permanent():
    verdict = report_error(error("CLUSTER_AUTHORIZATION_FAILED", fatal=True), "results")
    assert type(verdict.error) is PermanentReportError
    assert verdict.is_fatal


@pytest.mark.parametrize("code", [KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._TIMED_OUT])
def test_a_cluster_that_does_not_answer_has_a_hint(code):
    assert "bootstrap.servers" in (client_error(KafkaError(code), "asking").hint or "")
