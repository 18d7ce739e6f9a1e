"""One batch until each of its records has an outcome: sent again, cut in halves, or given up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, Protocol

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
from kafka_lambda_sink.core.record import TIMESTAMP_NOT_AVAILABLE, SourceRecord
from kafka_lambda_sink.core.recovery import (
    NextStep,
    RecoveryPolicy,
    RetryScope,
    after_failure,
    is_too_old,
    is_worn_out,
)
from kafka_lambda_sink.core.retry import RetryPolicy, wait_before
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.pipeline.delivery import ContextOf, Delivery, SendBound, draw
from kafka_lambda_sink.pipeline.gathered import Gathered, GivenUp
from kafka_lambda_sink.pipeline.judgement import Judge
from kafka_lambda_sink.pipeline.progress import MAX_UNREPORTED_SPANS, PartitionProgress

#: Of a wait that jitter would make none: whoever has to wait is asked whether there is a stop.
_LEAST_WAIT: Final = 1e-9


class Outcomes(Protocol):
    """Takes what became of records: the judge, or who passes it on."""

    def delivered(self, batch: Batch, results: Sequence[Result]) -> None:
        """The function took the batch; `results` are pairwise with its records."""

    def failed(self, batch: Batch, failure: BatchFailure, attempts: int) -> None:
        """The batch is given up after so many invocations. May raise PartitionStopped."""


@dataclass(frozen=True, slots=True)
class Part:
    """Records that are sent together, and what they have been through."""

    batch: Batch
    #: Invocations that they were part of.
    attempts: int = 0
    #: Those of them that the function failed with these records.
    failed_attempts: int = 0
    #: Why the last invocation failed, of records that are too old to be part of another one.
    given_up: BatchFailure | None = None
    #: Seconds before it is sent.
    wait: float = 0.0


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
        self._deliver((Part(batch),), self._judge)

    def _deliver(self, parts: Sequence[Part], outcomes: Outcomes) -> None:
        pending = list(reversed(parts))
        while pending:
            part = pending.pop()
            if part.wait:
                self._sit_out(part.wait)
                part = replace(part, wait=0.0)
            pending += reversed(self._step(part, outcomes))
            if pending and not self._progress.is_open:
                raise InvocationAborted

    def _step(self, part: Part, outcomes: Outcomes) -> Sequence[Part]:
        """Send once; what is to be sent next, in its order."""
        if part.given_up is not None:
            outcomes.failed(part.batch, part.given_up, part.attempts)
            return ()
        try:
            reply = self._send(part)
        except (PayloadInvocationError, TransientInvocationError) as error:
            return self._refused(replace(part, attempts=part.attempts + self._delivery.attempts), error, outcomes)
        return self._judged(part, reply, outcomes)

    def _judged(self, part: Part, reply: InvokeReply, outcomes: Outcomes) -> Sequence[Part]:
        verdicts = self._judge.verdicts(part.batch, reply)
        if isinstance(verdicts, BatchFailure):
            return self._failed(self._failed_once(part), verdicts, outcomes)
        if verdicts.has_more:
            return self._continued(part, verdicts)
        if not verdicts.failed:
            outcomes.delivered(part.batch, verdicts.results)
        elif self._policy.scope is RetryScope.ALONE:
            return self._failed_alone(self._failed_once(part), verdicts, reply, outcomes)
        else:
            return self._failed_from(self._failed_once(part), verdicts, reply, outcomes)
        return ()

    def _continued(self, part: Part, verdicts: Verdicts) -> Sequence[Part]:
        """The function is called again for the same records: no attempt of theirs has failed."""
        self._judge.delivered_in_part(part.batch, verdicts.results)
        if not self._progress.wait_for_room(MAX_UNREPORTED_SPANS):
            raise InvocationAborted
        return (part,)

    def _send(self, part: Part) -> InvokeReply:
        try:
            sent = self._judge.request(part.batch)
            return self._delivery.send(sent, self._bound(part), self._context(part, sent))
        finally:
            if self._progress.state is PipelineState.CLOSED:
                # Came back too late, as a reply or as a failure: it is somebody else's by now.
                raise InvocationAborted
            if self._progress.state is PipelineState.RETRYING:
                self._progress.retrying(is_over=True)

    def _refused(
        self, part: Part, error: PayloadInvocationError | TransientInvocationError, outcomes: Outcomes
    ) -> Sequence[Part]:
        """The API refuses these bytes, or could not take them within the bounds."""
        failure, old = failure_of_refusal(error), self._old(part.batch)
        if isinstance(error, PayloadInvocationError):
            if part.batch.count > 1 and (error.is_too_large or self._next(part) is NextStep.BISECT):
                return self._halves(part)
        elif any(old) and not all(old) and not is_worn_out(self._policy, part.attempts):
            # The age of the oldest has ended the retries, and the others have time left.
            return self._apart(part, old, failure)
        outcomes.failed(part.batch, failure, part.attempts)
        return ()

    def _failed(self, part: Part, failure: BatchFailure, outcomes: Outcomes) -> Sequence[Part]:
        """The function failed, or its reply says nothing about single records."""
        step, old = self._next(part), self._old(part.batch)
        if step is NextStep.GIVE_UP or all(old):
            outcomes.failed(part.batch, failure, part.attempts)
            return ()
        if step is NextStep.BISECT:
            return self._apart(Part(part.batch, part.attempts), old, failure) if any(old) else self._halves(part)
        return self._after_wait(self._apart(part, old, failure) if any(old) else (part,), failure)

    def _failed_from(self, part: Part, verdicts: Verdicts, reply: InvokeReply, outcomes: Outcomes) -> Sequence[Part]:
        """What comes before the first record that failed and may be sent again has its outcome; the rest is sent."""
        batch, failures = part.batch, self._failures(part, verdicts, reply)
        again = self._again(part, verdicts)
        first = again[0] if again else batch.count
        self._settle(batch, verdicts.results, failures, range(first), outcomes)
        if not again:
            return ()
        rest = batch if not first else self._assembler.part(batch, range(first, batch.count))
        return self._after_wait((replace(part, batch=rest),), failures[first].failure)

    def _failed_alone(self, part: Part, verdicts: Verdicts, reply: InvokeReply, outcomes: Outcomes) -> Sequence[Part]:
        """The failed records are sent alone until each has its outcome; then all is settled, in the batch's order."""
        batch = part.batch
        if not isinstance(outcomes, Gathered):
            gathered = Gathered(batch)
            self._deliver(self._failed_alone(part, verdicts, reply, gathered), gathered)
            self._settle(batch, gathered.results, gathered.failures, range(batch.count), outcomes)
            return ()
        return self._resent_alone(part, verdicts, reply, outcomes)

    def _resent_alone(self, part: Part, verdicts: Verdicts, reply: InvokeReply, outcomes: Outcomes) -> Sequence[Part]:
        """Whatever has its outcome is settled; the failed records that may be sent again are one part."""
        batch = part.batch
        failures = self._failures(part, verdicts, reply)
        again = self._again(part, verdicts)
        settled = sorted({*range(batch.count)}.difference(again))
        self._settle(batch, verdicts.results, failures, settled, outcomes)
        if not again:
            return ()
        rest = self._assembler.part(batch, again)
        return self._after_wait((replace(part, batch=rest),), failures[again[0]].failure)

    def _settle(
        self,
        batch: Batch,
        results: Sequence[Result],
        failures: Mapping[int, GivenUp],
        indexes: Iterable[int],
        outcomes: Outcomes,
    ) -> None:
        """Pass on the outcomes of the records at `indexes` in their order, those delivered side by side in one."""
        for is_failed, side_by_side in groupby(indexes, failures.__contains__):
            if is_failed:
                for index in side_by_side:
                    outcomes.failed(self._assembler.part(batch, (index,)), *failures[index])
            else:
                taken = list(side_by_side)
                outcomes.delivered(self._assembler.part(batch, taken), [results[index] for index in taken])

    def _failures(self, part: Part, verdicts: Verdicts, reply: InvokeReply) -> dict[int, GivenUp]:
        found = self._judge.failures(verdicts, reply)
        return {index: GivenUp(failure, part.attempts) for index, failure in found.items()}

    def _again(self, part: Part, verdicts: Verdicts) -> Sequence[int]:
        """Which of the records that a reply says have failed are sent again, in order."""
        old = self._old(part.batch)
        return [
            index
            for index, failure in sorted(verdicts.failed.items())
            if not old[index] and self._next(part, 1, is_asked_for=failure.is_retriable) is NextStep.RETRY
        ]

    def _halves(self, part: Part) -> Sequence[Part]:
        first, second = self._assembler.split(part.batch)
        return Part(first, part.attempts), Part(second, part.attempts)

    def _apart(self, part: Part, old: Sequence[bool], failure: BatchFailure) -> Sequence[Part]:
        """Parts of those that are too old to be sent again and of the others, in the records' order."""
        return [
            replace(
                part,
                batch=self._assembler.part(part.batch, list(side_by_side)),
                given_up=failure if is_old else None,
            )
            for is_old, side_by_side in groupby(range(part.batch.count), old.__getitem__)
        ]

    def _old(self, batch: Batch) -> Sequence[bool]:
        """Which records are too old to be sent again."""
        policy, now = self._policy, self._clock.now_ms()
        return [is_too_old(policy, _timestamp(record), now) for record in batch.records]

    def _next(self, part: Part, count: int | None = None, *, is_asked_for: bool = False) -> NextStep:
        """What happens to `count` records of a part, or to all."""
        return after_failure(
            self._policy,
            count=part.batch.count if count is None else count,
            attempts=part.attempts,
            failed_attempts=part.failed_attempts,
            is_asked_for=is_asked_for,
        )

    def _failed_once(self, part: Part) -> Part:
        return Part(part.batch, part.attempts + self._delivery.attempts, part.failed_attempts + 1)

    def _after_wait(self, parts: Sequence[Part], failure: BatchFailure) -> Sequence[Part]:
        """The parts of one that failed, the first of which waits before it is sent again, and the others behind it."""
        first, *others = parts
        return replace(first, wait=self._announced_wait(first, failure)), *others

    def _announced_wait(self, part: Part, failure: BatchFailure) -> float:
        """Seconds, above 0."""
        wait = wait_before(self._backoff, part.failed_attempts, None, self._jitter())
        self._counters.retries += 1
        self._alarms.function_retried(self._progress.tp, part.batch, failure, part.failed_attempts, wait)
        return max(wait, _LEAST_WAIT)

    def _bound(self, part: Part) -> SendBound | None:
        """How far the retries of one sending may go, that a record's own bounds hold."""
        policy = self._policy
        if not policy.max_attempts and not policy.max_age_ms:
            return None
        left = max(1, policy.max_attempts - part.attempts) if policy.max_attempts else 0
        stamps = [_timestamp(record) for record in part.batch.records] if policy.max_age_ms else []
        oldest = min((stamp for stamp in stamps if stamp is not None), default=None)
        seconds = None if oldest is None else (oldest + policy.max_age_ms - self._clock.now_ms()) / 1000
        return SendBound(left, seconds)

    def _context(self, part: Part, sent: bytes) -> ContextOf | None:
        contexts = self._contexts
        if contexts is None:
            return None
        # An execution is named after all that it is sent.
        told = replace(part.batch, payload=sent)
        return lambda sending: contexts.of(told, part.attempts + sending, part.failed_attempts)

    def _sit_out(self, wait: float) -> None:
        """Raises InvocationAborted when a stop ends the wait."""
        self._progress.retrying()
        if self._delivery.wait(wait):
            raise InvocationAborted
        self._progress.retrying(is_over=True)


def _timestamp(record: SourceRecord) -> int | None:
    """Milliseconds since the epoch; None where the record has none."""
    kind, stamp = record.timestamp()
    return None if kind == TIMESTAMP_NOT_AVAILABLE or stamp < 0 else stamp
