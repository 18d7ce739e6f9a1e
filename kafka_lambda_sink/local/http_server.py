"""A small HTTP/1.1 server: keep-alive, one thread a connection, one write a reply, and the socket within reach.

Scripted faults need the socket (reset, half a body, a byte a second), which the standard library's server hides.
Headers and body go out in one write with TCP_NODELAY: two writes meet the peer's delayed acknowledgement and cost
about 40 ms a request.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable

from kafka_lambda_sink.local.http_message import Reply, Request

_RECEIVE = 256 * 1024
#: The Runtime API's error report may carry an X-Ray cause of up to 1 MiB in a header.
_MAX_HEAD = 2 * 1024 * 1024
_MAX_BODY = 64 * 1024 * 1024
_JOIN_SECONDS = 5.0
#: Linux alone tells of a FIN behind unread data.
_PEER_CLOSED = getattr(select, "POLLRDHUP", 0)


class ConnectionClosed(Exception):
    """The peer went away, or the server closes."""


class BadRequest(Exception):
    """What came in is not HTTP/1.1 as this server speaks it."""


class Connection:
    """One accepted connection; used by its own thread, except for `abort`."""

    def __init__(self, sock: socket.socket, number: int, peer: str) -> None:
        self._socket = sock
        self._buffer = b""
        #: Counts the connections of a server from 1.
        self.number = number
        #: Address of the peer, without the port.
        self.peer = peer
        #: No further request is read from this connection.
        self.is_closed = False

    def read_request(self) -> Request | None:
        """The next request, or None when the peer closed between two. Blocks.

        Raises BadRequest, ConnectionClosed.
        """
        head = self._read_head()
        if head is None:
            return None
        request = _parse_head(head)
        if (request.header("expect") or "").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in (request.header("transfer-encoding") or "").lower():
            request.body = self._read_chunks()
        elif length := request.header("content-length"):
            request.body = self._read_exactly(_length(length))
        return request

    def send(self, data: bytes) -> bool:
        """Hand everything to the kernel; False when the peer is gone. Blocks while its window is full.

        A peer that closed its side counts as gone, where the system tells: the kernel still takes what nobody reads.
        """
        is_gone = self._has_peer_closed()
        try:
            self._socket.sendall(data)
        except OSError:
            self.is_closed = True
            return False
        return not is_gone

    def _has_peer_closed(self) -> bool:
        poll = select.poll()
        poll.register(self._socket, _PEER_CLOSED)
        return bool(poll.poll(0))

    def reset(self) -> None:
        """Close with RST: whatever is unsent or unread is thrown away."""
        self.is_closed = True
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def close(self) -> None:
        """Close with FIN."""
        self.is_closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def abort(self) -> None:
        """Wake the thread that reads or writes, from any thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Do the server's part of the handshake. Raises OSError (ssl.SSLError)."""
        self._socket = context.wrap_socket(self._socket, server_side=True)

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(_RECEIVE)
        except OSError as error:
            raise ConnectionClosed from error

    def _read_head(self) -> bytes | None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MAX_HEAD:
                raise BadRequest("request headers exceed 2 MiB")
            data = self._receive()
            if not data:
                if self._buffer:
                    raise ConnectionClosed
                return None
            self._buffer += data
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        return head

    def _read_exactly(self, count: int) -> bytes:
        if count > _MAX_BODY:
            raise BadRequest("request body exceeds 64 MiB")
        parts = [self._buffer[:count]]
        missing = count - len(parts[0])
        self._buffer = self._buffer[count:]
        while missing > 0:
            data = self._receive()
            if not data:
                raise ConnectionClosed
            parts.append(data[:missing])
            self._buffer = data[missing:]
            missing -= len(parts[-1])
        return b"".join(parts)

    def _read_line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            data = self._receive()
            if not data or len(self._buffer) > _MAX_HEAD:
                raise ConnectionClosed
            self._buffer += data
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line

    def _read_chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while size := _length(self._read_line().partition(b";")[0].decode("latin-1"), 16):
            total += size
            if total > _MAX_BODY:
                raise BadRequest("request body exceeds 64 MiB")
            parts.append(self._read_exactly(size))
            self._read_line()
        while self._read_line():
            pass
        return b"".join(parts)


def _length(text: str, radix: int = 10) -> int:
    try:
        value = int(text.strip(), radix)
    except ValueError as error:
        raise BadRequest(f"not a length: {text!r}") from error
    if value < 0:
        raise BadRequest(f"not a length: {text!r}")
    return value


def _parse_head(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, version = first.split(" ")
    except ValueError as error:
        raise BadRequest(f"not a request line: {first!r}") from error
    headers = tuple((name, value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon)
    return Request(method, _origin_form(target), version, headers)


def _origin_form(target: str) -> str:
    """Path and query: behind a proxy the whole URL comes, which a server must take (RFC 9112, 3.2.2)."""
    if not target.startswith("http://"):
        return target
    _, slash, path = target.removeprefix("http://").partition("/")
    return slash + path


class HttpServer:
    """Accepts connections and hands every request to `handle`, which sends the reply through the connection."""

    def __init__(
        self,
        handle: Callable[[Request, Connection], None],
        *,
        name: str,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._handle = handle
        self._name = name
        self._tls = tls
        self._listener = socket.create_server((host, port), backlog=512)
        #: Address and port that are listened on.
        self.host, self.port = self._listener.getsockname()[:2]
        self._lock = threading.Lock()
        self._connections: dict[Connection, threading.Thread] = {}
        self._accepted = 0
        self._closing = False
        self._acceptor = threading.Thread(target=self._accept, name=f"{name}-accept", daemon=True)

    def start(self) -> None:
        """Accept connections from now on."""
        self._acceptor.start()

    def stop(self) -> None:
        """Stop listening and end every connection; requests that are being answered go on, unheard."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            open_connections = list(self._connections)
        if self._acceptor.is_alive():
            # A blocked accept() is woken by a connection on every platform, by closing the listener only on some.
            with contextlib.suppress(OSError):
                socket.create_connection((self.host, self.port), timeout=1).close()
            self._acceptor.join(_JOIN_SECONDS)
        self._listener.close()
        for connection in open_connections:
            connection.abort()

    def close(self) -> None:
        """Stop, and wait a few seconds for the requests that are being answered."""
        self.stop()
        with self._lock:
            threads = list(self._connections.values())
        for thread in threads:
            thread.join(_JOIN_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                sock, address = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closing:
                    sock.close()
                    return
                self._accepted += 1
                connection = Connection(sock, self._accepted, address[0])
                name = f"{self._name}-{connection.number}"
                thread = threading.Thread(target=self._serve, args=(connection, sock), name=name, daemon=True)
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: Connection, sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection.start_tls(self._tls)
            while not connection.is_closed and (request := connection.read_request()) is not None:
                self._handle(request, connection)
                if request.is_last:
                    break
        except BadRequest as error:
            connection.send(Reply(400, [("Connection", "close")], str(error).encode()).encode())
        except (ConnectionClosed, OSError):
            pass
        finally:
            connection.close()
            with self._lock:
                self._connections.pop(connection, None)
