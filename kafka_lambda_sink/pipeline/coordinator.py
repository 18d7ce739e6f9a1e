"""The group's member: opens and closes pipelines as the group assigns partitions. Runs on one thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.errors import (
    ClaimStoreRefusedError,
    ConfigurationInvocationError,
    KafkaLambdaSinkError,
    RetriableKafkaError,
)
from kafka_lambda_sink.core.ports import Clock, Committed, GroupMember
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.start import Start, decide_start
from kafka_lambda_sink.core.state import PipelineState, TaskState, task_state
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.assignment import Assignment, Pipeline, Stopped
from kafka_lambda_sink.pipeline.committer import Committer
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.stop_deadline import StopDeadline, StopStep
from kafka_lambda_sink.pipeline.topics import TopicWatch
from kafka_lambda_sink.telemetry.logs import get_logger

_log = get_logger(__name__)

#: Seconds a poll of the member lasts at most: the pace of everything here.
_POLL: Final = 0.1
#: Seconds to wait for the group's committed offsets before the poll loop goes on; asked again after.
_LOOKUP_TIMEOUT: Final = 5.0
#: Seconds that a commit is waited for; the last one of all is tried as long while a rebalance is under way.
_COMMIT_TIMEOUT: Final = 5.0
#: Seconds that leaving the group may take.
_LEAVE_TIMEOUT: Final = 4.0
#: Codes of a commit that a rebalance refuses.
_REBALANCING: Final = frozenset({"ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS", "STALE_MEMBER_EPOCH"})
#: Seconds that a drain sleeps at most before it looks again.
_DRAIN_TICK: Final = 0.05


class AllPartitionsFailed(KafkaLambdaSinkError):
    """Every assigned partition is stopped."""

    error_id = "AllPartitionsFailed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorSettings:
    """Times in seconds."""

    drain_timeout: float
    #: Stop the connector at the first stopped partition instead of the last.
    exit_on_partition_failed: bool
    #: Topics go to different functions: what only a change of one of them ends stops that one's partitions.
    has_several_functions: bool = False


class Coordinator:
    """Owns the group member. `step` is one round; `run` steps until told to stop, then shuts down in order.

    A stopped partition stays open, with its state and error, until it is revoked. `stop` is requested by
    others, and here after a failure. All but `failure` and `states` belongs to the thread that runs it.
    """

    def __init__(
        self,
        *,
        member: GroupMember,
        watch: TopicWatch,
        committer: Committer,
        open_pipeline: Callable[[Assignment, Callable[[], None]], Pipeline],
        clock: Clock,
        stop: StopDeadline,
        settings: CoordinatorSettings,
        alarms: Alarms,
    ) -> None:
        self._member = member
        self._watch = watch
        self._committer = committer
        self._open_pipeline = open_pipeline
        self._clock = clock
        self._settings = settings
        self._alarms = alarms
        self._subscribed: set[str] = set()
        #: Assigned; where to start is not known yet.
        self._waiting: set[TopicPartition] = set()
        self._pipelines: dict[TopicPartition, Pipeline] = {}
        #: Assigned again, but stopped here before at the same offset: not opened.
        self._parked: dict[TopicPartition, Exception] = {}
        self._topic_ids: dict[TopicPartition, str | None] = {}
        #: Their topic was created again while we had them: what is committed belongs to the old one.
        self._reborn: set[TopicPartition] = set()
        self._stopped: dict[tuple[str | None, TopicPartition], Stopped] = {}
        self._ending: list[Pipeline] = []
        self._epoch = 0
        self._drained = threading.Event()
        self._stop = stop
        #: Why the connector stops by itself, or None.
        self.failure: KafkaLambdaSinkError | None = None

    # --- other threads -----------------------------------------------------------------------------------------------

    def states(self) -> dict[TopicPartition, tuple[PipelineState, Exception | None]]:
        """Each assigned partition's state and error. Any thread."""
        states: dict[TopicPartition, tuple[PipelineState, Exception | None]] = {
            tp: (pipeline.progress.state, pipeline.progress.error) for tp, pipeline in self._pipelines.copy().items()
        }
        states.update((tp, (PipelineState.FAILED, error)) for tp, error in self._parked.copy().items())
        return states

    @property
    def partition_count(self) -> int:
        """Partitions that are assigned, opened or not. Any thread."""
        return len(self._pipelines) + len(self._parked) + len(self._waiting)

    def task_state(self) -> TaskState:
        """FAILED while any assigned partition is stopped. Any thread."""
        return task_state(state for state, _ in self.states().values())

    # --- the loop ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Step until the stop is requested or a failure that ends the connector, then shut down within the bound."""
        for phase in (self._step_until_stopped, self.shut_down):
            try:
                phase()
            except KafkaLambdaSinkError as error:
                self.failure = self.failure or error
            except Exception as error:  # noqa: BLE001 - a bug must end the connector in order, and never as a clean stop
                _log.error("the coordinator failed", exc_info=error)
                self.failure = self.failure or KafkaLambdaSinkError(f"the coordinator failed: {error!r}")

    def _step_until_stopped(self) -> None:
        while not self._stop.requested.is_set() and self.failure is None:
            self.step()

    def step(self) -> None:
        """One round: subscribe to what exists, serve the group, open, look for failures, commit.

        Raises FatalKafkaError and KafkaAuthorizationError of the member.
        """
        self._subscribe()
        self._poll(_POLL)
        self._notice_new_incarnations()
        self._open_waiting()
        self._look_for_failures()
        self._committer.tick(self._progresses())
        self._ending = [pipeline for pipeline in self._ending if not pipeline.join(0.0)]

    def shut_down(self) -> None:
        """Drain, commit, leave the group, all by the deadline of the stop. What is not drained is delivered again."""
        self._stop.request()
        self._waiting.clear()
        pipelines = list(self._pipelines.values())
        for pipeline in pipelines:
            pipeline.drain()
        while not _all_drained(pipelines) and self._stop.left(StopStep.DRAIN):
            try:
                self._poll(_DRAIN_TICK)
                self._committer.tick(self._progresses())
            except KafkaLambdaSinkError as error:
                self._alarms.group_failed(error)
                self._wait_drained()
        self._abandon(list(self._pipelines))
        self._commit_last()
        self._close(list(self._pipelines), commit=False)
        try:
            self._member.close(self._stop.left(StopStep.LEAVE, _LEAVE_TIMEOUT))
        except KafkaLambdaSinkError as error:
            self._alarms.group_failed(error)
        for pipeline in self._ending:
            pipeline.join(self._stop.left(StopStep.JOIN))

    # --- RebalanceListener: called from inside `member.poll` and `member.close` --------------------------------------

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """They are opened by the next step: looking up their offsets may take a while."""
        if partitions:
            _log.info("assigned", partitions=[str(tp) for tp in partitions])
        # A partition that we still have was lost without a word: never two pipelines for one.
        self._close(partitions, commit=False)
        self._waiting.update(partitions)

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Drain within `rebalance.drain.timeout.ms`, commit, close; go on committing for the others meanwhile."""
        pipelines = [self._pipelines[tp] for tp in partitions if tp in self._pipelines]
        for pipeline in pipelines:
            pipeline.drain()
        deadline = self._clock.monotonic() + self._settings.drain_timeout
        while not _all_drained(pipelines) and self._stop.left(StopStep.DRAIN, deadline - self._clock.monotonic()):
            self._wait_drained()
            if self._committer.awake() and self._committer.is_due:
                self._committer.commit_now(self._progresses(), _COMMIT_TIMEOUT)
        self._close(partitions, commit=True)
        if partitions:
            _log.info("revoked", partitions=[str(tp) for tp in partitions])

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Abandon what is in flight; commit nothing: they are somebody else's."""
        self._close(partitions, commit=False)
        if partitions:
            _log.warning("lost", partitions=[str(tp) for tp in partitions])

    # --- parts of a step ---------------------------------------------------------------------------------------------

    def _poll(self, timeout: float) -> None:
        began = self._clock.monotonic()
        self._member.poll(timeout)
        self._committer.polled(began)

    def _subscribe(self) -> None:
        """Add what has come to exist. A topic that vanishes is taken away by the group itself."""
        new = self._watch.snapshot.keys() - self._subscribed
        if new:
            self._subscribed |= new
            _log.info("subscribing", topics=sorted(self._subscribed))
            self._member.subscribe(sorted(self._subscribed), self)

    def _notice_new_incarnations(self) -> None:
        """A topic that was deleted and created again under its name: end the epoch, start from the first record."""
        snapshot = self._watch.snapshot
        for tp, topic_id in list(self._topic_ids.items()):
            topic = snapshot.get(tp.topic)
            # An id that we could not learn says nothing.
            if topic is not None and None not in {topic.topic_id, topic_id} and topic.topic_id != topic_id:
                _log.warning("the topic was created again: starting from its first record", partition=str(tp))
                self._close([tp], commit=False)
                self._waiting.add(tp)
                self._reborn.add(tp)

    def _open_waiting(self) -> None:
        if not self._waiting:
            return
        snapshot = self._watch.snapshot
        known = sorted(tp for tp in self._waiting if tp.topic in snapshot)
        if len(known) < len(self._waiting):
            self._watch.ask_soon()
        if not known:
            return
        try:
            found = self._member.committed(known, _LOOKUP_TIMEOUT)
        except RetriableKafkaError as error:
            self._alarms.group_failed(error)
            return
        try:
            for committed in found:
                self._waiting.discard(committed.tp)
                topic_id = snapshot[committed.tp.topic].topic_id
                self._topic_ids[committed.tp] = topic_id
                self._open_or_park(committed, topic_id)
        finally:
            # All at last: hundreds that run take the processor from whoever opens the others, who commits meanwhile
            # for none.
            for committed in found:
                if committed.tp in self._pipelines:
                    self._pipelines[committed.tp].start()

    def _open_or_park(self, committed: Committed, topic_id: str | None) -> None:
        tp = committed.tp
        stopped = self._stopped.pop((topic_id, tp), None)
        if stopped is not None and stopped.committed == committed.offset:
            self._stopped[topic_id, tp] = stopped
            self._parked[tp] = stopped.error
            return
        self._epoch += 1
        appeared = self._watch.appeared_while_running(topic_id, tp)
        start = decide_start(committed, topic_id, appeared_while_running=appeared)
        if tp in self._reborn:
            self._reborn.discard(tp)
            if commit_metadata.topic_id_of(committed.metadata) != topic_id:
                start = Start.FROM_EARLIEST
        self._committer.ledger.open(tp, self._epoch, committed.offset, topic_id, committed.metadata)
        pipeline = self._open_pipeline(Assignment(tp, topic_id, self._epoch, start), self._drained.set)
        self._pipelines[tp] = pipeline

    def _look_for_failures(self) -> None:
        """Whether what has failed ends the connector."""
        failed = [error for pipeline in self._pipelines.values() if (error := pipeline.progress.error) is not None]
        for error in failed:
            if isinstance(error, ConfigurationInvocationError) and self._concerns_all(error):
                self.failure = error
                return
        if not failed and not self._parked:
            return
        is_last = not self._waiting and len(failed) == len(self._pipelines)
        if is_last or self._settings.exit_on_partition_failed:
            count = len(failed) + len(self._parked)
            self.failure = AllPartitionsFailed(f"{count} of {self.partition_count} assigned partitions are stopped")

    def _concerns_all(self, error: ConfigurationInvocationError) -> bool:
        return not self._settings.has_several_functions or isinstance(error, ClaimStoreRefusedError)

    def _close(self, partitions: Sequence[TopicPartition], *, commit: bool) -> None:
        """End the epochs. What is not drained is abandoned first, so that nothing moves after the last commit."""
        ours = [tp for tp in partitions if tp in self._pipelines]
        if commit:
            self._abandon(ours)
            self._committer.commit_now({tp: self._pipelines[tp].progress for tp in ours}, _COMMIT_TIMEOUT)
        for tp in ours:
            pipeline = self._pipelines.pop(tp)
            if pipeline.progress.error is not None:
                committed = self._committer.ledger.committed(tp)
                self._stopped[self._topic_ids[tp], tp] = Stopped(committed, pipeline.progress.error)
            pipeline.abandon()
            self._committer.ledger.close(tp)
            self._ending.append(pipeline)
        for tp in partitions:
            self._waiting.discard(tp)
            self._parked.pop(tp, None)
            self._topic_ids.pop(tp, None)

    def _abandon(self, partitions: Sequence[TopicPartition]) -> None:
        for tp in partitions:
            if not self._pipelines[tp].progress.is_drained:
                _log.warning("gave up waiting for what is in flight: it will be delivered again", partition=str(tp))
            self._pipelines[tp].abandon()

    def _commit_last(self) -> None:
        """A rebalance that is under way refuses commits until it is polled through; then the records come twice."""
        until = self._clock.monotonic() + self._stop.left(StopStep.COMMIT, _COMMIT_TIMEOUT)
        while self._commit_by(until) & _REBALANCING and self._clock.monotonic() < until:
            try:
                self._poll(_DRAIN_TICK)
            except KafkaLambdaSinkError as error:
                self._alarms.group_failed(error)
                return

    def _commit_by(self, until: float) -> set[str]:
        return self._committer.commit_now(self._progresses(), max(until - self._clock.monotonic(), 0.0))

    def _progresses(self) -> dict[TopicPartition, PartitionProgress]:
        return {tp: pipeline.progress for tp, pipeline in self._pipelines.items()}

    def _wait_drained(self) -> None:
        self._drained.wait(_DRAIN_TICK)
        self._drained.clear()


def _all_drained(pipelines: Sequence[Pipeline]) -> bool:
    return all(pipeline.progress.is_drained for pipeline in pipelines)
