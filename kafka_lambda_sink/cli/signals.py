"""SIGTERM and SIGINT for commands that stop in order."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

from kafka_lambda_sink.cli.exit_codes import SIGNAL_BASE


class Signals:
    """The first SIGTERM or SIGINT stops in order, the second at once."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self.is_stopping = False
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.is_stopping:
            os._exit(SIGNAL_BASE + number)
        self.is_stopping = True
        self._stop()
