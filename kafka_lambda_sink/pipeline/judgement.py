"""What becomes of a batch once the function, or the API, has answered. One cell of the seed's table each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract, Result, Verdicts
from kafka_lambda_sink.contracts.reports import DeadLetterReports, ErrorReports, ResultReports
from kafka_lambda_sink.core.batch import Batch, DroppedRecords, FailedRecord
from kafka_lambda_sink.core.errors import (
    FunctionError,
    PartitionStopped,
    RecordError,
    RecordFailedError,
    ReplyError,
)
from kafka_lambda_sink.core.outcome import (
    BatchFailure,
    failure_before_sending,
    failure_of_reply,
)
from kafka_lambda_sink.core.ports import InvokeReply, Position
from kafka_lambda_sink.core.record import next_offset
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.reporting import Parcel, Reporter, send_together


class BehaviorOnError(Enum):
    """`behavior.on.error`, in the Confluent connector's words."""

    FAIL = "fail"
    LOG = "log"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class ResultSink:
    """The results: what makes their records, and who writes them."""

    reports: ResultReports
    reporter: Reporter


@dataclass(frozen=True, slots=True)
class ErrorSink:
    """The error topic."""

    reports: ErrorReports
    reporter: Reporter


@dataclass(frozen=True, slots=True)
class DeadLetterSink:
    """The dead letter topic."""

    reports: DeadLetterReports
    reporter: Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the configuration says of results and failures. None: no such topic."""

    behavior_on_error: BehaviorOnError
    #: `errors.tolerance=all`.
    tolerates_errant_records: bool
    log_errant_records: bool
    #: `errors.log.include.messages`: with the record's timestamp, as Connect has it.
    log_timestamps: bool
    results: ResultSink | None
    errors: ErrorSink | None
    dead_letters: DeadLetterSink | None
    #: Where the raw records go that `behavior.on.error` gives up.
    given_up: DeadLetterSink | None = None


class Judge:
    """Judges the batches of one pipeline, on its thread. Whatever it does not raise for is tracked to its outcome."""

    def __init__(
        self,
        progress: PartitionProgress,
        policy: Policy,
        contract: ReplyContract,
        counters: Counters,
        alarms: Alarms,
    ) -> None:
        self._progress = progress
        self._policy = policy
        self._contract = contract
        self._counters = counters
        self._alarms = alarms

    def request(self, batch: Batch) -> bytes:
        """What is sent for a batch."""
        return self._contract.request(batch)

    def verdicts(self, batch: Batch, reply: InvokeReply) -> Verdicts | BatchFailure:
        """What the reply says: of each record, or that all of them failed."""
        if reply.function_error is not None:
            error = FunctionError(reply.function_error, f"the function failed ({reply.function_error})")
            return failure_of_reply(error, reply)
        try:
            return self._contract.judge(reply, batch)
        except (ReplyError, FunctionError) as fault:
            return failure_of_reply(fault, reply)

    def failures(self, verdicts: Verdicts, reply: InvokeReply) -> dict[int, BatchFailure]:
        """The failures of single records, by their index."""
        return {
            index: failure_of_reply(
                RecordFailedError(f"the function could not take the record: {failure.message}", failure.error_type),
                reply,
            )
            for index, failure in verdicts.failed.items()
        }

    def delivered(self, batch: Batch, results: Sequence[Result]) -> None:
        """The function took the batch; `results` are pairwise with its records."""
        self._write(batch, results, self._extent(batch))
        self._counters.batches += 1
        self._counters.delivered += batch.count

    def delivered_in_part(self, batch: Batch, results: Sequence[Result]) -> None:
        """The function took the batch and has more to say of it: the results count, its records not yet."""
        self._write(batch, results, None)

    def failed(self, batch: Batch, failure: BatchFailure, attempts: int) -> None:
        """The batch is given up after so many invocations: `behavior.on.error`. May raise PartitionStopped."""
        self._failed(batch, batch.payload, failure, attempts)

    def failed_record(self, item: FailedRecord) -> None:
        """A record that is in no batch. May raise PartitionStopped."""
        if isinstance(item.error, RecordError):
            self._errant(item, item.error)
        else:
            self._failed(item, b"", failure_before_sending(item.error), attempts=0)

    def dropped(self, item: DroppedRecords) -> None:
        """A filter or a transform has dropped records: they count as delivered."""
        self._counters.filtered += item.count
        if item.last is not None:
            end = Position(next_offset(item.last), item.last.leader_epoch(), self._contract.state)
            self._progress.delivered(end)

    def _write(self, batch: Batch, results: Sequence[Result], extent: object | None) -> None:
        sink = self._policy.results
        if sink is not None and any(result is not None for result in results):
            reports, size = sink.reports.of(batch, results)
            if reports:
                sink.reporter.send(self._progress, extent, reports, size)
                self._counters.results += len(reports)
                return
        if extent is not None:
            self._progress.delivered(extent)

    def _errant(self, item: FailedRecord, error: RecordError) -> None:
        """`errors.tolerance`: for records that cannot be converted."""
        is_tolerated, dead_letters = self._policy.tolerates_errant_records, self._policy.dead_letters
        if self._policy.log_errant_records or (is_tolerated and dead_letters is None):
            timestamp = item.record.timestamp()[1] if self._policy.log_timestamps else None
            self._alarms.errant_record(self._progress.tp, item, error, timestamp)
        if not is_tolerated:
            raise PartitionStopped(
                f"{self._where(item)}: {error.stage}: {error}",
                hint="Set errors.tolerance=all (and errors.deadletterqueue.topic.name) to go on past such records.",
            ) from error
        self._counters.errant += 1
        if dead_letters is None:
            self._progress.delivered(self._extent(item))
            return
        report, size = dead_letters.reports.of(item.record, error)
        dead_letters.reporter.send(self._progress, self._extent(item), [report], size)

    def _failed(self, item: Batch | FailedRecord, sent: bytes, failure: BatchFailure, attempts: int) -> None:
        """`behavior.on.error`: for function errors, replies that fail the check, permanent refusals, large records."""
        self._counters.failed += item.count
        behavior = self._policy.behavior_on_error
        if behavior is BehaviorOnError.IGNORE:
            self._progress.delivered(self._extent(item))
            return
        parcels = list(self._parcels(item, sent, failure, attempts))
        self._alarms.batch_failed(self._progress.tp, item, failure, is_reported=bool(parcels))
        if behavior is BehaviorOnError.FAIL:
            for parcel in parcels:
                parcel.reporter.send_and_wait(self._progress, parcel.reports)
            raise PartitionStopped(
                f"{self._where(item)}: {failure.function_error}: {failure.error}", hint=failure.error.hint
            ) from failure.error
        if parcels:
            send_together(self._progress, self._extent(item), parcels)
        else:
            self._progress.delivered(self._extent(item))

    def _parcels(
        self, item: Batch | FailedRecord, sent: bytes, failure: BatchFailure, attempts: int
    ) -> Iterator[Parcel]:
        errors, given_up = self._policy.errors, self._policy.given_up
        if errors is not None:
            report, size = errors.reports.of(item, sent, failure)
            yield Parcel(errors.reporter, [report], size)
        if given_up is not None:
            reports, size = given_up.reports.of_failed(item, failure, attempts)
            yield Parcel(given_up.reporter, reports, size)

    def _where(self, item: Batch | FailedRecord) -> str:
        return f"{self._progress.tp} offsets {item.first_offset} to {item.next_offset - 1}"

    def _extent(self, item: Batch | FailedRecord) -> object:
        return self._progress.extent(item, self._contract.state)
