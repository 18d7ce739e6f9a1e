"""Every refusal, as boto3 sees it."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kafka_lambda_sink.local.clock import SystemClock
from kafka_lambda_sink.local.endpoint import Credential, Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.lambda_clients import boto3_client


def refusal(call, /, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    error = response["Error"]
    return response["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


@pytest.mark.parametrize("name", ["nope", "orders:nope", "123456789013:function:orders"])
def test_an_unknown_function_version_or_account(client, name):
    status, code, message = refusal(client.invoke, FunctionName=name)
    assert (status, code) == (404, "ResourceNotFoundException")
    account = "123456789013" if "123456789013" in name else "123456789012"
    wanted = name.removeprefix("123456789013:function:")
    assert message == f"Function not found: arn:aws:lambda:us-east-1:{account}:function:{wanted}"


def test_the_region_that_was_signed_for_is_the_region_that_is_searched(endpoint):
    client = boto3_client(endpoint.url, region="eu-west-1")
    status, code, message = refusal(client.invoke, FunctionName="orders")
    assert (status, code) == (404, "ResourceNotFoundException")
    assert message == "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:orders"
    arn = "arn:aws:lambda:us-east-1:123456789012:function:orders"
    _, _, message = refusal(client.invoke, FunctionName=arn)
    assert message == "Functions from 'us-east-1' are not reachable in this region ('eu-west-1')"


def test_two_qualifiers_that_differ(client):
    status, code, _ = refusal(client.invoke, FunctionName="orders:live", Qualifier="7")
    assert (status, code) == (400, "InvalidParameterValueException")


@pytest.mark.parametrize("payload", [b"{", b"nonsense", b"[NaN]", b"\xff", b"[" * 100_000, b'{"a":1} x'])
def test_a_payload_that_is_not_json(client, endpoint, payload):
    status, code, message = refusal(client.invoke, FunctionName="orders", Payload=payload)
    assert (status, code) == (400, "InvalidRequestContentException")
    assert message.startswith("Could not parse request body into json: Could not parse payload into json: ")
    assert endpoint.journal.executions() == []


@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6_291_456), ("Event", 1_048_576)])
def test_a_payload_over_the_limit_of_its_type(client, kind, limit):
    at_limit = b'"' + b"x" * (limit - 2) + b'"'
    assert client.invoke(FunctionName="orders", InvocationType=kind, Payload=at_limit)["StatusCode"] in {200, 202}
    status, code, message = refusal(
        client.invoke, FunctionName="orders", InvocationType=kind, Payload=at_limit[:-1] + b'x"'
    )
    assert (status, code) == (413, "RequestTooLargeException")
    assert message == f"{limit + 1} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"


@pytest.mark.parametrize(
    ("action", "method"),
    [("lambda:InvokeFunction", "invoke"), ("lambda:GetFunctionConfiguration", "get_function_configuration")],
)
def test_a_denied_action_names_itself_and_the_resource(endpoint, client, action, method):
    endpoint.permissions.deny(action)
    status, code, message = refusal(getattr(client, method), FunctionName="orders")
    assert (status, code) == (403, "AccessDeniedException")
    assert f"perform: {action} on resource: arn:aws:lambda:us-east-1:123456789012:function:orders" in message
    endpoint.permissions.allow(action)
    getattr(client, method)(FunctionName="orders")


@pytest.mark.parametrize(
    ("reserved", "account", "reason"),
    [
        (1, 1000, "ReservedFunctionConcurrentInvocationLimitExceeded"),
        (None, 1, "ConcurrentInvocationLimitExceeded"),
    ],
)
def test_past_a_concurrency_limit_calls_are_throttled(reserved, account, reason):
    entered, leave = threading.Event(), threading.Event()

    def block(event: bytes) -> bytes:
        entered.set()
        leave.wait(10)
        return event

    function = Function(name="slow", handler=PythonHandler(block), reserved_concurrency=reserved, timeout=10)
    with InvokeEndpoint([function], account_concurrency=account) as endpoint:
        first = threading.Thread(target=boto3_client(endpoint.url).invoke, kwargs={"FunctionName": "slow"})
        first.start()
        assert entered.wait(10)
        client = boto3_client(endpoint.url)
        with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
            client.invoke(FunctionName="slow")
        leave.set()
        first.join()
        response: dict[str, Any] = {**caught.value.response}
        assert response["Reason"] == reason
        assert response["retryAfterSeconds"] == "1"
        assert client.invoke(FunctionName="slow")["StatusCode"] == 200


def test_reserved_concurrency_of_zero_throttles_everything():
    function = Function(name="off", handler=PythonHandler(bytes), reserved_concurrency=0)
    with InvokeEndpoint([function]) as endpoint:
        status, code, _ = refusal(boto3_client(endpoint.url).invoke, FunctionName="off")
    assert (status, code) == (429, "TooManyRequestsException")


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        ({"access_key": "AKIAUNKNOWN"}, "UnrecognizedClientException"),
        ({"secret": "wrong"}, "InvalidSignatureException"),
        ({"token": "not-asked-for"}, "UnrecognizedClientException"),
    ],
)
def test_wrong_credentials(endpoint, credentials, code):
    client = boto3_client(endpoint.url, **credentials)
    status, seen, _ = refusal(client.invoke, FunctionName="orders")
    assert (status, seen) == (403, code)


def test_temporary_credentials_need_their_token_and_expire(endpoint):
    endpoint.credentials["ASIATEMP"] = Credential("temporary", session_token="canary-token")
    client = boto3_client(endpoint.url, access_key="ASIATEMP", secret="temporary", token="canary-token")
    assert client.invoke(FunctionName="orders")["StatusCode"] == 200
    assert "canary-token" not in str(endpoint.journal.requests())
    without = boto3_client(endpoint.url, access_key="ASIATEMP", secret="temporary")
    assert refusal(without.invoke, FunctionName="orders")[1] == "UnrecognizedClientException"
    endpoint.credentials.expire("ASIATEMP")
    assert refusal(client.invoke, FunctionName="orders")[:2] == (403, "ExpiredTokenException")


@pytest.mark.parametrize(
    ("skew_ms", "start"), [(600_000, "Signature expired: "), (-600_000, "Signature not yet current: ")]
)
def test_a_clock_that_is_wrong_by_ten_minutes(skew_ms, start):
    class SkewedClock(SystemClock):
        def now_ms(self) -> int:
            return super().now_ms() + int(skew_ms)

    function = Function(name="orders", handler=PythonHandler(bytes))
    with InvokeEndpoint([function], clock=SkewedClock()) as endpoint:
        status, code, message = refusal(boto3_client(endpoint.url).invoke, FunctionName="orders")
    assert (status, code) == (403, "InvalidSignatureException")
    assert message.startswith(start)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"ClientContext": base64.b64encode(b'"%b"' % (b"x" * 2685)).decode()}, "InvalidParameterValueException"),
        ({"ClientContext": base64.b64encode(b"not JSON").decode()}, "InvalidRequestContentException"),
        ({"DurableExecutionName": "orders.3"}, "ValidationException"),
        ({"TenantId": "a,b"}, "ValidationException"),
    ],
)
def test_what_goes_beside_a_payload_is_checked(client, endpoint, arguments, code):
    assert refusal(client.invoke, FunctionName="orders", **arguments)[:2] == (400, code)
    assert endpoint.journal.executions() == []
