"""A libcurl handle that connects to one endpoint, and can be ended from another thread."""

from __future__ import annotations

import os
import socket
import threading

import pycurl

from kafka_lambda_sink.aws_lambda.connection import Connection

#: Well below the 350 s after which NAT gateways and load balancers forget an idle connection.
_KEEPALIVE_IDLE_S = 60
_KEEPALIVE_INTERVAL_S = 30
_ABORTED = 1


class Sockets:
    """The open sockets of one handle, kept by libcurl's callbacks, so that another thread can shut them down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[int] = set()
        #: Set once, by `shut_down`.
        self.is_shut = False

    def opened(self, descriptor: int, _purpose: int) -> int:
        """SOCKOPTFUNCTION: a socket is about to be connected."""
        with self._lock:
            self._open.add(descriptor)
            return int(pycurl.SOCKOPT_ERROR if self.is_shut else pycurl.SOCKOPT_OK)

    def closed(self, descriptor: int) -> int:
        """CLOSESOCKETFUNCTION: closing is ours to do, under the lock: the number may be another file's at once."""
        with self._lock:
            self._open.discard(descriptor)
            os.close(descriptor)
        return 0

    def shut_down(self) -> None:
        """End whatever waits on a socket, connecting or connected, and refuse new ones. From any thread."""
        self.is_shut = True
        self.end_all()

    def end_all(self) -> None:
        """Shut down what is open; libcurl closes it when it sees fit."""
        with self._lock:
            for descriptor in self._open:
                with socket.socket(fileno=os.dup(descriptor)) as twin:
                    try:
                        twin.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        continue  # Not connected yet, or not any more.


def open_handle(url: str, user_agent: str, connection: Connection, sockets: Sockets) -> pycurl.Curl:
    """A handle whose `perform` connects, TLS and tunnel included, and sends nothing."""
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.CONNECT_ONLY, 1)
    curl.setopt(pycurl.USERAGENT, user_agent)  # For a proxy.
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    # Threads other than the main one must not be interrupted by libcurl's alarm signals.
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.MAXCONNECTS, 1)
    curl.setopt(pycurl.TCP_KEEPALIVE, 1)
    curl.setopt(pycurl.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
    curl.setopt(pycurl.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_S)
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, round(connection.connect_timeout * 1000)))
    curl.setopt(pycurl.SOCKOPTFUNCTION, sockets.opened)
    curl.setopt(pycurl.CLOSESOCKETFUNCTION, sockets.closed)
    # Without it a look-up of the endpoint's name could not be aborted: it has no socket of ours.
    curl.setopt(pycurl.NOPROGRESS, 0)
    curl.setopt(pycurl.XFERINFOFUNCTION, lambda *_: _ABORTED if sockets.is_shut else 0)
    _trust(curl, connection)
    # The empty string keeps libcurl from reading the environment, which was read as botocore reads it.
    curl.setopt(pycurl.PROXY, connection.proxy or "")
    curl.setopt(pycurl.NOPROXY, "")
    return curl


def _trust(curl: pycurl.Curl, connection: Connection) -> None:
    bundle = str(connection.ca_bundle)
    is_directory = connection.ca_bundle.is_dir()
    curl.setopt(pycurl.CAPATH if is_directory else pycurl.CAINFO, bundle)
    curl.setopt(pycurl.PROXY_CAPATH if is_directory else pycurl.PROXY_CAINFO, bundle)
    curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
    curl.setopt(pycurl.PROXY_SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
