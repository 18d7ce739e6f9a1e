"""Reading one partition by a consumer that reads others too."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final, Protocol, cast

from confluent_kafka import KafkaError, Message

from kafka_lambda_sink.core.errors import KafkaClientError
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition, next_offset
from kafka_lambda_sink.kafka.errors import client_error
from kafka_lambda_sink.kafka.log_ends import LogEnds
from kafka_lambda_sink.kafka.memory_budget import MemoryBudget, cost_of

#: Bytes of memory after which a fetch ends, as that of a consumer of its own does: more than one invocation can carry.
_MAX_COST: Final = 24 * 1024 * 1024
#: Of its share, what a partition still has waiting when more is fetched for it: what the client has fetched meanwhile
#: was thrown away.
_LOW: Final = 4


class Reader(Protocol):
    """What a `SharedFetcher` asks of its consumer; `kafka.shared_consumer` has it. Any thread."""

    def order(self, fetcher: SharedFetcher) -> None:
        """Assign, assign anew, let go or go on with a partition, as the fetcher says then. Soon, on its own thread."""


class SharedFetcher:
    """`core.ports.Fetcher` on a buffer that a shared consumer fills.

    The thread of the pipeline calls what the port has; the thread of the consumer calls `take_start` to `put_error`.
    """

    def __init__(
        self,
        tp: TopicPartition,
        reader: Reader,
        budget: MemoryBudget,
        ends: LogEnds,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        """`on_ready` is called on the consumer's thread when there is something to fetch; it must not block."""
        self.tp = tp
        self._reader = reader
        self._budget = budget
        self._ends = ends
        self._on_ready = on_ready
        self._changed = threading.Condition(threading.Lock())
        #: Records, and errors between them, in the order in which they came.
        self._waiting: deque[Message | KafkaClientError] = deque()
        self._cost = 0
        #: Of the records of the last fetch, until the next one: by then they have their outcome.
        self._taken_cost = 0
        #: Where to read from, until the consumer does. What it hands out meanwhile belongs to an earlier assignment.
        self._start: Position | None = None
        #: Set on the consumer's thread.
        self.is_paused = False
        self.is_closed = False
        self._end: Position | None = None
        self._next: Position | None = None
        #: The end of the partition was seen, and no fetch has come back empty since: its position may have moved.
        self._has_news = False
        self._is_interrupted = False
        budget.join()

    def __repr__(self) -> str:
        """`SharedFetcher(orders-2)`."""
        return f"SharedFetcher({self.tp})"

    # --- the pipeline's thread ---------------------------------------------------------------------------------------

    def assign(self, start: Position) -> None:
        """Read from `start` on; what was fetched and not taken is dropped. See the port for leader epochs."""
        with self._changed:
            self._drop()
            self._start = start
            self._end = self._next = None
            self._has_news = False
        self._reader.order(self)

    def fetch(self, max_records: int, idle: float, window: float) -> Sequence[SourceRecord]:
        """Wait `idle` seconds for the first record and `window` for the rest. See the port for what is raised.

        Empty at once when the end of the partition was seen since the last fetch.
        """
        with self._changed:
            self._give_back()
            if not self._waiting and not self._has_news:
                self._changed.wait_for(lambda: self._waiting or self._has_news, idle)
            if not self._waiting:
                self._has_news = False
                return ()
            if len(self._waiting) < max_records:
                self._fill(max_records, window)
            records = self._take(max_records)
            is_low = self.is_paused and not self.wants_pause
        if is_low:
            self._reader.order(self)
        return records

    def interrupt(self) -> None:
        """Wait no more for a window to pass. See the port."""
        with self._changed:
            self._is_interrupted = True
            self._changed.notify_all()

    def position(self) -> Position | None:
        """Where the next fetch starts: markers at the tail are passed over once the end of the partition was seen."""
        with self._changed:
            end, after = self._end, self._next
            is_at_end = end is not None and not self._waiting and (after is None or after.offset < end.offset)
            return end if is_at_end else after

    def earliest(self) -> int:
        """First offset in the log."""
        return self._ends.earliest(self.tp)

    def latest(self) -> int:
        """Offset after the last visible record: the last stable one under `read_committed`."""
        return self._ends.latest(self.tp)

    def close(self) -> None:
        """Let the partition go; unread records are dropped. The consumer goes on with the others."""
        with self._changed:
            if self.is_closed:
                return
            self.is_closed = True
            self._drop()
        self._budget.leave()
        self._reader.order(self)

    # --- any thread --------------------------------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        """Whether a fetch has something to do: take records, tell of an error or of the end, let go what was taken."""
        return bool(self._waiting) or self._has_news or self._taken_cost > 0

    @property
    def wants_pause(self) -> bool:
        """Whether enough is waiting. Once it was, it is until little is left: a pause throws away what was fetched."""
        share = self._budget.share
        return self._cost > share // _LOW if self.is_paused else self._cost >= share

    # --- the consumer's thread ---------------------------------------------------------------------------------------

    def take_start(self) -> Position | None:
        """Where to read from anew, once; from then on it is read."""
        with self._changed:
            start, self._start = self._start, None
            return None if self.is_closed else start

    def put(self, messages: Sequence[Message], position: Callable[[], Position | None]) -> None:
        """Add what the consumer handed out. `position` asks the client where it stands."""
        with self._changed:
            if self._start is not None or self.is_closed:
                return
            cost = 0
            for message in messages:
                sign = message.error()
                if sign is None:
                    self._waiting.append(message)
                    cost += cost_of(cast("SourceRecord", message))
                elif sign.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                    self._end = _end_at(message.offset() or 0, position())
                    self._has_news = True
                else:
                    self._waiting.append(client_error(sign, f"reading {self.tp}"))
            self._cost += cost
            self._budget.take(cost)
            self._changed.notify_all()
        self._tell()

    def put_error(self, error: KafkaClientError) -> None:
        """Have it raised by a fetch, behind what was handed out before."""
        with self._changed:
            if self._waiting and isinstance(self._waiting[-1], KafkaClientError):
                return
            self._waiting.append(error)
            self._changed.notify_all()
        self._tell()

    # --- with the lock held ------------------------------------------------------------------------------------------

    def _fill(self, max_records: int, window: float) -> None:
        deadline = perf_counter() + window
        while not self._is_full(max_records):
            rest = deadline - perf_counter()
            if rest <= 0 or not self._changed.wait(rest):
                return

    def _is_full(self, max_records: int) -> bool:
        return (
            len(self._waiting) >= max_records
            or self._cost >= min(self._budget.share, _MAX_COST)
            or self._is_interrupted
            or isinstance(self._waiting[-1], KafkaClientError)
        )

    def _take(self, max_records: int) -> list[SourceRecord]:
        """The first records. Raises the error that is in front of them."""
        waiting = self._waiting
        if isinstance(waiting[0], KafkaClientError):
            raise cast("KafkaClientError", waiting.popleft())
        records: list[SourceRecord] = []
        taken = 0
        while waiting and len(records) < max_records:
            first = waiting[0]
            if isinstance(first, KafkaClientError):
                break
            # A message without an error has every attribute, which the client's own types do not tell.
            record = cast("SourceRecord", first)
            cost = cost_of(record)
            if records and taken + cost > _MAX_COST:
                break
            waiting.popleft()
            records.append(record)
            taken += cost
        self._cost -= taken
        self._taken_cost = taken
        last = records[-1]
        self._next = Position(next_offset(last), last.leader_epoch())
        return records

    def _give_back(self) -> None:
        if self._taken_cost:
            self._budget.give_back(self._taken_cost)
            self._taken_cost = 0

    def _drop(self) -> None:
        self._waiting.clear()
        self._budget.give_back(self._cost)
        self._cost = 0
        self._give_back()

    def _tell(self) -> None:
        if self._on_ready is not None:
            self._on_ready()


def _end_at(offset: int, position: Position | None) -> Position:
    """The end of the partition, with the epoch of what was read before it where the client knows it to be the last.

    Where compaction took the tail, nobody says under which leader that was written, and an older epoch would make the
    next start look like one behind a truncated log.
    """
    return position if position is not None and position.offset == offset else Position(offset)
