"""The kept connection: when it is used again, when it is replaced, and what becomes of a request that was cut off."""

from __future__ import annotations

import socket
import threading

import pytest

from kafka_lambda_sink.core.errors import PayloadInvocationError
from tests.support.invoking import BATCH, Open, Transport, error_of
from tests.support.scripted_peer import reply, scripted_peer, take_request

LARGE = b'"%s"' % (b"x" * 20_000_000)


@pytest.fixture
def transport() -> Transport:
    return "curl"


def test_a_connection_that_the_server_closed_meanwhile_is_replaced_before_anything_is_sent(open_invoker: Open):
    is_closed = threading.Event()

    def close_after_reply(peer: socket.socket) -> None:
        take_request(peer)
        peer.sendall(reply(b"1"))
        peer.close()
        is_closed.set()

    def serve(peer: socket.socket) -> None:
        assert take_request(peer).endswith(BATCH)
        peer.sendall(reply(b"2"))

    with scripted_peer(close_after_reply, serve) as url:
        invoker = open_invoker(endpoint_url=url)
        payloads = [invoker.invoke(BATCH).payload]
        assert is_closed.wait(10)
        payloads.append(invoker.invoke(BATCH).payload)

    assert payloads == [b"1", b"2"]


@pytest.mark.parametrize("is_at_once", [True, False])
def test_a_reply_that_nobody_asked_for_is_never_taken_for_the_next_ones(open_invoker: Open, *, is_at_once: bool):
    may_go_on, is_sent = threading.Event(), threading.Event()

    def send_two(peer: socket.socket) -> None:
        take_request(peer)
        if is_at_once:
            peer.sendall(reply(b"1") + reply(b'"stray"'))
        else:
            peer.sendall(reply(b"1"))
            assert may_go_on.wait(10)
            peer.sendall(reply(b'"stray"'))
        is_sent.set()
        assert take_request(peer) == b""

    def serve(peer: socket.socket) -> None:
        take_request(peer)
        peer.sendall(reply(b"2"))

    with scripted_peer(send_two, serve) as url:
        invoker = open_invoker(endpoint_url=url)
        payloads = [invoker.invoke(BATCH).payload]
        may_go_on.set()
        assert is_sent.wait(10)
        payloads.append(invoker.invoke(BATCH).payload)

    assert payloads == [b"1", b"2"]


def test_a_connection_that_the_server_will_close_is_not_used_again(open_invoker: Open):
    def serve(peer: socket.socket) -> None:
        take_request(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1")
        assert take_request(peer) == b""

    with scripted_peer(serve, serve, serve) as url:
        invoker = open_invoker(endpoint_url=url)
        payloads = [invoker.invoke(BATCH).payload for _ in range(3)]
        invoker.close()

    assert payloads == [b"1"] * 3


def test_a_refusal_that_comes_before_the_payload_is_whole_is_heard(open_invoker: Open):
    def refuse(peer: socket.socket) -> None:
        peer.recv(1000)
        body = b'{"Type":"User","message":"too large"}'
        peer.sendall(
            b"HTTP/1.1 413 X\r\nX-Amzn-ErrorType: RequestTooLargeException\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )

    with scripted_peer(refuse) as url:
        error = error_of(open_invoker(endpoint_url=url), LARGE)

    assert type(error) is PayloadInvocationError
    assert (error.code, error.status, error.may_have_run) == ("RequestTooLargeException", 413, False)


def assert_set(event: threading.Event) -> None:
    assert event.wait(10)


def test_a_payload_that_nobody_reads_ends_at_the_deadline_and_did_not_run(open_invoker: Open):
    is_over = threading.Event()

    with scripted_peer(lambda _: assert_set(is_over)) as url:
        error = error_of(open_invoker(endpoint_url=url, read_timeout=0.2), LARGE)
        is_over.set()

    assert (error.code, error.may_have_run) == ("ReadTimeout", False)


def test_a_request_goes_out_once_whatever_becomes_of_its_connection(open_invoker: Open):
    taken: list[bytes] = []

    def serve(peer: socket.socket) -> None:
        taken.append(take_request(peer))
        peer.sendall(reply(b"1"))
        taken.append(take_request(peer))  # And not a byte in return.

    with scripted_peer(serve) as url:
        invoker = open_invoker(endpoint_url=url)
        invoker.invoke(BATCH)
        error = error_of(invoker, b"2")

    assert (error.code, error.may_have_run) == ("ConnectionLost", True)
    assert [request.rpartition(b"\r\n")[2] for request in taken] == [BATCH, b"2"]
