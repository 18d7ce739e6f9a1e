"""A server that does to each connection, in order, what a test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Script = Callable[[socket.socket], None]


@contextmanager
def scripted_peer(*scripts: Script) -> Iterator[str]:
    """Its URL. A connection is closed when its script returns; the context ends when all scripts have."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for script in scripts:
                peer, _ = listener.accept()
                with peer:
                    peer.settimeout(10)
                    script(peer)

        server = threading.Thread(target=serve)
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.join(10)
        assert not server.is_alive()


def take_request(peer: socket.socket) -> bytes:
    """One whole request; empty when the connection ended instead."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = peer.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < size:
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


def reply(payload: bytes) -> bytes:
    """A reply that keeps the connection."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(payload), payload)
