"""The corners of HTTP that clients use: chunked requests, Expect, pipelining, HTTP/1.0, nonsense."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator

import pytest

from kafka_lambda_sink.local.http_message import Reply, Request
from kafka_lambda_sink.local.http_server import Connection, HttpServer


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    """A server that answers with the request's body."""

    def echo(request: Request, connection: Connection) -> None:
        connection.send(Reply(200, [], request.method.encode() + b" " + request.body).encode())

    server = HttpServer(echo, name="echo")
    server.start()
    yield server.host, server.port
    server.close()


def talk(address: tuple[str, int], *parts: bytes) -> bytes:
    """Everything that is answered until the server closes."""
    received = b""
    with socket.create_connection(address, timeout=10) as sock:
        for part in parts:
            sock.sendall(part)
        sock.shutdown(socket.SHUT_WR)
        while data := sock.recv(65536):
            received += data
    return received


def test_a_chunked_request(address):
    head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert talk(address, head, b"3\r\nabc\r\n", b"2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n").endswith(
        b"\r\n\r\nPOST abcde"
    )


def test_a_client_that_waits_to_be_asked_for_the_body(address):
    with socket.create_connection(address, timeout=10) as sock:
        sock.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hi")
        assert sock.recv(65536).endswith(b"POST hi")


def test_two_requests_in_one_packet(address):
    answer = talk(address, b"POST /1 HTTP/1.1\r\nContent-Length: 1\r\n\r\naGET /2 HTTP/1.1\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith(b"GET ")


@pytest.mark.parametrize("request_head", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"])
def test_a_connection_that_is_not_to_be_kept(address, request_head):
    with socket.create_connection(address, timeout=10) as sock:
        sock.sendall(request_head)
        answer = b""
        while data := sock.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_not_http_is_refused(address, nonsense):
    assert talk(address, nonsense).startswith(b"HTTP/1.1 400 Bad Request")


def test_a_request_that_breaks_off_is_forgotten(address):
    assert talk(address, b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc") == b""
    assert talk(address, b"GET / HT") == b""
    assert talk(address, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_reply_to_a_peer_that_went_away_counts_as_not_sent():
    went, sent = threading.Event(), queue.SimpleQueue[bool]()

    def slow(_: Request, connection: Connection) -> None:
        assert went.wait(10)
        sent.put(connection.send(Reply(200, [], b"late").encode()))

    server = HttpServer(slow, name="slow")
    server.start()
    with socket.create_connection((server.host, server.port), timeout=10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    went.set()
    assert sent.get(timeout=10) is False
    server.close()
