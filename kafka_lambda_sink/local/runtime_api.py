"""Lambda's Runtime API of one execution environment.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from enum import Enum

from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.local.handler import MAX_REPLY_BYTES, UNHANDLED, Invocation, Outcome, failure, response_too_large
from kafka_lambda_sink.local.http_message import Reply, Request
from kafka_lambda_sink.local.http_server import Connection, HttpServer

_NEXT = "/2018-06-01/runtime/invocation/next"
_INIT_ERROR = "/2018-06-01/runtime/init/error"
_RESULT = re.compile(r"/2018-06-01/runtime/invocation/(?P<id>[^/]+)/(?P<kind>response|error)")
_JSON = ("Content-Type", "application/json")


class State(Enum):
    """Where the runtime process is."""

    #: Started; has not asked for an invocation yet.
    INIT = "init"
    #: Asks for an invocation.
    READY = "ready"
    #: Has one, or has answered and not asked again.
    BUSY = "busy"
    #: Reported that it cannot start.
    INIT_FAILED = "init failed"
    #: The process ended.
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Exit:
    """How the process ended, in AWS's words: `exit status 1`, `signal: killed`, or empty for a plain end."""

    reason: str


class RuntimeApi:
    """The server that one runtime process talks to, and the platform's side of it. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._state = State.INIT
        self._offered: Invocation | None = None
        self._current: Invocation | None = None
        self._outcome: Outcome | None = None
        self._exit = Exit("")
        self._closing = False
        self._server = HttpServer(self._handle, name="local-runtime-api")
        #: For AWS_LAMBDA_RUNTIME_API.
        self.address = f"{self._server.host}:{self._server.port}"
        self._server.start()

    def wait_ready(self, timeout: float) -> State:
        """Wait until the runtime asks for an invocation, fails to start, or ends; the state after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._state not in {State.INIT, State.BUSY}, timeout)
            return self._state

    def offer(self, invocation: Invocation) -> None:
        """Give a ready runtime its next invocation."""
        with self._changed:
            self._outcome = None
            self._offered = invocation
            self._changed.notify_all()

    def wait_outcome(self, timeout: float) -> Outcome | Exit | None:
        """What the runtime reported, how its process ended instead, or None after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._outcome is not None or self._state is State.EXITED, timeout)
            if self._outcome is not None:
                return self._outcome
            return self._exit if self._state is State.EXITED else None

    def process_exited(self, reason: str) -> None:
        """Note that the process ended."""
        with self._changed:
            if self._state is not State.INIT_FAILED:
                self._state = State.EXITED
            self._exit = Exit(reason)
            self._changed.notify_all()

    @property
    def exit_reason(self) -> str:
        """How the process ended, as far as it did."""
        with self._changed:
            return self._exit.reason

    @property
    def init_outcome(self) -> Outcome | None:
        """What the runtime reported when it could not start."""
        with self._changed:
            return self._outcome if self._state is State.INIT_FAILED else None

    def close(self) -> None:
        """End the server."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._server.close()

    def _handle(self, request: Request, connection: Connection) -> None:
        result = _RESULT.fullmatch(request.path)
        if request.method == "GET" and request.path == _NEXT:
            reply = self._next()
        elif request.method == "POST" and request.path == _INIT_ERROR:
            reply = self._init_failed(request)
        elif request.method == "POST" and result is not None:
            reply = self._report(result["id"], request, is_error=result["kind"] == "error")
        else:
            reply = Reply(404, [_JSON], b'{"errorMessage":"404 page not found","errorType":"NotFound"}')
        connection.send(reply.encode())

    def _next(self) -> Reply:
        with self._changed:
            self._state = State.READY
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._offered is not None or self._closing)
            invocation, self._offered = self._offered, None
            if invocation is None:
                return Reply(500, [_JSON], b'{"errorMessage":"shutting down","errorType":"Shutdown"}')
            self._current = invocation
            self._state = State.BUSY
        deadline_ms = self._clock.now_ms() + round(invocation.timeout * 1000)
        headers = [
            _JSON,
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn),
            (
                "Lambda-Runtime-Trace-Id",
                invocation.trace_header
                or f"Root=1-{deadline_ms // 1000:08x}-{invocation.request_id.replace('-', '')[:24]}",
            ),
        ]
        if invocation.client_context is not None:
            headers.append(("Lambda-Runtime-Client-Context", invocation.client_context))
        if invocation.tenant_id is not None:
            headers.append(("Lambda-Runtime-Aws-Tenant-Id", invocation.tenant_id))
        return Reply(200, headers, invocation.payload)

    def _report(self, request_id: str, request: Request, *, is_error: bool) -> Reply:
        with self._changed:
            if self._current is None or self._current.request_id != request_id:
                return Reply(400, [_JSON], b'{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}')
            self._current = None
            if len(request.body) > MAX_REPLY_BYTES:
                self._outcome = response_too_large()
                message = f"Exceeded maximum allowed payload size ({MAX_REPLY_BYTES} bytes)."
                body = json.dumps({"errorMessage": message, "errorType": "RequestEntityTooLarge"})
                reply = Reply(413, [_JSON], body.encode())
            else:
                self._outcome = _error(request) if is_error else Outcome(request.body)
                reply = Reply(202, [_JSON], b'{"status":"OK"}')
            self._changed.notify_all()
        return reply

    def _init_failed(self, request: Request) -> Reply:
        with self._changed:
            self._outcome = _error(request)
            self._state = State.INIT_FAILED
            self._changed.notify_all()
        return Reply(202, [_JSON], b'{"status":"OK"}')


def _error(request: Request) -> Outcome:
    if request.body:
        return Outcome(request.body, UNHANDLED)
    error_type = request.header("lambda-runtime-function-error-type") or "Function.Unknown"
    return failure(error_type, "Unknown")
