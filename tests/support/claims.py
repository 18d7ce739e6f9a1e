"""A store of the claim check that is driven by hand."""

from __future__ import annotations

import threading
from collections import deque

from kafka_lambda_sink.core.errors import InvocationAborted
from kafka_lambda_sink.core.ports import StoredValue


class FakeStore:
    """Keeps what it is given, once it has raised all `faults`."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = deque(faults)
        self.values: list[StoredValue] = []
        self.aborted = threading.Event()

    def put(self, value: StoredValue) -> None:
        if self.aborted.is_set():
            raise InvocationAborted
        if self.faults:
            raise self.faults.popleft()
        self.values.append(value)

    def abort(self) -> None:
        self.aborted.set()
