"""Delivery of several batches of a partition at a time, on the threads of a pool."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from kafka_lambda_sink.contracts.assembly import BatchAssembler
from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import InvocationAborted, PartitionStopped, RetriableConversionError
from kafka_lambda_sink.core.lanes import Item, SendQueue
from kafka_lambda_sink.core.ports import ClaimStore, Clock, Invoker
from kafka_lambda_sink.core.record import SourceRecord, next_offset
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.conversion_wait import ConversionWait
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.pipeline.delivery import Delivery
from kafka_lambda_sink.pipeline.invoking_pool import InvokingPool, InvokingThread
from kafka_lambda_sink.pipeline.judgement import Judge
from kafka_lambda_sink.pipeline.out_of_order_recovery import OutOfOrderRecovery
from kafka_lambda_sink.pipeline.recovery import Part
from kafka_lambda_sink.pipeline.unordered_progress import UnorderedProgress

#: Seconds after which a wait for room looks again how old the oldest record is.
_TICK = 0.1
#: Seconds without an outcome of the oldest record after which a full partition is told of.
_STUCK = 60.0


class Hand(NamedTuple):
    """What delivers one batch, on one thread of the pool."""

    delivery: Delivery
    recovery: OutOfOrderRecovery


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfOrderSettings:
    """Bounds of one partition; no more records are taken while one of those on what is unfinished is reached."""

    batch_size: int
    #: Batches.
    max_in_flight: int
    #: Records.
    max_unfinished: int
    #: Bytes of their entries, as encoded.
    max_unfinished_bytes: int
    #: Seconds since the oldest was fetched.
    max_unfinished_age: float


class OutOfOrder:
    """A `Deliverer`."""

    def __init__(
        self,
        *,
        progress: UnorderedProgress,
        assembler: BatchAssembler,
        queue: SendQueue,
        pool: InvokingPool,
        take_up: Callable[[Invoker, Counters, threading.Event], Hand],
        judge_of: Callable[[Counters], Judge],
        settings: OutOfOrderSettings,
        counters: Counters,
        clock: Clock,
        alarms: Alarms,
        claims: ClaimStore | None = None,
    ) -> None:
        """`take_up` makes what delivers a batch by an invoker, until the event is set, and `judge_of` what judges.

        `claims` is what the assembler stores large values with.
        """
        self._progress = progress
        self._assembler = assembler
        self._queue = queue
        self._pool = pool
        self._take_up = take_up
        self._judge_of = judge_of
        self._settings = settings
        self._counters = counters
        self._clock = clock
        self._alarms = alarms
        self._claims = claims
        self._wait = ConversionWait(progress, alarms)
        self._halted = threading.Event()
        #: Guards all below, and the queue. Its waiter is the pipeline's thread.
        self._changed = threading.Condition()
        self._active = 0
        #: A turn is on its way that has not taken anything yet.
        self._is_scouting = False
        #: Parts whose wait is over, those of one key together.
        self._due: deque[Sequence[Part]] = deque()
        #: What was sent last was due: others come next.
        self._was_due = False
        #: What is out or parked, by offset; and how many of each key.
        self._out: dict[int, Item] = {}
        self._keys_out: Counter[bytes | None] = Counter()
        self._out_bytes = 0
        #: (offset behind the records of one fetch, when it was made), oldest first.
        self._fetches: deque[tuple[int, float]] = deque()
        self._deliveries: set[Delivery] = set()

    # --- the pipeline's thread ---------------------------------------------------------------------------------------

    def deliver(self, records: Sequence[SourceRecord]) -> None:
        """See Deliverer: let them be delivered; returns when more may be taken."""
        if not self._progress.begin():
            return
        if self._fetches and self._fetches[-1][0] > records[0].offset():
            # The log was cut, and all that was read of it is finished.
            self._fetches.clear()
        self._fetches.append((next_offset(records[-1]), self._clock.monotonic()))
        rest = self._progress.follow(records)
        attempt = 0
        while rest:
            left = self._queue_up(rest, attempt)
            attempt = attempt + 1 if len(left) == len(rest) else 0
            rest = left
        # Not in a `finally`: what is raised has to stop the partition before a drain finds nothing in flight.
        self._progress.end()
        with self._changed:
            while self._is_full() and self._progress.is_open:
                self._tell_if_stuck()
                self._changed.wait(_TICK)

    def halt(self) -> None:
        """See Deliverer. What is parked is left to the next owner."""
        self._halted.set()
        self._wait.halt()
        with self._changed:
            deliveries = [*self._deliveries]
            self._changed.notify_all()
        for delivery in deliveries:
            delivery.halt()

    def abort(self) -> None:
        """See Deliverer."""
        self.halt()
        with self._changed:
            deliveries = [*self._deliveries]
        for delivery in deliveries:
            delivery.abort()
        if self._claims is not None:
            self._claims.abort()

    def close(self) -> None:
        """See Deliverer: the connections are the pool's."""
        with self._changed:
            self._queue.clear()

    def _queue_up(self, records: Sequence[SourceRecord], attempt: int) -> Sequence[SourceRecord]:
        """Queue what is to be sent, settle the rest; what is left when a record cannot be converted now."""
        items: list[Item] = []
        seen: set[int] = set()
        try:
            for item in self._assembler.items(records):
                if item is None:
                    self._queue_items(items)
                    items = []
                    continue
                if isinstance(item, FailedRecord):
                    self._failed_record(item)
                else:
                    items.append(item)
                seen.add(item.record.offset())
        except RetriableConversionError as error:
            self._queue_items(items)
            left = [record for record in records if record.offset() not in seen]
            return left if self._wait.sit_out(error, left[0].offset(), attempt) else ()
        except PartitionStopped:
            assert isinstance(item, FailedRecord)
            # What comes before it is delivered first, as in partition order.
            self._queue_items(items)
            self._drop(records[: records.index(item.record)], seen)
            self._wait_for_queued()
            raise
        self._queue_items(items)
        self._drop(records, seen)
        return ()

    def _queue_items(self, items: Sequence[Item]) -> None:
        with self._changed:
            self._queue.add(items)
            self._send_more()

    def _drop(self, records: Sequence[SourceRecord], seen: Collection[int]) -> None:
        """Those of `records` that came to nothing are delivered."""
        offsets = [record.offset() for record in records if record.offset() not in seen]
        if offsets:
            self._progress.delivered(offsets)
            self._count(Counters(filtered=len(offsets)))

    def _failed_record(self, item: FailedRecord) -> None:
        counters = Counters()
        try:
            self._judge_of(counters).failed_record(item)
        finally:
            self._count(counters)

    def _wait_for_queued(self) -> None:
        """Until all of it has its outcome. Raises InvocationAborted when the epoch ends, or is stopped, meanwhile."""
        with self._changed:
            while self._queue.queued or self._out:
                if not self._progress.is_open:
                    raise InvocationAborted
                self._changed.wait(_TICK)

    # --- threads of the pool -----------------------------------------------------------------------------------------

    def _turn(self, thread: InvokingThread) -> None:
        """Deliver one batch, if there is one. Raises nothing."""
        parts = self._take()
        if not parts:
            return
        counters = Counters()
        topic = self._progress.tp.topic
        try:
            self._work(parts, thread.invoker(topic), counters)
        except InvocationAborted:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it stops this partition and is shown as its state
            if self._progress.error is None:
                self._alarms.partition_stopped(self._progress.tp, error)
            self._progress.fail(error)
        finally:
            if self._halted.is_set():
                # It was told to make no call any more.
                thread.discard(topic)
            with self._changed:
                self._counters.add(counters)
                self._active -= 1
                self._send_more()
                self._changed.notify_all()
            self._progress.leave()

    def _take(self) -> Sequence[Part]:
        # No longer than reports of this task are in the way.
        may_deliver = self._progress.wait_for_room(2 * self._settings.max_in_flight)
        with self._changed:
            self._is_scouting = False
            if not may_deliver or self._halted.is_set():
                return ()
            parts = self._next()
            if not parts or not self._progress.enter():
                return ()
            self._active += 1
            self._send_more()
            return parts

    def _next(self) -> Sequence[Part]:
        """By turns what was parked and what was not sent yet: neither keeps the other waiting."""
        self._was_due = bool(self._due) and not (self._was_due and self._queue.has_ready)
        return self._due.popleft() if self._was_due else self._next_items()

    def _next_items(self) -> Sequence[Part]:
        items = self._queue.take(self._settings.batch_size, self._assembler.room)
        if not items:
            return ()
        tenant = items[0].tenant
        others = [item for item in items if item.tenant != tenant]
        if others:
            # Keys are a tenant's own.
            self._queue.give_back(others)
            items = [item for item in items if item.tenant == tenant]
        for item in items:
            self._out[item.record.offset()] = item
            self._keys_out[item.key] += 1
            self._out_bytes += len(item.text)
        return (Part(self._assembler.of(items)),)

    def _work(self, parts: Sequence[Part], invoker: Invoker, counters: Counters) -> None:
        hand = self._take_up(invoker, counters, self._halted)
        with self._changed:
            if self._halted.is_set():
                raise InvocationAborted
            self._deliveries.add(hand.delivery)
        try:
            hand.recovery.work(parts, self._settled, self._park)
        finally:
            with self._changed:
                self._deliveries.discard(hand.delivery)

    def _settled(self, batch: Batch) -> None:
        """These records have their outcome: what waits behind them may be sent."""
        with self._changed:
            free = []
            for record in batch.records:
                item = self._out.pop(record.offset())
                self._out_bytes -= len(item.text)
                self._keys_out[item.key] -= 1
                if not self._keys_out[item.key]:
                    del self._keys_out[item.key]
                    free.append(item)
            self._queue.release(free)
            self._send_more()
            self._changed.notify_all()

    def _park(self, parts: Sequence[Part]) -> None:
        """Their keys stay out until they have their outcome; others go on."""
        self._progress.retrying()
        first, *others = parts
        self._pool.submit_later(first.wait, lambda _: self._resume([replace(first, wait=0.0), *others]))

    def _resume(self, parts: Sequence[Part]) -> None:
        with self._changed:
            self._due.append(parts)
            self._send_more()

    def _count(self, counters: Counters) -> None:
        with self._changed:
            self._counters.add(counters)

    # --- with the lock held ------------------------------------------------------------------------------------------

    def _send_more(self) -> None:
        """Ask for a turn where there is something to send; it asks for the next itself."""
        has_work = bool(self._due) or self._queue.has_ready
        if has_work and not self._is_scouting and self._active < self._settings.max_in_flight:
            self._is_scouting = True
            self._pool.submit(self._turn)

    def _is_full(self) -> bool:
        settings = self._settings
        return (
            self._progress.unfinished >= settings.max_unfinished
            or self._queue.bytes + self._out_bytes >= settings.max_unfinished_bytes
            or self._oldest_age() >= settings.max_unfinished_age
        )

    def _tell_if_stuck(self) -> None:
        """What is full for so long is not full for a slow function: a key fails, or a call hangs."""
        age, at = self._oldest_age(), self._progress.committable
        if at is not None and age >= min(_STUCK, self._settings.max_unfinished_age):
            self._alarms.held_up(self._progress.tp, at.offset, age, self._progress.unfinished)

    def _oldest_age(self) -> float:
        committable = self._progress.committable
        offset = committable.offset if committable is not None else 0
        while self._fetches and self._fetches[0][0] <= offset:
            self._fetches.popleft()
        return self._clock.monotonic() - self._fetches[0][1] if self._fetches else 0.0
