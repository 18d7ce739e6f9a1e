"""How much memory the records of one task may take, from their fetch until their outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from kafka_lambda_sink.core.record import SourceRecord

#: How many times the bytes of a record are held at once: as the client's message, encoded, and as the request's body.
COPIES: Final = 3
#: Bytes of the objects around a record of no size.
_RECORD_OVERHEAD: Final = 600


def cost_of(record: SourceRecord) -> int:
    """Bytes of memory that a record takes until its outcome is known."""
    return _RECORD_OVERHEAD + COPIES * (len(record.value() or b"") + len(record.key() or b""))


class MemoryBudget:
    """Bytes of fetched records of all partitions of a task that share consumers. Any thread.

    They are held from the moment the client hands them out, for all that is done with them: so nobody waits for more
    while holding some, and there is no deadlock. One half is for what waits in buffers. Past it, consumers read one at
    a time (`turn`), so that `limit` is exceeded by what one of them hands out at once.
    """

    __slots__ = ("_limit", "_lock", "_partitions", "_taken", "_waiting", "turn")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._taken = 0
        self._partitions = 0
        self._waiting: set[Callable[[], None]] = set()
        #: Held by who reads while memory is short.
        self.turn = threading.Lock()

    @property
    def taken(self) -> int:
        """Bytes that are held by all."""
        return self._taken

    @property
    def share(self) -> int:
        """Bytes that one partition may have waiting: more is not fetched for it."""
        return self._limit // (2 * max(self._partitions, 1))

    @property
    def is_short(self) -> bool:
        """Whether to read in turns."""
        return self._taken * 2 >= self._limit

    def join(self) -> None:
        """One more partition shares it."""
        with self._lock:
            self._partitions += 1

    def leave(self) -> None:
        """One less does."""
        with self._lock:
            self._partitions -= 1

    def take(self, size: int) -> None:
        """Hold `size` bytes more. Never waits: they are there already."""
        with self._lock:
            self._taken += size

    def give_back(self, size: int) -> None:
        """Hold `size` bytes less."""
        with self._lock:
            self._taken -= size
            if not self._waiting or self._taken >= self._limit:
                return
            waiting, self._waiting = self._waiting, set()
        for wake in waiting:
            wake()

    def has_room(self, wake: Callable[[], None]) -> bool:
        """Whether more may be fetched; if not, `wake` is called once when it may."""
        with self._lock:
            if self._taken < self._limit:
                return True
            self._waiting.add(wake)
            return False

    def __repr__(self) -> str:
        """`<MemoryBudget 1200 of 268435456 bytes, 200 partitions>`."""
        return f"<MemoryBudget {self._taken} of {self._limit} bytes, {self._partitions} partitions>"
