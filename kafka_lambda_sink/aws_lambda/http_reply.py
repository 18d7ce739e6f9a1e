"""HTTP/1.1 responses, read strictly: what is not exactly one is no reply.

Source: RFC 9112, sections 2 to 7 and 9.3. Two regular expressions read a head: cheaper than a call for each header.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.exchange_fault import ExchangeFault

#: The longest header of Lambda's is the log tail, 5.5 KB.
MAX_HEAD_BYTES = 64 * 1024

_END_OF_HEAD = b"\r\n\r\n"
#: Possessive: a head that does not match is given up at once.
_HEAD = re.compile(
    rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n\0]*+)?\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]++:[^\r\n\0]*+\r\n)*+)\r\n"
)
_FIELD = re.compile(rb"([^:\r\n]++):[ \t]*+([^\r\n]*+)\r\n")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*+(?:;[^\r\n]*+)?")
#: Of a chunk's size with its extensions, or of a trailer.
_MAX_LINE = 8 * 1024
_MAX_INTERIM = 100
_SWITCHING_PROTOCOLS = 101
_FIRST_FINAL = 200
_NO_BODY = frozenset({204, 304})


@dataclass(slots=True)
class HttpReply:
    """A whole response."""

    status: int
    #: Values by lower-case name; the last one of a name counts.
    headers: dict[bytes, str]
    body: bytes
    #: Whether another request may follow on the connection.
    is_reusable: bool


class HttpReplyReader:
    """Reads the responses of one connection after another. `receive` returns the next bytes, none at the end."""

    def __init__(self, receive: Callable[[], bytes], max_body_bytes: int) -> None:
        self._receive = receive
        self._max_body_bytes = max_body_bytes
        #: What was received last, and how far it has been read.
        self._data = b""
        self._at = 0

    def read(self) -> HttpReply:
        """The next final response; interim ones (1xx) are passed over.

        Raises ExchangeFault: ConnectionLost when not a byte came, ReplyTruncated for what ends early or is malformed,
        ReplyTooLarge, and what `receive` raises.
        """
        self._data, self._at = self._receive(), 0
        if not self._data:
            raise ExchangeFault(errors.CONNECTION_LOST, "the connection ended without a reply")
        version, status, headers = self._head()
        interim = 0
        while status < _FIRST_FINAL:
            interim += 1
            if status == _SWITCHING_PROTOCOLS or interim > _MAX_INTERIM:
                raise _malformed("interim responses that were not asked for")
            version, status, headers = self._head()
        body, is_delimited = self._body(status, headers)
        is_reusable = (
            is_delimited
            and version == b"1"
            and not _closes(headers.get(b"connection"))
            and self._at == len(self._data)  # What follows belongs to nothing that we asked for.
        )
        self._data = b""
        return HttpReply(status, headers, body, is_reusable)

    def _body(self, status: int, headers: dict[bytes, str]) -> tuple[bytes, bool]:
        """The body, and whether its end was beyond doubt."""
        length = headers.get(b"content-length")
        encoding = headers.get(b"transfer-encoding")
        if status in _NO_BODY:
            return b"", True
        if encoding is not None:
            if encoding.lower() != "chunked":
                raise _malformed("a transfer encoding that was not asked for")
            return self._chunked(), length is None
        if length is not None:
            return self._exactly(_length(length)), True
        return self._to_the_end(), False

    def _head(self) -> tuple[bytes, int, dict[bytes, str]]:
        searched = self._at
        while (end := self._data.find(_END_OF_HEAD, searched)) < 0:
            if len(self._data) - self._at > MAX_HEAD_BYTES:
                raise _malformed("headers without end")
            searched = max(0, len(self._data) - self._at - 3)
            self._extend()
        match = _HEAD.match(self._data, self._at)
        if match is None or match.end() != end + len(_END_OF_HEAD):
            raise _malformed("no HTTP response")
        self._at = match.end()
        fields = _FIELD.findall(match[3])
        headers = {name.lower(): value.rstrip().decode("latin-1") for name, value in fields}
        if len(headers) != len(fields):
            _check_framing(fields)
        return match[1], int(match[2]), headers

    def _exactly(self, size: int) -> bytes:
        if size > self._max_body_bytes:
            raise self._too_large()
        at = self._at
        missing = at + size - len(self._data)
        if missing <= 0:
            self._at += size
            return self._data[at : self._at]
        parts = [self._data[at:]]
        while missing > 0:
            self._data = self._more()
            self._at = min(missing, len(self._data))
            parts.append(self._data[: self._at])
            missing -= self._at
        return b"".join(parts)

    def _chunked(self) -> bytes:
        parts, total = [], 0
        while size := self._chunk_size():
            total += size
            if total > self._max_body_bytes:
                raise self._too_large()
            parts.append(self._exactly(size))
            if self._exactly(2) != b"\r\n":
                raise _malformed("a chunk longer than its size")
        trailers = 0
        while line := self._line():
            trailers += len(line)
            if trailers > MAX_HEAD_BYTES:
                raise _malformed("trailers without end")
        return b"".join(parts)

    def _chunk_size(self) -> int:
        match = _CHUNK_SIZE.fullmatch(self._line())
        if match is None:
            raise _malformed("a chunk without a size")
        return int(match[1], 16)

    def _line(self) -> bytes:
        while (end := self._data.find(b"\r\n", self._at)) < 0:
            if len(self._data) - self._at > _MAX_LINE:
                raise _malformed("a line without end")
            self._extend()
        line = self._data[self._at : end]
        self._at = end + 2
        return line

    def _to_the_end(self) -> bytes:
        parts = [self._data[self._at :]]
        total = len(parts[0])
        while chunk := self._receive():
            parts.append(chunk)
            total += len(chunk)
            if total > self._max_body_bytes:
                raise self._too_large()
        self._at = len(self._data)
        return b"".join(parts)

    def _extend(self) -> None:
        self._data = self._data[self._at :] + self._more()
        self._at = 0

    def _more(self) -> bytes:
        data = self._receive()
        if not data:
            raise ExchangeFault(errors.REPLY_TRUNCATED, "the connection ended before the reply did")
        return data

    def _too_large(self) -> ExchangeFault:
        return ExchangeFault(errors.REPLY_TOO_LARGE, f"a reply of more than {self._max_body_bytes} bytes")


def _malformed(what: str) -> ExchangeFault:
    return ExchangeFault(errors.REPLY_TRUNCATED, f"malformed reply: {what}")


def _closes(connection: str | None) -> bool:
    return connection is not None and "close" in (option.strip() for option in connection.lower().split(","))


def _length(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _malformed("a length that is no number")
    return int(text) if len(text) < 16 else 10**16  # noqa: PLR2004  # too large in any case, and never slow to read


def _check_framing(fields: list[tuple[bytes, bytes]]) -> None:
    """Of headers that come twice, those that say where the body ends must agree."""
    for name in (b"content-length", b"transfer-encoding"):
        if len({value.strip() for key, value in fields if key.lower() == name}) > 1:
            raise _malformed(f"more than one {name.decode()}")
