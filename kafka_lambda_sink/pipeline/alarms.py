"""What a person who is called at night reads: every failure with its coordinates; a repeated one once a minute."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any, Final

from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import (
    KafkaLambdaSinkError,
    RecordError,
    RetriableConversionError,
    TransientInvocationError,
)
from kafka_lambda_sink.core.outcome import BatchFailure
from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.report_line import report_of_tail
from kafka_lambda_sink.telemetry.logs import RateLimited, get_logger

#: Seconds between two lines of the same fault of the same partition, whatever their level.
_INTERVAL: Final = 60.0
#: Attempts after which a transient fault is an alarm (ERROR) rather than a warning.
_ALARM_AFTER: Final = 5


class Alarms:
    """The task's log of failures. Thread-safe; nothing here raises or blocks for long."""

    def __init__(self, clock: Clock) -> None:
        self._log = get_logger("kafka_lambda_sink")
        self._gate = RateLimited(_INTERVAL, clock)

    def invocation_retried(
        self, tp: TopicPartition, error: TransientInvocationError, attempt: int, wait: float
    ) -> None:
        """A transient invocation error; the same bytes are sent again in `wait` seconds.

        One that is not counted is the function's own state, which `function_paused` or `circuit_opened` tells for all.
        """
        if not error.is_counted:
            return
        log = self._log.error if attempt >= _ALARM_AFTER else self._log.warning
        self._say(
            log, (tp, error.code), "invocation failed: trying again", tp, error,
            code=error.code, status=error.status, request_id=error.request_id, attempt=attempt,
            wait_s=round(wait, 3), may_have_run=error.may_have_run,
        )  # fmt: skip

    def function_throttled(self, function: str, limit: int, error: TransientInvocationError) -> None:
        """Lambda throttles the function; `limit` calls may be in flight now."""
        self._say(
            self._log.warning, ("throttled", function), "the function is throttled: fewer calls at a time", None, error,
            function=function, limit=limit, reason=error.reason,
        )  # fmt: skip

    def function_paused(self, function: str, error: TransientInvocationError, hint: str) -> None:
        """The function takes no call, and no other of ours is the reason; one is tried every few seconds."""
        self._say(
            self._log.error, ("paused", function), "the function is paused: trying one call at a time", None, error,
            function=function, reason=error.reason, hint=hint,
        )  # fmt: skip

    def function_resumed(self, function: str) -> None:
        """A paused function takes calls again."""
        event = "the function takes calls again"
        self._say(self._log.info, ("resumed", function), event, None, None, function=function)

    def circuit_opened(self, function: str, failures: int, error: TransientInvocationError) -> None:
        """The function cannot be reached, or Lambda fails; one call at a time is tried from now on."""
        self._say(
            self._log.error, ("circuit", function), "the function is away: trying one call at a time", None, error,
            function=function, failures=failures, code=error.code, status=error.status,
        )  # fmt: skip

    def circuit_closed(self, function: str) -> None:
        """A function that was away answers."""
        self._say(self._log.info, ("answers", function), "the function answers again", None, None, function=function)

    def report_failed(self, tp: TopicPartition, topic: str, error: Exception) -> None:
        """A report was not written and is produced again; nothing is acknowledged meanwhile."""
        self._say(self._log.error, (tp, topic), "report not written: producing it again", tp, error, report_topic=topic)

    def reporter_failed(self, error: Exception) -> None:
        """Reports could not be served; nothing is acknowledged meanwhile."""
        self._say(self._log.error, ("reporter", type(error)), "cannot write reports: trying again", None, error)

    def producer_replaced(self) -> None:
        """A report producer met a fatal error; a new one takes over what was in it."""
        event = "the producer is unusable and is replaced: reports may be written twice"
        self._say(self._log.error, ("producer",), event, None, None)

    def fetch_failed(self, tp: TopicPartition, error: KafkaLambdaSinkError) -> None:
        """The partition could not be read; it is tried again."""
        self._say(
            self._log.warning, (tp, "fetch", error.error_id), "cannot read the partition: trying again", tp, error
        )

    def function_retried(
        self, tp: TopicPartition, batch: Batch, failure: BatchFailure, attempt: int, wait: float
    ) -> None:
        """The function could not take records; they are sent again in `wait` seconds."""
        log = self._log.error if attempt >= _ALARM_AFTER else self._log.warning
        self._say(
            log, (tp, "function", failure.function_error), "the function failed: trying again", tp, failure.error,
            start_offset=batch.first_offset, end_offset=batch.next_offset, function_error=failure.function_error,
            request_id=failure.request_id, attempt=attempt, wait_s=round(wait, 3),
        )  # fmt: skip

    def conversion_waits(self, tp: TopicPartition, error: RetriableConversionError, offset: int, attempt: int) -> None:
        """Records from `offset` on cannot be converted now; they are tried again."""
        log = self._log.error if attempt >= _ALARM_AFTER else self._log.warning
        self._say(
            log, (tp, "conversion", error.error_id), "cannot convert now: trying again", tp, error,
            offset=offset, attempt=attempt,
        )  # fmt: skip

    def held_up(self, tp: TopicPartition, offset: int, age: float, unfinished: int) -> None:
        """No more is fetched: the record at `offset` has no outcome since `age` seconds, and a bound is reached."""
        self._say(
            self._log.warning, (tp, "held up"), "waiting for a record before more is taken", tp, None,
            offset=offset, age_s=round(age), unfinished=unfinished,
        )  # fmt: skip

    def out_of_range(self, tp: TopicPartition, before: int | None, after: int, *, is_truncated: bool) -> None:
        """The position was not in the log: records were lost to retention before we came, or the log was truncated."""
        self._log.warning(
            "log truncated by another leader: reading on from where it was cut"
            if is_truncated
            else "position out of range: auto.offset.reset applied",
            **_place(tp), committed=before, restarted_at=after,
            skipped=None if before is None else max(after - before, 0),
        )  # fmt: skip

    def partition_stopped(self, tp: TopicPartition, error: Exception) -> None:
        """The partition stops; the others run on."""
        foreign = None if isinstance(error, KafkaLambdaSinkError) else error
        self._log.error("partition stopped", **_place(tp), **_error(error), exc_info=foreign)

    def batch_failed(
        self, tp: TopicPartition, item: Batch | FailedRecord, failure: BatchFailure, *, is_reported: bool
    ) -> None:
        """A batch failed for good. Without an error topic this line is its only trace."""
        log = self._log.warning if is_reported else self._log.error
        log(
            "batch failed", **_place(tp), start_offset=item.first_offset, end_offset=item.next_offset,
            function_error=failure.function_error, status=failure.status_code, request_id=failure.request_id,
            executed_version=failure.executed_version, **_report(failure), **_error(failure.error),
        )  # fmt: skip

    def errant_record(
        self, tp: TopicPartition, item: FailedRecord, error: RecordError, timestamp: int | None = None
    ) -> None:
        """A record cannot be converted; tolerated or not."""
        shown: dict[str, Any] = {} if timestamp is None else {"record_timestamp": timestamp}
        self._log.error(
            "record not converted", **_place(tp), offset=item.first_offset, stage=error.stage, **shown, **_error(error)
        )

    def commit_failed(self, reason: str, partitions: Collection[TopicPartition]) -> None:
        """A commit was refused or did not arrive; it is made again while the partitions are ours."""
        self._say(
            self._log.warning, ("commit", reason), "commit failed: trying again", None, None,
            reason=reason, partitions=[str(tp) for tp in partitions],
        )  # fmt: skip

    def group_failed(self, error: KafkaLambdaSinkError) -> None:
        """The group's coordinator did not answer; it is asked again."""
        self._say(self._log.warning, ("group", error.error_id), "the consumer group does not answer", None, error)

    def topics_missing(self, missing: Collection[str], regex: str | None) -> None:
        """Source topics do not exist (yet); they are waited for."""
        what = {"topics": sorted(missing)} if missing else {"topics_regex": regex}
        self._say(
            self._log.warning, ("missing", *missing), "waiting for source topics that do not exist", None, None,
            **what, hint=f"Create them, or correct {'topics' if missing else 'topics.regex'}",
        )  # fmt: skip

    def topics_unknown(self, error: Exception) -> None:
        """The cluster did not say which topics exist."""
        self._say(self._log.warning, ("topics", type(error)), "cannot list topics: asking again", None, error)

    def _say(
        self,
        log: Callable[..., Any],
        key: tuple[object, ...],
        event: str,
        tp: TopicPartition | None,
        error: Exception | None,
        **fields: Any,
    ) -> None:
        suppressed = self._gate.admit(key)
        if suppressed is None:
            return
        if suppressed:
            fields["repeated"] = suppressed
        log(event, **{**_place(tp), **(_error(error) if error else {}), **fields})


def _place(tp: TopicPartition | None) -> dict[str, Any]:
    return {"topic": tp.topic, "partition": tp.partition} if tp else {}


def _report(failure: BatchFailure) -> dict[str, Any]:
    """What the end of the function's log says of the invocation, where `aws.lambda.log.type` asks for it."""
    report = report_of_tail(failure.log_result)
    if report is None:
        return {}
    fields = asdict(report)
    del fields["request_id"]
    return fields


def _error(error: Exception) -> dict[str, Any]:
    fields: dict[str, Any] = {"error": str(error), "error_id": getattr(error, "error_id", type(error).__name__)}
    hint = getattr(error, "hint", None)
    if hint:
        fields["hint"] = hint
    return fields
