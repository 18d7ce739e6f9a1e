"""One batch until each of its records has an outcome: sent again, cut in halves, or given up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from kafka_lambda_sink.contracts.assembly import BatchAssembler
from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.contracts.replies.verdicts import Result, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import (
    InvocationAborted,
    PayloadInvocationError,
    TransientInvocationError,
)
from kafka_lambda_sink.core.outcome import BatchFailure, failure_of_refusal
from kafka_lambda_sink.core.ports import Clock, InvokeReply
from kafka_lambda_sink.core.record import TIMESTAMP_NOT_AVAILABLE
from kafka_lambda_sink.core.recovery import NextStep, RecoveryPolicy, RetryScope, after_failure
from kafka_lambda_sink.core.retry import RetryPolicy, wait_before
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.pipeline.delivery import ContextOf, Delivery, SendBound, draw
from kafka_lambda_sink.pipeline.judgement import Judge
from kafka_lambda_sink.pipeline.progress import MAX_UNREPORTED_SPANS, PartitionProgress


@dataclass(frozen=True, slots=True)
class _Part:
    """Records that are sent together, and what they have been through."""

    batch: Batch
    #: Invocations that they were part of.
    attempts: int = 0
    #: Those of them that the function failed with these records.
    failed_attempts: int = 0


class Recovery:
    """Delivers the batches of one pipeline, on its thread."""

    def __init__(
        self,
        *,
        delivery: Delivery,
        assembler: BatchAssembler,
        judge: Judge,
        progress: PartitionProgress,
        counters: Counters,
        clock: Clock,
        alarms: Alarms,
        policy: RecoveryPolicy,
        backoff: RetryPolicy,
        contexts: CallContexts | None = None,
        jitter: Callable[[], float] = draw,
    ) -> None:
        """Of `backoff` only the waits count. `contexts`: None where nothing goes beside the payloads."""
        self._delivery = delivery
        self._assembler = assembler
        self._judge = judge
        self._progress = progress
        self._counters = counters
        self._clock = clock
        self._alarms = alarms
        self._policy = policy
        self._backoff = backoff
        self._contexts = contexts
        self._jitter = jitter

    def deliver(self, batch: Batch) -> None:
        """Send until each record has its outcome, in their order. Blocks.

        Raises what stops the partition, and InvocationAborted when its epoch ended in the middle.
        """
        pending = [_Part(batch)]
        while pending:
            pending += reversed(self._step(pending.pop()))
            if pending and not self._progress.is_open:
                raise InvocationAborted

    def _step(self, part: _Part) -> Sequence[_Part]:
        """Send once; what is to be sent next, in its order."""
        batch = part.batch
        try:
            reply = self._send(batch, part)
        except PayloadInvocationError as error:
            if error.is_too_large and batch.count > 1:
                return self._halves(part)
            self._judge.refused(batch, error, part.attempts + self._delivery.attempts)
            return ()
        except TransientInvocationError as error:
            self._judge.refused(batch, error, part.attempts + self._delivery.attempts)
            return ()
        return self._judged(part, reply)

    def _judged(self, part: _Part, reply: InvokeReply) -> Sequence[_Part]:
        verdicts = self._judge.verdicts(part.batch, reply)
        if isinstance(verdicts, BatchFailure):
            return self._failed(self._failed_once(part), verdicts)
        if verdicts.has_more:
            return self._continued(part, verdicts)
        if not verdicts.failed:
            self._judge.delivered(part.batch, verdicts.results)
        elif self._policy.scope is RetryScope.ALONE:
            self._retry_alone(self._failed_once(part), verdicts, reply)
        else:
            return self._failed_from(self._failed_once(part), verdicts, reply)
        return ()

    def _continued(self, part: _Part, verdicts: Verdicts) -> Sequence[_Part]:
        """The function is called again for the same records: no attempt of theirs has failed."""
        self._judge.delivered_in_part(part.batch, verdicts.results)
        if not self._progress.wait_for_room(MAX_UNREPORTED_SPANS):
            raise InvocationAborted
        return (part,)

    def _send(self, batch: Batch, part: _Part) -> InvokeReply:
        """Send `batch`, which is `part` or of it."""
        try:
            sent = self._judge.request(batch)
            return self._delivery.send(sent, self._bound(part), self._context(batch, sent, part))
        finally:
            if self._progress.state is PipelineState.CLOSED:
                # Came back too late, as a reply or as a failure: it is somebody else's by now.
                raise InvocationAborted
            if self._progress.state is PipelineState.RETRYING:
                self._progress.retrying(is_over=True)

    def _failed(self, part: _Part, failure: BatchFailure) -> Sequence[_Part]:
        """The function failed, or its reply says nothing about single records."""
        step = self._next(part, part.batch.count)
        if step is NextStep.BISECT:
            return self._halves(part)
        if step is NextStep.RETRY:
            self._wait(part, failure)
            return (part,)
        self._judge.failed(part.batch, failure, part.attempts)
        return ()

    def _failed_from(self, part: _Part, verdicts: Verdicts, reply: InvokeReply) -> Sequence[_Part]:
        """What comes before the first record that is to be sent again has its outcome; all from there on is sent."""
        batch, again = part.batch, self._to_send_again(part, verdicts.failed, _asked_for(verdicts))
        failures = self._judge.failures(verdicts, reply)
        if not again:
            self._settle(part, verdicts.results, failures, batch.count)
            return ()
        first = again[0]
        self._settle(part, verdicts.results, failures, first)
        self._wait(part, failures[first])
        rest = batch if not first else self._assembler.part(batch, range(first, batch.count))
        return (_Part(rest, part.attempts, part.failed_attempts),)

    def _retry_alone(self, part: _Part, verdicts: Verdicts, reply: InvokeReply) -> None:
        """Send the failed records alone until each has its outcome; then all is settled, in the batch's order."""
        results = list(verdicts.results)
        failures = dict(self._judge.failures(verdicts, reply))
        asked_for = _asked_for(verdicts)
        batch = part.batch
        while open_ := self._to_send_again(part, failures, asked_for):
            self._wait(part, failures[open_[0]])
            again = self._assembler.part(batch, open_)
            try:
                reply = self._send(again, part)
            except (PayloadInvocationError, TransientInvocationError) as error:
                failures |= dict.fromkeys(open_, failure_of_refusal(error))
                part = replace(part, attempts=part.attempts + self._delivery.attempts)
                break
            part = self._failed_once(part)
            found = self._judge.verdicts(again, reply)
            if isinstance(found, BatchFailure):
                failures |= dict.fromkeys(open_, found)
                asked_for = ()
                continue
            still = self._judge.failures(found, reply)
            asked_for = [open_[index] for index in _asked_for(found)]
            for place, index in enumerate(open_):
                if place in still:
                    failures[index] = still[place]
                else:
                    del failures[index]
                    results[index] = found.results[place]
        self._settle(part, results, failures, batch.count)

    def _to_send_again(self, part: _Part, failed: Collection[int], asked_for: Collection[int]) -> Sequence[int]:
        """Which of the records that failed are sent again, in order: all of them, or those that are asked for."""
        if failed and self._next(part, 1) is NextStep.RETRY:
            return sorted(failed)
        return sorted(asked_for) if self._next(part, 1, is_asked_for=True) is NextStep.RETRY else ()

    def _settle(self, part: _Part, results: Sequence[Result], failures: Mapping[int, BatchFailure], end: int) -> None:
        """Report the outcome of each record before `end`, in order, those that were delivered together in one."""
        batch, begin = part.batch, 0
        for index in [*sorted(it for it in failures if it < end), end]:
            if index > begin:
                self._judge.delivered(self._assembler.part(batch, range(begin, index)), results[begin:index])
            if index < end:
                self._judge.failed(self._assembler.part(batch, (index,)), failures[index], part.attempts)
            begin = index + 1

    def _halves(self, part: _Part) -> Sequence[_Part]:
        first, second = self._assembler.split(part.batch)
        return _Part(first, part.attempts), _Part(second, part.attempts)

    def _next(self, part: _Part, count: int, *, is_asked_for: bool = False) -> NextStep:
        return after_failure(
            self._policy,
            count=count,
            attempts=part.attempts,
            failed_attempts=part.failed_attempts,
            oldest_ms=_oldest(part.batch),
            now_ms=self._clock.now_ms(),
            is_asked_for=is_asked_for,
        )

    def _failed_once(self, part: _Part) -> _Part:
        return _Part(part.batch, part.attempts + self._delivery.attempts, part.failed_attempts + 1)

    def _bound(self, part: _Part) -> SendBound | None:
        """How far the retries of one sending may go, that a record's own bounds hold."""
        policy = self._policy
        if not policy.max_attempts and not policy.max_age_ms:
            return None
        left = max(1, policy.max_attempts - part.attempts) if policy.max_attempts else 0
        oldest = _oldest(part.batch) if policy.max_age_ms else None
        seconds = None if oldest is None else (oldest + policy.max_age_ms - self._clock.now_ms()) / 1000
        return SendBound(left, seconds)

    def _context(self, batch: Batch, sent: bytes, part: _Part) -> ContextOf | None:
        contexts = self._contexts
        if contexts is None:
            return None
        # An execution is named after all that it is sent.
        told = replace(batch, payload=sent)
        return lambda sending: contexts.of(told, part.attempts + sending, part.failed_attempts)

    def _wait(self, part: _Part, failure: BatchFailure) -> None:
        """Before records are sent again. Raises InvocationAborted when a stop ends the wait."""
        wait = wait_before(self._backoff, part.failed_attempts, None, self._jitter())
        self._counters.retries += 1
        self._progress.retrying()
        self._alarms.function_retried(self._progress.tp, part.batch, failure, part.failed_attempts, wait)
        if self._delivery.wait(wait):
            raise InvocationAborted
        self._progress.retrying(is_over=True)


def _asked_for(verdicts: Verdicts) -> Collection[int]:
    """The records whose verdict is `retry`."""
    return [index for index, failure in verdicts.failed.items() if failure.is_retriable]


def _oldest(batch: Batch) -> int | None:
    stamps = [record.timestamp() for record in batch.records]
    return min((stamp for kind, stamp in stamps if kind != TIMESTAMP_NOT_AVAILABLE and stamp >= 0), default=None)
