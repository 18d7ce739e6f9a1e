"""The table of faults, row by row, through botocore's parser."""

from __future__ import annotations

import pytest
from botocore.awsrequest import HeadersDict
from botocore.session import Session

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.errors import Refusal, fault_error, refusal_error
from kafka_lambda_sink.aws_lambda.refusal_parser import RefusalParser
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core.errors import (
    NO_CREDENTIALS,
    ConfigurationInvocationError,
    ExpiredCredentialsError,
    InvocationError,
    PayloadInvocationError,
    TransientInvocationError,
)
from kafka_lambda_sink.local import refusals

T, C, P, X = (
    TransientInvocationError,
    ConfigurationInvocationError,
    PayloadInvocationError,
    ExpiredCredentialsError,
)
TARGET = Target(
    function_name="orders",
    qualifier="prod",
    region="eu-west-1",
    partition="aws",
    endpoint="https://lambda.eu-west-1.amazonaws.com",
)

#: Status, code, class: the errors of the service model.
MODELLED: list[tuple[int, str, type[InvocationError]]] = [
    (429, "TooManyRequestsException", T),
    (500, "ServiceException", T),
    (502, "EC2ThrottledException", T),
    (502, "EC2UnexpectedException", T),
    (502, "ENINotReadyException", T),
    (502, "SubnetIPAddressLimitReachedException", T),
    (502, "ENILimitReachedException", T),
    (502, "ResourceNotReadyException", T),
    (502, "EC2AccessDeniedException", C),
    (502, "InvalidSecurityGroupIDException", C),
    (502, "InvalidSubnetIDException", C),
    (502, "InvalidRuntimeException", C),
    (502, "InvalidZipFileException", C),
    (502, "KMSAccessDeniedException", C),
    (502, "KMSDisabledException", C),
    (502, "KMSInvalidStateException", C),
    (502, "KMSNotFoundException", C),
    (408, "SnapStartTimeoutException", T),
    (408, "EFSMountConnectivityException", T),
    (408, "EFSMountTimeoutException", T),
    (408, "S3FilesMountConnectivityException", T),
    (408, "S3FilesMountTimeoutException", T),
    (409, "SnapStartNotReadyException", T),
    (409, "SnapStartRegenerationFailureException", T),
    (409, "CodeArtifactUserPendingException", T),
    (409, "ResourceConflictException", T),
    (409, "DurableExecutionAlreadyStartedException", P),
    (409, "RuntimeAliasDeletedException", C),
    (409, "RuntimeVersionDeletedException", C),
    (409, "CodeArtifactUserDeletedException", C),
    (409, "CodeArtifactUserFailedException", C),
    (410, "EFSIOException", T),
    (403, "EFSMountFailureException", C),
    (403, "S3FilesMountFailureException", C),
    (400, "InvalidParameterValueException", C),
    (400, "ModeNotSupportedException", C),
    (400, "NoPublishedVersionException", C),
    (400, "SnapStartException", C),
    (400, "RecursiveInvocationException", C),
    (400, "InvalidRequestContentException", P),
    (402, "ServiceQuotaExceededException", C),
    (404, "ResourceNotFoundException", C),
    (413, "RequestTooLargeException", P),
    (413, "SerializedRequestEntityTooLargeException", P),
    (415, "UnsupportedMediaTypeException", C),
]
#: What answers without being in the model.
UNMODELLED: list[tuple[int, str, type[InvocationError]]] = [
    (403, "AccessDeniedException", C),
    (403, "UnrecognizedClientException", C),
    (403, "InvalidClientTokenId", C),
    (403, "MissingAuthenticationTokenException", C),
    (403, "ExpiredTokenException", X),
    (400, "ExpiredToken", X),
    (403, "InvalidSignatureException", T),
    (400, "RequestExpired", T),
    (400, "ThrottlingException", T),
    (503, "ServiceUnavailableException", T),
]
#: Codes that nobody knows yet, by their status.
UNKNOWN: list[tuple[int, type[InvocationError]]] = [
    (302, C),
    (400, C),
    (401, C),
    (403, C),
    (404, C),
    (407, C),
    (408, T),
    (409, T),
    (410, T),
    (413, P),
    (418, C),
    (429, T),
    (500, T),
    (502, T),
    (503, T),
    (504, T),
    (520, T),
]
MAY_HAVE_RUN = {"ServiceException", "EFSIOException"}


@pytest.fixture(scope="module")
def parser() -> RefusalParser:
    return RefusalParser(Session().get_service_model("lambda"))


def parse(parser: RefusalParser, status: int, code: str, message: str = "why") -> Refusal:
    reply = refusals.Refusal(status, code, message).reply()
    return parser.parse(reply.status, HeadersDict(dict(reply.headers)), reply.body)


@pytest.mark.parametrize(("status", "code", "kind"), MODELLED + UNMODELLED)
def test_a_refusal_has_the_class_of_its_row(parser: RefusalParser, status: int, code: str, kind: type[InvocationError]):
    error = refusal_error(parse(parser, status, code), TARGET)

    assert type(error) is kind
    assert (error.code, error.status) == (code, status)
    assert error.may_have_run is (code in MAY_HAVE_RUN)
    assert "why" in str(error)
    assert code in str(error)


def test_the_rows_are_the_errors_of_the_service_model():
    model = Session().get_service_model("lambda").operation_model("Invoke")
    modelled = {(shape.metadata["error"]["httpStatusCode"], shape.name) for shape in model.error_shapes}

    assert modelled == {(status, code) for status, code, _ in MODELLED}
    assert len(MODELLED) == 45


@pytest.mark.parametrize(("status", "kind"), UNKNOWN)
def test_an_unknown_code_goes_by_its_status(parser: RefusalParser, status: int, kind: type[InvocationError]):
    error = refusal_error(parse(parser, status, "InventedTomorrowException"), TARGET)

    assert type(error) is kind
    assert error.may_have_run is (status in {500, 502, 504, 520})


@pytest.mark.parametrize(("status", "kind"), [(502, T), (413, P), (503, T), (403, C), (302, C)])
def test_a_page_of_a_proxy_goes_by_its_status_and_says_so(
    parser: RefusalParser, status: int, kind: type[InvocationError]
):
    page = b"<html><body><h1>%d</h1></body></html>" % status
    refusal = parser.parse(status, HeadersDict({"content-type": "text/html"}), page)

    error = refusal_error(refusal, TARGET)

    assert type(error) is kind
    assert error.code == str(status)
    assert error.body == page
    assert error.hint is not None
    assert TARGET.endpoint in error.hint


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("2", 2.0), ("0", 0.0), (None, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None), ("nan", None)],
)
def test_retry_after_is_seconds_or_nothing(header: str | None, seconds: float | None):
    refusal = Refusal(status=429, code="TooManyRequestsException", retry_after=header)

    assert refusal_error(refusal, TARGET).retry_after == seconds


def test_a_throttle_names_its_reason(parser: RefusalParser):
    reply = refusals.throttled("ReservedFunctionConcurrentInvocationLimitExceeded", 2).reply()
    refusal = parser.parse(reply.status, HeadersDict(dict(reply.headers)), reply.body)

    error = refusal_error(refusal, TARGET)

    assert "ReservedFunctionConcurrentInvocationLimitExceeded" in str(error)
    assert error.retry_after == 2.0


def test_a_wrong_secret_is_configuration_and_a_wrong_clock_is_not():
    wrong = "The request signature we calculated does not match the signature you provided."
    skewed = "Signature expired: 20261122T100000Z is now earlier than 20261122T101000Z"

    secret = refusal_error(Refusal(status=403, code="InvalidSignatureException", message=wrong), TARGET)
    clock = refusal_error(
        Refusal(status=403, code="InvalidSignatureException", message=skewed, date="Sun, 22 Nov 2026 10:10:00 GMT"),
        TARGET,
    )

    assert type(secret) is C
    assert type(clock) is T
    assert clock.hint is not None
    assert "CLOCK" in clock.hint
    assert "10:10:00" in clock.hint


def test_the_canonical_request_with_its_token_goes_nowhere():
    message = (
        "The request signature we calculated does not match. The Canonical String for this request should have been"
        " 'POST\n/\n\nx-amz-security-token:CANARY'"
    )
    refusal = Refusal(
        status=403, code="InvalidSignatureException", message=message, body=f'{{"message": "{message}"}}'.encode()
    )

    error = refusal_error(refusal, TARGET)

    assert "CANARY" not in str(error)
    assert b"CANARY" not in error.body


def test_hints_name_what_a_person_must_change():
    denied = refusal_error(Refusal(status=403, code="AccessDeniedException"), TARGET)
    missing = refusal_error(Refusal(status=404, code="ResourceNotFoundException"), TARGET)
    unresolved = fault_error(errors.NAME_NOT_RESOLVED, "no such host", TARGET)

    assert denied.hint is not None
    assert "lambda:InvokeFunction on arn:aws:lambda:eu-west-1:<account>:function:orders:prod" in denied.hint
    assert missing.hint is not None
    assert all(word in missing.hint for word in ("orders", "prod", "eu-west-1"))
    assert unresolved.hint is not None
    assert "aws.lambda.region" in unresolved.hint


def test_a_refused_role_names_the_role_and_not_the_function():
    target = Target(
        function_name="orders",
        qualifier=None,
        region="eu-west-1",
        partition="aws",
        endpoint="https://x",
        role_arn="arn:aws:iam::1:role/sink",
    )

    error = refusal_error(Refusal(status=403, code="AccessDenied"), target, action="sts:AssumeRole")

    assert error.hint == "Allow sts:AssumeRole on arn:aws:iam::1:role/sink for the principal of these credentials"


@pytest.mark.parametrize(
    ("code", "kind", "may_have_run"),
    [
        (errors.CONNECT_TIMEOUT, T, False),
        (errors.CONNECT_FAILED, T, False),
        (errors.NAME_NOT_RESOLVED, T, False),
        (errors.TLS_HANDSHAKE_FAILED, T, False),
        (errors.CERTIFICATE_NOT_TRUSTED, C, False),
        (errors.PROXY_FAILED, T, False),
        (errors.CONNECTION_LOST, T, True),
        (errors.READ_TIMEOUT, T, True),
        (errors.REPLY_TRUNCATED, T, True),
        (errors.REPLY_TOO_LARGE, T, True),
        (errors.UNEXPECTED_STATUS, T, True),
        (errors.REQUEST_INVALID, C, False),
        (NO_CREDENTIALS, C, False),
        (errors.CREDENTIALS_UNAVAILABLE, X, False),
    ],
)
def test_a_transport_fault_has_the_class_of_its_row(code: str, kind: type[InvocationError], *, may_have_run: bool):
    error = fault_error(code, "why", TARGET)

    assert type(error) is kind
    assert error.may_have_run is may_have_run
    assert error.status == 0
    assert "why" in str(error)


def test_what_is_known_of_a_fault_beats_the_table():
    assert not fault_error(errors.CONNECTION_LOST, "why", TARGET, may_have_run=False).may_have_run
