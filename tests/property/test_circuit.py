"""The circuit breaker under every order of calls and outcomes."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kafka_lambda_sink.core.circuit import Circuit, CircuitState

FIRST, LONGEST = 0.1, 5.0


class CircuitMachine(RuleBasedStateMachine):
    """Calls that begin when they may, and end in any order."""

    @initialize(threshold=st.integers(0, 5))
    def closed(self, threshold: int) -> None:
        self.threshold = threshold
        self.circuit = Circuit(threshold, FIRST, LONGEST)
        self.now = 0.0
        #: Whether each call in flight is a probe.
        self.calls: list[bool] = []
        self.in_a_row = 0
        #: When the last probe began.
        self.last_probe: float | None = None

    @rule(seconds=st.floats(0, 10))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.circuit.may_begin(self.now))
    @rule()
    def begin(self) -> None:
        is_probe = self.circuit.began(self.now)
        assert is_probe == (self.circuit.state is not CircuitState.CLOSED)
        if is_probe:
            assert self.last_probe is None or self.now - self.last_probe >= FIRST, "one at a time"
            self.last_probe = self.now
        self.calls.append(is_probe)

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        self.circuit.answered()
        self.in_a_row = 0
        self.last_probe = None
        assert self.circuit.may_begin(self.now), "whoever answers is there"

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        is_probe = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        was_closed = self.circuit.state is CircuitState.CLOSED
        self.circuit.failed(self.now, is_probe=is_probe)
        self.in_a_row += 1
        if was_closed and self.circuit.state is not CircuitState.CLOSED:
            assert self.in_a_row >= self.threshold > 0
            assert not self.circuit.may_begin(self.now)

    @invariant()
    def opens_when_it_should(self) -> None:
        is_open = self.circuit.state is not CircuitState.CLOSED
        assert is_open == bool(self.threshold and self.in_a_row >= self.threshold)
        assert self.circuit.failures == self.in_a_row

    @invariant()
    def is_tried_again(self) -> None:
        assert self.circuit.may_begin(self.now + LONGEST)


TestCircuit = CircuitMachine.TestCase
