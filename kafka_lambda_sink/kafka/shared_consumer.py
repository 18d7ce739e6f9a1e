"""One consumer that reads several partitions, and the thread that hands out what it reads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Final, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as ClientPartition

from kafka_lambda_sink.core.errors import FatalKafkaError, KafkaClientError, RetriableKafkaError
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from kafka_lambda_sink.kafka.client_config import build_client
from kafka_lambda_sink.kafka.client_events import ClientEvents
from kafka_lambda_sink.kafka.client_position import client_position
from kafka_lambda_sink.kafka.errors import client_error
from kafka_lambda_sink.kafka.log_ends import LogEnds
from kafka_lambda_sink.kafka.memory_budget import MemoryBudget, cost_of
from kafka_lambda_sink.kafka.shared_fetcher import SharedFetcher
from kafka_lambda_sink.telemetry.logs import get_logger

_log = get_logger(__name__)

#: Messages that are asked for at a time.
_SLICE: Final = 500
#: Bytes that a record may cost before one was seen.
_UNKNOWN: Final = 1024 * 1024
#: Seconds of one wait for a first message: what is ordered meanwhile waits as long.
_IDLE: Final = 0.1
#: The same while a partition is paused, and may be ordered to go on.
_WATCHFUL: Final = 0.01
#: Seconds until memory is looked at again, though the budget tells.
_FULL: Final = 0.5
#: Seconds until the next look for messages where memory is short: nobody waits for them in his turn.
_SHORT: Final = 0.01
#: Seconds until a client that failed is asked again.
_RETRY_DELAY: Final = 1.0


class SharedConsumer:
    """Fills the buffers of its fetchers, each up to its share. Ends by itself when the last of them is closed.

    The client is used on its own thread alone. So nothing of an earlier assignment is handed out after a new one, and
    no call waits for ever, as some do while another thread polls (seen with confluent-kafka 2.16: resuming and asking
    the ends of a log). An error of one partition reaches its fetcher, one of the client all.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        budget: MemoryBudget,
        ends: LogEnds,
        before_open: Callable[[], None],
        on_closed: Callable[[SharedConsumer], None],
    ) -> None:
        """Opens with its first fetcher, on its own thread, after `before_open`, which may wait.

        `on_closed` is called there too, once the sockets are closed.
        """
        self._config = config
        self._budget = budget
        self._ends = ends
        self._before_open = before_open
        self._on_closed = on_closed
        self._events = ClientEvents()
        self._consumer: Consumer
        self._is_built = threading.Event()
        #: For the three below.
        self._lock = threading.Lock()
        self._fetchers: set[SharedFetcher] = set()
        self._ordered: dict[SharedFetcher, None] = {}
        self._has_ended = False
        #: There is an order, or memory again.
        self._news = threading.Event()
        #: Its own thread's: what it reads, what of it is paused, and what the largest of the last records cost.
        self._assigned: dict[tuple[str, int], SharedFetcher] = {}
        self._paused: set[SharedFetcher] = set()
        self._largest = _UNKNOWN
        self._thread = threading.Thread(target=self._run, name="shared fetcher", daemon=True)

    def __repr__(self) -> str:
        """`<SharedConsumer of 31 partitions>`."""
        return f"<SharedConsumer of {len(self._fetchers)} partitions>"

    # --- any thread --------------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Fetchers that are open."""
        return len(self._fetchers)

    def open(self, tp: TopicPartition, on_ready: Callable[[], None] | None) -> SharedFetcher | None:
        """A fetcher, or None when the last one was closed before."""
        with self._lock:
            if self._has_ended:
                return None
            fetcher = SharedFetcher(tp, self, self._budget, self._ends, on_ready)
            self._fetchers.add(fetcher)
            if not self._thread.ident:
                self._thread.start()
            return fetcher

    def order(self, fetcher: SharedFetcher) -> None:
        """See `shared_fetcher.Reader`."""
        with self._lock:
            self._ordered[fetcher] = None
        self._news.set()

    def join(self, timeout: float) -> None:
        """Wait for its end, which its fetchers bring about."""
        if self._thread.ident:
            self._thread.join(timeout)

    # --- its own thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._build()
            self._read_until_left()
        except Exception as error:  # noqa: BLE001 - a bug must stop its partitions, and never leave them waiting
            _log.error("a shared fetcher failed", exc_info=error)
            failure = FatalKafkaError(f"the shared fetcher failed: {error!r}")
            while self._is_wanted():
                self._tell_all(failure)
                self._news.wait(_RETRY_DELAY)
                self._forget_closed()
        finally:
            if self._is_built.is_set():
                self._consumer.close()
            self._on_closed(self)

    def _build(self) -> None:
        while self._is_wanted():
            self._before_open()
            try:
                self._consumer = build_client(Consumer, self._config, self._events)
            except KafkaClientError as error:
                self._tell_all(error)
                self._news.wait(_RETRY_DELAY)
                self._forget_closed()
            else:
                self._is_built.set()
                return

    def _read_until_left(self) -> None:
        while True:
            self._serve_orders()
            if not self._is_wanted():
                return
            if not self._assigned:
                self._news.wait()
            elif not self._budget.has_room(self._news.set):
                self._news.wait(_FULL)
            else:
                self._read()

    def _is_wanted(self) -> bool:
        """Whether a fetcher is open; if not, none will be any more."""
        with self._lock:
            self._has_ended = not self._fetchers
            return not self._has_ended

    def _serve_orders(self) -> None:
        """Assign and let go what was ordered."""
        self._news.clear()
        with self._lock:
            ordered, self._ordered = list(self._ordered), {}
        if not ordered:
            return
        closed = [fetcher for fetcher in ordered if fetcher.is_closed]
        started: dict[SharedFetcher, Position] = {}
        for fetcher in ordered:
            start = fetcher.take_start()
            if start is not None:
                started[fetcher] = start
        if started or closed:
            self._reassign(started, closed)
            self._forget_closed()
        self._regulate([fetcher for fetcher in ordered if fetcher.is_paused])

    def _forget_closed(self) -> None:
        with self._lock:
            self._fetchers = {fetcher for fetcher in self._fetchers if not fetcher.is_closed}

    def _reassign(self, started: Mapping[SharedFetcher, Position], closed: Sequence[SharedFetcher]) -> None:
        """A partition may have a new fetcher before its old one is closed: that one lets go of nothing any more."""
        given_up = [fetcher for fetcher in closed if self._assigned.get(fetcher.tp) is fetcher]
        given_up += [old for fetcher in started if (old := self._assigned.get(fetcher.tp)) is not None]
        for fetcher in given_up:
            fetcher.is_paused = False
            self._paused.discard(fetcher)
            self._assigned.pop(fetcher.tp, None)
        for fetcher in started:
            self._assigned[fetcher.tp] = fetcher
        places = [client_position(it.tp, start.offset, start.leader_epoch) for it, start in started.items()]
        try:
            if given_up:
                self._consumer.incremental_unassign(_places(given_up))
            if places:
                self._consumer.incremental_assign(places)
                # librdkafka remembers a pause across assignments.
                self._consumer.resume(places)
        except KafkaException as error:
            explained = self._explain(error, "assigning")
            for fetcher in started:
                fetcher.put_error(explained)

    def _regulate(self, fetchers: Collection[SharedFetcher]) -> None:
        """Pause those that have enough waiting; go on with those that have little."""
        before = {fetcher for fetcher in fetchers if fetcher.is_paused}
        for fetcher in fetchers:
            # Until it stays: who takes records meanwhile has seen how it was before.
            while fetcher.wants_pause != fetcher.is_paused:
                fetcher.is_paused = not fetcher.is_paused
        full = [fetcher for fetcher in fetchers if fetcher.is_paused and fetcher not in before]
        low = [fetcher for fetcher in before if not fetcher.is_paused]
        try:
            if full:
                self._consumer.pause(_places(full))
                self._paused.update(full)
            if low:
                self._consumer.resume(_places(low))
                self._paused.difference_update(low)
        except KafkaException as error:
            # Stopped and shown, never in silence: a pause that is not ended would be for ever.
            explained = FatalKafkaError(str(self._explain(error, "pausing and going on")))
            for fetcher in (*full, *low):
                fetcher.put_error(explained)

    def _read(self) -> None:
        if self._budget.is_short:
            with self._budget.turn:
                messages = self._consume(self._slice, 0)
                self._hand_out(messages)
            if not messages:
                self._news.wait(_SHORT)
            return
        messages = self._consume(1, _WATCHFUL if self._paused else _IDLE)
        if not messages:
            grave = self._events.take_grave()
            if grave is not None:
                self._tell_all(grave)
            return
        self._events.clear()
        if self._slice > 1:
            messages += self._consume(self._slice - 1, 0)
        self._hand_out(messages)

    @property
    def _slice(self) -> int:
        """Records to ask for: all may be of one partition, which then has twice its share waiting, and no more."""
        return max(1, min(_SLICE, self._budget.share // self._largest))

    def _consume(self, count: int, timeout: float) -> list[Message]:
        try:
            return self._consumer.consume(count, timeout)
        except KafkaException as error:
            self._tell_all(self._explain(error, "reading"))
            self._news.wait(_RETRY_DELAY)
            return []

    def _hand_out(self, messages: Sequence[Message]) -> None:
        self._largest = max(map(cost_of, cast("Sequence[SourceRecord]", messages)), default=self._largest)
        filled: dict[SharedFetcher, None] = {}
        for place, group in groupby(messages, _place):
            fetcher = self._assigned.get(place)
            if fetcher is not None:
                fetcher.put(list(group), partial(self._position, fetcher.tp))
                filled[fetcher] = None
            elif not place[0]:
                for error in filter(None, (message.error() for message in group)):
                    self._tell_all(client_error(error, "reading"))
        self._regulate([fetcher for fetcher in filled if fetcher.wants_pause])

    def _position(self, tp: TopicPartition) -> Position | None:
        """Behind everything that was handed out."""
        try:
            [found] = self._consumer.position([ClientPartition(*tp)])
        except KafkaException:
            return None
        return Position(found.offset, found.leader_epoch)

    def _tell_all(self, error: KafkaClientError) -> None:
        with self._lock:
            fetchers = list(self._fetchers)
        for fetcher in fetchers:
            fetcher.put_error(error)

    def _explain(self, error: KafkaException, doing: str) -> KafkaClientError:
        cause = error.args[0]
        if isinstance(cause, KafkaError):
            return self._events.explain(cause, doing)
        return RetriableKafkaError(f"{doing}: {error}")


def _places(fetchers: Iterable[SharedFetcher]) -> list[ClientPartition]:
    return [ClientPartition(*fetcher.tp) for fetcher in fetchers]


def _place(message: Message) -> tuple[str, int]:
    return message.topic() or "", message.partition() or 0
