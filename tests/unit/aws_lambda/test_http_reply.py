"""What is a reply, what is none, and where it ends."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import pytest

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.exchange_fault import ExchangeFault
from kafka_lambda_sink.aws_lambda.http_reply import MAX_HEAD_BYTES, HttpReply, HttpReplyReader

LIMIT = 1000
OK = b"HTTP/1.1 200 OK\r\n"


def read(*chunks: bytes, then: Iterable[bytes] = (b"",)) -> HttpReply:
    arriving = chain(chunks, then)
    return HttpReplyReader(lambda: next(arriving), LIMIT).read()


@pytest.mark.parametrize(
    ("data", "body", "is_reusable"),
    [
        (OK + b"Content-Length: 4\r\n\r\nnull", b"null", True),
        (OK + b"content-length:\t4 \r\n\r\nnull", b"null", True),
        (OK + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nnull", b"null", True),
        (OK + b"Content-Length: 4\r\nConnection: keep-alive\r\n\r\nnull", b"null", True),
        (OK + b"Content-Length: 4\r\nConnection: Upgrade, Close\r\n\r\nnull", b"null", False),
        (OK + b"Content-Length: 4\r\n\r\nnull and more", b"null", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nnull", b"null", False),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", b"", True),
        (OK + b"\r\nto the end", b"to the end", False),
        (OK + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nnu\r\n002;x=y\r\nll\r\n0\r\n\r\n", b"null", True),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nnull\r\n0\r\nTrailer: x\r\n\r\n", b"null", True),
        (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n4\r\nnull\r\n0\r\n\r\n", b"null", False),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\n1",
            b"1",
            True,
        ),
    ],
)
def test_where_a_reply_ends(data: bytes, body: bytes, *, is_reusable: bool):
    reply = read(data)

    assert (reply.status, reply.body, reply.is_reusable) == (200, body, is_reusable)


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(status: int):
    reply = read(b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status)

    assert (reply.status, reply.body, reply.is_reusable) == (status, b"", True)


def test_headers_by_lower_case_name():
    reply = read(OK + b"X-Amzn-RequestId: a:b \r\nEmpty:\r\nNAME:caf\xe9\r\nContent-Length: 0\r\n\r\n")

    assert reply.headers == {b"x-amzn-requestid": "a:b", b"empty": "", b"name": "café", b"content-length": "0"}


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 O\nK\r\n\r\n",
        b"\r\n\r\n" + OK + b"\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"Space : x\r\n\r\n",
        OK + b"A: b\r\n folded\r\n\r\n",
        OK + b"A: b\0\r\n\r\n",
        OK + b"A: b\nC: d\r\n\r\n",
        OK + b": no name\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 0x1\r\n\r\n1",
        OK + b"Content-Length: \xb2\r\n\r\n12",
        OK + b"Content-Length: 1, 1\r\n\r\n1",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n12",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n12\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 200 + OK + b"Content-Length: 0\r\n\r\n",
    ],
)
def test_what_is_malformed_is_no_reply(data: bytes):
    with pytest.raises(ExchangeFault, match="malformed") as caught:
        read(data)

    assert caught.value.code == errors.REPLY_TRUNCATED


@pytest.mark.parametrize(
    "data",
    [
        b"H",
        OK,
        OK + b"Content-Length: 5\r\n\r\nnull",
        OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nnull\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nnull\r\n0\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_what_ends_early_is_truncated(data: bytes):
    with pytest.raises(ExchangeFault, match="ended before") as caught:
        read(data)

    assert caught.value.code == errors.REPLY_TRUNCATED


def test_not_a_byte_is_a_lost_connection():
    with pytest.raises(ExchangeFault) as caught:
        read()

    assert caught.value.code == errors.CONNECTION_LOST


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 1001\r\n\r\n",
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n200\r\n" + b"x" * 512 + b"\r\n200\r\n",
        OK + b"\r\n" + b"x" * 500,
    ],
)
def test_a_reply_beyond_the_bound_is_not_read(data: bytes):
    with pytest.raises(ExchangeFault) as caught:
        read(data, then=iter(lambda: b"x" * 400, None))

    assert caught.value.code == errors.REPLY_TOO_LARGE


@pytest.mark.parametrize(
    "start",
    [OK, OK + b"Transfer-Encoding: chunked\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n1;"],
)
def test_lines_without_end_are_not_kept(start: bytes):
    sent = 0

    def endless() -> bytes:
        nonlocal sent
        sent += 100
        return b"x" * 100

    with pytest.raises(ExchangeFault, match="without end"):
        read(start, then=iter(endless, None))

    assert sent <= MAX_HEAD_BYTES + 200


def test_trailers_without_end_are_not_kept():
    with pytest.raises(ExchangeFault, match="without end"):
        read(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", then=iter(lambda: b"A: b\r\n" * 100, None))


def test_nothing_of_one_reply_is_left_for_the_next():
    arriving = iter([OK + b"Content-Length: 1\r\n\r\n1 and more", OK + b"Content-Length: 1\r\n\r\n2"])
    reader = HttpReplyReader(lambda: next(arriving), LIMIT)

    assert [reader.read().body, reader.read().body] == [b"1", b"2"]
