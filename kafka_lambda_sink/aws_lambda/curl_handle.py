"""A libcurl handle that is set up once for one request, and can be ended from another thread."""

from __future__ import annotations

import os
import socket
import threading

import pycurl

from kafka_lambda_sink.aws_lambda.connection import Connection
from kafka_lambda_sink.aws_lambda.request import InvokeRequest

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

    @property
    def has_open(self) -> bool:
        """Whether a connection is there, or on its way."""
        return bool(self._open)

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
        with self._lock:
            self.is_shut = True
            for descriptor in self._open:
                with socket.socket(fileno=os.dup(descriptor)) as twin:
                    try:
                        twin.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        continue  # Not connected yet, or not any more.


def open_handle(request: InvokeRequest, connection: Connection, sockets: Sockets, max_reply_bytes: int) -> pycurl.Curl:
    """A handle with every option that does not change from call to call."""
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, request.url)
    curl.setopt(pycurl.POST, 1)
    curl.setopt(pycurl.USERAGENT, request.user_agent)
    curl.setopt(pycurl.AWS_SIGV4, f"aws:amz:{request.signing_region}:{request.signing_name}")
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    # Threads other than the main one must not be interrupted by libcurl's alarm signals.
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.MAXCONNECTS, 1)
    curl.setopt(pycurl.TCP_KEEPALIVE, 1)
    curl.setopt(pycurl.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
    curl.setopt(pycurl.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_S)
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, _milliseconds(connection.connect_timeout))
    curl.setopt(pycurl.TIMEOUT_MS, _milliseconds(connection.connect_timeout + connection.read_timeout))
    # Ends a transfer of unknown length as well, since libcurl 8.4.
    curl.setopt(pycurl.MAXFILESIZE_LARGE, max_reply_bytes)
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


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
