"""Every fault of the Invoke API and of the way to it, and what may happen next: one table.

Sources: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors, botocore's service model,
https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from kafka_lambda_sink.aws_lambda.hints import hint_for
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core.errors import (
    NO_CREDENTIALS,
    ConfigurationInvocationError,
    ExpiredCredentialsError,
    InvocationError,
    PayloadInvocationError,
    TransientInvocationError,
)

_MESSAGE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Rule:
    """What an error means."""

    error: type[InvocationError]
    #: The function may have run although no reply came.
    may_have_run: bool = False


_TRANSIENT = Rule(TransientInvocationError)
_TRANSIENT_MAY_HAVE_RUN = Rule(TransientInvocationError, may_have_run=True)
_EXPIRED = Rule(ExpiredCredentialsError)
_CONFIGURATION = Rule(ConfigurationInvocationError)
_PAYLOAD = Rule(PayloadInvocationError)

#: Transport faults and other troubles for which there is no code of AWS's; ours, documented, stable.
CONNECT_TIMEOUT = "ConnectTimeout"
CONNECT_FAILED = "ConnectFailed"
NAME_NOT_RESOLVED = "NameNotResolved"
TLS_HANDSHAKE_FAILED = "TlsHandshakeFailed"
CERTIFICATE_NOT_TRUSTED = "CertificateNotTrusted"
PROXY_FAILED = "ProxyFailed"
CONNECTION_LOST = "ConnectionLost"
READ_TIMEOUT = "ReadTimeout"
REPLY_TRUNCATED = "ReplyTruncated"
REPLY_TOO_LARGE = "ReplyTooLarge"
UNEXPECTED_STATUS = "UnexpectedStatus"
REQUEST_INVALID = "RequestInvalid"
CREDENTIALS_UNAVAILABLE = "CredentialsUnavailable"

CODES: dict[str, Rule] = {
    # Throttling. Reserved concurrency 0 is "throttled for ever": still no reason to lose a record.
    "TooManyRequestsException": _TRANSIENT,
    "Throttling": _TRANSIENT,
    "ThrottlingException": _TRANSIENT,
    "ThrottledException": _TRANSIENT,
    "RequestThrottled": _TRANSIENT,
    "RequestThrottledException": _TRANSIENT,
    "RequestLimitExceeded": _TRANSIENT,
    "SlowDown": _TRANSIENT,
    # The service.
    "ServiceException": _TRANSIENT_MAY_HAVE_RUN,
    "InternalFailure": _TRANSIENT_MAY_HAVE_RUN,
    "InternalError": _TRANSIENT_MAY_HAVE_RUN,
    "ServiceUnavailable": _TRANSIENT,
    "ServiceUnavailableException": _TRANSIENT,
    "RequestTimeout": _TRANSIENT,
    "RequestTimeoutException": _TRANSIENT,
    # The function is being prepared: its network, file systems, snapshot or code. Nothing has run yet.
    "EC2ThrottledException": _TRANSIENT,
    "EC2UnexpectedException": _TRANSIENT,
    "ENINotReadyException": _TRANSIENT,
    "ENILimitReachedException": _TRANSIENT,
    "SubnetIPAddressLimitReachedException": _TRANSIENT,
    "ResourceNotReadyException": _TRANSIENT,
    "ResourceConflictException": _TRANSIENT,
    "SnapStartNotReadyException": _TRANSIENT,
    "SnapStartRegenerationFailureException": _TRANSIENT,
    "SnapStartTimeoutException": _TRANSIENT,
    "EFSMountConnectivityException": _TRANSIENT,
    "EFSMountTimeoutException": _TRANSIENT,
    "S3FilesMountConnectivityException": _TRANSIENT,
    "S3FilesMountTimeoutException": _TRANSIENT,
    "CodeArtifactUserPendingException": _TRANSIENT,
    # Reading or writing a mounted file system failed: the code may have been at it.
    "EFSIOException": _TRANSIENT_MAY_HAVE_RUN,
    # Set up wrongly. botocore retries those that come as 502; waiting does not help.
    "EC2AccessDeniedException": _CONFIGURATION,
    "EFSMountFailureException": _CONFIGURATION,
    "S3FilesMountFailureException": _CONFIGURATION,
    "InvalidRuntimeException": _CONFIGURATION,
    "InvalidSecurityGroupIDException": _CONFIGURATION,
    "InvalidSubnetIDException": _CONFIGURATION,
    "InvalidZipFileException": _CONFIGURATION,
    "KMSAccessDeniedException": _CONFIGURATION,
    "KMSDisabledException": _CONFIGURATION,
    "KMSInvalidStateException": _CONFIGURATION,
    "KMSNotFoundException": _CONFIGURATION,
    "RuntimeAliasDeletedException": _CONFIGURATION,
    "RuntimeVersionDeletedException": _CONFIGURATION,
    "CodeArtifactUserDeletedException": _CONFIGURATION,
    "CodeArtifactUserFailedException": _CONFIGURATION,
    "SnapStartException": _CONFIGURATION,
    "InvalidParameterValueException": _CONFIGURATION,
    "ModeNotSupportedException": _CONFIGURATION,
    "NoPublishedVersionException": _CONFIGURATION,
    "RecursiveInvocationException": _CONFIGURATION,
    "ServiceQuotaExceededException": _CONFIGURATION,
    "ResourceNotFoundException": _CONFIGURATION,
    "UnsupportedMediaTypeException": _CONFIGURATION,
    # Permissions and credentials.
    "AccessDenied": _CONFIGURATION,
    "AccessDeniedException": _CONFIGURATION,
    "UnrecognizedClientException": _CONFIGURATION,
    "InvalidClientTokenId": _CONFIGURATION,
    "MissingAuthenticationToken": _CONFIGURATION,
    "MissingAuthenticationTokenException": _CONFIGURATION,
    "IncompleteSignature": _CONFIGURATION,
    "OptInRequired": _CONFIGURATION,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    # Clocks apart: transient, since clocks are set right again while we wait; `rule_for` tells a wrong secret apart.
    "InvalidSignatureException": _TRANSIENT,
    "SignatureDoesNotMatch": _TRANSIENT,
    "RequestExpired": _TRANSIENT,
    "RequestInTheFuture": _TRANSIENT,
    "RequestTimeTooSkewed": _TRANSIENT,
    # The bytes. An execution has the name of these, and other bytes: names of ours have the payload's hash in them, so
    # somebody else gave that one. The same bytes would be refused until the function's retention period has ended.
    "DurableExecutionAlreadyStartedException": _PAYLOAD,
    "InvalidRequestContentException": _PAYLOAD,
    "RequestTooLargeException": _PAYLOAD,
    "RequestEntityTooLargeException": _PAYLOAD,
    "SerializedRequestEntityTooLargeException": _PAYLOAD,
    # Ours.
    CONNECT_TIMEOUT: _TRANSIENT,
    CONNECT_FAILED: _TRANSIENT,
    NAME_NOT_RESOLVED: _TRANSIENT,
    TLS_HANDSHAKE_FAILED: _TRANSIENT,
    CERTIFICATE_NOT_TRUSTED: _CONFIGURATION,
    PROXY_FAILED: _TRANSIENT,
    CONNECTION_LOST: _TRANSIENT_MAY_HAVE_RUN,
    READ_TIMEOUT: _TRANSIENT_MAY_HAVE_RUN,
    REPLY_TRUNCATED: _TRANSIENT_MAY_HAVE_RUN,
    # Lambda itself cuts replies at 6 MB: what is larger is not Lambda's, and must neither fill the memory nor pass.
    REPLY_TOO_LARGE: _TRANSIENT_MAY_HAVE_RUN,
    # A 2xx that the invocation type does not have.
    UNEXPECTED_STATUS: _TRANSIENT_MAY_HAVE_RUN,
    REQUEST_INVALID: _CONFIGURATION,
    NO_CREDENTIALS: _CONFIGURATION,
    # The chain has a provider, and it failed: an expired login, a metadata service that is away. Never fatal.
    CREDENTIALS_UNAVAILABLE: _EXPIRED,
}

#: Statuses whose class is not that of their hundred, for codes that the table does not know.
_STATUSES: dict[int, Rule] = {
    408: _TRANSIENT,
    409: _TRANSIENT,
    410: _TRANSIENT,
    413: _PAYLOAD,
    425: _TRANSIENT,
    429: _TRANSIENT,
    500: _TRANSIENT_MAY_HAVE_RUN,
    502: _TRANSIENT_MAY_HAVE_RUN,
    503: _TRANSIENT,
    504: _TRANSIENT_MAY_HAVE_RUN,
}
_SERVER_ERRORS = range(500, 600)
_SIGNATURE_CODES = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What an endpoint answered instead of a reply, as read from the wire."""

    status: int
    #: AWS's error code; the bare status where the body is none of AWS's (botocore's convention).
    code: str
    message: str = ""
    #: `Reason` of a throttle, e.g. `ReservedFunctionConcurrentInvocationLimitExceeded`.
    reason: str | None = None
    #: Header `Retry-After` as sent.
    retry_after: str | None = None
    request_id: str | None = None
    #: The server's clock, header `Date`.
    date: str | None = None
    body: bytes = field(default=b"", repr=False)


def rule_for(code: str, status: int, message: str = "") -> Rule:
    """The rule for a refusal; codes that the table does not know go by status."""
    if code in _SIGNATURE_CODES and "does not match" in message:
        return _CONFIGURATION  # The secret is wrong; an expired signature says "Signature expired".
    rule = CODES.get(code) or _STATUSES.get(status)
    if rule is not None:
        return rule
    return _TRANSIENT_MAY_HAVE_RUN if status in _SERVER_ERRORS else _CONFIGURATION


def refusal_error(refusal: Refusal, target: Target, *, action: str = "lambda:InvokeFunction") -> InvocationError:
    """The error to raise for a refusal of `action` on `target`."""
    message = safe_message(refusal.message)
    rule = rule_for(refusal.code, refusal.status, message)
    reason = f" ({refusal.reason})" if refusal.reason else ""
    detail = f": {message}" if message else ""
    return rule.error(
        f"{target}: HTTP {refusal.status} {refusal.code}{reason}{detail}",
        code=refusal.code,
        status=refusal.status,
        may_have_run=rule.may_have_run,
        retry_after=_seconds(refusal.retry_after),
        request_id=refusal.request_id,
        body=b"" if refusal.code in _SIGNATURE_CODES else refusal.body,
        reason=refusal.reason,
        hint=hint_for(target, refusal.code, status=refusal.status, message=message, date=refusal.date, action=action),
    )


def fault_error(code: str, message: str, target: Target, *, may_have_run: bool | None = None) -> InvocationError:
    """The error to raise when no reply came; `code` is one of ours. `may_have_run` overrides the table's when known."""
    rule = CODES[code]
    return rule.error(
        f"{target}: {code}: {safe_message(message)} (endpoint {target.endpoint})",
        code=code,
        may_have_run=rule.may_have_run if may_have_run is None else may_have_run,
        hint=hint_for(target, code),
    )


def safe_message(message: str) -> str:
    """Cut, and without the canonical request that AWS quotes: it holds the session token."""
    return message.partition("The Canonical String")[0].strip()[:_MESSAGE_LIMIT]


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After` in seconds; a date or anything odd is None (AWS sends whole seconds)."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
