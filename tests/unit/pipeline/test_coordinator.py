import math
import re
from collections.abc import Callable

import pytest

from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.errors import (
    ClaimStoreRefusedError,
    ConfigurationInvocationError,
    FatalKafkaError,
    KafkaAuthorizationError,
    PartitionStopped,
    RetriableKafkaError,
)
from kafka_lambda_sink.core.ports import Committed, Position, TopicSnapshot
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.start import Start
from kafka_lambda_sink.core.state import PipelineState, TaskState
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.assignment import Assignment
from kafka_lambda_sink.pipeline.committer import Committer
from kafka_lambda_sink.pipeline.coordinator import AllPartitionsFailed, Coordinator, CoordinatorSettings
from kafka_lambda_sink.pipeline.stop_deadline import StopDeadline
from kafka_lambda_sink.pipeline.topics import TopicWatch
from tests.support.fake_group import FakeGroupMember, FakePipeline
from tests.support.fakes import CreepingClock, FakeCatalog
from tests.support.stepped_clock import SteppedClock

P0, P1, P2 = (TopicPartition("orders", number) for number in range(3))


class Coordinating:
    """A coordinator of topic `orders` (id A, two partitions) whose pipelines are moved by hand."""

    def __init__(
        self,
        *,
        clock: SteppedClock | None = None,
        exits: bool = False,
        has_several_functions: bool = False,
        topic_id: str | None = "A",
        shutdown_timeout: float = 25.0,
    ) -> None:
        self.clock = clock or SteppedClock()
        self.member = FakeGroupMember(self.clock)
        self.catalog = FakeCatalog(orders=TopicSnapshot(topic_id, 2))
        alarms = Alarms(self.clock)
        self.watch = TopicWatch(self.catalog, (), re.compile("orders|returns"), 5.0, alarms)
        self.watch.refresh()
        self.opened: list[FakePipeline] = []
        self.stop = StopDeadline(self.clock, shutdown_timeout)
        self.coordinator = Coordinator(
            member=self.member,
            watch=self.watch,
            committer=Committer(self.member, self.clock, alarms, interval=1.0, session_timeout=45.0),
            open_pipeline=self._open,
            clock=self.clock,
            stop=self.stop,
            settings=CoordinatorSettings(
                drain_timeout=30.0, exit_on_partition_failed=exits, has_several_functions=has_several_functions
            ),
            alarms=alarms,
        )

    def _open(self, assignment: Assignment, on_drained: Callable[[], None]) -> FakePipeline:
        self.opened.append(FakePipeline(assignment, on_drained))
        return self.opened[-1]

    def in_poll(self, event: Callable[[], None]) -> None:
        """Let it happen inside the poll of a step."""
        self.member.in_poll.append(event)
        self.coordinator.step()

    def in_one_poll(self, *events: Callable[[], object]) -> None:
        """Let them happen one after the other inside the poll of one step."""

        def all_of_them() -> None:
            for event in events:
                event()

        self.in_poll(all_of_them)

    def steps(self, seconds: float = 1.2) -> None:
        """Step until the commit interval has surely passed; a poll takes 0.1 s."""
        for _ in range(math.ceil(seconds / 0.1)):
            self.coordinator.step()

    def assign(self, *partitions: TopicPartition) -> list[FakePipeline]:
        """Assign, and the pipelines that were opened for it."""
        self.coordinator.step()
        before = len(self.opened)
        self.in_poll(lambda: self.member.assign(*partitions))
        return self.opened[before:]

    def revoke(self, *partitions: TopicPartition) -> None:
        self.in_poll(lambda: self.member.revoke(*partitions))

    def lose(self, *partitions: TopicPartition) -> None:
        self.in_poll(lambda: self.member.lose(*partitions))

    def recreate(self, topic_id: str | None = "B") -> None:
        self.catalog.topics["orders"] = TopicSnapshot(topic_id, 2)
        self.watch.refresh()

    @property
    def commits(self) -> list[dict[TopicPartition, int]]:
        return [commit.offsets for commit in self.member.commits]


def committed(tp: TopicPartition, offset: int | None, topic_id: str | None = "A") -> Committed:
    return Committed(tp, offset, commit_metadata.encode(topic_id))


def state(pipeline: FakePipeline) -> PipelineState:
    return pipeline.progress.state


def start_of(pipeline: FakePipeline) -> Position | Start:
    return pipeline.assignment.start


# --- subscribing and opening -----------------------------------------------------------------------------------------


def test_it_subscribes_to_the_topics_that_exist_and_again_when_one_comes_to_match():
    coordinating = Coordinating()
    coordinating.steps(0.3)
    coordinating.catalog.topics["returns"] = TopicSnapshot("R", 1)
    coordinating.watch.refresh()
    coordinating.steps(0.3)
    assert coordinating.member.subscriptions == [["orders"], ["orders", "returns"]]


def test_an_assigned_partition_starts_where_the_group_has_it():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 42)
    (pipeline,) = coordinating.assign(P0)
    assert start_of(pipeline) == Position(42)
    assert pipeline.is_started


def test_what_the_group_has_beside_the_offset_is_not_committed_again():
    coordinating = Coordinating()
    metadata = commit_metadata.encode("A", b'{"n":1}', offset=42, done=[(43, 45)], done_epoch=7)
    coordinating.member.group[P0] = Committed(P0, 42, metadata)
    (pipeline,) = coordinating.assign(P0)
    assert start_of(pipeline) == Position(42, None, b'{"n":1}', ((43, 45),), 7)
    coordinating.steps()
    assert coordinating.commits == []


def test_a_look_up_that_fails_is_never_taken_for_absent():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 42)
    coordinating.member.lookup_failures.extend([RetriableKafkaError(), RetriableKafkaError()])
    assert coordinating.assign(P0) == []
    coordinating.coordinator.step()
    assert coordinating.opened == []
    coordinating.coordinator.step()
    assert [start_of(pipeline) for pipeline in coordinating.opened] == [Position(42)]


def test_a_partition_without_a_committed_offset_starts_by_auto_offset_reset_and_commits_that_at_once():
    coordinating = Coordinating()
    (pipeline,) = coordinating.assign(P0)
    assert start_of(pipeline) is Start.FROM_RESET
    pipeline.progress.start_at(Position(500), commit_now=True)
    coordinating.coordinator.step()
    assert coordinating.commits == [{P0: 500}]
    assert coordinating.member.commits[0].metadata[P0] == commit_metadata.encode("A")


def test_partitions_that_appear_while_running_start_at_their_first_record():
    coordinating = Coordinating()
    coordinating.catalog.topics["orders"] = TopicSnapshot("A", 3)
    coordinating.watch.refresh()
    first, third = coordinating.assign(P0, P2)
    assert start_of(first) is Start.FROM_RESET
    assert start_of(third) is Start.FROM_EARLIEST


def test_a_partition_of_a_topic_not_seen_yet_is_opened_once_it_is():
    coordinating = Coordinating()
    other = TopicPartition("returns", 0)
    assert coordinating.assign(other) == []
    coordinating.catalog.topics["returns"] = TopicSnapshot("R", 1)
    coordinating.watch.refresh()
    coordinating.coordinator.step()
    assert [pipeline.assignment.topic_id for pipeline in coordinating.opened] == ["R"]


# --- revoked, lost, assigned again -----------------------------------------------------------------------------------


def test_on_revoke_what_is_in_flight_is_drained_and_committed_before_the_partition_goes():
    coordinating = Coordinating()
    p0, p1 = coordinating.assign(P0, P1)
    for pipeline in (p0, p1):
        pipeline.progress.start_at(Position(0), commit_now=False)
    span = p0.progress.track(Position(10))
    p0.when_draining = lambda: p0.progress.resolve(span)
    coordinating.revoke(P0)
    last = coordinating.member.commits[-1]
    assert last.is_sync
    assert last.offsets == {P0: 10}, "only what is given away"
    assert state(p0) is PipelineState.CLOSED
    assert state(p1) is PipelineState.RUNNING


def test_a_drain_beyond_its_bound_commits_the_resolved_prefix_and_ignores_what_comes_late():
    coordinating = Coordinating(clock=CreepingClock(0.0))
    coordinating.member.group[P0] = committed(P0, 0)
    (pipeline,) = coordinating.assign(P0)
    resolved, late = pipeline.progress.track(Position(10)), pipeline.progress.track(Position(20))
    pipeline.progress.resolve(resolved)
    assert isinstance(coordinating.clock, CreepingClock)
    coordinating.clock.creep = 1.0
    coordinating.revoke(P0)
    assert coordinating.member.group[P0].offset == 10
    assert pipeline.is_aborted
    pipeline.progress.resolve(late)
    coordinating.steps()
    assert coordinating.member.group[P0].offset == 10


def test_while_one_partition_drains_the_others_are_committed():
    coordinating = Coordinating(clock=CreepingClock(0.0))
    for tp in (P0, P1):
        coordinating.member.group[tp] = committed(tp, 0)
    p0, p1 = coordinating.assign(P0, P1)
    p0.progress.track(Position(10))
    p1.progress.delivered(Position(33))
    assert isinstance(coordinating.clock, CreepingClock)
    coordinating.clock.creep = 2.0
    coordinating.revoke(P0)
    assert coordinating.commits[0] == {P1: 33}
    assert coordinating.member.group[P0].offset == 0


def test_a_lost_partition_is_abandoned_and_nothing_of_it_is_committed():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 0)
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.delivered(Position(10))
    coordinating.lose(P0)
    coordinating.steps()
    assert coordinating.commits == []
    assert pipeline.is_aborted


def test_a_partition_that_comes_back_at_once_shares_nothing_with_its_old_epoch():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 0)
    (old,) = coordinating.assign(P0)
    span = old.progress.track(Position(10))
    coordinating.in_one_poll(lambda: coordinating.member.lose(P0), lambda: coordinating.member.assign(P0))
    new = coordinating.opened[-1]
    assert new.assignment.epoch > old.assignment.epoch
    old.progress.resolve(span)
    coordinating.steps()
    assert coordinating.commits == []
    new.progress.delivered(Position(3))
    coordinating.steps()
    assert coordinating.commits == [{P0: 3}]


def test_a_partition_assigned_again_without_having_been_taken_away_has_one_pipeline():
    """librdkafka may drop the word that a partition was lost (PR 5604)."""
    coordinating = Coordinating()
    (old,) = coordinating.assign(P0)
    (new,) = coordinating.assign(P0)
    assert state(old) is PipelineState.CLOSED
    assert old.is_aborted
    assert state(new) is PipelineState.STARTING


def test_a_partition_revoked_before_it_was_opened_is_not_opened():
    coordinating = Coordinating()
    coordinating.coordinator.step()
    coordinating.in_one_poll(lambda: coordinating.member.assign(P0), lambda: coordinating.member.revoke(P0))
    coordinating.steps()
    assert coordinating.opened == []


def test_after_a_refused_commit_on_revoke_the_partition_goes_all_the_same():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 0)
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.delivered(Position(10))
    coordinating.member.sync_codes[P0] = "UNKNOWN_MEMBER_ID"
    coordinating.revoke(P0)
    assert state(pipeline) is PipelineState.CLOSED
    assert coordinating.coordinator.states() == {}


# --- topics created again --------------------------------------------------------------------------------------------


def test_a_new_topic_id_ends_the_epoch_and_starts_at_the_first_record():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 42)
    (old,) = coordinating.assign(P0)
    in_flight = old.progress.track(Position(50))
    coordinating.recreate()
    coordinating.coordinator.step()
    old.progress.resolve(in_flight)
    new = coordinating.opened[-1]
    assert old.is_aborted
    assert coordinating.commits == [], "nothing of the old topic"
    assert start_of(new) is Start.FROM_EARLIEST
    new.progress.start_at(Position(0), commit_now=True)
    coordinating.coordinator.step()
    assert coordinating.commits == [{P0: 0}], "the one rewind that is allowed"
    assert coordinating.member.commits[-1].metadata[P0] == commit_metadata.encode("B")


@pytest.mark.parametrize("topic_id", [None, "A"], ids=["no metadata", "metadata of the old topic"])
def test_what_was_committed_for_the_old_topic_is_no_start_in_the_new_one(topic_id):
    """Connect commits without metadata, and we have not committed since."""
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 42, topic_id)
    coordinating.assign(P0)
    coordinating.recreate()
    coordinating.coordinator.step()
    assert start_of(coordinating.opened[-1]) is Start.FROM_EARLIEST


def test_what_another_owner_committed_for_the_new_topic_is_a_start():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 42)
    coordinating.assign(P0)
    coordinating.recreate()
    coordinating.member.lookup_failures.append(RetriableKafkaError())
    coordinating.coordinator.step()
    coordinating.lose(P0)
    coordinating.member.group[P0] = committed(P0, 7, "B")
    (pipeline,) = coordinating.assign(P0)
    assert start_of(pipeline) == Position(7)


def test_an_id_that_could_not_be_learnt_ends_no_epoch():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 42)
    (pipeline,) = coordinating.assign(P0)
    coordinating.recreate(None)
    coordinating.steps()
    assert coordinating.opened == [pipeline]
    assert state(pipeline) is PipelineState.RUNNING


# --- stopped partitions ----------------------------------------------------------------------------------------------


def stop(pipeline: FakePipeline) -> PartitionStopped:
    error = PartitionStopped("poison")
    pipeline.progress.fail(error)
    return error


def test_a_stopped_partition_shows_as_failed_and_the_others_run_on():
    coordinating = Coordinating()
    for tp in (P0, P1):
        coordinating.member.group[tp] = committed(tp, 0)
    p0, p1 = coordinating.assign(P0, P1)
    p0.progress.delivered(Position(5))
    error = stop(p0)
    p1.progress.delivered(Position(9))
    coordinating.steps()
    assert coordinating.commits == [{P0: 5, P1: 9}]
    assert coordinating.coordinator.states()[P0] == (PipelineState.FAILED, error)
    assert coordinating.coordinator.task_state() is TaskState.FAILED
    assert coordinating.coordinator.failure is None


def test_a_stopped_partition_that_comes_back_at_the_same_offset_is_not_tried_again():
    coordinating = Coordinating()
    coordinating.member.group.update({P0: committed(P0, 5), P1: committed(P1, 0)})
    p0, _ = coordinating.assign(P0, P1)
    error = stop(p0)
    for give_up in (coordinating.revoke, coordinating.lose):
        give_up(P0)
        assert P0 not in coordinating.coordinator.states()
        assert coordinating.assign(P0) == []
        assert coordinating.coordinator.states()[P0] == (PipelineState.FAILED, error)
        assert coordinating.coordinator.task_state() is TaskState.FAILED


def test_a_stopped_partition_is_tried_again_once_its_offset_differs():
    coordinating = Coordinating()
    coordinating.member.group.update({P0: committed(P0, 5), P1: committed(P1, 0)})
    p0, _ = coordinating.assign(P0, P1)
    stop(p0)
    coordinating.revoke(P0)
    coordinating.member.group[P0] = committed(P0, 6)
    (pipeline,) = coordinating.assign(P0)
    assert start_of(pipeline) == Position(6)
    coordinating.revoke(P0)
    coordinating.member.group[P0] = committed(P0, 5)
    assert len(coordinating.assign(P0)) == 1, "forgotten, once it was tried again"


def test_a_stopped_partition_of_a_topic_created_again_is_tried():
    coordinating = Coordinating()
    coordinating.member.group.update({P0: committed(P0, 0), P1: committed(P1, 0)})
    p0, _ = coordinating.assign(P0, P1)
    stop(p0)
    coordinating.recreate()
    coordinating.coordinator.step()
    assert {start_of(pipeline) for pipeline in coordinating.opened[2:]} == {Start.FROM_EARLIEST}
    assert len(coordinating.opened) == 4


def test_the_connector_ends_when_every_assigned_partition_is_stopped():
    coordinating = Coordinating()
    p0, p1 = coordinating.assign(P0, P1)
    stop(p0)
    coordinating.coordinator.step()
    assert coordinating.coordinator.failure is None
    stop(p1)
    coordinating.coordinator.step()
    assert isinstance(coordinating.coordinator.failure, AllPartitionsFailed)


def test_the_connector_ends_when_the_only_partition_comes_back_stopped():
    coordinating = Coordinating()
    coordinating.member.group.update({P0: committed(P0, 5), P1: committed(P1, 0)})
    p0, _ = coordinating.assign(P0, P1)
    stop(p0)
    coordinating.revoke(P0, P1)
    coordinating.assign(P0)
    assert isinstance(coordinating.coordinator.failure, AllPartitionsFailed)


def test_a_member_without_partitions_goes_on():
    coordinating = Coordinating()
    (p0,) = coordinating.assign(P0)
    coordinating.in_one_poll(lambda: stop(p0), lambda: coordinating.member.revoke(P0))
    coordinating.steps()
    assert coordinating.coordinator.failure is None
    assert coordinating.coordinator.task_state() is TaskState.UNASSIGNED


def test_the_connector_ends_at_the_first_stopped_partition_where_that_is_asked_for():
    coordinating = Coordinating(exits=True)
    p0, *_ = coordinating.assign(P0, P1)
    stop(p0)
    coordinating.coordinator.step()
    assert str(coordinating.coordinator.failure) == "1 of 2 assigned partitions are stopped"


def test_a_configuration_error_of_the_function_ends_the_connector():
    coordinating = Coordinating()
    p0, *_ = coordinating.assign(P0, P1)
    error = ConfigurationInvocationError(code="ResourceNotFoundException", status=404)
    p0.progress.fail(error)
    coordinating.coordinator.step()
    assert coordinating.coordinator.failure is error


def test_a_configuration_error_of_one_function_among_several_stops_its_own_partitions():
    coordinating = Coordinating(has_several_functions=True)
    p0, p1 = coordinating.assign(P0, P1)
    p0.progress.fail(ConfigurationInvocationError(code="ResourceNotFoundException", status=404))
    coordinating.coordinator.step()
    assert coordinating.coordinator.failure is None
    assert coordinating.coordinator.task_state() is TaskState.FAILED
    p1.progress.fail(ConfigurationInvocationError(code="ResourceNotFoundException", status=404))
    coordinating.coordinator.step()
    assert isinstance(coordinating.coordinator.failure, AllPartitionsFailed)


def test_a_bucket_that_refuses_ends_the_connector_whatever_the_functions():
    coordinating = Coordinating(has_several_functions=True)
    p0, *_ = coordinating.assign(P0, P1)
    error = ClaimStoreRefusedError(code="AccessDenied", status=403)
    p0.progress.fail(error)
    coordinating.coordinator.step()
    assert coordinating.coordinator.failure is error


# --- the end ---------------------------------------------------------------------------------------------------------


def test_shutting_down_drains_then_commits_then_leaves_the_group():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 0)
    (pipeline,) = coordinating.assign(P0)
    span = pipeline.progress.track(Position(10))
    coordinating.member.in_poll.append(lambda: pipeline.progress.resolve(span))
    coordinating.stop.request()
    coordinating.coordinator.run()
    assert coordinating.member.commits[-1].offsets == {P0: 10}
    assert coordinating.member.group[P0].offset == 10
    assert coordinating.member.is_closed
    assert len(coordinating.member.commits) == 1, "leaving commits nothing more"
    assert coordinating.coordinator.failure is None


@pytest.mark.parametrize("code", ["ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS"])
def test_shutting_down_in_a_rebalance_commits_once_it_is_polled_through(code):
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 0)
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.delivered(Position(10))
    coordinating.member.sync_codes[P0] = code
    coordinating.member.in_poll.append(coordinating.member.sync_codes.clear)
    coordinating.stop.request()
    coordinating.coordinator.run()
    assert coordinating.member.group[P0].offset == 10
    assert len(coordinating.member.commits) == 2


def test_shutting_down_in_a_rebalance_that_does_not_end_has_a_bound():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 0)
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.delivered(Position(10))
    coordinating.member.sync_codes[P0] = "REBALANCE_IN_PROGRESS"
    began = coordinating.clock.monotonic()
    coordinating.stop.request()
    coordinating.coordinator.run()
    assert coordinating.clock.monotonic() - began < 6.0
    assert coordinating.member.group[P0].offset == 0
    assert coordinating.member.is_closed


def test_shutting_down_ends_at_its_bound_with_the_resolved_prefix():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 0)
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.delivered(Position(10))
    pipeline.progress.track(Position(20))
    began = coordinating.clock.monotonic()
    coordinating.stop.request()
    coordinating.coordinator.run()
    assert 22.0 <= coordinating.clock.monotonic() - began < 23.0, "the commit has three seconds left"
    assert coordinating.member.group[P0].offset == 10
    assert pipeline.is_aborted
    assert coordinating.member.is_closed


def test_a_drain_for_the_group_ends_with_the_bound_of_a_stop():
    coordinating = Coordinating(clock=CreepingClock(0.0))
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.start_at(Position(0), commit_now=False)
    pipeline.progress.track(Position(20))
    coordinating.stop.request()
    assert isinstance(coordinating.clock, CreepingClock)
    coordinating.clock.step(24.0)
    began = coordinating.clock.monotonic()
    coordinating.clock.creep = 0.5
    coordinating.revoke(P0)
    assert coordinating.clock.monotonic() - began < 10.0, "not another 30 s"


@pytest.mark.parametrize("shutdown_timeout", [25.0, 3.0, 1.5, 0.5])
@pytest.mark.parametrize("is_drained", [True, False])
def test_shutting_down_ends_in_time_although_nothing_answers_any_more(shutdown_timeout: float, *, is_drained: bool):
    coordinating = Coordinating(shutdown_timeout=shutdown_timeout)
    coordinating.member.group[P0] = committed(P0, 0)
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.delivered(Position(10))
    if not is_drained:
        pipeline.progress.track(Position(20))
    pipeline.when_joined = coordinating.clock.step
    coordinating.member.hangs = True
    began = coordinating.clock.monotonic()
    coordinating.stop.request()
    coordinating.coordinator.run()
    assert coordinating.clock.monotonic() - began <= shutdown_timeout
    assert coordinating.member.is_closed
    assert pipeline.is_aborted


def test_shutting_down_commits_after_a_drain_that_took_all_its_time_however_short():
    coordinating = Coordinating(shutdown_timeout=0.0)
    coordinating.member.group[P0] = committed(P0, 0)
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.delivered(Position(10))
    pipeline.progress.track(Position(20))
    coordinating.stop.request()
    coordinating.coordinator.run()
    assert coordinating.member.group[P0].offset == 10


def test_shutting_down_goes_on_when_the_group_does_not_answer():
    coordinating = Coordinating()
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.start_at(Position(0), commit_now=False)
    span = pipeline.progress.track(Position(10))

    def fail() -> None:
        pipeline.progress.resolve(span)
        raise RetriableKafkaError

    coordinating.member.in_poll.append(fail)
    coordinating.stop.request()
    coordinating.coordinator.run()
    assert coordinating.member.group[P0].offset == 10
    assert coordinating.member.is_closed


@pytest.mark.parametrize("refusal", [FatalKafkaError("fenced"), KafkaAuthorizationError("no READ on the group")])
def test_shutting_down_goes_on_when_a_commit_is_refused_for_good(refusal):
    coordinating = Coordinating()
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.start_at(Position(0), commit_now=True)
    pipeline.progress.track(Position(10))
    coordinating.member.commit_failures.append(refusal)
    coordinating.stop.request()
    coordinating.coordinator.run()
    assert pipeline.is_aborted
    assert coordinating.member.is_closed


def test_a_bug_met_while_shutting_down_is_no_clean_stop(caplog):
    coordinating = Coordinating()
    coordinating.assign(P0)

    def bug() -> None:
        raise ValueError("a bug")

    coordinating.member.in_poll.append(bug)
    coordinating.opened[0].progress.start_at(Position(0), commit_now=False)
    coordinating.opened[0].progress.track(Position(10))
    coordinating.stop.request()
    coordinating.coordinator.run()
    assert "a bug" in str(coordinating.coordinator.failure)
    assert "the coordinator failed" in caplog.text


def fenced() -> None:
    raise FatalKafkaError("fenced")


def bug() -> None:
    raise ValueError("a bug")


@pytest.mark.parametrize(("event", "message"), [(fenced, "fenced"), (bug, "a bug")])
def test_whatever_ends_the_loop_the_pipelines_are_closed_and_the_group_is_left(event, message):
    coordinating = Coordinating()
    (pipeline,) = coordinating.assign(P0)
    coordinating.member.in_poll.append(event)
    coordinating.coordinator.run()
    assert message in str(coordinating.coordinator.failure)
    assert state(pipeline) is PipelineState.CLOSED
    assert coordinating.member.is_closed


def test_no_partition_is_opened_while_shutting_down():
    coordinating = Coordinating()
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.start_at(Position(0), commit_now=False)
    pipeline.progress.track(Position(10))
    coordinating.member.in_poll.append(lambda: coordinating.member.assign(P1))
    coordinating.stop.request()
    coordinating.coordinator.run()
    assert coordinating.opened == [pipeline]


def test_no_commit_by_a_process_that_was_stopped_in_a_poll_until_it_has_polled_again():
    coordinating = Coordinating()
    coordinating.member.group[P0] = committed(P0, 0)
    (pipeline,) = coordinating.assign(P0)
    pipeline.progress.delivered(Position(10))
    coordinating.in_poll(lambda: coordinating.clock.step(60.0))
    assert coordinating.commits == []
    coordinating.lose(P0)
    coordinating.steps()
    assert coordinating.commits == []
