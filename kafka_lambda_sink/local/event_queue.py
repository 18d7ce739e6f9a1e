"""Asynchronous invocation: a queue, two retries, and a record of what failed them all.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import heapq
import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.local.execution import Call, Executor
from kafka_lambda_sink.local.handler import Outcome
from kafka_lambda_sink.local.refusals import Refusal

_WORKERS = 16
_MAX_AGE_SECONDS = 6 * 3600.0
_MAX_THROTTLE_WAIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Event:
    call: Call
    #: Seconds on the monotonic clock.
    accepted: float
    #: Executions so far.
    attempts: int = 0
    throttles: int = 0


class EventQueue:
    """Executes events in threads of its own, later. Thread-safe; unbounded, as the caller was told 202."""

    def __init__(self, executor: Executor, clock: Clock) -> None:
        self._executor = executor
        self._clock = clock
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, _Event]] = []
        self._order = itertools.count()
        self._running = 0
        self._closing = False
        self._pool: ThreadPoolExecutor | None = None
        self._dispatcher: threading.Thread | None = None
        self._destination = threading.Lock()

    def put(self, call: Call) -> None:
        """Queue one event for execution."""
        with self._changed:
            if self._dispatcher is None:
                self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="local-event")
                self._dispatcher = threading.Thread(target=self._dispatch, name="local-events", daemon=True)
                self._dispatcher.start()
        now = self._clock.monotonic()
        self._push(now, _Event(call, now))

    def backlog(self) -> int:
        """Events that are not done with: waiting, running or between two attempts."""
        with self._changed:
            return len(self._due) + self._running

    def wait_until_idle(self, timeout: float) -> bool:
        """Block until no event is left, or `timeout` seconds; whether none was."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due and not self._running, timeout)

    def close(self) -> None:
        """Forget what waits, and wait for what runs."""
        with self._changed:
            self._closing = True
            self._due.clear()
            self._changed.notify_all()
        if self._dispatcher is not None:
            self._dispatcher.join()
        if self._pool is not None:
            self._pool.shutdown()

    def _push(self, due: float, event: _Event) -> None:
        with self._changed:
            if not self._closing:
                heapq.heappush(self._due, (due, next(self._order), event))
            self._changed.notify_all()

    def _dispatch(self) -> None:
        while True:
            with self._changed:
                while not self._closing and not (self._due and self._due[0][0] <= self._clock.monotonic()):
                    wait = self._due[0][0] - self._clock.monotonic() if self._due else None
                    self._changed.wait(wait)
                if self._closing:
                    return
                event = heapq.heappop(self._due)[2]
                self._running += 1
                pool = self._pool
            assert pool is not None
            pool.submit(self._attempt, event)

    def _attempt(self, event: _Event) -> None:
        try:
            outcome = self._executor.execute(event.call, event.attempts + 1)
        except Refusal as refusal:
            self._throttled(event, refusal)
        else:
            if outcome.function_error is not None:
                self._failed(replace(event, attempts=event.attempts + 1), outcome)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _throttled(self, event: _Event, refusal: Refusal) -> None:
        now = self._clock.monotonic()
        if event.call.target.function.reserved_concurrency == 0 or now - event.accepted > _MAX_AGE_SECONDS:
            self._record(event, "EventAgeExceeded", refusal.status, None)
            return
        wait = min(2.0**event.throttles, _MAX_THROTTLE_WAIT_SECONDS)
        self._push(now + wait, replace(event, throttles=event.throttles + 1))

    def _failed(self, event: _Event, outcome: Outcome) -> None:
        delays = event.call.target.function.async_retry_delays
        if event.attempts <= len(delays):
            self._push(self._clock.monotonic() + delays[event.attempts - 1], event)
        else:
            self._record(event, "RetriesExhausted", 200, outcome)

    def _record(self, event: _Event, condition: str, status: int, outcome: Outcome | None) -> None:
        target = event.call.target
        path = target.function.on_failure
        if path is None:
            return
        qualifier = target.qualifier or target.version
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        response: dict[str, Any] = {"statusCode": status, "executedVersion": target.version}
        document: dict[str, Any] = {
            "version": "1.0",
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
            "requestContext": {
                "requestId": event.call.request_id,
                "functionArn": f"{target.function.arn}:{qualifier}",
                "condition": condition,
                "approximateInvokeCount": event.attempts,
            },
            "requestPayload": _value(event.call.payload),
            "responseContext": response,
        }
        if outcome is not None:
            response["functionError"] = outcome.function_error
            document["responsePayload"] = _value(outcome.payload)
        with self._destination, path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(document) + "\n")


def _value(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
