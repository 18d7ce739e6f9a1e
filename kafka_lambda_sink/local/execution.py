"""Running a function once: concurrency limits, the size of the reply, the platform's log lines, the journal."""

from __future__ import annotations

import base64
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kafka_lambda_sink.core.ports import CallContext, Clock
from kafka_lambda_sink.local.function import Target
from kafka_lambda_sink.local.handler import MAX_REPLY_BYTES, Invocation, Outcome, response_too_large
from kafka_lambda_sink.local.journal import Execution, Journal
from kafka_lambda_sink.local.refusals import throttled

_LOG_TAIL_BYTES = 4096
_RETRY_AFTER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Call:
    """What a caller wants executed."""

    target: Target
    payload: bytes
    request_id: str
    context: CallContext


class Executor:
    """Runs functions within the concurrency limits. Thread-safe."""

    def __init__(self, *, journal: Journal, clock: Clock, account_concurrency: int) -> None:
        self._journal = journal
        self._clock = clock
        self._account_concurrency = account_concurrency
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()

    def in_flight(self) -> dict[str, int]:
        """Executions that run now, by function name."""
        with self._lock:
            return dict(+self._running)

    def execute(self, call: Call, attempt: int = 1) -> Outcome:
        """Run the code and wait; the outcome's log has the platform's lines.

        Raises Refusal (429) at a concurrency limit; the code did not run then.
        """
        function, context = call.target.function, call.context
        with self._slot(call.target):
            started_ms, started = self._clock.now_ms(), self._clock.monotonic()
            invocation = Invocation(
                request_id=call.request_id,
                payload=call.payload,
                function_name=function.name,
                function_arn=call.target.invoked_arn,
                version=call.target.version,
                memory_mb=function.memory_mb,
                timeout=function.timeout,
                client_context=None if context.client_context is None else context.client_context.decode(),
                tenant_id=context.tenant_id,
                trace_header=context.trace_header,
            )
            outcome = function.handler.run(invocation)
            if len(outcome.payload) > MAX_REPLY_BYTES:
                outcome = response_too_large()
            duration_ms = (self._clock.monotonic() - started) * 1000
        self._journal.executed(
            Execution(
                function=function.name,
                version=call.target.version,
                request_id=call.request_id,
                attempt=attempt,
                payload=call.payload,
                started_ms=started_ms,
                finished_ms=self._clock.now_ms(),
                function_error=outcome.function_error,
                reply=outcome.payload,
            )
        )
        return Outcome(outcome.payload, outcome.function_error, _log(invocation, outcome, duration_ms))

    @contextmanager
    def _slot(self, target: Target) -> Iterator[None]:
        name, reserved = target.function.name, target.function.reserved_concurrency
        with self._lock:
            if reserved is not None and self._running[name] >= reserved:
                raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded", _RETRY_AFTER_SECONDS)
            if self._running.total() >= self._account_concurrency:
                raise throttled("ConcurrentInvocationLimitExceeded", _RETRY_AFTER_SECONDS)
            self._running[name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[name] -= 1


def _log(invocation: Invocation, outcome: Outcome, duration_ms: float) -> bytes:
    request = f"RequestId: {invocation.request_id}"
    init = "" if outcome.init_ms is None else f"Init Duration: {outcome.init_ms:.2f} ms\t"
    used = invocation.memory_mb if outcome.max_memory_mb is None else outcome.max_memory_mb
    report = (
        f"REPORT {request}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {int(duration_ms) + 1} ms\t"
        f"Memory Size: {invocation.memory_mb} MB\tMax Memory Used: {used} MB\t{init}"
    )
    start = f"START {request} Version: {invocation.version}\n".encode()
    return start + outcome.log + f"END {request}\n{report}\n".encode()


def log_tail(log: bytes) -> str:
    """Base64 of the last 4 KB, as X-Amz-Log-Result has it."""
    return base64.b64encode(log[-_LOG_TAIL_BYTES:]).decode()
