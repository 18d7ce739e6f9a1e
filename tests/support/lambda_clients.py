"""The two clients that sign in their own way: boto3 (botocore's signer) and pycurl (libcurl's)."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import pycurl
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def boto3_client(
    url: str,
    *,
    access_key: str = "AKIALOCAL",
    secret: str = "secret",
    token: str | None = None,
    region: str = "us-east-1",
    read_timeout: float = 10.0,
    verify: str | None = None,
) -> LambdaClient:
    """A client that tries once."""
    return boto3.session.Session().client(
        "lambda",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        verify=verify,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout, connect_timeout=5),
    )


@dataclass
class CurlReply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class CurlClient:
    """libcurl with AWS_SIGV4, one handle, kept alive."""

    def __init__(self, url: str, *, access_key: str = "AKIALOCAL", secret: str = "secret") -> None:
        self._url = url
        self._handle = pycurl.Curl()
        self._handle.setopt(pycurl.NOSIGNAL, 1)
        self._handle.setopt(pycurl.TIMEOUT_MS, 10_000)
        self._handle.setopt(pycurl.AWS_SIGV4, "aws:amz:us-east-1:lambda")
        self._handle.setopt(pycurl.USERPWD, f"{access_key}:{secret}")

    def invoke(self, name: str, payload: bytes = b"{}", *headers: str, query: str = "") -> CurlReply:
        """`name` goes into the path as it is."""
        body = io.BytesIO()
        reply = CurlReply(0, b"")

        def on_header(line: bytes) -> None:
            key, colon, value = line.decode("latin-1").partition(":")
            if colon:
                reply.headers[key.strip().lower()] = value.strip()

        options: dict[int, Any] = {
            pycurl.URL: f"{self._url}/2015-03-31/functions/{name}/invocations{query}",
            pycurl.POSTFIELDS: payload,
            pycurl.HTTPHEADER: ["Content-Type: application/json", *headers],
            pycurl.WRITEDATA: body,
            pycurl.HEADERFUNCTION: on_header,
        }
        for option, value in options.items():
            self._handle.setopt(option, value)
        self._handle.perform()
        reply.status = self._handle.getinfo(pycurl.RESPONSE_CODE)
        reply.body = body.getvalue()
        return reply

    def close(self) -> None:
        self._handle.close()
