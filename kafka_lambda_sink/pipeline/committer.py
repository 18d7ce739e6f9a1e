"""Every commit of the task: when, what, and never as a zombie. Belongs to the coordinator's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from kafka_lambda_sink.core.commits import CommitLedger, SentCommit
from kafka_lambda_sink.core.errors import KafkaLambdaSinkError, RetriableKafkaError, UnknownTopicError
from kafka_lambda_sink.core.ports import Clock, CommitOffset, GroupMember
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.progress import PartitionProgress

#: Seconds without commits after the process was stopped: more than a heartbeat interval, KIP-848's too.
_QUARANTINE: Final = 6.0
#: Seconds after which a commit without an answer is made again; an answer that still comes does no harm.
_COMMIT_LOST_AFTER: Final = 60.0

Progresses = Mapping[TopicPartition, PartitionProgress]


class Committer:
    """Commits what the open partitions have earned, asynchronously about once a second, one commit at a time."""

    def __init__(
        self, member: GroupMember, clock: Clock, alarms: Alarms, *, interval: float, session_timeout: float
    ) -> None:
        self._member = member
        self._clock = clock
        self._alarms = alarms
        self._interval = interval
        #: A process that was stopped for longer than this may have lost its partitions without knowing.
        self._stale_after = session_timeout / 3
        #: When the last completed poll began: one that the process was stopped in tells nothing of the time since.
        self._last_poll = clock.monotonic()
        self._last_commit = clock.monotonic()
        #: When we last showed that we run, and until when we commit nothing because we did not for too long.
        self._last_sign = clock.monotonic()
        self._quarantined_until = clock.monotonic()
        self._in_flight: Mapping[TopicPartition, SentCommit] | None = None
        self._is_urgent = False
        self.ledger = CommitLedger()

    def polled(self, began: float) -> None:
        """Note that a poll of the member that began at `began` has completed: we are what the group thinks we are."""
        self._last_poll = began
        self.awake()

    def awake(self) -> bool:
        """Show that the process runs; whether it may commit. To be called often, in a drain too.

        A process that was stopped may have lost its partitions, and under KIP-848 the broker takes a zombie's commits
        for a while: so none is made until the group has had the time to tell us.
        """
        now = self._clock.monotonic()
        if now - self._last_sign > self._stale_after:
            self._quarantined_until = now + _QUARANTINE
        self._last_sign = now
        return now >= self._quarantined_until

    def tick(self, progresses: Progresses) -> None:
        """Commit what is due, without blocking, if it is time or a new start must be committed at once."""
        now = self._clock.monotonic()
        if not self.awake() or now - self._last_poll > self._stale_after:
            return
        if self._in_flight is not None and now - self._last_commit < _COMMIT_LOST_AFTER:
            return
        is_urgent = self._is_urgent or any(progress.wants_commit for progress in progresses.values())
        if not is_urgent and now - self._last_commit < self._interval:
            return
        self._last_commit = now
        self._offer(progresses)
        self._is_urgent = False
        due = self.ledger.due()
        if due:
            self._commit(due)

    def commit_now(self, progresses: Progresses, timeout: float) -> set[str]:
        """Commit and wait up to `timeout` seconds.

        Allowed in a rebalance callback: it is part of a poll, and the partitions are still ours. The codes of what was
        refused: it is committed again, or delivered again by the next owner.
        """
        self._last_commit = self._clock.monotonic()
        self._offer(progresses)
        due = self.ledger.due(progresses)
        if not due:
            return set()
        sent = self.ledger.sending(due)
        if not self.awake():
            self._alarms.commit_failed("the process was stopped for a while", sent)
            return set()
        try:
            return self._settle(sent, self._member.commit_sync(due, timeout))
        except KafkaLambdaSinkError as error:
            self._alarms.commit_failed(str(error), sent)
            return set()

    @property
    def is_due(self) -> bool:
        """Whether the commit interval has passed."""
        return self._clock.monotonic() - self._last_commit >= self._interval

    def _commit(self, due: Sequence[CommitOffset]) -> None:
        sent = self.ledger.sending(due)
        self._in_flight = sent

        def done(result: Mapping[TopicPartition, str | None]) -> None:
            if self._in_flight is sent:
                self._in_flight = None
            self._settle(sent, result)

        try:
            self._member.commit(due, done)
        except (RetriableKafkaError, UnknownTopicError) as error:
            self._in_flight = None
            self._alarms.commit_failed(str(error), sent)

    def _offer(self, progresses: Progresses) -> None:
        for tp, progress in progresses.items():
            taken = progress.take_committable()
            if taken is not None:
                position, is_reset = taken
                self.ledger.offer(tp, position, is_reset=is_reset)
                self._is_urgent = self._is_urgent or is_reset

    def _settle(
        self, sent: Mapping[TopicPartition, SentCommit], result: Mapping[TopicPartition, str | None]
    ) -> set[str]:
        failed = self.ledger.settle(sent, result)
        if failed:
            self._alarms.commit_failed(", ".join(sorted(set(failed.values()))), failed)
        return set(failed.values())
