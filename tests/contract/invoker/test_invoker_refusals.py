"""What the API refuses, and what that means."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.core.errors import (
    ConfigurationInvocationError,
    InvocationError,
    PayloadInvocationError,
    TransientInvocationError,
)
from kafka_lambda_sink.core.ports import Invoker
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.invoking import BATCH, TOKEN, Open, error_of


def test_a_throttle_carries_reason_and_wait(invoker: Invoker, endpoint: InvokeEndpoint):
    endpoint.faults.script([faults.Throttle("CallerRateLimitExceeded", retry_after=2)])

    error = error_of(invoker)

    assert type(error) is TransientInvocationError
    assert (error.status, error.code, error.retry_after) == (429, "TooManyRequestsException", 2.0)
    assert not error.may_have_run
    assert "CallerRateLimitExceeded" in str(error)
    assert error.request_id == endpoint.journal.requests()[0].request_id
    assert b"CallerRateLimitExceeded" in error.body


@pytest.mark.parametrize(
    ("fault", "kind", "code", "status", "may_have_run"),
    [
        (faults.ApiError(500, "ServiceException"), TransientInvocationError, "ServiceException", 500, True),
        (faults.ApiError(502, "ENINotReadyException"), TransientInvocationError, "ENINotReadyException", 502, False),
        (
            faults.ApiError(502, "KMSDisabledException"),
            ConfigurationInvocationError,
            "KMSDisabledException",
            502,
            False,
        ),
        (
            faults.ApiError(409, "ResourceConflictException"),
            TransientInvocationError,
            "ResourceConflictException",
            409,
            False,
        ),
        (
            faults.ApiError(400, "InvalidRequestContentException"),
            PayloadInvocationError,
            "InvalidRequestContentException",
            400,
            False,
        ),
        (faults.ApiError(599, "InventedTomorrow"), TransientInvocationError, "InventedTomorrow", 599, True),
        (faults.HtmlError(502), TransientInvocationError, "502", 502, True),
        (faults.HtmlError(503), TransientInvocationError, "503", 503, False),
        (faults.HtmlError(413), PayloadInvocationError, "413", 413, False),
        (faults.Redirect(), ConfigurationInvocationError, "302", 302, False),
    ],
)
def test_a_refusal_has_its_class(  # noqa: PLR0917  # one row of the table
    invoker: Invoker,
    endpoint: InvokeEndpoint,
    fault: faults.Fault,
    kind: type[InvocationError],
    code: str,
    status: int,
    may_have_run: bool,  # noqa: FBT001
):
    endpoint.faults.script([fault])

    error = error_of(invoker)

    assert type(error) is kind
    assert (error.code, error.status, error.may_have_run) == (code, status, may_have_run)
    assert len(endpoint.journal.requests()) == 1
    assert invoker.invoke(BATCH).status == 200


def test_the_body_of_a_refusal_is_kept_raw(invoker: Invoker, endpoint: InvokeEndpoint):
    endpoint.faults.script([faults.HtmlError(502)])

    assert error_of(invoker).body == endpoint.journal.requests()[0].reply_body


def test_a_missing_function_or_qualifier_is_configuration(open_invoker: Open):
    for changes in ({"function_name": "nobody"}, {"qualifier": "nothing"}):
        error = error_of(open_invoker(**changes))
        assert type(error) is ConfigurationInvocationError
        assert (error.status, error.is_authorization) == (404, False)
        assert error.hint is not None
        assert "us-east-1" in error.hint


def test_a_denied_call_names_the_action_and_the_resource(invoker: Invoker, endpoint: InvokeEndpoint):
    endpoint.permissions.deny("lambda:InvokeFunction")

    error = error_of(invoker)

    assert isinstance(error, ConfigurationInvocationError)
    assert error.is_authorization
    assert error.hint is not None
    assert "lambda:InvokeFunction on arn:aws:lambda:us-east-1" in error.hint


def test_a_payload_over_the_limit_is_too_large(invoker: Invoker):
    error = error_of(invoker, b'"%s"' % (b"x" * 6_291_456))

    assert isinstance(error, PayloadInvocationError)
    assert error.is_too_large


def test_a_payload_that_is_no_json_is_the_payloads_fault(invoker: Invoker):
    assert type(error_of(invoker, b"{")) is PayloadInvocationError


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"access_key_id": "NOBODY"}, "UnrecognizedClientException"),
    ],
)
def test_wrong_credentials_are_configuration(open_invoker: Open, changes: dict[str, str], code: str):
    error = error_of(open_invoker(**changes))

    assert isinstance(error, ConfigurationInvocationError)
    assert (error.code, error.is_authorization) == (code, True)
    assert TOKEN not in str(error) + str(error.body)


def test_no_credentials_at_all_are_configuration(open_invoker: Open):
    error = error_of(open_invoker(access_key_id=None, secret_access_key=None, session_token=None))

    assert type(error) is ConfigurationInvocationError
    assert error.code == "NoCredentials"
