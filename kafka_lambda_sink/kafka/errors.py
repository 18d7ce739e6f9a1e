"""The one table from librdkafka's error codes to our classes. A code that is not in it gets the safe default."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from confluent_kafka import KafkaError

from kafka_lambda_sink.core.errors import (
    FatalKafkaError,
    KafkaAuthorizationError,
    KafkaClientError,
    OffsetOutOfRangeError,
    PermanentReportError,
    ReportError,
    RetriableKafkaError,
    TransientReportError,
    UnknownTopicError,
)

_CLIENT_ERRORS: Final[dict[type[KafkaClientError], frozenset[str]]] = {
    FatalKafkaError: frozenset({"_FATAL", "_FENCED", "FENCED_INSTANCE_ID", "UNRELEASED_INSTANCE_ID"}),
    KafkaAuthorizationError: frozenset(
        {
            "_AUTHENTICATION",
            "SASL_AUTHENTICATION_FAILED",
            "UNSUPPORTED_SASL_MECHANISM",
            "ILLEGAL_SASL_STATE",
            "TOPIC_AUTHORIZATION_FAILED",
            "GROUP_AUTHORIZATION_FAILED",
            "CLUSTER_AUTHORIZATION_FAILED",
            "SECURITY_DISABLED",
        }
    ),
    UnknownTopicError: frozenset(
        {
            "UNKNOWN_TOPIC_OR_PART",
            "UNKNOWN_TOPIC_ID",
            "INCONSISTENT_TOPIC_ID",
            "TOPIC_EXCEPTION",
            "_UNKNOWN_TOPIC",
            "_UNKNOWN_PARTITION",
        }
    ),
    OffsetOutOfRangeError: frozenset({"OFFSET_OUT_OF_RANGE", "_AUTO_OFFSET_RESET", "_LOG_TRUNCATION"}),
}
#: By code. Everything else: wait and try again, which loses nothing.
_CLIENT_CLASS: Final = {code: kind for kind, codes in _CLIENT_ERRORS.items() for code in codes}

_TOO_LARGE: Final = frozenset({"MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"})
#: Judgements on a whole record batch, of which one record may be the reason.
_REFUSED_TOGETHER: Final = _TOO_LARGE | {"INVALID_RECORD", "INVALID_TIMESTAMP"}
#: Reports that the broker will refuse again however often they are produced. Everything else may pass later.
_PERMANENT_REPORT: Final = _TOO_LARGE | {
    "TOPIC_AUTHORIZATION_FAILED",
    "CLUSTER_AUTHORIZATION_FAILED",
    "TOPIC_EXCEPTION",
    "INVALID_RECORD",  # a record without a key for a compacted topic, for one
    "INVALID_TIMESTAMP",
    "INVALID_CONFIG",
    "INVALID_REQUIRED_ACKS",
    "POLICY_VIOLATION",
    "SECURITY_DISABLED",
    "UNSUPPORTED_FOR_MESSAGE_FORMAT",
    "UNSUPPORTED_COMPRESSION_TYPE",
    "_INVALID_ARG",
    "_KEY_SERIALIZATION",
    "_VALUE_SERIALIZATION",
}

#: Of a cluster that does not answer.
REACH_HINT: Final = "Check bootstrap.servers, the network between, and security.protocol"

_HINTS: Final[dict[str, str]] = {
    **dict.fromkeys(("_ALL_BROKERS_DOWN", "_RESOLVE", "_TIMED_OUT", "_TRANSPORT"), f"{REACH_HINT}."),
    "_AUTHENTICATION": "Check sasl.mechanism and the user name and password that go with it.",
    "SASL_AUTHENTICATION_FAILED": "Check sasl.mechanism and the user name and password that go with it.",
    "TOPIC_AUTHORIZATION_FAILED": "Allow READ on the source topics and WRITE on the report topics.",
    "GROUP_AUTHORIZATION_FAILED": "Allow READ on the consumer group.",
    "CLUSTER_AUTHORIZATION_FAILED": "Allow the operation on the cluster; to write reports, WRITE on their topics.",
    "FENCED_INSTANCE_ID": (
        "Another process with the same group.instance.id has taken over. If it is not this one's successor, give each "
        "process an id of its own."
    ),
    "UNRELEASED_INSTANCE_ID": (
        "Another process has the same group.instance.id: give each process an id of its own. One that was killed holds "
        "its id until its session has timed out: start again then."
    ),
}

#: Reasons that librdkafka, once it is unusable for them, tells by their text only: their code is then `_FATAL`.
_FATAL_REASONS: Final = (KafkaError.FENCED_INSTANCE_ID, KafkaError.UNRELEASED_INSTANCE_ID)
#: How librdkafka begins to say that it got no OAUTHBEARER token; no broker was asked then.
_NOT_ACQUIRED: Final = "Failed to acquire SASL OAUTHBEARER token"
#: What a token endpoint answers to whom it will never give one. librdkafka hands on the body, without the HTTP status.
#: Source: RFC 6749, 5.2; `access_denied` and `errorCode` are what some identity providers make of it.
_NO_TOKEN: Final = re.compile(
    r'"error(?:Code)?"\s*:\s*"(?:invalid_client|invalid_grant|unauthorized_client|access_denied|invalid_scope'
    r'|invalid_request|unsupported_grant_type)"'
)
_IDENTITY_HINT: Final = "Check sasl.oauthbearer.token.endpoint.url, the client's id and secret, and the scope."


#: How librdkafka says where a log was cut. It has no other way to tell, and only `auto.offset.reset` of its own would
#: seek there by itself. Without this text the reset of ours decides.
_DIVERGED: Final = re.compile(r"log truncation detected .*broker end offset is (\d+) ")


def client_error(error: KafkaError, doing: str) -> KafkaClientError:
    """Our exception for `error`, met while `doing` (a phrase such as "reading orders-2")."""
    code = _reason(error).name()
    kind: type[KafkaClientError] = FatalKafkaError if error.fatal() else _CLIENT_CLASS.get(code, RetriableKafkaError)
    if code == "_AUTHENTICATION" and _is_local(error):
        kind = RetriableKafkaError
    message = f"{doing}: {error.str()} ({code})"
    if kind is OffsetOutOfRangeError:
        cut = _DIVERGED.search(error.str())
        return OffsetOutOfRangeError(message, code=code, diverged_at=int(cut[1]) if cut else None)
    return kind(message, code=code, hint=_IDENTITY_HINT if _is_refused_token(error) else _HINTS.get(code))


class ReportVerdict(NamedTuple):
    """What a failed delivery means."""

    error: ReportError
    is_too_large: bool
    may_be_another: bool
    is_fatal: bool


def report_error(error: KafkaError, topic: str) -> ReportVerdict:
    """What a failed delivery to `topic` means for the report and for its producer."""
    code = error.name()
    is_fatal = error.fatal() or code in _CLIENT_ERRORS[FatalKafkaError]
    # A producer that has become unusable says nothing against the report: the next producer writes it. Unless the
    # cluster refuses every producer of ours: an idempotent one may not even begin without WRITE on some topic.
    is_permanent = code in _PERMANENT_REPORT and (not is_fatal or code == "CLUSTER_AUTHORIZATION_FAILED")
    kind = PermanentReportError if is_permanent else TransientReportError
    message = f"{topic}: {error.str()} ({code})"
    return ReportVerdict(kind(message, hint=_HINTS.get(code)), code in _TOO_LARGE, code in _REFUSED_TOGETHER, is_fatal)


def _reason(error: KafkaError) -> KafkaError:
    """What made the client unusable, where it says so; else the error itself."""
    if error.code() != KafkaError._FATAL:  # noqa: SLF001 - its public name
        return error
    reasons = (KafkaError(code) for code in _FATAL_REASONS)
    return next((reason for reason in reasons if reason.str() in error.str()), error)


def _is_local(error: KafkaError) -> bool:
    """Whether an authentication ended because the connection did, not because the broker said no.

    librdkafka has one code for both; only a failure of its own is told as "Local: …". A broker that restarts in the
    middle of a handshake must not stop a connector, nor must a token service that is away when a token, still good for
    a while, is due to be renewed: librdkafka asks it again.
    """
    text = error.str()
    if _is_refused_token(error):
        return False
    return "Local: " in text or "Disconnected" in text or text.startswith(_NOT_ACQUIRED)


def _is_refused_token(error: KafkaError) -> bool:
    text = error.str()
    return text.startswith(_NOT_ACQUIRED) and _NO_TOKEN.search(text) is not None
