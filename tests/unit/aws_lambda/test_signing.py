"""Heads of requests beside the signature, which is compared with botocore's elsewhere."""

from __future__ import annotations

import pytest
from botocore.credentials import ReadOnlyCredentials

from kafka_lambda_sink.aws_lambda.curl_invoker import forwarding_proxy
from kafka_lambda_sink.aws_lambda.request import InvokeRequest
from kafka_lambda_sink.aws_lambda.signing import RequestSigner

REQUEST = InvokeRequest(
    url="http://127.0.0.1:9001/2015-03-31/functions/arn%3Aaws/invocations?Qualifier=prod",
    headers=(("X-Amz-Invocation-Type", "RequestResponse"),),
    user_agent="sink/1",
    signing_name="lambda",
    signing_region="eu-west-1",
    is_plain_sigv4=True,
)
CREDENTIALS = ReadOnlyCredentials("AK", "secret", None)


def test_the_whole_head():
    head = RequestSigner(REQUEST).head(b"{}", CREDENTIALS)

    lines = head.split(b"\r\n")
    assert lines[:4] == [
        b"POST /2015-03-31/functions/arn%3Aaws/invocations?Qualifier=prod HTTP/1.1",
        b"Host: 127.0.0.1:9001",
        b"User-Agent: sink/1",
        b"X-Amz-Invocation-Type: RequestResponse",
    ]
    assert lines[-3:] == [b"Content-Length: 2", b"", b""]
    assert [line.partition(b":")[0] for line in lines[4:6]] == [b"X-Amz-Date", b"Authorization"]
    assert len(lines) == 9


def test_a_forwarding_proxy_gets_the_whole_url_and_its_password():
    head = RequestSigner(REQUEST, "http://me:p%40ss@proxy:3128").head(b"", CREDENTIALS)

    assert head.startswith(b"POST http://127.0.0.1:9001/2015-03-31/functions/arn%3Aaws/invocations?Qualifier=prod HTTP")
    assert b"\r\nHost: 127.0.0.1:9001\r\n" in head
    assert b"\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n" in head


@pytest.mark.parametrize(
    ("url", "proxy", "is_forwarding"),
    [
        ("http://x/", None, False),
        ("http://x/", "http://proxy:1", True),
        ("http://x/", "https://proxy:1", True),
        ("http://x/", "socks5h://proxy:1", False),
        ("https://x/", "http://proxy:1", False),
    ],
)
def test_which_proxies_are_handed_whole_requests(url: str, proxy: str | None, *, is_forwarding: bool):
    assert forwarding_proxy(url, proxy) == (proxy if is_forwarding else None)


@pytest.mark.parametrize(
    "credentials",
    [
        ReadOnlyCredentials("AK\r\nX-Evil: CANARY", "secret", None),
        ReadOnlyCredentials("AK", "secret", "CANARY\n"),
        ReadOnlyCredentials("AK CANARY", "secret", None),
        ReadOnlyCredentials("AK", "secret", "CANARY\xe9"),
    ],
)
def test_credentials_that_no_header_can_carry_are_not_sent(credentials: ReadOnlyCredentials):
    with pytest.raises(ValueError, match="characters") as caught:
        RequestSigner(REQUEST).head(b"", credentials)

    assert "CANARY" not in str(caught.value)
