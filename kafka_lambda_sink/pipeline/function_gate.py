"""What all invocations of one function pass: a limit of those in flight, pauses, and a circuit breaker. One a task."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Final

from kafka_lambda_sink.core.call_outcome import THROTTLES, CallOutcome, outcome_of
from kafka_lambda_sink.core.circuit import Circuit, CircuitState
from kafka_lambda_sink.core.concurrency import BEYOND, ConcurrencyLimit
from kafka_lambda_sink.core.errors import InvocationAborted, TransientInvocationError
from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.pipeline.alarms import Alarms

PAUSED_HINT: Final = (
    "Raise or remove the function's reserved concurrency: it is 0, or others use all of it. Nothing is lost meanwhile, "
    "and a call every few seconds finds out when it is over."
)


class Turn:
    """The place of one thread's calls. Belongs to that thread, but for `is_halted` and `bell`."""

    __slots__ = ("bell", "is_halted", "is_probe", "is_told", "window")

    def __init__(self) -> None:
        self.bell = threading.Event()
        #: It waits no more.
        self.is_halted = False
        #: Of the limit, when the call began.
        self.window = 0
        #: The call tries a circuit that is open.
        self.is_probe = False
        #: Was sent back once for what keeps it from beginning: from then on it waits.
        self.is_told = False


class FunctionGate:
    """Lets the calls of one function begin in the order they come. Any thread.

    Nobody waits, and nothing is locked, while the function was never throttled and has not just failed (`is_plain`).
    """

    def __init__(
        self, function: str, limit: ConcurrencyLimit, circuit: Circuit, *, clock: Clock, alarms: Alarms
    ) -> None:
        self.function = function
        #: The calls in flight; adding to it and taking from it needs no lock.
        self.calls: set[Turn] = set()
        #: Whether a call may begin, and end well, without asking.
        self.is_plain = limit.limit is None
        self._limit = limit
        self._circuit = circuit
        self._clock = clock
        self._alarms = alarms
        self._lock = threading.Lock()
        self._waiting: deque[Turn] = deque()
        #: Makes what calls that have to wait are told, where it is more than their number that they wait for.
        self._closed_by: Callable[[], TransientInvocationError] | None = None

    def enter(self, turn: Turn) -> None:
        """Wait until the call may begin.

        Raises InvocationAborted where it would have to wait and is halted, and TransientInvocationError, once, where
        the function takes no calls at all: whoever made it can show that, and comes again to wait.
        """
        with self._lock:
            now = self._clock.monotonic()
            if not self._waiting and self._may_begin(now):
                self._begin(turn, now)
                return
            self._waiting.append(turn)
        while True:
            with self._lock:
                now = self._clock.monotonic()
                self._let_in(now)
                if turn in self.calls:
                    return
                refusal = self._refusal(turn)
                if refusal is not None:
                    self._leave_line(turn)
                    raise refusal
                turn.bell.clear()
                seconds = self._seconds_left(now) if self._waiting[0] is turn else None
            turn.bell.wait(seconds)

    def leave(self, turn: Turn, error: BaseException | None) -> None:
        """The call is over, with a reply (None) or by `error`."""
        outcome = outcome_of(error)
        alarms: list[Callable[[], None]] = []
        with self._lock:
            in_flight = len(self.calls) + (turn not in self.calls)
            self.calls.discard(turn)
            now = self._clock.monotonic()
            if outcome is CallOutcome.ANSWERED:
                alarms = self._answered(turn, now, in_flight)
            elif isinstance(error, TransientInvocationError):
                if outcome in THROTTLES:
                    alarms = self._throttled(turn, error, now, in_flight)
                elif outcome is CallOutcome.AWAY:
                    alarms = self._failed(turn, error, now)
            turn.is_probe = False
            self._let_in(now)
        for tell in alarms:
            tell()

    def halt(self, turn: Turn) -> None:
        """End its wait, and let it wait no more."""
        turn.is_halted = True
        with self._lock:
            turn.bell.set()

    @property
    def trouble(self) -> Exception | None:
        """Why the function takes no calls at all, where that is so."""
        make = self._closed_by
        return None if make is None else make()

    def __repr__(self) -> str:
        """`<FunctionGate orders limit 8, 8 in flight, 24 waiting, closed>`, the last of the circuit."""
        return (
            f"<FunctionGate {self.function} limit {self._limit.limit}, {len(self.calls)} in flight,"
            f" {len(self._waiting)} waiting, {self._circuit.state.value}>"
        )

    # --- with the lock held ------------------------------------------------------------------------------------------

    def _may_begin(self, now: float) -> bool:
        limit = self._limit
        return (
            (not self._is_full() or now >= limit.beyond_at) and now >= limit.begin_at and self._circuit.may_begin(now)
        )

    def _is_full(self) -> bool:
        limit = self._limit.limit
        return limit is not None and len(self.calls) >= limit

    def _begin(self, turn: Turn, now: float) -> None:
        limit = self._limit
        turn.window = limit.window
        if self._is_full():
            limit.began_beyond(now)
            turn.window = BEYOND
        self.calls.add(turn)
        turn.is_probe = self._circuit.began(now)
        turn.is_told = False

    def _let_in(self, now: float) -> None:
        waiting = self._waiting
        is_moving = False
        while waiting and self._may_begin(now):
            turn = waiting.popleft()
            self._begin(turn, now)
            turn.bell.set()
            is_moving = True
        if waiting and (is_moving or self._seconds_left(now) is not None):
            # The first of them is the one that looks at the clock, and it may have had no reason to.
            waiting[0].bell.set()

    def _leave_line(self, turn: Turn) -> None:
        self._waiting.remove(turn)
        if self._waiting:
            self._waiting[0].bell.set()

    def _refusal(self, turn: Turn) -> Exception | None:
        """Why a call that waits has to go away again, or None."""
        if turn.is_halted:
            return InvocationAborted()
        if self._closed_by is None or turn.is_told:
            return None
        turn.is_told = True
        return self._closed_by()

    def _seconds_left(self, now: float) -> float | None:
        """Until the clock alone may let a call begin; None where another call has to end first."""
        at = self._limit.begin_at
        if self._is_full():
            at = max(at, self._limit.beyond_at)
        if self._circuit.state is not CircuitState.CLOSED:
            at = max(at, self._circuit.begin_at)
        return at - now if now < at < inf else None

    # --- what a call says, with the lock held ------------------------------------------------------------------------

    def _throttled(
        self, turn: Turn, error: TransientInvocationError, now: float, in_flight: int
    ) -> list[Callable[[], None]]:
        alarms = self._close_circuit()
        limit, kind = self._limit, outcome_of(error)
        self.is_plain = False
        limit.throttled(turn.window, now, kind=kind, in_flight=in_flight, retry_after=error.retry_after)
        if kind is CallOutcome.RESERVED:
            # Whoever reserves it wants calls to wait: it is no failure, of which the batch could have had enough.
            error.is_counted = False
        if not limit.is_paused:
            return [*alarms, partial(self._alarms.function_throttled, self.function, limit.limit or 0, error)]
        self._close(turn, error, "paused")
        return [*alarms, partial(self._alarms.function_paused, self.function, error, PAUSED_HINT)]

    def _failed(self, turn: Turn, error: TransientInvocationError, now: float) -> list[Callable[[], None]]:
        circuit = self._circuit
        self.is_plain = False
        circuit.failed(now, is_probe=turn.is_probe)
        if circuit.state is CircuitState.CLOSED:
            return []
        self._close(turn, error, "away")
        return [partial(self._alarms.circuit_opened, self.function, circuit.failures, error)]

    def _answered(self, turn: Turn, now: float, in_flight: int) -> list[Callable[[], None]]:
        limit = self._limit
        was_paused = limit.is_paused
        is_full = bool(self._waiting) or (limit.limit is not None and in_flight >= limit.limit)
        limit.answered(turn.window, now, is_full=is_full)
        alarms = self._close_circuit()
        self.is_plain = limit.limit is None
        if was_paused:
            self._closed_by = None
            alarms.append(partial(self._alarms.function_resumed, self.function))
        return alarms

    def _close_circuit(self) -> list[Callable[[], None]]:
        """Whoever answers is there."""
        was_closed = self._circuit.state is CircuitState.CLOSED
        self._circuit.answered()
        if was_closed:
            return []
        self._closed_by = None
        return [partial(self._alarms.circuit_closed, self.function)]

    def _close(self, turn: Turn, error: TransientInvocationError, state: str) -> None:
        # Not the error itself: it holds on to the frames that it came through, with their payloads.
        self._closed_by = partial(
            TransientInvocationError,
            f"the function {self.function} is {state}: {error}",
            code=error.code,
            status=error.status,
            reason=error.reason,
            is_counted=False,
            hint=error.hint,
        )
        turn.is_told = True
        for each in self._waiting:
            if not each.is_told:
                each.bell.set()
