"""Questions to several services at the same time, with one time limit for all."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from kafka_lambda_sink.connector.findings import Finding
from kafka_lambda_sink.core.ports import Clock


class Asking:
    """One service's questions, asked one after the other on a thread of their own.

    The thread is a daemon: what still waits for an answer does not keep the process.
    """

    def __init__(self, findings: Iterator[Finding], late: Finding) -> None:
        self._findings = findings
        self._late = late
        self._found: list[Finding] = []
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._ask, name=f"asking {late.subject}", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def answers(self, timeout: float) -> list[Finding]:
        """What was found; after `timeout` seconds `late` stands for the rest. Raises what a question raised."""
        self._thread.join(timeout)
        # The thread may still be adding.
        found = [*self._found]
        if self._thread.is_alive():
            return [*found, self._late]
        if self._error is not None:
            raise self._error
        return found

    def _ask(self) -> None:
        try:
            for finding in self._findings:
                self._found.append(finding)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again
            self._error = error


def ask_together(askings: Sequence[Asking], clock: Clock, timeout: float) -> list[Finding]:
    """All findings, in the order given. Blocks for up to `timeout` seconds. Raises what a question raised."""
    deadline = clock.monotonic() + timeout
    for asking in askings:
        asking.start()
    return [finding for asking in askings for finding in asking.answers(max(deadline - clock.monotonic(), 0.0))]
