"""One partition pipeline, on fakes, run by the test's own thread."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.contracts.claim_check import ClaimCheck
from kafka_lambda_sink.contracts.frame import ARRAY, Frame
from kafka_lambda_sink.contracts.replies.none import NoContract
from kafka_lambda_sink.contracts.replies.records import RecordsContract
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract
from kafka_lambda_sink.contracts.report_format import ReportFormat
from kafka_lambda_sink.contracts.reports import DeadLetterReports, ErrorReports, ResultReports
from kafka_lambda_sink.contracts.request import RecordConverter
from kafka_lambda_sink.contracts.shrink import shrink
from kafka_lambda_sink.core.errors import TransientInvocationError
from kafka_lambda_sink.core.ports import ClaimStore, Position, Report
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.recovery import RecoveryPolicy
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.core.start import OffsetReset, Start
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.pipeline.delivery import Delivery
from kafka_lambda_sink.pipeline.in_order import InOrder
from kafka_lambda_sink.pipeline.judgement import (
    BehaviorOnError,
    DeadLetterSink,
    ErrorSink,
    Judge,
    Policy,
    ResultSink,
)
from kafka_lambda_sink.pipeline.partition import PartitionPipeline, PartitionSettings
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.recovery import Recovery
from kafka_lambda_sink.pipeline.report_budget import ReportBudget
from kafka_lambda_sink.pipeline.reporting import Reporter
from tests.support.fake_producer import FakeProducer
from tests.support.fakes import Answer, FakeFetcher, ScriptedInvoker
from tests.support.picky_converter import PickyConverter, plain_converter
from tests.support.records import TP, record
from tests.support.stepped_clock import SteppedClock


class Delivering:
    """A pipeline of `orders-3` with every port faked; reports are written at once unless `holds_reports`."""

    def __init__(
        self,
        records: Sequence[SourceRecord],
        *script: Answer,
        start: Position | Start = Position(0),  # noqa: B008 - frozen
        reset: OffsetReset = OffsetReset.EARLIEST,
        batch_size: int = 2,
        max_bytes: int = 100_000,
        behavior: str = "fail",
        topics: str = "results",
        tolerates: bool = False,
        retry: RetryPolicy | None = None,
        holds_reports: bool = False,
        max_spans: int = 64,
        budget: ReportBudget | None = None,
        converter: RecordConverter | None = None,
        contract: ReplyContract | None = None,
        recovery: RecoveryPolicy | None = None,
        contexts: CallContexts | None = None,
        jitter: float = 0.0,
        logs_errant: bool = False,
        logs_timestamps: bool = False,
        store: ClaimStore | None = None,
        frame: Frame = ARRAY,
    ) -> None:
        self.clock = SteppedClock()
        self.alarms = Alarms(self.clock)
        self.fetcher = FakeFetcher(records)
        self.invoker = ScriptedInvoker(*script)
        self.producer = FakeProducer(delivers=not holds_reports)
        self.alone = FakeProducer(delivers=not holds_reports)
        self.reporter = Reporter(lambda: self.producer, lambda: self.alone, shrink, self.clock, self.alarms)
        self._open_dead_letters(has_own_cluster="elsewhere" in topics, delivers=not holds_reports)
        self.counters = Counters()
        self.progress = PartitionProgress(TP, lambda: None, budget or ReportBudget(1 << 20))
        #: (attempt, seconds) of each wait for a next attempt.
        self.waits: list[tuple[int, float]] = []
        delivery = Delivery(self.invoker, retry or RetryPolicy(), self.clock, self._on_retry, jitter=lambda: jitter)
        limits = BatchLimits(batch_size, max_bytes, max_bytes)
        claims = ClaimCheck(plain_converter(), store, bucket="large", prefix="") if store else None
        assembler = BatchAssembler(converter or PickyConverter(), limits, frame, claims)
        judge = Judge(
            self.progress,
            replace(
                self._policy(behavior, topics.split()),
                tolerates_errant_records=tolerates,
                log_errant_records=logs_errant,
                log_timestamps=logs_timestamps,
            ),
            contract or (RecordsContract(TP) if "results" in topics.split() else NoContract()),
            self.counters,
            self.alarms,
        )
        self.pipeline = PartitionPipeline(
            progress=self.progress,
            start=start,
            open_fetcher=lambda: self.fetcher,
            deliverer=InOrder(
                progress=self.progress,
                assembler=assembler,
                delivery=delivery,
                recovery=self._recovery(delivery, assembler, judge, policy=recovery, contexts=contexts, jitter=jitter),
                judge=judge,
                alarms=self.alarms,
                claims=store,
                max_unreported_spans=max_spans,
            ),
            settings=PartitionSettings(batch_size=batch_size, batch_window=0.0, offset_reset=reset),
            alarms=self.alarms,
        )

    def _open_dead_letters(self, *, has_own_cluster: bool, delivers: bool) -> None:
        #: Of the dead letter topic: the same, unless it is on a cluster of its own (topic `elsewhere`).
        self.dead_producer = self.producer
        self.dead_reporter = self.reporter
        if has_own_cluster:
            self.dead_producer = FakeProducer(delivers=delivers)
            self.dead_reporter = Reporter(
                lambda: self.dead_producer, lambda: self.dead_producer, shrink, self.clock, self.alarms
            )

    def _recovery(
        self,
        delivery: Delivery,
        assembler: BatchAssembler,
        judge: Judge,
        *,
        policy: RecoveryPolicy | None,
        contexts: CallContexts | None,
        jitter: float,
    ) -> Recovery:
        return Recovery(
            delivery=delivery,
            assembler=assembler,
            judge=judge,
            progress=self.progress,
            counters=self.counters,
            clock=self.clock,
            alarms=self.alarms,
            policy=policy or RecoveryPolicy(),
            backoff=RetryPolicy(),
            contexts=contexts,
            jitter=lambda: jitter,
        )

    def _policy(self, behavior: str, topics: Sequence[str]) -> Policy:
        plain = ReportFormat()
        dead_reports = DeadLetterReports("dead", connector="c", function_name="f", has_context=False, stages={})
        dead_letters = DeadLetterSink(dead_reports, self.dead_reporter)
        return Policy(
            behavior_on_error=BehaviorOnError(behavior),
            tolerates_errant_records=False,
            log_errant_records=False,
            log_timestamps=False,
            results=ResultSink(ResultReports("results", plain), self.reporter) if "results" in topics else None,
            errors=ErrorSink(ErrorReports("errors", "f", plain), self.reporter) if "errors" in topics else None,
            dead_letters=dead_letters if "dead" in topics else None,
            given_up=dead_letters if "given-up" in topics else None,
        )

    def _on_retry(self, _: TransientInvocationError, attempt: int, wait: float) -> None:
        self.waits.append((attempt, wait))
        self.progress.retrying()

    def run(self) -> None:
        """Run until there is nothing more to read, or the partition stops; then drain."""
        self.fetcher.when_empty = self.pipeline.drain
        self.pipeline.run()

    @property
    def committable(self) -> Position:
        position = self.progress.committable
        assert position is not None
        return position

    @property
    def batches(self) -> list[list[int]]:
        """Offsets of each invocation."""
        return [[entry["payload"]["offset"] for entry in json.loads(text)] for text in self.invoker.payloads]

    def written(self, topic: str) -> list[Report]:
        return [report for report in self.producer.written if report.topic == topic]


def orders(*offsets: int, poison: Sequence[int] = (), huge: Sequence[int] = ()) -> list[SourceRecord]:
    """Records at these offsets; those in `poison` cannot be converted, those in `huge` are above 100,000 bytes."""

    def value(offset: int) -> bytes:
        if offset in poison:
            return b"{not JSON"
        return b'"%s"' % (b"x" * 100_001) if offset in huge else b'{"n":%d}' % offset

    return [record(offset, value(offset), b"k%d" % offset) for offset in offsets]


def key_of(report: Report) -> dict[str, Any]:
    """The key of a result or error record."""
    assert report.key is not None
    key: dict[str, Any] = json.loads(report.key)
    return key


def value_of(report: Report) -> Any:
    """The value of a result or error record."""
    assert report.value is not None
    return json.loads(report.value)
