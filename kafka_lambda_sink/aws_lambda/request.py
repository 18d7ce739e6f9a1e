"""The part of an Invoke request that never changes, as botocore makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSRequest

from kafka_lambda_sink.aws_lambda.call_headers import TRACE_HEADER, TRACE_PARAMETER, encoded_context
from kafka_lambda_sink.aws_lambda.session import LambdaSettings
from kafka_lambda_sink.core.ports import CallContext

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient
    from mypy_boto3_lambda.type_defs import InvocationRequestTypeDef

_EVENT = "before-sign.lambda.Invoke"
#: Those of one attempt, and those that the sender sets.
_VOLATILE = frozenset(
    {
        "authorization",
        "x-amz-date",
        "x-amz-security-token",
        "content-length",
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "host",
        "user-agent",
        # Of AWS Lambda's own environment; ours is the batch's.
        TRACE_HEADER.lower(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeRequest:
    """Where every invocation goes and what it carries beside payload, date and signature."""

    #: The whole URL: endpoint rules (FIPS, dual stack, partitions), path encoding and `Qualifier` applied.
    url: str
    #: Static headers, to be signed.
    headers: tuple[tuple[str, str], ...]
    user_agent: str
    signing_name: str
    signing_region: str
    #: Whether plain SigV4 signs it; anything else (v4a, bearer, unsigned payload) is left to botocore.
    is_plain_sigv4: bool


class _Captured(Exception):
    """Carries the request out of botocore before it is signed, let alone sent."""

    def __init__(self, request: InvokeRequest) -> None:
        super().__init__()
        self.request = request


def invoke_parameters(
    settings: LambdaSettings, payload: bytes, call: CallContext | None = None
) -> InvocationRequestTypeDef:
    """Parameters of `client.invoke`, where the client is one of `session.open_client`."""
    parameters: InvocationRequestTypeDef = {
        "FunctionName": settings.function_name,
        "InvocationType": settings.invocation_type,
        "Payload": payload,
    }
    if settings.qualifier:
        parameters["Qualifier"] = settings.qualifier
    if settings.log_tail and settings.invocation_type == "RequestResponse":
        parameters["LogType"] = "Tail"
    if call is not None:
        _add_context(parameters, call)
    return parameters


def capture_request(client: LambdaClient, settings: LambdaSettings) -> InvokeRequest:
    """Let botocore build an invocation and stop it before it asks for credentials. No IO.

    The client must not be used by another thread meanwhile. Raises botocore's exceptions (endpoint rules, name).
    """
    client.meta.events.register_first(_EVENT, _leave)
    try:
        client.invoke(**invoke_parameters(settings, b""))
    except _Captured as captured:
        return captured.request
    finally:
        client.meta.events.unregister(_EVENT, _leave)
    raise AssertionError(f"botocore sent an invocation without the event {_EVENT}")


def _add_context(parameters: InvocationRequestTypeDef, call: CallContext) -> None:
    if call.client_context is not None:
        parameters["ClientContext"] = encoded_context(call.client_context)
    if call.tenant_id is not None:
        parameters["TenantId"] = call.tenant_id
    if call.durable_name is not None:
        parameters["DurableExecutionName"] = call.durable_name
    if call.trace_header is not None:
        parameters[TRACE_PARAMETER] = call.trace_header  # type: ignore[typeddict-unknown-key]


def _leave(request: AWSRequest, signing_name: str, region_name: str, signature_version: str, **_: Any) -> None:
    # botocore's own values are bytes here and there, which its type stubs do not say.
    items: list[tuple[str, Any]] = list(request.headers.items())
    headers = {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in items}
    context = request.context
    raise _Captured(
        InvokeRequest(
            url=request.prepare().url,
            headers=tuple((name, value) for name, value in headers.items() if name.lower() not in _VOLATILE),
            user_agent=next((value for name, value in headers.items() if name.lower() == "user-agent"), ""),
            signing_name=signing_name,
            signing_region=region_name,
            is_plain_sigv4=signature_version == "v4"
            and context.get("auth_type") in {None, "v4"}
            and not context.get("unsigned_payload"),
        )
    )
