"""Executions with a name: whoever asks for one that is there gets that one.

Source: https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html. Names are never free again, as
no retention period ends here. Nothing is checkpointed or replayed, and what came of an event is not kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field

from kafka_lambda_sink.local.handler import Outcome
from kafka_lambda_sink.local.refusals import durable_execution_already_started


@dataclass(frozen=True, slots=True)
class _Execution:
    payload: bytes
    outcome: Future[Outcome] = field(default_factory=Future)


class DurableExecutions:
    """The named executions of an endpoint, by function and name. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._executions: dict[tuple[str, str], _Execution] = {}

    def execute(
        self, function: str, name: str, payload: bytes, run: Callable[[], Outcome], timeout: float
    ) -> Outcome | None:
        """What `run` gives, or gave or will give to whom asked first: then waits `timeout` seconds at most, else None.

        Raises Refusal: 409 for a name with another payload, and what `run` raises, whose name stays free.
        """
        execution, is_new = self._find(function, name, payload)
        if not is_new:
            try:
                return execution.outcome.result(timeout)
            except FutureTimeoutError:
                return None
        try:
            outcome = run()
        except BaseException as error:
            with self._lock:
                del self._executions[function, name]
            execution.outcome.set_exception(error)
            raise
        execution.outcome.set_result(outcome)
        return outcome

    def is_new(self, function: str, name: str, payload: bytes) -> bool:
        """Whether an asynchronous invocation is to be queued: the name was free, and is taken now. Raises Refusal."""
        return self._find(function, name, payload)[1]

    def _find(self, function: str, name: str, payload: bytes) -> tuple[_Execution, bool]:
        with self._lock:
            found = self._executions.get((function, name))
            if found is None:
                found = self._executions[function, name] = _Execution(payload)
                return found, True
        if found.payload != payload:
            raise durable_execution_already_started(name)
        return found, False
