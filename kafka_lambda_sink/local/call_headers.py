"""What goes beside the payload of a call, read from its headers as Lambda reads them.

Sources: the service model of Invoke, https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-troubleshooting.html.
"""

from __future__ import annotations

import base64
import binascii
import json
import re

from kafka_lambda_sink.core.ports import CallContext
from kafka_lambda_sink.local import refusals
from kafka_lambda_sink.local.function import Function
from kafka_lambda_sink.local.http_message import Request

_MAX_CLIENT_CONTEXT = 3583
_TENANT = re.compile(r"[a-zA-Z0-9\._:\/=+\-@ ]{1,256}")
_EXECUTION = re.compile(r"[a-zA-Z0-9-_]{1,64}")


def context_of(request: Request) -> CallContext:
    """Raises Refusal (400) for what the service model does not allow."""
    return CallContext(
        client_context=_client_context(request),
        tenant_id=_matching(request, "x-amz-tenant-id", "tenantId", _TENANT),
        trace_header=request.header("x-amzn-trace-id"),
        durable_name=_matching(request, "x-amz-durable-execution-name", "durableExecutionName", _EXECUTION),
    )


def check_tenant(context: CallContext, function: Function) -> None:
    """Raise Refusal (400) unless a tenant is named exactly where the function keeps its tenants apart."""
    if function.is_tenant_isolated and context.tenant_id is None:
        raise refusals.invalid_parameter("The invoked function is enabled with tenancy configuration: add a tenant ID.")
    if context.tenant_id is not None and not function.is_tenant_isolated:
        raise refusals.invalid_parameter("The invoked function is not enabled with tenancy: remove the tenant ID.")


def _client_context(request: Request) -> bytes | None:
    encoded = request.header("x-amz-client-context")
    if encoded is None:
        return None
    if len(encoded) > _MAX_CLIENT_CONTEXT:
        raise refusals.invalid_parameter(f"Client context must be no more than {_MAX_CLIENT_CONTEXT} bytes.")
    try:
        text = base64.b64decode(encoded, validate=True)
        json.loads(text)
    except (binascii.Error, ValueError) as error:
        raise refusals.not_json(f"Client context: {error}") from None
    return text


def _matching(request: Request, header: str, member: str, rule: re.Pattern[str]) -> str | None:
    value = request.header(header)
    if value is not None and rule.fullmatch(value) is None:
        pattern = f"Member must satisfy regular expression pattern: {rule.pattern}"
        raise refusals.invalid_value(member, value, pattern)
    return value
