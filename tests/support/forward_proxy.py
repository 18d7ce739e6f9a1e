"""A tiny HTTP proxy on loopback: CONNECT tunnels and forwarded requests, with optional Basic credentials.

Its answer to CONNECT has a header that must not be taken for one of the reply's.
"""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class ForwardProxy:
    """What the proxy saw."""

    url: str
    #: Request lines, in order.
    lines: list[str] = field(default_factory=list)


@contextmanager
def forward_proxy(userinfo: str | None = None) -> Iterator[ForwardProxy]:
    """A running proxy; with `userinfo` (`user:password`) it answers 407 to whoever does not bring it."""
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = ForwardProxy(f"http://127.0.0.1:{listener.getsockname()[1]}")
    expected = None if userinfo is None else "Basic " + base64.b64encode(userinfo.encode()).decode()
    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            opened.append(peer)
            thread = threading.Thread(target=_serve, args=(proxy, peer, expected, opened))
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield proxy
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()
        listener.close()
        for connection in opened:
            _shut(connection)
        for thread in threads:
            thread.join()
        for connection in opened:
            connection.close()


def _serve(proxy: ForwardProxy, peer: socket.socket, expected: str | None, opened: list[socket.socket]) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = peer.recv(65536)
        if not chunk:
            return
        head += chunk
    head, _, rest = head.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    proxy.lines.append(lines[0])
    if expected and f"proxy-authorization: {expected}".lower() not in [line.lower() for line in lines]:
        peer.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        _shut(peer)
        return
    method, target, version = lines[0].split(" ")
    if method == "CONNECT":
        host, _, port = target.rpartition(":")
        upstream = socket.create_connection((host, int(port)))
        peer.sendall(b"HTTP/1.1 200 Connection established\r\nX-Amz-Function-Error: Unhandled\r\n\r\n")
    else:
        parts = urlsplit(target)
        upstream = socket.create_connection((parts.hostname or "", parts.port or 80))
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        upstream.sendall("\r\n".join([f"{method} {path} {version}", *lines[1:], "", ""]).encode("latin-1") + rest)
    opened.append(upstream)
    back = threading.Thread(target=_pump, args=(upstream, peer))
    back.start()
    _pump(peer, upstream)
    back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    except OSError:
        pass
    _shut(sink)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
