"""The headers that a context is sent in.

Source: the members of botocore's service model for Invoke. X-Amzn-Trace-Id is not among them: every AWS endpoint takes
it (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader), and no signer of
AWS's signs it, as proxies may change it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final

from kafka_lambda_sink.core.ports import CallContext

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

TRACE_HEADER: Final = "X-Amzn-Trace-Id"
#: The same for botocore: no parameter of the API's, taken out by `send_traces` before botocore looks at them.
TRACE_PARAMETER: Final = "KafkaLambdaSinkTrace"


def encoded_context(client_context: bytes) -> str:
    """The client context as it is sent, base64."""
    return b64encode(client_context).decode()


def signed_headers(call: CallContext) -> list[tuple[str, str]]:
    """Names and values of those headers that the signature covers."""
    context = call.client_context
    headers = (
        ("X-Amz-Client-Context", None if context is None else encoded_context(context)),
        ("X-Amz-Tenant-Id", call.tenant_id),
        ("X-Amz-Durable-Execution-Name", call.durable_name),
    )
    return [(name, value) for name, value in headers if value is not None]


def send_traces(client: LambdaClient) -> None:
    """Make a new client send the trace headers of contexts."""
    client.meta.events.register("provide-client-params.lambda.Invoke", _take_trace)
    client.meta.events.register("before-call.lambda.Invoke", _set_trace)


def _take_trace(params: MutableMapping[str, Any], context: MutableMapping[str, Any], **_: Any) -> None:
    context[TRACE_PARAMETER] = params.pop(TRACE_PARAMETER, None)


def _set_trace(params: MutableMapping[str, Any], context: MutableMapping[str, Any], **_: Any) -> None:
    if context.get(TRACE_PARAMETER) is not None:
        params["headers"][TRACE_HEADER] = context[TRACE_PARAMETER]
