"""An endpoint that answers invocations at the least cost and counts them; a process of its own.

It checks no signature. It answers `[]`, or the array that the `records` contract asks for, without parsing any JSON: it
knows how the coordinates stand in a request of ours, and in one of Benthos, which sorts them by name.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self, cast

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_PLACE = re.compile(rb'\{"payload":\{"timestamp":\d+,"topic":"[^"]*","partition":\d+,"offset":\d+')
_SORTED_PLACE = re.compile(rb'"offset":(\d+),"partition":(\d+),"timestamp":\d+,"topic":"([^"]*)","value":')
_RECORD, _SORTED_RECORD = b'{"payload":{"timestamp":', b'{"payload":{"key":'
_TIMESTAMP = re.compile(rb'\{"payload":\{"timestamp":(\d+)')
_RESULT = b',"result":{"ok":true,"text":"accepted for delivery"}}}'
_HEAD = (
    b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nX-Amzn-RequestId: 4f6e2f4a-0000-4000-8000-000000000000\r\n"
    b"X-Amz-Executed-Version: $LATEST\r\nContent-Length: %d\r\n\r\n%s"
)
_START_TIMEOUT = 30.0
_EVENT, _ANSWER = "event", "answer"
#: Steps of a millisecond that delays are counted in.
_STEPS = 20


def contract_reply(payload: bytes) -> bytes:
    """The reply that answers each record of a request with its own coordinates."""
    places = _PLACE.findall(payload) or [
        b'{"payload":{"topic":"%s","partition":%s,"offset":%s' % (topic, partition, offset)
        for offset, partition, topic in _SORTED_PLACE.findall(payload)
    ]
    return b"[" + b",".join(place + _RESULT for place in places) + b"]"


def _empty_reply(_: bytes) -> bytes:
    return b"[]"


@dataclass(frozen=True, slots=True)
class Tally:
    """What was answered since `begin`. Times by the machine's monotonic clock, in seconds."""

    invocations: int = 0
    records: int = 0
    #: When the first invocation came, and when the latest reply went out; 0.0 before.
    first: float = 0.0
    last: float = 0.0
    #: CPU seconds of the endpoint's process.
    cpu: float = 0.0
    #: How many records came so long after their timestamp, by twentieths of a millisecond; where delays are noted.
    delays: Mapping[int, int] = field(default_factory=dict)

    def delay(self, share: float) -> float:
        """Milliseconds that this share of the records took at most."""
        left = share * sum(self.delays.values())
        for steps in sorted(self.delays):
            left -= self.delays[steps]
            if left <= 0:
                return (steps + 1) / _STEPS
        return 0.0


class _Server:
    """Counts what all connections bring. Its pipe tells of the first and the last record, so that nobody polls it."""

    def __init__(self, channel: Connection) -> None:
        self._channel = channel
        self.latency = 0.0
        self.reply_to: Callable[[bytes], bytes] = _empty_reply
        self._delays: Counter[int] | None = None
        self._target = 0
        self._invocations = self._records = 0
        self._first = self._last = self._cpu = 0.0

    def came(self, body: bytes) -> None:
        """An invocation was received whole."""
        if self._delays is not None:
            now = time.time_ns()
            self._delays.update((now - int(at) * 1_000_000) * _STEPS // 1_000_000 for at in _TIMESTAMP.findall(body))
        if not self._first:
            self._first = time.perf_counter()
            self._channel.send((_EVENT, self._tally()))

    def answered(self, records: int) -> None:
        """Its reply went out."""
        self._invocations += 1
        before, self._records = self._records, self._records + records
        self._last = time.perf_counter()
        if before < self._target <= self._records:
            self._channel.send((_EVENT, self._tally()))

    def command(self) -> None:
        """`begin` of a run, or None: the tally now."""
        try:
            order = self._channel.recv()
        except EOFError:
            asyncio.get_running_loop().stop()
            return
        if order is None:
            self._channel.send((_ANSWER, self._tally()))
            return
        self._target, self.latency, is_contract, notes_delays = order
        self.reply_to = contract_reply if is_contract else _empty_reply
        self._delays = Counter() if notes_delays else None
        self._invocations = self._records = 0
        self._first = self._last = 0.0
        self._cpu = _cpu()

    def _tally(self) -> Tally:
        cpu = _cpu() - self._cpu
        return Tally(self._invocations, self._records, self._first, self._last, cpu, dict(self._delays or {}))


class _Session(asyncio.Protocol):
    def __init__(self, server: _Server, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        length = _LENGTH.search(buffer, 0, end)
        whole = end + (int(length[1]) if length else 0)
        if len(buffer) < whole:
            return
        # No client of ours sends a request before it has the reply to the one before.
        self._buffer = b""
        self._request(buffer[:end], buffer[end:])

    def _request(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self._send(b"200 OK", b'{"FunctionName":"bench","Timeout":3}')
        elif b"DryRun" in head:
            self._send(b"204 No Content", b"")
        else:
            server = self._server
            server.came(body)
            if server.latency:
                self._loop.call_later(server.latency, self._answer, body)
            else:
                self._answer(body)

    def _answer(self, body: bytes) -> None:
        self._send(b"200 OK", self._server.reply_to(body))
        self._server.answered(body.count(_RECORD) or body.count(_SORTED_RECORD))

    def _send(self, status: bytes, body: bytes) -> None:
        self._transport.write(_HEAD % (status, len(body), body))


async def _listen(loop: asyncio.AbstractEventLoop, channel: Connection) -> None:
    server = _Server(channel)
    loop.add_reader(channel.fileno(), server.command)
    listener = await loop.create_server(lambda: _Session(server, loop), "127.0.0.1", 0, backlog=256)
    channel.send(listener.sockets[0].getsockname()[1])


def _serve(channel: Connection) -> None:
    loop = asyncio.new_event_loop()
    task = loop.create_task(_listen(loop, channel))
    loop.run_forever()
    task.result()


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class ConstEndpoint:
    """The process, seen from the benchmark. `with` starts and ends it."""

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        self._channel, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.url = f"http://127.0.0.1:{self._receive()}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()
        self._process.join(5)
        self._process.kill()

    def begin(self, *, target: int, latency: float, is_contract: bool, notes_delays: bool = False) -> None:
        """Count from 0; tell of the first invocation and of the record number `target`. `latency` in seconds."""
        while self._channel.poll():
            self._channel.recv()
        self._channel.send((target, latency, is_contract, notes_delays))

    def wait(self, seconds: float) -> Tally | None:
        """The tally at the next event (first invocation, last record), or None when none came within `seconds`."""
        return cast("Tally", self._channel.recv()[1]) if self._channel.poll(seconds) else None

    def tally(self) -> Tally:
        """The tally now. An event that nobody waited for is dropped."""
        self._channel.send(None)
        while True:
            kind, tally = self._receive()
            if kind == _ANSWER:
                return cast("Tally", tally)

    def _receive(self) -> Any:
        if not self._channel.poll(_START_TIMEOUT):
            raise RuntimeError("the endpoint does not answer")
        return self._channel.recv()
