"""An invoker whose calls pass the gate of their function."""

from __future__ import annotations

from kafka_lambda_sink.core.ports import CallContext, Invoker, InvokeReply
from kafka_lambda_sink.pipeline.function_gate import FunctionGate, Turn


class GatedInvoker:
    """Invokes through another invoker when the function's gate lets it."""

    __slots__ = ("_calls", "_gate", "_invoker", "_turn")

    def __init__(self, invoker: Invoker, gate: FunctionGate) -> None:
        self._invoker = invoker
        self._gate = gate
        self._calls = gate.calls
        self._turn = Turn()

    def invoke(self, payload: bytes, call: CallContext | None = None) -> InvokeReply:
        """See `core.ports.Invoker`. Blocks until the call may begin, too.

        A call that has to wait when `halt` was called, or is halted meanwhile, raises InvocationAborted: nothing of it
        was sent. While the function takes no calls at all, the first wait ends with a TransientInvocationError at once.
        """
        gate, calls, turn = self._gate, self._calls, self._turn
        if gate.is_plain:
            calls.add(turn)
        else:
            gate.enter(turn)
        try:
            reply = self._invoker.invoke(payload, call)
        except BaseException as error:
            gate.leave(turn, error)
            raise
        # In this order: whoever begins to wait in between finds the place free, or is woken by `leave`.
        calls.discard(turn)
        if not gate.is_plain:
            gate.leave(turn, None)
        return reply

    def halt(self) -> None:
        """See `core.ports.Invoker`."""
        self._gate.halt(self._turn)
        self._invoker.halt()

    def abort(self) -> None:
        """See `core.ports.Invoker`."""
        self._gate.halt(self._turn)
        self._invoker.abort()

    def close(self) -> None:
        """See `core.ports.Invoker`."""
        self._invoker.close()
