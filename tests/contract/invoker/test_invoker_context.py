"""What goes beside a payload, on the wire."""

from __future__ import annotations

import base64
import threading
from dataclasses import replace

import pytest
from botocore.session import Session

from kafka_lambda_sink.core.errors import (
    ConfigurationInvocationError,
    PayloadInvocationError,
    TransientInvocationError,
)
from kafka_lambda_sink.core.ports import CallContext, InvokeReply
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.invoking import BATCH, ClientOf, Open, in_background

#: Functions that keep their tenants apart or not.
SHARED, PLAIN = "shared", "orders"
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


@pytest.fixture(autouse=True)
def _functions(endpoint: InvokeEndpoint) -> None:
    handler = PythonHandler(lambda event: event)
    endpoint.add_function(Function(name=SHARED, handler=handler, timeout=30, is_tenant_isolated=True))


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
    assert open_invoker(function_name=SHARED, invocation_type=kind).invoke(BATCH, WHOLE).status in {200, 202}

    context = base64.b64encode(WHOLE.client_context or b"").decode()
    values = (context, WHOLE.tenant_id, WHOLE.trace_header, WHOLE.durable_name)
    assert sent(endpoint) == dict(zip(NAMES.values(), values, strict=True))
    ours = {name.lower() for name in NAMES.values()}
    assert signed(endpoint) & ours == ours - {"x-amzn-trace-id"}


@pytest.mark.parametrize("part", NAMES)
def test_a_part_alone_leaves_the_others_out(open_invoker: Open, endpoint: InvokeEndpoint, part: str):
    function = SHARED if part == "tenant_id" else PLAIN
    open_invoker(function_name=function).invoke(BATCH, CallContext(**{part: getattr(WHOLE, part)}))

    assert list(sent(endpoint)) == [NAMES[part]]


def test_nothing_of_one_call_is_left_in_the_next(open_invoker: Open, endpoint: InvokeEndpoint):
    invoker = open_invoker()
    invoker.invoke(BATCH, replace(WHOLE, tenant_id=None))
    invoker.invoke(BATCH, CallContext(durable_name="other"))
    assert sent(endpoint) == {"X-Amz-Durable-Execution-Name": "other"}

    invoker.invoke(BATCH)

    assert sent(endpoint) == {}


@pytest.mark.parametrize(("function", "tenant"), [(SHARED, None), (PLAIN, "blue")])
def test_a_tenant_too_many_or_too_few_is_the_configurations_fault(
    open_invoker: Open, function: str, tenant: str | None
):
    with pytest.raises(ConfigurationInvocationError) as caught:
        open_invoker(function_name=function).invoke(BATCH, CallContext(tenant_id=tenant))

    assert (caught.value.code, caught.value.status) == ("InvalidParameterValueException", 400)
    assert "aws.lambda.tenant.id.from" in (caught.value.hint or "")


def test_a_call_that_was_lost_is_attached_to_the_execution_that_runs(open_invoker: Open, endpoint: InvokeEndpoint):
    begun, may_end = threading.Event(), threading.Event()

    def slow(event: bytes) -> bytes:
        begun.set()
        may_end.wait(20)
        return event

    endpoint.add_function(Function(name="durable", handler=PythonHandler(slow), timeout=30, is_durable=True))
    named = CallContext(durable_name="orders-3-17-a")
    with pytest.raises(TransientInvocationError) as lost:
        open_invoker(function_name="durable", read_timeout=1.0).invoke(BATCH, named)
    assert lost.value.may_have_run
    assert begun.is_set()

    invoker = open_invoker(function_name="durable")
    with in_background(lambda: invoker.invoke(BATCH, named)) as outcome:
        may_end.set()
    again = invoker.invoke(BATCH, named)

    (attached,) = outcome
    assert isinstance(attached, InvokeReply)
    assert attached.payload == again.payload == BATCH
    assert endpoint.journal.wait_for(lambda journal: len(journal.executions()) == 1)


def test_an_event_of_a_name_that_is_there_is_accepted_and_not_run_again(open_invoker: Open, endpoint: InvokeEndpoint):
    endpoint.add_function(Function(name="durable", handler=PythonHandler(lambda event: event), is_durable=True))
    invoker = open_invoker(function_name="durable", invocation_type="Event")

    statuses = [invoker.invoke(BATCH, CallContext(durable_name="a")).status for _ in range(2)]

    assert statuses == [202, 202]
    assert endpoint.events.wait_until_idle(10)
    assert len(endpoint.journal.executions()) == 1


def test_a_name_with_another_payload_is_refused_for_good(open_invoker: Open, endpoint: InvokeEndpoint):
    endpoint.add_function(Function(name="durable", handler=PythonHandler(lambda event: event), is_durable=True))
    invoker = open_invoker(function_name="durable")
    invoker.invoke(BATCH, CallContext(durable_name="a"))

    with pytest.raises(PayloadInvocationError) as caught:
        invoker.invoke(b"[]", CallContext(durable_name="a"))

    error = caught.value
    assert (error.code, error.status) == ("DurableExecutionAlreadyStartedException", 409)
    assert not error.is_too_large
    assert not error.may_have_run
    assert "aws.lambda.durable.name" in (error.hint or "")


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


def test_a_dry_run_names_a_tenant_where_the_function_keeps_them_apart(client_of: ClientOf, endpoint: InvokeEndpoint):
    client_of(function_name=SHARED, dry_run_tenant="nobody").control().dry_run()

    assert sent(endpoint) == {"X-Amz-Tenant-Id": "nobody"}


def test_the_trace_is_the_batchs_also_where_the_sink_itself_runs_in_a_lambda_environment(
    open_invoker: Open, endpoint: InvokeEndpoint, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "sink")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-0-0")

    open_invoker().invoke(BATCH, CallContext(trace_header=WHOLE.trace_header))

    headers = endpoint.journal.requests()[-1].headers
    assert [value for name, value in headers if name.lower() == "x-amzn-trace-id"] == [WHOLE.trace_header]
