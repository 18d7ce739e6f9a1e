"""The gate of a function: who may begin, who waits and in which order, what ends a wait, and what is told."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

import pytest

from kafka_lambda_sink.core.circuit import Circuit
from kafka_lambda_sink.core.concurrency import ConcurrencyLimit
from kafka_lambda_sink.core.errors import (
    ConfigurationInvocationError,
    ExpiredCredentialsError,
    InvocationAborted,
    PayloadInvocationError,
    TransientInvocationError,
)
from kafka_lambda_sink.core.ports import CallContext, Clock, InvokeReply
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.pipeline.function_gate import FunctionGate
from kafka_lambda_sink.pipeline.gated_invoker import GatedInvoker
from tests.support.fakes import ScriptedInvoker
from tests.support.running_task import Log, capturing_log
from tests.support.stepped_clock import SteppedClock
from tests.support.waiting import wait_until

PAUSED = "the function is paused: trying one call at a time"
THROTTLED = "the function is throttled: fewer calls at a time"
AWAY = "the function is away: trying one call at a time"


def throttled(
    reason: str = "ConcurrentInvocationLimitExceeded", after: float | None = None
) -> TransientInvocationError:
    return TransientInvocationError(
        "slow down", code="TooManyRequestsException", status=429, reason=reason, retry_after=after
    )


def reserved() -> TransientInvocationError:
    return throttled("ReservedFunctionConcurrentInvocationLimitExceeded")


def away() -> TransientInvocationError:
    return TransientInvocationError("no connection", code="ConnectFailed")


class Gate:
    """A gate, and callers behind it, each on a thread of its own."""

    def __init__(self, most: int | None = None, *, failures: int = 0, clock: Clock | None = None) -> None:
        self.clock = clock or SteppedClock()
        circuit = Circuit(failures, 0.1, 5.0)
        self.gate = FunctionGate("orders", ConcurrencyLimit(most), circuit, clock=self.clock, alarms=Alarms(self.clock))

    def step(self, seconds: float) -> None:
        assert isinstance(self.clock, SteppedClock)
        self.clock.step(seconds)

    def invoker(self, *script: Any) -> GatedInvoker:
        return GatedInvoker(ScriptedInvoker(*script), self.gate)

    def fail(self, error: Exception) -> None:
        """A call by itself that ends so."""
        with pytest.raises(type(error)):
            self.invoker(error).invoke(b"x")

    def wait_for(self, state: str) -> None:
        wait_until(lambda: state in repr(self.gate), 10, what=f"{state} of {self.gate}")


class Caller:
    """One thread that calls once: in flight until it is told what to answer."""

    def __init__(self, gate: Gate, begun: list[Caller] | None = None) -> None:
        self._begun = begun
        self._in_flight = threading.Event()
        self._answers: SimpleQueue[Exception | None] = SimpleQueue()
        self.result: InvokeReply | Exception | None = None
        self.invoker = GatedInvoker(self, gate.gate)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self.invoker.invoke(b"x")
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.result = error

    def invoke(self, payload: bytes, call: CallContext | None = None) -> InvokeReply:  # noqa: ARG002 - nothing is sent
        if self._begun is not None:
            self._begun.append(self)
        self._in_flight.set()
        error = self._answers.get(timeout=10)
        if error is not None:
            raise error
        return InvokeReply(200, b"")

    def halt(self) -> None: ...

    def abort(self) -> None:
        self._answers.put(InvocationAborted())

    def close(self) -> None: ...

    def wait_in_flight(self) -> None:
        assert self._in_flight.wait(10)

    @property
    def is_in_flight(self) -> bool:
        return self._in_flight.is_set()

    def answer(self, error: Exception | None = None) -> InvokeReply | Exception:
        self._answers.put(error)
        return self.wait()

    def wait(self) -> InvokeReply | Exception:
        self._thread.join(10)
        assert self.result is not None, "the call does not end"
        return self.result


@pytest.fixture
def log() -> Iterator[Log]:
    with ExitStack() as stack:
        yield stack.enter_context(capturing_log())


def test_a_function_that_was_never_throttled_has_no_limit_and_no_lock():
    gate = Gate()
    with gate.gate._lock:  # whoever asked for it would hang
        reply = gate.invoker().invoke(b"x")
    assert reply.payload == b"x"
    callers = [Caller(gate) for _ in range(50)]
    for caller in callers:
        caller.wait_in_flight()
    assert all(isinstance(caller.answer(), InvokeReply) for caller in callers)
    assert gate.gate.calls == set()


def test_so_many_calls_are_in_flight_and_the_others_follow_in_their_order():
    gate, begun, callers = Gate(2), list[Caller](), list[Caller]()
    for number in range(6):
        callers.append(Caller(gate, begun))
        if number < 2:
            callers[-1].wait_in_flight()
        gate.wait_for(f"{min(number + 1, 2)} in flight, {max(0, number - 1)} waiting")
    for number, caller in enumerate(callers):
        assert [each.is_in_flight for each in callers] == [place < number + 2 for place in range(6)]
        caller.answer()
        if number + 2 < len(callers):
            callers[number + 2].wait_in_flight()
    assert begun == callers


def test_what_a_call_ends_with_is_the_callers_and_frees_its_place():
    gate = Gate(1, failures=3)
    for error in [
        throttled(),
        away(),
        InvocationAborted(),
        PayloadInvocationError(code="RequestTooLargeException", status=413),
        ConfigurationInvocationError(code="ResourceNotFoundException", status=404),
        ExpiredCredentialsError(code="ExpiredTokenException", status=403),
        KeyError("a bug"),
    ]:
        with pytest.raises(type(error)) as raised:
            gate.invoker(error).invoke(b"x")
        assert raised.value is error
        gate.step(10)
    assert gate.invoker().invoke(b"x").payload == b"x"
    assert gate.gate.calls == set()


@pytest.mark.parametrize("end", [GatedInvoker.halt, GatedInvoker.abort], ids=["halt", "abort"])
def test_a_wait_ends_at_once_and_the_line_closes_up(end: Callable[[GatedInvoker], None]):
    gate, begun = Gate(1), list[Caller]()
    first, second, third = callers = [Caller(gate, begun) for _ in range(3)]
    gate.wait_for("1 in flight, 2 waiting")
    running = next(caller for caller in callers if caller.is_in_flight)
    waiting = [caller for caller in (first, second, third) if caller is not running]
    end(waiting[0].invoker)
    assert isinstance(waiting[0].wait(), InvocationAborted)
    gate.wait_for("1 in flight, 1 waiting")
    assert isinstance(running.answer(), InvokeReply)
    waiting[1].wait_in_flight()
    assert isinstance(waiting[1].answer(), InvokeReply)
    assert begun == [running, waiting[1]]


def test_halt_leaves_a_call_in_flight_alone_and_one_that_need_not_wait():
    gate = Gate(1)
    caller = Caller(gate)
    caller.wait_in_flight()
    caller.invoker.halt()
    assert isinstance(caller.answer(), InvokeReply)
    invoker = gate.invoker()
    invoker.halt()
    assert invoker.invoke(b"x").payload == b"x"


def test_halt_abort_and_close_are_passed_on():
    gate = Gate()
    inner = ScriptedInvoker()
    invoker = GatedInvoker(inner, gate.gate)
    invoker.halt()
    assert inner.is_halted
    invoker.abort()
    assert inner.is_aborted
    invoker.close()
    assert inner.is_closed
    with pytest.raises(InvocationAborted):
        invoker.invoke(b"x")


def test_the_first_throttle_counts_the_calls_that_nobody_counted(log: Log):
    gate = Gate()
    callers = [Caller(gate) for _ in range(10)]
    for caller in callers:
        caller.wait_in_flight()
    assert isinstance(callers[0].answer(throttled(after=1.0)), TransientInvocationError)
    late = Caller(gate)
    gate.wait_for("limit 9, 9 in flight, 1 waiting")
    for caller in callers[1:5]:
        caller.answer(throttled())
    gate.wait_for("limit 5, 5 in flight, 1 waiting")
    for caller in callers[5:]:
        caller.answer()
    late.wait_in_flight()
    assert isinstance(late.answer(), InvokeReply)
    (line,) = log.events(THROTTLED)
    assert (line["function"], line["limit"], line["reason"]) == ("orders", 9, "ConcurrentInvocationLimitExceeded")


def test_a_throttled_rate_is_waited_out_by_all():
    gate = Gate()
    first, second = Caller(gate), Caller(gate)
    first.wait_in_flight()
    second.wait_in_flight()
    first.answer(throttled("FunctionInvocationRateLimitExceeded", after=5.0))
    second.answer()
    late = Caller(gate)
    gate.wait_for("0 in flight, 1 waiting")
    late.invoker.halt()
    assert isinstance(late.wait(), InvocationAborted)
    gate.step(5.0)
    assert gate.invoker().invoke(b"x").payload == b"x"


def test_the_clock_alone_lets_the_next_call_begin():
    gate = Gate(clock=SystemClock())
    gate.fail(throttled("CallerRateLimitExceeded", after=0.05))
    callers = [Caller(gate) for _ in range(3)]
    for _ in callers:
        wait_until(lambda: any(caller.is_in_flight for caller in callers), 10, what="the pause ends")
        caller = next(caller for caller in callers if caller.is_in_flight)
        caller.answer()
        callers.remove(caller)


def test_a_paused_function_is_told_once_to_each_and_tried_by_one(log: Log):
    gate = Gate()
    errors = deque([reserved(), reserved()])
    while errors:
        error = errors.popleft()
        gate.fail(error)
        assert not error.is_counted, "a pause fails no batch"
        gate.step(0.6)
    gate.step(0.6)
    gate.fail(reserved())
    (line,) = log.events(PAUSED)
    assert (line["function"], line["level"]) == ("orders", "error")
    assert "reserved concurrency" in line["hint"]
    waiting = [Caller(gate) for _ in range(3)]
    for caller in waiting:
        told = caller.wait()
        assert isinstance(told, TransientInvocationError)
        assert (told.is_counted, told.may_have_run, told.status) == (False, False, 429)
    invoker = GatedInvoker(ScriptedInvoker(), gate.gate)
    with pytest.raises(TransientInvocationError):
        invoker.invoke(b"x")
    invoker.halt()
    with pytest.raises(InvocationAborted):
        invoker.invoke(b"x")
    assert str(gate.gate.trouble) == "the function orders is paused: slow down"
    gate.step(5.0)
    assert gate.invoker().invoke(b"x").payload == b"x"
    assert gate.gate.trouble is None
    assert len(log.events("the function takes calls again")) == 1
    assert len(log.events(PAUSED)) == 1


@pytest.mark.parametrize("reason", ["ConcurrentInvocationLimitExceeded", "CallerRateLimitExceeded", "SomethingNew"])
def test_other_throttles_count_as_attempts(reason: str):
    error = throttled(reason)
    Gate().fail(error)
    assert error.is_counted


class TestCircuit:
    def test_failures_in_a_row_leave_one_call_at_a_time_until_one_is_answered(self, log: Log):
        gate = Gate(failures=3)
        for _ in range(3):
            gate.fail(away())
        (line,) = log.events(AWAY)
        assert (line["function"], line["failures"], line["code"]) == ("orders", 3, "ConnectFailed")
        told = Caller(gate).wait()
        assert isinstance(told, TransientInvocationError)
        assert (told.is_counted, told.may_have_run, told.code) == (False, False, "ConnectFailed")
        gate.step(0.1)
        probe = Caller(gate)
        probe.wait_in_flight()
        other = Caller(gate)
        assert isinstance(other.wait(), TransientInvocationError), "one at a time"
        assert isinstance(probe.answer(away()), TransientInvocationError)
        gate.step(0.15)
        assert isinstance(Caller(gate).wait(), TransientInvocationError), "a longer wait"
        gate.step(0.06)
        probe = Caller(gate)
        probe.wait_in_flight()
        probe.answer()
        assert gate.gate.is_plain
        assert len(log.events("the function answers again")) == 1

    def test_who_waits_goes_on_when_it_is_closed(self):
        gate = Gate(failures=1)
        gate.fail(away())
        invoker = gate.invoker()
        with pytest.raises(TransientInvocationError):
            invoker.invoke(b"x")
        results = SimpleQueue[InvokeReply]()
        threading.Thread(target=lambda: results.put(invoker.invoke(b"x")), daemon=True).start()
        gate.wait_for("0 in flight, 1 waiting, open")
        gate.step(0.1)
        assert results.get(timeout=10).payload == b"x"
        assert gate.gate.is_plain

    @pytest.mark.parametrize(
        "between",
        [None, PayloadInvocationError(code="RequestTooLargeException", status=413), throttled()],
        ids=["a reply", "a refusal of the bytes", "a throttle"],
    )
    def test_any_answer_says_that_it_is_there(self, between: Exception | None, log: Log):
        gate = Gate(failures=2)
        gate.fail(away())
        if between is None:
            gate.invoker().invoke(b"x")
        else:
            gate.fail(between)
        gate.fail(TransientInvocationError("bad gateway", code="502", status=502, may_have_run=True))
        assert not log.events(AWAY)
        gate.fail(TransientInvocationError("bad gateway", code="502", status=502, may_have_run=True))
        assert log.events(AWAY)

    @pytest.mark.parametrize(
        "error",
        [
            TransientInvocationError("no reply", code="ReadTimeout", may_have_run=True),
            ExpiredCredentialsError(code="CredentialsUnavailable"),
            InvocationAborted(),
            TransientInvocationError("pending", code="ResourceConflictException", status=409),
        ],
        ids=lambda error: getattr(error, "code", "aborted"),
    )
    def test_what_says_nothing_opens_nothing(self, error: Exception, log: Log):
        gate = Gate(failures=1)
        gate.fail(error)
        assert not log.events(AWAY)
        assert gate.invoker().invoke(b"x").payload == b"x"


def test_under_load_nobody_is_lost_and_the_limit_holds():
    most, seen = 5, list[int]()
    gate = Gate(most, failures=4, clock=SystemClock())
    running = set[object]()
    draw = random.Random(7).random

    def call(payload: bytes) -> InvokeReply:
        me = object()
        running.add(me)
        seen.append(len(running))
        outcome = draw()
        running.discard(me)
        if outcome < 0.05:
            raise throttled(after=0.001)
        if outcome < 0.1:
            raise away()
        return InvokeReply(200, payload)

    def work(invoker: GatedInvoker) -> None:
        done = 0
        while done < 100:
            try:
                invoker.invoke(b"x")
            except TransientInvocationError:
                continue
            except InvocationAborted:
                break
            done += 1
        finished.put((invoker, done))

    finished = SimpleQueue[tuple[GatedInvoker, int]]()
    invokers = [gate.invoker(*[call] * 2000) for _ in range(16)]
    halted = invokers[::4]
    for invoker in invokers:
        threading.Thread(target=work, args=(invoker,), daemon=True).start()
    for invoker in halted:
        invoker.halt()
    ended = dict(finished.get(timeout=60) for _ in invokers)
    assert all(ended[invoker] == 100 for invoker in invokers if invoker not in halted)
    assert max(seen) <= most
    assert "0 in flight, 0 waiting" in repr(gate.gate)


def test_a_call_that_hangs_does_not_keep_all_others_away():
    gate = Gate(clock=SystemClock())
    hanging = Caller(gate)
    hanging.wait_in_flight()
    gate.fail(throttled())
    gate.wait_for("limit 1, 1 in flight")
    other = Caller(gate)
    gate.wait_for("1 waiting")
    assert not other.is_in_flight
    # By the clock alone, after two seconds.
    other.wait_in_flight()
    other.answer()
    gate.wait_for("limit 2, 1 in flight")
    hanging.answer()
