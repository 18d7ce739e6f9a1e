"""Writing reports until they are written: a result that cannot be produced is kept and produced again."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from kafka_lambda_sink.core.errors import InvocationAborted, PermanentReportError
from kafka_lambda_sink.core.ports import Clock, DeliveryFailure, Report, ReportProducer
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.report_budget import cost_of
from kafka_lambda_sink.telemetry.logs import get_logger

#: Seconds until a report that could not be written is produced again; librdkafka itself has retried for most of
#: `message.timeout.ms` by then.
_RETRY_DELAY: Final = 1.0
#: Seconds between two looks at the epoch while a stopping partition waits for its error record.
_WAIT_TICK: Final = 0.1

_log = get_logger(__name__)


class PendingReports:
    """The reports of one span, or of one stop. What waits for them goes on when the last delivery report is in."""

    __slots__ = ("_lock", "_on_reported", "_reporter", "_span", "_unreported", "progress")

    def __init__(
        self,
        reporter: Reporter,
        progress: PartitionProgress,
        count: int,
        on_reported: Callable[[], None],
        span: object | None,
    ) -> None:
        self._reporter = reporter
        self.progress = progress
        self._unreported = count
        self._on_reported = on_reported
        self._span = span
        # A full producer queue makes a pipeline's thread serve callbacks too, beside the reporter's own.
        self._lock = threading.Lock()

    def done(self, producer: ReportProducer, failure: DeliveryFailure | None) -> None:
        """The callback for one report that was given to `producer`."""
        if failure is not None:
            try:
                self._reporter.retry(self, producer, failure)
            except Exception as error:  # noqa: BLE001 - a report that nobody follows any more would never be missed
                self.fail(
                    PermanentReportError(f"{self.progress.tp}: cannot write to {failure.report.topic}: {error!r}")
                )
            return
        with self._lock:
            self._unreported -= 1
            is_last = not self._unreported
        if is_last:
            self._on_reported()

    def fail(self, error: PermanentReportError) -> None:
        """Stop the partition at this span: what cannot be reported is not acknowledged."""
        self.progress.fail(error, self._span)


class Reporter:
    """One producer, the thread that polls it, and what has to be produced again.

    A fatal producer is replaced; what was in it comes back as failures and is produced by the new one. So a report may
    be written twice and out of order, and is never lost.

    Brokers judge a whole record batch, by its size or for one record in it (without a key, for a compacted topic), and
    librdkafka, unlike Java's producer, does not split one that was refused. So its reports are produced once more by a
    second producer, which sends them one by one.
    """

    def __init__(
        self,
        build: Callable[[], ReportProducer],
        build_alone: Callable[[], ReportProducer],
        shrink: Callable[[Report], Report | None],
        clock: Clock,
        alarms: Alarms,
    ) -> None:
        self._build = build
        self._build_alone = build_alone
        self._shrink = shrink
        self._clock = clock
        self._alarms = alarms
        self._producer = build()
        #: Sends reports one by one; built when it is needed first.
        self._alone: ReportProducer | None = None
        self._lock = threading.Lock()
        self._again: list[tuple[float, int, Report, PendingReports, bool]] = []
        self._sequence = itertools.count()
        self._is_broken = False
        self._is_closing = False

    def send(self, progress: PartitionProgress, extent: object | None, reports: Sequence[Report], size: int) -> None:
        """Produce the reports, `size` bytes in all, of an extent's records: delivered once all are written.

        None: the records are not done yet.
        Blocks while the producer's queue is full. The pipeline's thread.
        """
        cost = cost_of(len(reports), size)
        span = progress.track(extent, cost)
        self.produce_all(progress, reports, lambda: progress.resolve(span, cost), span)

    def produce_all(
        self,
        progress: PartitionProgress,
        reports: Sequence[Report],
        on_reported: Callable[[], None],
        span: object | None = None,
    ) -> None:
        """Produce the reports, at least one; `on_reported` is called, on some thread, when all are written.

        Blocks while the producer's queue is full. Stops the partition, at `span`, where one cannot be written.
        """
        pending = PendingReports(self, progress, len(reports), on_reported, span)
        producer = self._producer
        produce, done = producer.produce, partial(pending.done, producer)
        for report in reports:
            produce(report, done)

    def send_and_wait(self, progress: PartitionProgress, reports: Sequence[Report]) -> None:
        """Produce reports that acknowledge nothing, and wait until they are written or the epoch is dead.

        Raises InvocationAborted when it is dead already.
        """
        if progress.state is PipelineState.CLOSED:
            raise InvocationAborted
        written = threading.Event()
        self.produce_all(progress, reports, written.set)
        while not written.wait(_WAIT_TICK) and progress.state not in {PipelineState.CLOSED, PipelineState.FAILED}:
            pass

    def retry(self, pending: PendingReports, producer: ReportProducer, failure: DeliveryFailure) -> None:
        """Decide what becomes of a report that was not written: produce it again, alone, cut, or stop its partition."""
        was_alone = producer is self._alone
        # One that was replaced hands back what was in it, which says nothing of its successor.
        if failure.is_fatal and (producer is self._producer or was_alone):
            self._is_broken = True
        if pending.progress.state is PipelineState.CLOSED:
            return
        if failure.may_be_another and not was_alone:
            self._put_back(failure.report, pending, is_alone=True, delay=0.0)
            return
        report = self._shrink(failure.report) if failure.is_too_large else failure.report
        if report is None or (isinstance(failure.error, PermanentReportError) and not failure.is_too_large):
            error = PermanentReportError(
                f"{pending.progress.tp}: not written to {failure.report.topic}: {failure.error}"
            )
            # Its other reports come back too: one line for all.
            if pending.progress.error is None:
                self._alarms.partition_stopped(pending.progress.tp, error)
            pending.fail(error)
            return
        if not failure.is_too_large:
            self._alarms.report_failed(pending.progress.tp, report.topic, failure.error)
        self._put_back(report, pending, is_alone=was_alone, delay=0.0 if failure.is_too_large else _RETRY_DELAY)

    def step(self, timeout: float) -> None:
        """Serve delivery reports for up to `timeout` seconds, then produce again what is due."""
        if self._alone is not None:
            self._alone.poll(0.0)
        self._producer.poll(timeout)
        if self._is_broken:
            self._rebuild()
        for report, pending, is_alone in self._due():
            if pending.progress.state is PipelineState.CLOSED:
                continue
            try:
                self._produce(report, pending, is_alone=is_alone)
            except Exception as error:  # noqa: BLE001 - as in `run`
                # E.g. no producer could be built: those behind it in the list wait for the next step as well.
                self._put_back(report, pending, is_alone=is_alone)
                self._alarms.reporter_failed(error)

    def run(self) -> None:
        """Step until `stop`. The body of the reporter's thread."""
        while not self._is_closing:
            try:
                self.step(0.1)
            except Exception as error:  # noqa: BLE001 - e.g. no new producer could be built; without us all would stall
                self._alarms.reporter_failed(error)

    def stop(self, timeout: float) -> None:
        """Flush within `timeout` seconds and close; call it once the thread is to end."""
        self._is_closing = True
        left = self._producer.close(timeout)
        if self._alone is not None:
            left += self._alone.close(0.0)
        if left:
            _log.warning(
                "reports without a delivery report are left behind; their records are delivered again", left=left
            )

    def _produce(self, report: Report, pending: PendingReports, *, is_alone: bool = False) -> None:
        producer = self._producer
        if is_alone:
            if self._alone is None:
                self._alone = self._build_alone()
            producer = self._alone
        producer.produce(report, partial(pending.done, producer))

    def _put_back(
        self, report: Report, pending: PendingReports, *, is_alone: bool, delay: float = _RETRY_DELAY
    ) -> None:
        with self._lock:
            due = self._clock.monotonic() + delay
            heapq.heappush(self._again, (due, next(self._sequence), report, pending, is_alone))

    def _rebuild(self) -> None:
        self._alarms.producer_replaced()
        broken, self._producer = self._producer, self._build()
        alone, self._alone = self._alone, None
        self._is_broken = False
        # They hand back what was in them.
        broken.close(0.0)
        if alone is not None:
            alone.close(0.0)

    def _due(self) -> list[tuple[Report, PendingReports, bool]]:
        now = self._clock.monotonic()
        due = []
        with self._lock:
            while self._again and self._again[0][0] <= now:
                _, _, report, pending, is_alone = heapq.heappop(self._again)
                due.append((report, pending, is_alone))
        return due


class Parcel(NamedTuple):
    """Reports and who writes them."""

    reporter: Reporter
    #: At least one.
    reports: Sequence[Report]
    #: Bytes of their keys and values.
    size: int


def send_together(progress: PartitionProgress, extent: object, parcels: Sequence[Parcel]) -> None:
    """As `Reporter.send`: the records are delivered once the reports of all parcels are written."""
    cost = cost_of(sum(len(parcel.reports) for parcel in parcels), sum(parcel.size for parcel in parcels))
    span = progress.track(extent, cost)
    lock = threading.Lock()
    unwritten = len(parcels)

    def on_reported() -> None:
        nonlocal unwritten
        with lock:
            unwritten -= 1
            is_last = not unwritten
        if is_last:
            progress.resolve(span, cost)

    for parcel in parcels:
        parcel.reporter.produce_all(progress, parcel.reports, on_reported, span)
