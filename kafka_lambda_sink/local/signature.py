"""Signature Version 4, checked: every request is signed again with botocore and compared.

Headers are taken as the caller's `SignedHeaders` lists them, so that any right signer passes, botocore's and libcurl's.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.local.http_message import Request
from kafka_lambda_sink.local.refusals import Refusal

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
    r"\s*,\s*SignedHeaders=(?P<headers>[^,\s]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_TIME_FORMAT = "%Y%m%dT%H%M%SZ"
_SKEW = timedelta(minutes=5)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class Credential:
    """What the endpoint knows of one access key."""

    secret: str = field(repr=False)
    #: Required with every request when set, as for temporary credentials.
    session_token: str | None = field(default=None, repr=False)
    #: Refused with ExpiredTokenException.
    is_expired: bool = False


class CredentialTable:
    """Access keys that may call. May be changed from any thread while the endpoint runs."""

    def __init__(self, credentials: Mapping[str, str | Credential]) -> None:
        self._table: dict[str, Credential] = {}
        for key, credential in credentials.items():
            self[key] = credential

    def __setitem__(self, access_key: str, credential: str | Credential) -> None:
        """Add or replace; a plain text is the secret of a long-term key."""
        self._table[access_key] = Credential(credential) if isinstance(credential, str) else credential

    def __delitem__(self, access_key: str) -> None:
        """Forget a key: later requests are refused with UnrecognizedClientException."""
        del self._table[access_key]

    def expire(self, access_key: str) -> None:
        """Refuse later requests with ExpiredTokenException. Raises KeyError for an unknown key."""
        self._table[access_key] = replace(self._table[access_key], is_expired=True)

    def get(self, access_key: str) -> Credential | None:
        """What is known of a key."""
        return self._table.get(access_key)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a request, and for which region."""

    access_key: str
    region: str


def _refused(code: str, message: str, status: int = 403) -> Refusal:
    return Refusal(status, code, message, type=None)


def verify(request: Request, *, scheme: str, credentials: CredentialTable, clock: Clock) -> Caller:
    """Who signed `request`. `scheme` is that of the URL it was sent to (`http`, `https`).

    Raises Refusal as AWS's front end words it: MissingAuthenticationTokenException, IncompleteSignatureException,
    UnrecognizedClientException, ExpiredTokenException, InvalidSignatureException.
    """
    authorization = request.header("authorization")
    if authorization is None:
        raise _refused("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(authorization.strip())
    if match is None:
        message = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters."
        raise _refused("IncompleteSignatureException", message, status=400)
    timestamp = _timestamp(request, clock)
    if match["service"] != "lambda":
        message = "Credential should be scoped to correct service: 'lambda'. "
        raise _refused("InvalidSignatureException", message)
    if match["day"] != timestamp[:8]:
        message = (
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: {timestamp}"
        )
        raise _refused("InvalidSignatureException", message)
    credential = _known(request, match["key"], credentials)
    signed = match["headers"].split(";")
    if "host" not in signed or any(request.header(name) is None for name in signed):
        raise _refused("InvalidSignatureException", "'Host' or a named header is missing from the signed headers.")
    expected = _signature(request, scheme, match, credential.secret, timestamp)
    if not hmac.compare_digest(expected, match["signature"]) or not _is_body_as_signed(request):
        raise _refused("InvalidSignatureException", _MISMATCH)
    return Caller(match["key"], match["region"])


def _timestamp(request: Request, clock: Clock) -> str:
    text = request.header("x-amz-date") or ""
    try:
        signed_at = datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        message = f"Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
        raise _refused("IncompleteSignatureException", message, status=400) from None
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    earliest, latest = now - _SKEW, now + _SKEW
    if signed_at < earliest:
        message = (
            f"Signature expired: {text} is now earlier than {earliest:{_TIME_FORMAT}} ({now:{_TIME_FORMAT}} - 5 min.)"
        )
        raise _refused("InvalidSignatureException", message)
    if signed_at > latest:
        message = (
            f"Signature not yet current: {text} is still later than {latest:{_TIME_FORMAT}}"
            f" ({now:{_TIME_FORMAT}} + 5 min.)"
        )
        raise _refused("InvalidSignatureException", message)
    return text


def _known(request: Request, access_key: str, credentials: CredentialTable) -> Credential:
    credential = credentials.get(access_key)
    if credential is None or request.header("x-amz-security-token") != credential.session_token:
        message = "The security token included in the request is invalid."
        raise _refused("UnrecognizedClientException", message)
    if credential.is_expired:
        raise _refused("ExpiredTokenException", "The security token included in the request is expired")
    return credential


def _is_body_as_signed(request: Request) -> bool:
    # Where the header is sent, it and not the body stands in the canonical request.
    claimed = request.header("x-amz-content-sha256")
    return claimed is None or claimed == hashlib.sha256(request.body).hexdigest()


def _signature(request: Request, scheme: str, match: re.Match[str], secret: str, timestamp: str) -> str:
    signer, aws_request = _botocore()
    signed = aws_request(
        method=request.method,
        url=f"{scheme}://{request.header('host')}{request.target}",
        headers={name: request.header(name) for name in match["headers"].split(";")},
        data=request.body,
    )
    signed.context["timestamp"] = timestamp
    return str(signer(match["key"], secret, match["region"]).signature_of(signed))


@cache
def _botocore() -> tuple[Any, Any]:
    # Imported at the first request: a third of a second that the start of a process need not wait for.
    from botocore.auth import SigV4Auth  # noqa: PLC0415
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415
    from botocore.compat import HTTPHeaders  # noqa: PLC0415
    from botocore.credentials import Credentials  # noqa: PLC0415

    class Verifier(SigV4Auth):
        """botocore's signer over the headers that the caller signed, and no others."""

        def __init__(self, access_key: str, secret: str, region: str) -> None:
            super().__init__(Credentials(access_key, secret), "lambda", region)

        def headers_to_sign(self, request: Any) -> Any:
            headers = HTTPHeaders()
            for name, value in request.headers.items():
                headers[name.lower()] = value
            return headers

        def signature_of(self, request: Any) -> str:
            canonical = self.canonical_request(request)
            return str(self.signature(self.string_to_sign(request, canonical), request))

    return Verifier, AWSRequest
