"""DryRun and the function's timeout."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.core.errors import ConfigurationInvocationError, TransientInvocationError
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.invoking import ClientOf


def test_a_dry_run_has_an_empty_payload(client_of: ClientOf, endpoint: InvokeEndpoint):
    client_of(qualifier="prod").control().dry_run()

    entry = endpoint.journal.requests()[0]
    assert (entry.call, entry.qualifier, entry.body) == ("DryRun", "prod", b"")
    assert {name.lower(): value for name, value in entry.headers}["content-length"] == "0"


def test_a_refused_dry_run_raises_as_a_call_would(client_of: ClientOf, endpoint: InvokeEndpoint):
    with pytest.raises(ConfigurationInvocationError) as missing:
        client_of(function_name="nobody").control().dry_run()
    endpoint.permissions.deny("lambda:InvokeFunction")
    with pytest.raises(ConfigurationInvocationError) as denied:
        client_of().control().dry_run()

    assert missing.value.status == 404
    assert denied.value.is_authorization


def test_a_dry_run_that_breaks_off_has_run_nothing(client_of: ClientOf, endpoint: InvokeEndpoint):
    endpoint.faults.add(faults.ResetAfterRequest(), call="DryRun")

    with pytest.raises(TransientInvocationError) as caught:
        client_of().control().dry_run()

    assert not caught.value.may_have_run


def test_the_functions_timeout_comes_from_either_call_or_is_unknown(client_of: ClientOf, endpoint: InvokeEndpoint):
    control = client_of().control()
    seen = [control.timeout()]
    for action in ("lambda:GetFunctionConfiguration", "lambda:GetFunction"):
        endpoint.permissions.deny(action)
        seen.append(control.timeout())

    assert seen == [30.0, 30.0, None]
    assert [entry.call for entry in endpoint.journal.requests()][:3] == [
        "GetFunctionConfiguration",
        "GetFunctionConfiguration",
        "GetFunction",
    ]
