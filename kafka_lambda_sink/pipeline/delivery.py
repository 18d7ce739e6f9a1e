"""One batch to the function: our retry loop is the only one."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from tenacity import RetryCallState, Retrying, retry_if_exception_type, sleep_using_event
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from kafka_lambda_sink.core.concurrency import LONGEST_WAIT
from kafka_lambda_sink.core.errors import InvocationAborted, TransientInvocationError
from kafka_lambda_sink.core.ports import CallContext, Clock, Invoker, InvokeReply
from kafka_lambda_sink.core.retry import RetryPolicy, is_exhausted, wait_before

draw = random.SystemRandom().random


#: From the number of a sending of one payload, the first is 1, to what goes beside it.
ContextOf: TypeAlias = Callable[[int], CallContext]


class SendBound(NamedTuple):
    """How long one payload is tried for, beside the policy; 0 and None mean no bound."""

    attempts: int = 0
    #: From now on. What has no time left is tried once.
    seconds: float | None = None


_UNBOUND = SendBound()


class Delivery:
    """Sends payloads of one pipeline; belongs to its thread. `halt` ends a wait, not a call in flight."""

    def __init__(
        self,
        invoker: Invoker,
        policy: RetryPolicy,
        clock: Clock,
        on_retry: Callable[[TransientInvocationError, int, float], None],
        *,
        jitter: Callable[[], float] = draw,
        halt: threading.Event | None = None,
    ) -> None:
        self._invoker = invoker
        self._policy = policy
        self._clock = clock
        #: Called with (error, attempt, seconds until the next) before each wait.
        self._on_retry = on_retry
        self._jitter = jitter
        self._halt = halt or threading.Event()
        #: How often the last payload was sent, but for calls that count for nothing (`is_counted`).
        self.attempts = 0

    def send(self, payload: bytes, bound: SendBound | None = None, context: ContextOf | None = None) -> InvokeReply:
        """Send until the API takes it, within the bounds of the policy and of this payload. Blocks.

        `context` makes what goes beside it.
        Raises TransientInvocationError when the policy is exhausted, InvocationAborted after `halt`, and what
        `Invoker.invoke` raises for good.
        """
        began = self._clock.monotonic()
        self.attempts = 1
        try:
            return self._invoker.invoke(payload, None if context is None else context(1))
        except TransientInvocationError as error:
            # Python would delete the name at the end of this block.
            first = error
        return self._retry(payload, first, began, bound or _UNBOUND, context)

    def halt(self) -> None:
        """End the wait for the next attempt, or for a turn; make no further one. Any thread."""
        self._halt.set()
        self._invoker.halt()

    def wait(self, seconds: float) -> bool:
        """Wait before a payload is sent again; whether `halt` ended the wait."""
        return self._halt.wait(seconds)

    def abort(self) -> None:
        """End a call in flight too. Any thread."""
        self._halt.set()
        self._invoker.abort()

    def close(self) -> None:
        """Close the connection."""
        self._invoker.close()

    def _retry(
        self,
        payload: bytes,
        first: TransientInvocationError,
        began: float,
        bound: SendBound,
        context: ContextOf | None,
    ) -> InvokeReply:
        """Go on after a first failure. Apart from `send`: tenacity costs more than a healthy call's own work."""
        pending_first = [first]
        stop = _PolicyStop(self._policy, bound, self._clock, began)

        def attempt() -> InvokeReply:
            if pending_first:
                raise pending_first.pop()
            if self._halt.is_set():
                raise InvocationAborted
            self.attempts = stop.counted + 1
            return self._invoker.invoke(payload, None if context is None else context(self.attempts))

        retrying = Retrying(
            retry=retry_if_exception_type(TransientInvocationError),
            wait=_PolicyWait(self._policy, stop, self._jitter),
            stop=stop,
            sleep=sleep_using_event(self._halt),
            before_sleep=self._announce,
            reraise=True,
        )
        return retrying(attempt)

    def _announce(self, state: RetryCallState) -> None:
        assert state.next_action is not None
        self._on_retry(_error_of(state), state.attempt_number, state.next_action.sleep)


def _error_of(state: RetryCallState) -> TransientInvocationError:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert isinstance(error, TransientInvocationError)
    return error


class _PolicyWait(wait_base):
    def __init__(self, policy: RetryPolicy, stop: _PolicyStop, jitter: Callable[[], float]) -> None:
        self._policy = policy
        self._stop = stop
        self._jitter = jitter

    def __call__(self, retry_state: RetryCallState) -> float:
        error = _error_of(retry_state)
        # tenacity asks for the wait before it asks whether to stop.
        policy, attempt = self._policy, self._stop.counted + 1
        if not error.is_counted:
            # Short: when it is really sent is for the function's gate to say.
            policy = replace(policy, backoff_max=min(policy.backoff_max, LONGEST_WAIT))
            attempt = retry_state.attempt_number
        return wait_before(policy, attempt, error.retry_after, self._jitter())


class _PolicyStop(stop_base):
    """Counts the attempts, and the time from the first or from the last that was not counted."""

    def __init__(self, policy: RetryPolicy, bound: SendBound, clock: Clock, began: float) -> None:
        self._policy = policy
        self._bound = bound
        self._clock = clock
        self._began = self._counts_from = began
        self.counted = 0

    def __call__(self, retry_state: RetryCallState) -> bool:
        now = self._clock.monotonic()
        if not _error_of(retry_state).is_counted:
            self._counts_from = now
            return False
        self.counted += 1
        attempts, seconds = self._bound
        return (
            bool(attempts and self.counted >= attempts)
            or (seconds is not None and now - self._began >= seconds)
            or is_exhausted(self._policy, self.counted, now - self._counts_from)
        )
