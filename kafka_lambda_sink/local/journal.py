"""Every request and reply, and every execution, as a black-box checker needs them."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.local.http_message import Reply, Request

#: Headers whose value is a secret.
_SECRET_HEADERS = frozenset({"x-amz-security-token"})


@dataclass(slots=True)
class Entry:
    """One request. Complete once `finished_ms` is set; until then its connection's thread fills it in."""

    #: Order of arrival, from 1.
    number: int
    #: Which connection of the server it came on, from 1.
    connection: int
    #: Milliseconds since the epoch, and seconds on the monotonic clock, when it had been read whole.
    arrived_ms: int
    arrived: float
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    #: `RequestResponse`, `Event`, `DryRun`, `GetFunctionConfiguration`, `GetFunction`, or None when unknown.
    call: str | None = None
    function: str | None = None
    qualifier: str | None = None
    #: Topic and partition of the first record of a batch in the connector's format.
    topic: str | None = None
    partition: int | None = None
    request_id: str | None = None
    #: The scripted fault that answers, or `function`, `refusal`, `configuration`.
    planned: str | None = None
    #: Whether the function's code was run for this request (an `Event` runs later: see the executions).
    ran: bool = False
    status: int | None = None
    reply_headers: tuple[tuple[str, str], ...] = ()
    reply_body: bytes = field(default=b"", repr=False)
    function_error: str | None = None
    #: Whether the whole of a well-formed reply was handed to the network while the peer was there.
    sent: bool = False
    finished_ms: int | None = None
    finished: float | None = None

    def planned_reply(self, reply: Reply) -> None:
        """Note what is about to be answered."""
        self.status = reply.status
        self.reply_headers = tuple(reply.headers)
        self.reply_body = reply.body
        self.function_error = reply.header("X-Amz-Function-Error")

    def as_json(self) -> dict[str, Any]:
        """The entry for a JSON document; bodies are text where they are UTF-8, else `{"base64": …}`."""
        document = {name: getattr(self, name) for name in self.__slots__}
        document |= {"body": _text(self.body), "reply_body": _text(self.reply_body)}
        return {"type": "request", **document}


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a function's code, for whichever invocation type."""

    function: str
    version: str
    request_id: str
    #: 1, and 2 or 3 for the retries of an asynchronous invocation.
    attempt: int
    payload: bytes = field(repr=False)
    started_ms: int
    finished_ms: int
    function_error: str | None
    reply: bytes = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """The execution for a JSON document."""
        document = {name: getattr(self, name) for name in self.__slots__}
        return {"type": "execution", **document, "payload": _text(self.payload), "reply": _text(self.reply)}


def _text(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


class Journal:
    """Thread-safe. `limit` bounds what is kept in memory; the file, one JSON document a line, gets everything."""

    def __init__(self, clock: Clock, *, path: Path | None = None, limit: int | None = None) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._requests: deque[Entry] = deque(maxlen=limit)
        self._executions: deque[Execution] = deque(maxlen=limit)
        self._numbers = itertools.count(1)
        self._file: IO[str] | None = path.open("a", encoding="utf-8") if path is not None else None

    def begin(self, request: Request, connection: int) -> Entry:
        """Note a request that has been read."""
        headers = tuple((name, "***" if name.lower() in _SECRET_HEADERS else value) for name, value in request.headers)
        with self._changed:
            entry = Entry(
                number=next(self._numbers),
                connection=connection,
                arrived_ms=self._clock.now_ms(),
                arrived=self._clock.monotonic(),
                method=request.method,
                target=request.target,
                headers=headers,
                body=request.body,
            )
            self._requests.append(entry)
            self._changed.notify_all()
        return entry

    def admitted(self) -> None:
        """Note that an entry has been filled in with what it calls: whoever waits for such a call looks again."""
        with self._changed:
            self._changed.notify_all()

    def finish(self, entry: Entry, *, sent: bool) -> None:
        """Note that nothing more is sent for a request."""
        with self._changed:
            entry.sent = sent
            entry.finished_ms = self._clock.now_ms()
            entry.finished = self._clock.monotonic()
            self._write(entry.as_json)
            self._changed.notify_all()

    def executed(self, execution: Execution) -> None:
        """Note an execution that ended."""
        with self._changed:
            self._executions.append(execution)
            self._write(execution.as_json)
            self._changed.notify_all()

    def requests(self, call: str | None = None, function: str | None = None) -> list[Entry]:
        """Requests in order of arrival, of one call (`RequestResponse`, …) or function if given."""
        with self._changed:
            entries = list(self._requests)
        return [
            entry
            for entry in entries
            if (call is None or entry.call == call) and (function is None or entry.function == function)
        ]

    def executions(self, function: str | None = None) -> list[Execution]:
        """Executions in the order they ended, of one function if given."""
        with self._changed:
            executions = list(self._executions)
        return [execution for execution in executions if function is None or execution.function == function]

    def wait_for(self, condition: Callable[[Journal], bool], timeout: float = 10.0) -> bool:
        """Block until `condition(self)` holds, or `timeout` seconds; whether it held."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), timeout)

    def wait_settled(self, timeout: float = 10.0) -> bool:
        """Block until nothing more is sent for any request; whether that came within `timeout` seconds.

        A client may have its reply a moment before the journal has the request's end.
        """
        return self.wait_for(lambda _: all(entry.finished is not None for entry in self._requests), timeout)

    def clear(self) -> None:
        """Forget what is kept in memory."""
        with self._changed:
            self._requests.clear()
            self._executions.clear()

    def close(self) -> None:
        """Close the file."""
        with self._changed:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, as_json: Callable[[], dict[str, Any]]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(as_json(), separators=(",", ":")) + "\n")
            self._file.flush()
