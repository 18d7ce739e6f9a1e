"""Reading one partition by manual assignment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final, cast

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
)
from confluent_kafka import TopicPartition as ClientPartition

from kafka_lambda_sink.core.errors import KafkaClientError, RetriableKafkaError
from kafka_lambda_sink.core.ports import FetcherRetired, Position
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from kafka_lambda_sink.kafka.client_config import build_client
from kafka_lambda_sink.kafka.client_events import ClientEvents
from kafka_lambda_sink.kafka.client_position import client_position
from kafka_lambda_sink.kafka.errors import client_error

#: Seconds for a question about the log's ends.
_LOOKUP_TIMEOUT: Final = 10.0
#: Bytes of keys and values after which a fetch ends: more than one invocation can carry, and far from a full window of
#: the largest records.
MAX_BYTES: Final = 8 * 1024 * 1024
#: Records that are asked for at a time: what may come on top when they suddenly are the largest that a topic allows.
_SLICE_RECORDS: Final = 128
#: Seconds of one wait inside a long window, so that `interrupt` ends it.
_SLICE: Final = 0.5


class PartitionFetcher:
    """`core.ports.Fetcher` on a consumer of its own, configured by `client_config.fetcher_config`.

    The records are the client's own messages: nothing is built a record. Its queue is bounded and is the backpressure.
    A deleted topic, and one that may not be read, give no error here but silence: who needs to know asks the catalog.
    """

    def __init__(
        self,
        tp: TopicPartition,
        config: Mapping[str, Any],
        *,
        max_bytes: Callable[[], int] = lambda: MAX_BYTES,
        on_closed: Callable[[PartitionFetcher], None] = lambda _: None,
    ) -> None:
        """`max_bytes`: of keys and values after which a fetch ends."""
        self._tp = tp
        self._max_bytes = max_bytes
        self._on_closed = on_closed
        self._partition = ClientPartition(tp.topic, tp.partition)
        self._events = ClientEvents()
        self._consumer: Consumer = build_client(Consumer, config, self._events)
        #: Offset at which the end of the partition was last seen.
        self._end = OFFSET_INVALID
        #: Whether a record or the end was seen since `assign`: right after it, the client tells the old position.
        self._has_read = False
        #: An error that came behind records: raised by the next fetch, when they are taken.
        self._error: KafkaClientError | None = None
        self._is_interrupted = False
        self._is_retired = False

    def __repr__(self) -> str:
        """`PartitionFetcher(orders-2)`."""
        return f"PartitionFetcher({self._tp})"

    def assign(self, start: Position) -> None:
        """Read from `start` on; what was fetched and not taken is dropped. See the port for leader epochs."""
        self._end = OFFSET_INVALID
        self._has_read = False
        self._error = None
        try:
            self._consumer.assign([client_position(self._tp, start.offset, start.leader_epoch)])
        except KafkaException as error:
            raise self._explain(error, "assigning") from error

    def fetch(self, max_records: int, idle: float, window: float) -> Sequence[SourceRecord]:
        """Wait `idle` seconds for the first record and `window` for the rest. See the port for what is raised."""
        self._raise_error()
        if self._is_retired:
            raise FetcherRetired(f"{self._tp}: its partition is read by a shared consumer from now on")
        records = self._take(1, idle)
        if records:
            if max_records > 1:
                self._fill(records, max_records, window)
            self._has_read = True
            self._events.clear()
        else:
            self._raise_error()
        # A message without an error has every attribute, which the client's own types do not tell.
        return cast("list[SourceRecord]", records)

    def interrupt(self) -> None:
        """Wait no more for a window to pass. See the port."""
        self._is_interrupted = True

    def retire(self) -> None:
        """Let the next fetch raise FetcherRetired. Any thread."""
        self._is_retired = True

    def position(self) -> Position | None:
        """Where the next fetch starts.

        librdkafka moves its position over transaction markers when it comes to them, and not over records that
        compaction took from the tail: there, only the end of the partition tells.
        """
        if not self._has_read:
            return None
        try:
            [found] = self._consumer.position([self._partition])
        except KafkaException as error:
            raise self._explain(error, "asking the position") from error
        if found.offset < self._end:
            # Compaction took the tail, and under which leader that was written nobody says. The epoch of an earlier
            # record would make the next start look like one behind a truncated log.
            return Position(self._end)
        return Position(found.offset, found.leader_epoch) if found.offset >= 0 else None

    def earliest(self) -> int:
        """First offset in the log."""
        return self._watermarks()[0]

    def latest(self) -> int:
        """Offset after the last visible record: the last stable one under `read_committed`."""
        return self._watermarks()[1]

    def close(self) -> None:
        """Close the client; unread records are dropped."""
        self._consumer.close()
        self._on_closed(self)

    def _fill(self, records: list[Message], max_records: int, window: float) -> None:
        """Add to the first record what comes within `window`, up to `max_records` and about `max_bytes` of them."""
        deadline = perf_counter() + window
        max_bytes = self._max_bytes()
        # Asked once in any case: other threads may have had the processor for longer than a short window.
        rest = max(window, 0.0)
        taken = records
        size = largest = 0
        while len(records) < max_records and not self._is_interrupted:
            sizes = [len(record) + len(record.key() or b"") for record in taken]
            size, largest = size + sum(sizes), max(largest, 1, *sizes)
            room = min(max_records - len(records), _SLICE_RECORDS, (max_bytes - size) // largest)
            if room <= 0:
                return
            try:
                taken = self._take(room, min(rest, _SLICE))
            except KafkaClientError as error:
                # What was taken before it is gone from the client: raised by the next fetch, never instead of records.
                self._error = error
                return
            records += taken
            rest = deadline - perf_counter()
            if rest <= 0:
                return

    def _take(self, count: int, timeout: float) -> list[Message]:
        """The records among up to `count` messages; what else they say is noted."""
        messages = self._consume(count, timeout)
        records = [message for message in messages if message.error() is None]
        if len(records) < len(messages):
            self._read_signs(messages)
        return records

    def _consume(self, count: int, timeout: float) -> list[Message]:
        try:
            return self._consumer.consume(count, timeout)
        except KafkaException as error:
            raise self._explain(error, "reading") from error

    def _raise_error(self) -> None:
        error, self._error = self._error or self._events.take_grave(), None
        if error is not None:
            raise error

    def _read_signs(self, messages: Sequence[Message]) -> None:
        """Take the end of the partition and errors from among the records. The first error counts."""
        for message in messages:
            sign = message.error()
            if sign is None:
                continue
            if sign.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                self._end = message.offset() or 0
                self._has_read = True
            elif self._error is None:
                self._error = client_error(sign, f"reading {self._tp}")

    def _watermarks(self) -> tuple[int, int]:
        try:
            return self._consumer.get_watermark_offsets(self._partition, _LOOKUP_TIMEOUT)
        except KafkaException as error:
            raise self._explain(error, "asking the ends of the log") from error

    def _explain(self, error: KafkaException, doing: str) -> KafkaClientError:
        cause = error.args[0]
        if isinstance(cause, KafkaError):
            return self._events.explain(cause, f"{doing} {self._tp}")
        return RetriableKafkaError(f"{doing} {self._tp}: {error}")
