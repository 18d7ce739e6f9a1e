"""A pipeline that has several batches in flight, on fakes: time, the pool and the function are driven by the test."""

from __future__ import annotations

import heapq
import itertools
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.claim_check import ClaimCheck
from kafka_lambda_sink.contracts.replies.none import NoContract
from kafka_lambda_sink.contracts.replies.records import RecordsContract
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract
from kafka_lambda_sink.contracts.request import RecordConverter
from kafka_lambda_sink.contracts.shrink import shrink
from kafka_lambda_sink.core.errors import InvocationAborted, TransientInvocationError
from kafka_lambda_sink.core.lanes import KeyLanes, Unordered
from kafka_lambda_sink.core.ports import CallContext, ClaimStore, Invoker, InvokeReply, Position
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.recovery import RecoveryPolicy, RetryScope
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.core.start import OffsetReset
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.pipeline.delivery import Delivery
from kafka_lambda_sink.pipeline.invoking_pool import InvokingThread, Turn
from kafka_lambda_sink.pipeline.judgement import Judge
from kafka_lambda_sink.pipeline.out_of_order import Hand, OutOfOrder, OutOfOrderSettings
from kafka_lambda_sink.pipeline.out_of_order_recovery import OutOfOrderRecovery, by_key, no_key
from kafka_lambda_sink.pipeline.partition import PartitionPipeline, PartitionSettings
from kafka_lambda_sink.pipeline.report_budget import ReportBudget
from kafka_lambda_sink.pipeline.reporting import Reporter
from kafka_lambda_sink.pipeline.unordered_progress import UnorderedProgress
from tests.support.delivering import Delivering
from tests.support.fake_producer import FakeProducer
from tests.support.fakes import FakeFetcher, echo
from tests.support.picky_converter import PickyConverter, plain_converter
from tests.support.records import TP, record
from tests.support.stage import PATIENCE, Stage, StagedCondition, StagedEvent
from tests.support.stepped_clock import SteppedClock

FAILED = InvokeReply(200, b'{"errorMessage":"no"}', function_error="Unhandled", request_id="r-1")


@dataclass
class Call:
    """An invocation that waits for the test's answer."""

    payload: bytes
    stage: Stage
    context: CallContext | None = None
    answer: InvokeReply | Exception | None = None
    bell: threading.Event = field(default_factory=threading.Event)

    @property
    def offsets(self) -> list[int]:
        return [entry["payload"]["offset"] for entry in json.loads(self.payload)]

    @property
    def keys(self) -> list[str | None]:
        return [entry["payload"]["key"] for entry in json.loads(self.payload)]

    def give(self, answer: InvokeReply | Exception) -> None:
        if not self.bell.is_set():
            self.answer = answer
            self.stage.go_on()
            self.bell.set()


class HeldInvoker:
    """Each call waits for its answer. `abort` ends it, and refuses all later ones."""

    def __init__(self, under_test: SideBySideDelivering) -> None:
        self._under_test = under_test
        self._calls: list[Call] = []
        self.is_halted = False
        self.is_aborted = False
        self.is_closed = False

    def invoke(self, payload: bytes, call: CallContext | None = None) -> InvokeReply:
        if self.is_aborted:
            raise InvocationAborted
        made = Call(payload, self._under_test.stage, call)
        self._calls.append(made)
        self._under_test.began(made)
        self._under_test.stage.pause()
        assert made.bell.wait(PATIENCE * 10), "nobody answers"
        self._calls.remove(made)
        self._under_test.in_flight.remove(made)
        assert made.answer is not None
        if isinstance(made.answer, Exception):
            raise made.answer
        return made.answer

    def halt(self) -> None:
        self.is_halted = True

    def abort(self) -> None:
        self.is_aborted = True
        for call in [*self._calls]:
            call.give(InvocationAborted())

    def close(self) -> None:
        self.is_closed = True


class HandPool:
    """An `InvokingPool` that starts turns when it is told, each on a thread of its own."""

    def __init__(self, clock: SteppedClock, stage: Stage, open_invoker: Callable[[str], Invoker]) -> None:
        self._clock = clock
        self._stage = stage
        self._open_invoker = open_invoker
        self._numbers = itertools.count()
        #: Its threads are busy with other partitions.
        self.is_busy = False
        self.turns: list[Turn] = []
        self.later: list[tuple[float, int, Turn]] = []

    def submit(self, turn: Turn) -> None:
        self.turns.append(turn)

    def submit_later(self, delay: float, turn: Turn) -> None:
        assert delay > 0
        heapq.heappush(self.later, (self._clock.monotonic() + delay, next(self._numbers), turn))

    def start(self) -> bool:
        """Start what is due; whether there was anything."""
        while self.later and self.later[0][0] <= self._clock.monotonic():
            self.turns.append(heapq.heappop(self.later)[2])
        if self.is_busy:
            return False
        turns, self.turns = self.turns, []
        for turn in turns:
            self._stage.run(lambda turn=turn: self._run(turn), "turn")  # type: ignore[misc]
        return bool(turns)

    def _run(self, turn: Turn) -> None:
        own = InvokingThread(self._open_invoker)
        turn(own)
        own.close()


class SideBySideDelivering(Delivering):
    """A pipeline of `orders-3` by key, or `unordered`; reports are written at once unless `holds_reports`."""

    def __init__(
        self,
        records: Sequence[SourceRecord],
        *,
        start: Position = Position(0),  # noqa: B008 - frozen
        ordering: str = "key",
        batch_size: int = 2,
        max_bytes: int = 100_000,
        in_flight: int = 4,
        fetch_size: int = 100,
        max_records: int = 1000,
        max_unfinished_bytes: int = 1 << 20,
        max_age: float = 1e9,
        behavior: str = "fail",
        topics: str = "",
        tolerates: bool = False,
        retry: RetryPolicy | None = None,
        holds_reports: bool = False,
        converter: RecordConverter | None = None,
        contract: ReplyContract | None = None,
        recovery: RecoveryPolicy | None = None,
        jitter: float = 0.5,
        store: ClaimStore | None = None,
        producer: FakeProducer | None = None,
        taken: Callable[[bytes], InvokeReply] = echo,
        began: Callable[[Call], None] = lambda _: None,
    ) -> None:
        self.stage = Stage()
        self.clock = SteppedClock()
        self.alarms = Alarms(self.clock)
        self.fetcher = FakeFetcher(records)
        self.producer = producer or FakeProducer(delivers=not holds_reports)
        self.reporter = Reporter(lambda: self.producer, lambda: self.producer, shrink, self.clock, self.alarms)
        self.dead_producer, self.dead_reporter = self.producer, self.reporter
        self.counters = Counters()
        self.drained = 0
        self.progress: UnorderedProgress = UnorderedProgress(
            TP, self._on_drained, ReportBudget(1 << 20), start.done, start.done_epoch
        )
        self.room = StagedEvent(self.stage)
        self.progress._may_have_room = self.room
        self._look_again = StagedEvent(self.stage)
        self.progress._look_again = self._look_again
        #: Each that was made, and those that wait for an answer.
        self.calls: list[Call] = []
        self.in_flight: list[Call] = []
        self.opened: list[HeldInvoker] = []
        self._began = began
        #: What the function answers that takes all records.
        self._taken = taken
        self.pool = HandPool(self.clock, self.stage, self._open_invoker)
        self._retry = retry or RetryPolicy()
        self._jitter = jitter
        self._policy_of_recovery = recovery or RecoveryPolicy()
        self._is_by_key = ordering == "key"
        self._contract = contract or (RecordsContract(TP) if "results" in topics.split() else NoContract())
        self._reports = replace(self._policy(behavior, topics.split()), tolerates_errant_records=tolerates)
        claims = ClaimCheck(plain_converter(), store, bucket="large", prefix="") if store else None
        self.assembler = BatchAssembler(
            converter or PickyConverter(), BatchLimits(batch_size, max_bytes, max_bytes), claims=claims
        )
        self.deliverer = OutOfOrder(
            progress=self.progress,
            assembler=self.assembler,
            queue=KeyLanes() if self._is_by_key else Unordered(),
            pool=self.pool,  # type: ignore[arg-type]
            take_up=self._take_up,
            judge_of=self._judge,
            settings=OutOfOrderSettings(
                batch_size=batch_size,
                max_in_flight=in_flight,
                max_unfinished=max_records,
                max_unfinished_bytes=max_unfinished_bytes,
                max_unfinished_age=max_age,
            ),
            counters=self.counters,
            clock=self.clock,
            alarms=self.alarms,
            claims=store,
        )
        #: What the pipeline's thread waits on, for room, and for a conversion.
        self.changed = StagedCondition(self.stage)
        self.deliverer._changed = self.changed
        self.conversion_wait = StagedEvent(self.stage)
        self.deliverer._wait._halt = self.conversion_wait
        self.pipeline = PartitionPipeline(
            progress=self.progress,
            start=start,
            open_fetcher=lambda: self.fetcher,
            deliverer=self.deliverer,
            settings=PartitionSettings(batch_size=fetch_size, batch_window=0.0, offset_reset=OffsetReset.EARLIEST),
            alarms=self.alarms,
        )
        self._is_stepping = False
        self.has_ended = False

    # --- the test's side ---------------------------------------------------------------------------------------------

    def begin(self) -> SideBySideDelivering:
        """Find the start, fetch once, and start all that may be sent."""
        return self.step().step()

    def step(self) -> SideBySideDelivering:
        """One step of the pipeline, on a thread of its own: it may block."""
        assert not self._is_stepping
        self._is_stepping = True
        self.stage.run(self._step, "pipeline")
        return self.settle()

    def settle(self) -> SideBySideDelivering:
        """Go on until everybody waits for the test."""
        self.stage.settle()
        while self.pool.start():
            self.stage.settle()
        self.changed.elapse()
        self._look_again.elapse()
        self.stage.settle()
        while self.pool.start():
            self.stage.settle()
        return self

    def pass_time(self, seconds: float) -> SideBySideDelivering:
        self.clock.step(seconds)
        return self.settle()

    def answer(self, *offsets: int, by: InvokeReply | Exception | None = None) -> SideBySideDelivering:
        """Answer the call in flight with these records, with what it was sent."""
        (call,) = [call for call in self.in_flight if call.offsets == [*offsets]]
        call.give(by or self._taken(call.payload))
        return self.settle()

    def answer_all(self) -> SideBySideDelivering:
        """Answer until nothing is in flight."""
        while self.in_flight:
            for call in [*self.in_flight]:
                call.give(self._taken(call.payload))
            self.settle()
        return self

    def finish(self) -> None:
        """Answer and read on until all is done, then drain: nothing is left."""
        while not self.has_ended:
            self.answer_all()
            if self.pool.later:
                self.pass_time(self.pool.later[0][0] - self.clock.monotonic())
            elif not self.progress.unfinished or not self.progress.is_open:
                self.drain()
                if not self._is_stepping and not self.has_ended:
                    self.step()
            elif not self._is_stepping:
                self.step()
        assert self.progress.is_drained

    def drain(self) -> SideBySideDelivering:
        self.pipeline.drain()
        return self.settle()

    def abandon(self) -> SideBySideDelivering:
        self.pipeline.abandon()
        return self.settle()

    def is_stepping(self) -> bool:
        """Whether the pipeline's thread is inside a step: it waits for something."""
        return self._is_stepping

    def is_drained(self) -> bool:
        return self.progress.is_drained

    def state(self) -> PipelineState:
        return self.progress.state

    def out(self) -> list[list[int]]:
        """Offsets of each call in flight."""
        return sorted(call.offsets for call in self.in_flight)

    @property
    def batches(self) -> list[list[int]]:
        return [call.offsets for call in self.calls]

    def beyond(self) -> tuple[tuple[int, int], ...]:
        """What would be committed beyond the offset."""
        taken = self.progress.take_committable()
        assert taken is not None
        return taken[0].done

    # --- threads of the pool -----------------------------------------------------------------------------------------

    def began(self, call: Call) -> None:
        self.calls.append(call)
        self.in_flight.append(call)
        self._began(call)

    def _open_invoker(self, topic: str) -> HeldInvoker:
        assert topic == TP.topic
        made = HeldInvoker(self)
        self.opened.append(made)
        return made

    def _take_up(self, invoker: Invoker, counters: Counters, halt: threading.Event) -> Hand:
        # Waits for a next attempt of the same call are none: what waits is shown by what is parked.
        delivery = Delivery(invoker, self._retry, self.clock, self._on_retry, jitter=lambda: 0.0, halt=halt)
        others: dict[str, Any] = {
            "delivery": delivery,
            "assembler": self.assembler,
            "judge": self._judge(counters),
            "progress": self.progress,
            "counters": counters,
            "clock": self.clock,
            "alarms": self.alarms,
            "policy": self._policy_of_recovery
            if self._is_by_key
            else replace(self._policy_of_recovery, scope=RetryScope.ALONE),
            "backoff": RetryPolicy(),
            "jitter": lambda: self._jitter,
        }
        return Hand(delivery, OutOfOrderRecovery(key_of=by_key if self._is_by_key else no_key, **others))

    def _judge(self, counters: Counters) -> Judge:
        return Judge(self.progress, self._reports, self._contract, counters, self.alarms)

    def _on_retry(self, _: TransientInvocationError, attempt: int, wait: float) -> None:
        assert attempt
        assert wait >= 0
        self.progress.retrying()

    def _on_drained(self) -> None:
        self.drained += 1

    def _step(self) -> None:
        self.has_ended = not self.pipeline.turn()
        self._is_stepping = False


def errors(under_test: SideBySideDelivering) -> list[tuple[int, int]]:
    """Half-open ranges that the error topic tells of, in order of writing."""
    keys = [json.loads(report.key or b"") for report in under_test.written("errors")]
    return [(key["startOffset"], key["endOffset"]) for key in keys]


def keyed(keys: str, *, poison: Sequence[int] = (), size: int = 0) -> list[SourceRecord]:
    """A record a letter, which is its key, at the letter's place; `.` has no key, and at `-` there is none."""

    def value(offset: int) -> bytes:
        return b"{not JSON" if offset in poison else b'{"n":"%s"}' % (b"x" * size)

    return [
        record(offset, value(offset), None if key == "." else key.encode())
        for offset, key in enumerate(keys)
        if key != "-"
    ]
