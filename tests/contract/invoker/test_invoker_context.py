"""What goes beside a payload, on the wire."""

from __future__ import annotations

import base64

import pytest
from botocore.session import Session

from kafka_lambda_sink.core.ports import CallContext
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.invoking import BATCH, Open

NAMES = {
    "client_context": "X-Amz-Client-Context",
    "tenant_id": "X-Amz-Tenant-Id",
    "trace_header": "X-Amzn-Trace-Id",
    "durable_name": "X-Amz-Durable-Execution-Name",
}
WHOLE = CallContext(
    client_context=b'{"custom":{"connector":"caf\xc3\xa9"}}',
    tenant_id="a  b/c=+@:.-_9",
    trace_header="Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    durable_name="orders-3-17-aA_9",
)


def sent(endpoint: InvokeEndpoint) -> dict[str, str]:
    """What the last request had of these headers."""
    ours = {name.lower(): name for name in NAMES.values()}
    headers = endpoint.journal.requests()[-1].headers
    return {ours[name.lower()]: value for name, value in headers if name.lower() in ours}


def signed(endpoint: InvokeEndpoint) -> set[str]:
    """Names of the headers that the last request's signature covers."""
    headers = {name.lower(): value for name, value in endpoint.journal.requests()[-1].headers}
    return set(headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";"))


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_each_part_has_its_header_and_all_but_the_trace_are_signed(
    open_invoker: Open, endpoint: InvokeEndpoint, kind: str
):
    assert open_invoker(invocation_type=kind).invoke(BATCH, WHOLE).status in {200, 202}

    context = base64.b64encode(WHOLE.client_context or b"").decode()
    values = (context, WHOLE.tenant_id, WHOLE.trace_header, WHOLE.durable_name)
    assert sent(endpoint) == dict(zip(NAMES.values(), values, strict=True))
    ours = {name.lower() for name in NAMES.values()}
    assert signed(endpoint) & ours == ours - {"x-amzn-trace-id"}


@pytest.mark.parametrize("part", NAMES)
def test_a_part_alone_leaves_the_others_out(open_invoker: Open, endpoint: InvokeEndpoint, part: str):
    open_invoker().invoke(BATCH, CallContext(**{part: getattr(WHOLE, part)}))

    assert list(sent(endpoint)) == [NAMES[part]]


def test_nothing_of_one_call_is_left_in_the_next(open_invoker: Open, endpoint: InvokeEndpoint):
    invoker = open_invoker()
    invoker.invoke(BATCH, WHOLE)
    invoker.invoke(BATCH, CallContext(tenant_id="other"))
    assert sent(endpoint) == {"X-Amz-Tenant-Id": "other"}

    invoker.invoke(BATCH)

    assert sent(endpoint) == {}


def test_the_names_are_those_of_the_service_model():
    members = Session().get_service_model("lambda").operation_model("Invoke").input_shape.members  # type: ignore[union-attr]
    model = {
        "client_context": "ClientContext",
        "tenant_id": "TenantId",
        "durable_name": "DurableExecutionName",
    }
    assert {part: members[member].serialization["name"] for part, member in model.items()} == {
        part: NAMES[part] for part in model
    }
