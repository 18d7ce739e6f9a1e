"""One connection to the endpoint, kept from call to call: libcurl makes it, we speak over it.

libcurl knows names, proxies, tunnels and TLS. The exchange itself costs more with it than the rest of an invocation: it
takes the interpreter's lock once for every header of a reply, and threads that wait for that lock wake each other for
nothing. Here an exchange is two waits: one to send, one to receive.
"""

from __future__ import annotations

import os
import select
import socket
import struct
from time import perf_counter

import pycurl

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.connection import Connection
from kafka_lambda_sink.aws_lambda.curl_handle import Sockets, open_handle
from kafka_lambda_sink.aws_lambda.exchange_fault import ExchangeFault
from kafka_lambda_sink.aws_lambda.read_timeout import ReadTimeout

_RECEIVED = 64 * 1024
#: Below it, one packet with head and payload is cheaper than no copy.
_COPIED = 64 * 1024
#: Seconds by which the kernel's timeout may differ from what is left: setting it is a system call.
_SLACK = 0.01
_SHORTEST = 0.001
_MICROSECONDS = 1_000_000


class Channel:
    """Sends and receives, each exchange with a deadline. For one thread, but for `abort`.

    The socket is in blocking mode with the kernel's timeouts: it needs no poll before each read. `abort` shuts it down,
    which ends whatever waits on it.
    """

    def __init__(self, url: str, user_agent: str, connection: Connection, read_timeout: ReadTimeout) -> None:
        self._sockets = Sockets()
        self._curl = open_handle(url, user_agent, connection, self._sockets)
        self._read_timeout = read_timeout
        #: Of the exchange under way.
        self._seconds = read_timeout.seconds
        self._descriptor = -1
        self._poll = select.poll()
        self._allowed = 0.0
        self._deadline = 0.0
        self._has_received = False

    @property
    def is_aborted(self) -> bool:
        """Set once, by `abort` or `close`."""
        return self._sockets.is_shut

    def connect(self) -> None:
        """See that a connection stands. Blocks up to the connect timeout. Raises pycurl.error.

        A kept connection that ended or spoke meanwhile is replaced: nothing was sent on it, so nothing is in doubt.
        """
        if self._descriptor >= 0:
            if not self._poll.poll(0) or self._has_only_tls_messages():
                return
            self.drop()
        self._curl.perform()  # Closes the old connection first, of which it keeps at most one.
        self._descriptor = self._curl.getinfo(pycurl.ACTIVESOCKET)
        self._poll.register(self._descriptor, select.POLLIN)
        os.set_blocking(self._descriptor, True)
        self._allow(self._seconds)

    def send(self, head: bytes, payload: bytes) -> None:
        """Begin an exchange. Blocks up to the read timeout. On return every byte is on its way; ExchangeFault else."""
        self._seconds = self._read_timeout.seconds
        self._deadline = perf_counter() + self._seconds
        self._has_received = False
        if abs(self._allowed - self._seconds) > _SLACK:
            self._allow(self._seconds)
        if len(payload) <= _COPIED:
            self._send(head + payload)
        else:
            self._send(head)
            self._send(payload)

    def receive(self) -> bytes:
        """The next bytes, none at the end of the connection. Blocks up to the exchange's deadline.

        Raises ExchangeFault: ReadTimeout, ConnectionLost, or ReplyTruncated when a part of the reply had come.
        """
        while True:
            self._allow_rest()
            try:
                data: bytes = self._curl.recv(_RECEIVED)
            except BlockingIOError:  # The kernel's timeout, or a signal.
                continue
            except pycurl.error as error:
                code = errors.REPLY_TRUNCATED if self._has_received else errors.CONNECTION_LOST
                raise ExchangeFault(code, error.args[1]) from error
            self._has_received = True
            return data

    def drop(self) -> None:
        """Give the connection up: whatever may still come over it is nobody's."""
        if self._descriptor >= 0:
            self._poll.unregister(self._descriptor)
            self._descriptor = -1
            self._sockets.end_all()

    def abort(self) -> None:
        """End what waits, and let nothing connect any more. From any thread."""
        self._sockets.shut_down()

    def close(self) -> None:
        """Does not block."""
        self._sockets.shut_down()
        self._curl.close()

    def _send(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while True:
            try:
                sent = self._curl.send(rest)
            except BlockingIOError:
                sent = 0
            except pycurl.error as error:
                raise ExchangeFault(errors.CONNECTION_LOST, error.args[1]) from error
            if sent == len(rest):
                return
            rest = memoryview(rest)[sent:]
            self._allow_rest()

    def _has_only_tls_messages(self) -> bool:
        """Whether what can be read is the TLS layer's alone, such as a session ticket."""
        os.set_blocking(self._descriptor, False)
        try:
            self._curl.recv(1)
        except BlockingIOError:
            os.set_blocking(self._descriptor, True)
            return True
        except pycurl.error:
            return False
        return False

    def _allow_rest(self) -> None:
        rest = self._deadline - perf_counter()
        if rest <= 0:
            raise ExchangeFault(errors.READ_TIMEOUT, f"no whole reply within {self._seconds:g} s")
        if abs(self._allowed - rest) > _SLACK:
            self._allow(rest)

    def _allow(self, seconds: float) -> None:
        """Set the kernel's timeouts of one wait."""
        whole, micro = divmod(round(max(seconds, _SHORTEST) * _MICROSECONDS), _MICROSECONDS)
        with socket.socket(fileno=os.dup(self._descriptor)) as twin:
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                twin.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", whole, micro))
        self._allowed = seconds
