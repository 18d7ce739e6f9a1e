"""What stands before a schema registry, or in place of one: it asks for credentials, fails, or passes questions on."""

from __future__ import annotations

import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.certificates import Certificates

#: Status and body for a path and its headers; None to pass it on. May block.
Answer = Callable[[str, Mapping[str, str]], "tuple[int, bytes] | None"]


@dataclass
class Gate:
    """A running gate."""

    url: str
    #: Paths asked for, in order.
    paths: list[str] = field(default_factory=list)


@contextmanager
def registry_gate(answer: Answer, *, upstream: str = "", tls: Certificates | None = None) -> Iterator[Gate]:
    """A gate on loopback. With `tls` it takes only who shows a certificate of that authority."""
    gate = Gate("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            gate.paths.append(self.path)
            status, body = answer(self.path, dict(self.headers)) or _ask(upstream + self.path)
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return  # who asked has gone

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass  # a handshake that was refused

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
        context.load_verify_locations(tls.authority)
        context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    gate.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _ask(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=30) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
