"""Waiting for what a conversion needs, e.g. a schema registry that is down."""

from __future__ import annotations

import threading
from typing import Final

from kafka_lambda_sink.core.errors import RetriableConversionError
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.progress import PartitionProgress

#: Seconds until the conversion is tried again.
_RETRY_DELAY: Final = 1.0
#: How often that doubles: up to 16 seconds.
_DOUBLINGS: Final = 4


class ConversionWait:
    """The waits of one partition, on its pipeline's thread."""

    def __init__(self, progress: PartitionProgress, alarms: Alarms) -> None:
        self._progress = progress
        self._alarms = alarms
        self._halt = threading.Event()

    def halt(self) -> None:
        """End the wait, and every later one. Any thread."""
        self._halt.set()

    def sit_out(self, error: RetriableConversionError, offset: int, attempt: int) -> bool:
        """Wait before the record at `offset` is converted again, which failed `attempt` times before.

        Blocks; False after `halt`.
        """
        self._alarms.conversion_waits(self._progress.tp, error, offset, attempt + 1)
        self._progress.retrying()
        is_halted = self._halt.wait(_RETRY_DELAY * 2 ** min(attempt, _DOUBLINGS))
        self._progress.retrying(is_over=True)
        return not is_halted
