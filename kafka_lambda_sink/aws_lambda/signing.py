"""Signature Version 4 for one request that is sent over and over.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Beside what changes,
which is date, credentials and payload, the request is the same every time: botocore's signer, which works it all out
anew, costs 25 times as much. The tests compare the two.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from time import gmtime, strftime, struct_time
from urllib.parse import quote, unquote, urlsplit

from botocore.credentials import ReadOnlyCredentials
from botocore.utils import normalize_url_path

from kafka_lambda_sink.aws_lambda.call_headers import TRACE_HEADER, signed_headers
from kafka_lambda_sink.aws_lambda.request import InvokeRequest
from kafka_lambda_sink.core.ports import CallContext

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Bytes that SHA-256 takes at a time; a signing key has 32.
_BLOCK = 64
#: A header could be smuggled in by any of these; AWS's own keys and tokens have none.
_UNSENDABLE = re.compile(r"[^\x21-\x7e]")


class RequestSigner:
    """Makes the head of each request: request line, headers, signature. For one thread."""

    def __init__(self, request: InvokeRequest, proxy: str | None = None) -> None:
        """`proxy`: URL of the HTTP proxy that the request is handed to as a whole, None where the way is a tunnel."""
        parts = urlsplit(request.url)
        self._request = request
        self._host = _host(request.url)
        self._path = quote(normalize_url_path(parts.path), safe="/~")
        self._query = "&".join(sorted(parts.query.split("&")))
        path = parts.path or "/"
        origin_form = f"{path}?{parts.query}" if parts.query else path
        self._line = f"POST {request.url if proxy else origin_form} HTTP/1.1\r\n"
        self._unsigned = f"Host: {self._host}\r\nUser-Agent: {request.user_agent}\r\n" + _proxy_authorization(proxy)
        self._credentials: ReadOnlyCredentials | None = None
        self._now: struct_time | None = None
        # Of one second and one set of credentials:
        self._inner = self._outer = sha256()
        self._scope = ""
        self._sent: list[tuple[str, str]] = []
        self._canonical = b""
        self._to_sign = b""
        self._head = b""

    def head(
        self,
        payload: bytes,
        credentials: ReadOnlyCredentials,
        now: struct_time | None = None,
        call: CallContext | None = None,
    ) -> bytes:
        """Everything before `payload`, the empty line included. `now`: UTC, the current time where None.

        Raises ValueError for credentials that no header can carry; the message does not quote them.
        """
        # Not the clock port's: what counts is how far it is from AWS's.
        now = now or gmtime()
        if now != self._now or credentials is not self._credentials:
            self._prepare(credentials, now)
        canonical, head = (self._canonical, self._head) if call is None else self._parts_with(call, credentials)
        canonical += sha256(payload).hexdigest().encode()
        to_sign = self._to_sign + sha256(canonical).hexdigest().encode()
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(to_sign)
        outer.update(inner.digest())
        signature = outer.hexdigest().encode()
        return b"%b%b\r\nContent-Length: %d\r\n\r\n" % (head, signature, len(payload))

    def _prepare(self, credentials: ReadOnlyCredentials, now: struct_time) -> None:
        request, token = self._request, credentials.token
        if _UNSENDABLE.search(f"{credentials.access_key}{token or ''}"):
            raise ValueError("the access key or the session token has characters that no key of AWS's has")
        stamp = strftime("%Y%m%dT%H%M%SZ", now)
        scope = f"{stamp[:8]}/{request.signing_region}/{request.signing_name}/aws4_request"
        self._sent = [*request.headers, ("X-Amz-Date", stamp), *([("X-Amz-Security-Token", token)] if token else [])]
        self._scope = scope
        # HMAC by RFC 2104, its two hashes begun with the key: `hmac.digest` gives the interpreter's lock away each
        # time, which costs a sixth of an invocation of one record.
        key = _signing_key(credentials.secret_key, scope).ljust(_BLOCK, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in key))
        self._to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n".encode()
        self._canonical, self._head = self._parts(self._sent, self._unsigned, credentials)
        self._credentials, self._now = credentials, now

    def _parts_with(self, call: CallContext, credentials: ReadOnlyCredentials) -> tuple[bytes, bytes]:
        trace = "" if call.trace_header is None else f"{TRACE_HEADER}: {call.trace_header}\r\n"
        return self._parts([*self._sent, *signed_headers(call)], self._unsigned + trace, credentials)

    def _parts(
        self, sent: Sequence[tuple[str, str]], unsigned: str, credentials: ReadOnlyCredentials
    ) -> tuple[bytes, bytes]:
        """The canonical request up to the payload's hash, and the head up to the signature."""
        signed = sorted((name.lower(), " ".join(value.split())) for name, value in [*sent, ("host", self._host)])
        names = ";".join(name for name, _ in signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed)
        canonical = f"POST\n{self._path}\n{self._query}\n{lines}\n{names}\n".encode()
        headers = "".join(f"{name}: {value}\r\n" for name, value in sent)
        algorithm = f"{_ALGORITHM} Credential={credentials.access_key}/{self._scope}"
        authorization = f"Authorization: {algorithm}, SignedHeaders={names}, Signature="
        return canonical, f"{self._line}{unsigned}{headers}{authorization}".encode()


def _signing_key(secret: str | None, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return host.removesuffix(f":{_DEFAULT_PORTS.get(parts.scheme)}")


def _proxy_authorization(proxy: str | None) -> str:
    user, separator, _ = urlsplit(proxy or "").netloc.rpartition("@")
    return f"Proxy-Authorization: Basic {b64encode(unquote(user).encode()).decode()}\r\n" if separator else ""
