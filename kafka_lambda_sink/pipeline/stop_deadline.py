"""When a stop has to be over, and how much of that time each of its steps may take."""

from __future__ import annotations

import math
import threading
from enum import Enum
from typing import Final

from kafka_lambda_sink.core.ports import Clock

#: The part of `shutdown.timeout.ms` that a drain leaves to the steps after it, and its bounds in seconds. A healthy
#: broker needs some hundredths of a second for all of them; one that hangs uses up whatever it is given.
_RESERVED_PART: Final = 0.25
_LEAST_RESERVE: Final = 0.5
_MOST_RESERVE: Final = 3.0


class StopStep(Enum):
    """The steps of a stop in their order. The value is the part of the reserve that is kept for those that follow."""

    #: What is in flight gets its reply, and its reports their delivery reports.
    DRAIN = 1.0
    #: The last commit.
    COMMIT = 0.5
    #: Leaving the group.
    LEAVE = 0.25
    #: The end of the pipelines' threads, which close their fetchers.
    JOIN = 0.125
    #: The end of the coordinator's thread, and the producers.
    CLOSE = 0.0


class StopDeadline:
    """The one deadline of a stop, taken when it is requested. Thread-safe; `request` may run in a signal handler.

    The whole lasts `shutdown.timeout.ms`, or the least reserve where that is shorter. What a step does not use is there
    for the next ones.
    """

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._reserve = min(max(timeout * _RESERVED_PART, _LEAST_RESERVE), _MOST_RESERVE)
        self._timeout = max(timeout, self._reserve)
        self._ends = math.inf
        #: Set once the stop is requested.
        self.requested = threading.Event()

    def request(self) -> None:
        """Take the deadline; the first request counts."""
        if not self.requested.is_set():
            self._ends = self._clock.monotonic() + self._timeout
        self.requested.set()

    def left(self, step: StopStep, at_most: float = math.inf) -> float:
        """Seconds that a step may go on from now, 0 when its time is up. `at_most` while no stop is requested."""
        ends = self._ends - self._reserve * step.value
        return max(min(ends - self._clock.monotonic(), at_most), 0.0)
