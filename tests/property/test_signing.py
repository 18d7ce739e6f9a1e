"""Our signer against botocore's, on requests that botocore made."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from functools import cache
from time import gmtime, strptime
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.aws_lambda.request import InvokeRequest, capture_request
from kafka_lambda_sink.aws_lambda.session import LambdaSettings
from kafka_lambda_sink.aws_lambda.signing import RequestSigner
from kafka_lambda_sink.core.ports import CallContext

if TYPE_CHECKING:
    from mypy_boto3_lambda.client import LambdaClient

REGION = "eu-west-1"
WORD = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
ACCOUNT = st.from_regex(r"[0-9]{12}", fullmatch=True)
NAMES = st.one_of(
    WORD,
    st.builds("{}:{}".format, WORD, WORD),
    st.builds("{}:function:{}".format, ACCOUNT, WORD),
    st.builds("arn:aws:lambda:eu-west-1:{}:function:{}".format, ACCOUNT, WORD),
    st.builds("arn:aws:lambda:eu-west-1:{}:function:{}:{}".format, ACCOUNT, WORD, WORD),
)
QUALIFIERS = st.none() | st.just("$LATEST") | st.from_regex(r"[A-Za-z0-9$_-]{1,20}", fullmatch=True)
PRINTABLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200)
CREDENTIALS = st.builds(ReadOnlyCredentials, WORD, st.text(min_size=1, max_size=60), st.none() | PRINTABLE)
ENDPOINTS = st.sampled_from(
    [None, "http://127.0.0.1:9001", "https://lambda.example:443", "http://Gateway.example:80/base//a b/../c%20d/"]
)
TENANT = st.from_regex(r"[a-zA-Z0-9._:/=+@-]([a-zA-Z0-9._:/=+@ -]{0,200}[a-zA-Z0-9._:/=+@-])?", fullmatch=True)
CALLS = st.builds(
    CallContext,
    client_context=st.none() | st.binary(max_size=2685),
    tenant_id=st.none() | TENANT,
    trace_header=st.none() | st.just("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"),
    durable_name=st.none() | st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True),
)


@cache
def client(endpoint: str | None) -> LambdaClient:
    session = Session()
    session.set_credentials("unused", "unused")
    made: LambdaClient = session.create_client("lambda", region_name=REGION, endpoint_url=endpoint)  # type: ignore[assignment]
    return made


def headers_of(head: bytes) -> dict[str, str]:
    lines = head.decode().removesuffix("\r\n\r\n").split("\r\n")[1:]
    return {name: value for name, _, value in (line.partition(": ") for line in lines)}


def signed_by_botocore(request: InvokeRequest, credentials: ReadOnlyCredentials, payload: bytes) -> AWSRequest:
    theirs = AWSRequest("POST", request.url, dict(request.headers), payload)
    access_key, secret_key = credentials.access_key, credentials.secret_key
    assert access_key
    assert secret_key
    SigV4Auth(
        Credentials(access_key, secret_key, credentials.token), request.signing_name, request.signing_region
    ).add_auth(theirs)
    return theirs


@given(ENDPOINTS, NAMES, QUALIFIERS, st.sampled_from(["RequestResponse", "Event"]), CREDENTIALS, st.binary())
def test_the_signature_is_botocores(  # noqa: PLR0917  # all that a signature depends on
    endpoint: str | None,
    name: str,
    qualifier: str | None,
    kind: str,
    credentials: ReadOnlyCredentials,
    payload: bytes,
):
    settings = LambdaSettings(
        function_name=name,
        region=REGION,
        qualifier=qualifier,
        log_tail=True,
        invocation_type=kind,  # type: ignore[arg-type]
    )
    request = capture_request(client(endpoint), settings)
    theirs = signed_by_botocore(request, credentials, payload)
    now = strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")

    ours = headers_of(RequestSigner(request).head(payload, credentials, now))

    for header in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token"):
        assert ours.get(header) == theirs.headers.get(header)
    assert ours["Content-Length"] == str(len(payload))
    assert dict(theirs.headers.items()).items() <= ours.items()


@given(
    st.lists(st.tuples(CREDENTIALS, st.integers(0, 3 * 86_400), st.binary(max_size=20)), min_size=2, max_size=6),
)
def test_nothing_of_one_request_is_left_in_the_next(requests: list[tuple[ReadOnlyCredentials, int, bytes]]):
    request = capture_request(client(None), LambdaSettings(function_name="orders", region=REGION))
    kept = RequestSigner(request)

    for credentials, seconds, payload in requests:
        now = gmtime(seconds)
        assert kept.head(payload, credentials, now) == RequestSigner(request).head(payload, credentials, now)


@given(CALLS, CREDENTIALS, st.binary(max_size=20))
def test_what_goes_beside_a_payload_is_signed_as_botocore_signs_it(
    call: CallContext, credentials: ReadOnlyCredentials, payload: bytes
):
    request = capture_request(client(None), LambdaSettings(function_name="orders", region=REGION))
    beside = [
        ("X-Amz-Client-Context", None if call.client_context is None else b64encode(call.client_context).decode()),
        ("X-Amz-Tenant-Id", call.tenant_id),
        ("X-Amzn-Trace-Id", call.trace_header),
        ("X-Amz-Durable-Execution-Name", call.durable_name),
    ]
    sent = [(name, value) for name, value in beside if value is not None]
    theirs = signed_by_botocore(replace(request, headers=(*request.headers, *sent)), credentials, payload)
    now = strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    signer = RequestSigner(request)

    ours = headers_of(signer.head(payload, credentials, now, call))

    assert ours["Authorization"] == theirs.headers["Authorization"]
    assert dict(theirs.headers.items()).items() <= ours.items()
    # What came beside one payload is not beside the next.
    assert signer.head(payload, credentials, now) == RequestSigner(request).head(payload, credentials, now)
