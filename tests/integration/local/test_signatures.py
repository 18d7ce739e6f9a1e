"""What a client could get wrong when it signs, sent by hand."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from kafka_lambda_sink.local.faults import Throttle

PATH = "/2015-03-31/functions/orders/invocations"


def signed_headers(url, body=b"{}", *, service="lambda", path=PATH, headers=None):
    request = AWSRequest("POST", url + path, data=body, headers={"X-Amz-Invocation-Type": "DryRun", **(headers or {})})
    SigV4Auth(Credentials("AKIALOCAL", "secret"), service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


def post(url, headers, body=b"{}", path=PATH):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("POST", path, body, headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers["x-amzn-ErrorType"]


def test_a_right_signature_passes(endpoint):
    assert post(endpoint.url, signed_headers(endpoint.url)) == (204, None)


def test_no_signature(endpoint):
    assert post(endpoint.url, {}) == (403, "MissingAuthenticationTokenException")


@pytest.mark.parametrize("authorization", ["Basic abc", "AWS4-HMAC-SHA256 Credential=AKIALOCAL", ""])
def test_half_a_signature(endpoint, authorization):
    headers = {**signed_headers(endpoint.url), "Authorization": authorization}
    assert post(endpoint.url, headers) == (400, "IncompleteSignatureException")


def test_no_date(endpoint):
    headers = signed_headers(endpoint.url)
    del headers["X-Amz-Date"]
    assert post(endpoint.url, headers) == (400, "IncompleteSignatureException")


@pytest.mark.parametrize(
    ("changed", "body", "path"),
    [
        ({}, b'{"other":1}', PATH),
        ({"X-Amz-Invocation-Type": "RequestResponse"}, b"{}", PATH),
        ({}, b"{}", PATH.replace("orders", "orders%3Alive")),
        ({}, b"{}", PATH + "?Qualifier=live"),
    ],
)
def test_what_was_changed_after_signing(endpoint, changed, body, path):
    headers = {**signed_headers(endpoint.url), **changed}
    assert post(endpoint.url, headers, body, path) == (403, "InvalidSignatureException")


def test_a_signature_for_another_service(endpoint):
    assert post(endpoint.url, signed_headers(endpoint.url, service="s3")) == (403, "InvalidSignatureException")


def test_a_body_that_does_not_match_its_signed_hash(endpoint):
    headers = signed_headers(endpoint.url, headers={"X-Amz-Content-SHA256": "0" * 64})
    assert post(endpoint.url, headers) == (403, "InvalidSignatureException")


def test_a_wrong_signature_uses_up_no_fault(endpoint):
    endpoint.faults.add(Throttle(), call="DryRun")
    assert post(endpoint.url, {})[0] == 403
    assert endpoint.faults.pending() == 1
    assert post(endpoint.url, signed_headers(endpoint.url)) == (429, "TooManyRequestsException")
