"""How fast clients are opened: some brokers take few new connections a second (Amazon MSK with IAM: 100 each)."""

from __future__ import annotations

import threading
from typing import Final

from kafka_lambda_sink.core.ports import Clock

#: Clients a second, and as many at once. Each opens up to two connections to a broker: as a bootstrap, and as a leader.
#: Source: https://docs.aws.amazon.com/msk/latest/developerguide/limits.html
_PER_SECOND: Final = 40


class OpeningPace:
    """Lets so many pass at once, and so many a second from then on. Any thread."""

    def __init__(self, clock: Clock, per_second: int = _PER_SECOND) -> None:
        self._clock = clock
        self._step = 1 / per_second
        self._lock = threading.Lock()
        #: Up to here all turns are taken. What is not taken within a second is there for a burst.
        self._next = clock.monotonic() - 1

    def delay(self) -> float:
        """Seconds that the caller has to wait before it opens a client."""
        with self._lock:
            now = self._clock.monotonic()
            self._next = max(self._next, now - 1) + self._step
            return max(self._next - now, 0.0)
