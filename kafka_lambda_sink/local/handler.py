"""What runs a function's code: the port, the outcomes that Lambda itself makes, and the in-process handler."""

from __future__ import annotations

import json
import queue
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

#: Most bytes of a reply. Source: the text of `Function.ResponseSizeTooLarge`.
MAX_REPLY_BYTES = 6_291_556

UNHANDLED = "Unhandled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One execution that is asked for."""

    request_id: str
    payload: bytes
    function_name: str
    function_arn: str
    version: str
    memory_mb: int
    #: Seconds that the code may take.
    timeout: float
    #: JSON text, or None.
    client_context: str | None = None
    tenant_id: str | None = None
    #: X-Ray's, as the caller gave it.
    trace_header: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an execution."""

    payload: bytes
    #: `Handled` or `Unhandled` when the function failed, else None.
    function_error: str | None = None
    #: What the code wrote to its log.
    log: bytes = b""
    #: Milliseconds of starting the environment, when it was started for this invocation.
    init_ms: float | None = None
    #: Peak memory of the environment in MB, where known.
    max_memory_mb: int | None = None


class Handler(Protocol):
    """Runs the code of one function, several invocations at a time."""

    def run(self, invocation: Invocation) -> Outcome:
        """Execute and wait, at most for the invocation's timeout and the start of an environment. Thread-safe."""

    def close(self) -> None:
        """End every execution environment."""


def failure(error_type: str, message: str, log: str = "") -> Outcome:
    """An error that Lambda itself reports: no stack trace, type first."""
    body = {"errorType": error_type, "errorMessage": message}
    return Outcome(json.dumps(body, separators=(",", ":")).encode(), UNHANDLED, log.encode())


def timed_out(invocation: Invocation) -> Outcome:
    """The code took longer than the function's timeout."""
    message = f"Task timed out after {invocation.timeout:.2f} seconds"
    log = f"{invocation.request_id} {message}\n\n"
    return failure("Sandbox.Timedout", f"RequestId: {invocation.request_id} Error: {message}", log)


def exited(invocation: Invocation, reason: str) -> Outcome:
    """The process of the environment ended during an invocation; `reason` e.g. `exit status 1`."""
    detail = f"Runtime exited with error: {reason}" if reason else "Runtime exited without providing a reason"
    message = f"RequestId: {invocation.request_id} Error: {detail}"
    return failure("Runtime.ExitError", message, f"{message}\nRuntime.ExitError\n")


def not_executable(invocation: Invocation, command: str, reason: str) -> Outcome:
    """The command of the environment cannot be started."""
    message = f"RequestId: {invocation.request_id} Error: fork/exec {command}: {reason}"
    return failure("Runtime.InvalidEntrypoint", message, f"{message}\nRuntime.InvalidEntrypoint\n")


def response_too_large() -> Outcome:
    """The code returned more than a reply may hold."""
    message = f"Response payload size exceeded maximum allowed payload size ({MAX_REPLY_BYTES} bytes)."
    return failure("Function.ResponseSizeTooLarge", message)


class FunctionFailure(Exception):
    """Raised by an in-process function to fail with exactly this payload."""

    def __init__(self, payload: bytes, kind: str = UNHANDLED) -> None:
        super().__init__(kind)
        self.payload = payload
        #: `Handled` or `Unhandled`.
        self.kind = kind


class PythonHandler:
    """Runs `function(event bytes) -> reply bytes` in threads of this process: fast, for tests.

    The reply is passed on as it is, valid JSON or not. An exception becomes the error that AWS's Python runtime
    reports. A thread whose invocation timed out is left to finish, its result thrown away: Python cannot stop it.
    """

    def __init__(self, function: Callable[[bytes], bytes]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._closed = threading.Event()

    def __str__(self) -> str:
        """The function's name, as `Handler` of GetFunctionConfiguration."""
        return getattr(self._function, "__qualname__", type(self._function).__qualname__)

    def run(self, invocation: Invocation) -> Outcome:
        """Execute in a thread that is waited for no longer than the timeout."""
        with self._lock:
            if self._closed.is_set():
                return exited(invocation, "")
            worker = self._idle.pop() if self._idle else _Worker(self._function)
            self._busy.add(worker)
        outcome = worker.run(invocation)
        with self._lock:
            self._busy.discard(worker)
            if outcome is not None and not self._closed.is_set():
                self._idle.append(worker)
                return outcome
        worker.close()
        return outcome or timed_out(invocation)

    def close(self) -> None:
        """End what runs, as far as its callers are concerned, and let the threads end."""
        with self._lock:
            self._closed.set()
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for worker in idle:
            worker.close()
        for worker in busy:
            worker.abandon()


class _Worker:
    """An execution environment that is a thread."""

    def __init__(self, function: Callable[[bytes], bytes]) -> None:
        self._function = function
        self._tasks: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        threading.Thread(target=self._loop, name="local-function", daemon=True).start()

    def run(self, invocation: Invocation) -> Outcome | None:
        """The outcome, or None when it was not there in time: then the worker must not be used again."""
        self._tasks.put(invocation)
        try:
            return self._outcomes.get(timeout=invocation.timeout)
        except queue.Empty:
            return None

    def close(self) -> None:
        self._tasks.put(None)

    def abandon(self) -> None:
        """Let the caller of `run` go on, as after a timeout."""
        self._outcomes.put(None)

    def _loop(self) -> None:
        while (invocation := self._tasks.get()) is not None:
            self._outcomes.put(self._call(invocation))

    def _call(self, invocation: Invocation) -> Outcome:
        try:
            return Outcome(self._function(invocation.payload))
        except FunctionFailure as error:
            return Outcome(error.payload, error.kind)
        except Exception as error:  # noqa: BLE001  # whatever the code raises is its own failure
            return _raised(error, invocation.request_id)


def _raised(error: Exception, request_id: str) -> Outcome:
    # The first frame is ours.
    frames = traceback.extract_tb(error.__traceback__)[1:]
    body = {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }
    log = f"[ERROR] {type(error).__name__}: {error}\n".encode()
    return Outcome(json.dumps(body).encode(), UNHANDLED, log)
