"""SIGTERM and SIGINT for commands that stop in order."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

from kafka_lambda_sink.worker.exit_codes import SIGNAL_BASE


class Signals:
    """The first SIGTERM or SIGINT stops in order, the second at once, after `at_once`."""

    def __init__(self, stop: Callable[[], None], at_once: Callable[[], None] = lambda: None) -> None:
        self._stop = stop
        self._at_once = at_once
        self.is_stopping = False
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.is_stopping:
            self._at_once()
            os._exit(SIGNAL_BASE + number)
        self.is_stopping = True
        self._stop()
