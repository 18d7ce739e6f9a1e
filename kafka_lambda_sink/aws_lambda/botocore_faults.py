"""botocore's exceptions and error documents, as errors of ours."""

from __future__ import annotations

from typing import Any

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.errors import Refusal, fault_error, refusal_error
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core.errors import NO_CREDENTIALS, InvocationError

#: Key under which `keep_body` leaves a refusal's body in the parsed response.
_BODY = "KafkaLambdaSinkBody"
_FIRST_REFUSAL = 300

#: From the special to the general: the first that fits counts.
_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.NoCredentialsError, NO_CREDENTIALS),
    (exceptions.PartialCredentialsError, NO_CREDENTIALS),
    (exceptions.CredentialRetrievalError, errors.CREDENTIALS_UNAVAILABLE),
    (exceptions.ProfileNotFound, errors.CREDENTIALS_UNAVAILABLE),
    (exceptions.ConfigParseError, errors.CREDENTIALS_UNAVAILABLE),
    (exceptions.SSOError, errors.CREDENTIALS_UNAVAILABLE),
    (exceptions.TokenRetrievalError, errors.CREDENTIALS_UNAVAILABLE),
    (exceptions.MetadataRetrievalError, errors.CREDENTIALS_UNAVAILABLE),
    (exceptions.RefreshWithMFAUnsupportedError, NO_CREDENTIALS),
    (exceptions.ConnectTimeoutError, errors.CONNECT_TIMEOUT),
    (exceptions.ProxyConnectionError, errors.PROXY_FAILED),
    (exceptions.SSLError, errors.TLS_HANDSHAKE_FAILED),
    (exceptions.EndpointConnectionError, errors.CONNECT_FAILED),
    (exceptions.ReadTimeoutError, errors.READ_TIMEOUT),
    (exceptions.ResponseStreamingError, errors.REPLY_TRUNCATED),
    (exceptions.IncompleteReadError, errors.REPLY_TRUNCATED),
    (exceptions.HTTPClientError, errors.CONNECTION_LOST),
    (exceptions.ConnectionError, errors.CONNECTION_LOST),
)
_NAME_RESOLUTION = ("Name or service not known", "name resolution", "nodename nor servname")


def keep_body(parsed_response: dict[str, Any] | None, response_dict: dict[str, Any] | None, **_: Any) -> None:
    """Event handler (`response-received`): a refusal's raw body, which botocore's exceptions do not carry."""
    if parsed_response and response_dict and response_dict["status_code"] >= _FIRST_REFUSAL:
        parsed_response[_BODY] = response_dict["body"]


def as_invocation_error(error: BotoCoreError | ClientError, target: Target) -> InvocationError:
    """Any exception of botocore's, from the call itself or from what credentials need (STS, SSO, metadata)."""
    if isinstance(error, ClientError):
        action = "lambda:InvokeFunction" if error.operation_name == "Invoke" else _action(error.operation_name)
        return refusal_error(refusal_from(error.response), target, action=action)
    code, text = fault_of(error)
    return fault_error(code, text, target)


def fault_of(error: BotoCoreError) -> tuple[str, str]:
    """The code of ours for what is no answer of AWS's, and what botocore says of it."""
    code = next((code for kind, code in _FAULTS if isinstance(error, kind)), errors.REQUEST_INVALID)
    cause = error.kwargs.get("error")
    text = f"{error}: {cause}" if cause else str(error)
    if code == errors.TLS_HANDSHAKE_FAILED and "CERTIFICATE_VERIFY_FAILED" in text:
        code = errors.CERTIFICATE_NOT_TRUSTED
    if code == errors.CONNECT_FAILED and any(phrase in text for phrase in _NAME_RESOLUTION):
        code = errors.NAME_NOT_RESOLVED
    return code, text


def refusal_from(parsed: Any, body: bytes | None = None) -> Refusal:
    """From what botocore's parser makes of an answer with a status of 300 or more."""
    metadata = parsed.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    error = parsed.get("Error", {})
    return Refusal(
        status=metadata.get("HTTPStatusCode", 0),
        code=error.get("Code") or str(metadata.get("HTTPStatusCode", 0)),
        message=error.get("Message") or "",
        reason=parsed.get("Reason"),
        retry_after=headers.get("retry-after"),
        request_id=metadata.get("RequestId"),
        date=headers.get("date"),
        body=parsed.get(_BODY, b"") if body is None else body,
    )


def _action(operation: str) -> str:
    return f"sts:{operation}" if operation.startswith("AssumeRole") else f"lambda:{operation}"
