"""The consumer group of a connector's replays: one run at a time, and which reports are done with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from kafka_lambda_sink.connector.patience import patiently
from kafka_lambda_sink.connector.replay_source import ReplaySource
from kafka_lambda_sink.core.errors import InvocationAborted, KafkaLambdaSinkError, RetriableKafkaError
from kafka_lambda_sink.core.ports import Clock, CommitOffset, TopicCatalog, TopicSnapshot
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.replay_marks import ReplayMarks, decode, encode
from kafka_lambda_sink.kafka.catalog import AdminTopicCatalog
from kafka_lambda_sink.kafka.client_config import admin_config, member_config
from kafka_lambda_sink.kafka.group_member import ConsumerGroupMember
from kafka_lambda_sink.kafka.group_view import ActiveMember, GroupView

#: After which a run that was killed is missed; the least that brokers take by default is six seconds.
_SESSION_TIMEOUT_MS: Final = 10_000
#: Seconds that another run is waited for: one that was killed is missed by then.
_OTHER_TIMEOUT: Final = _SESSION_TIMEOUT_MS / 1000 + 3.0
#: Seconds that joining may take; brokers wait for more members for three.
_JOIN_TIMEOUT: Final = 45.0
_PAUSE: Final = 0.5
#: Seconds of one question about committed offsets.
_LOOKUP_TIMEOUT: Final = 10.0


class ReplayIsActive(KafkaLambdaSinkError):
    """Another replay of this connector runs: it alone says what is done with."""

    error_id = "ReplayIsActive"


class ReplayGroup:
    """The group `<group>-replay` on the cluster of the reports; no part of the connector's own group.

    Every method blocks, and raises what `kafka/` raises. One thread owns it.
    """

    def __init__(self, source: ReplaySource, clock: Clock) -> None:
        self._source, self._clock = source, clock
        admin = admin_config(source.properties, client_id=source.client_id)
        self._catalog: TopicCatalog = AdminTopicCatalog(admin)
        self._view = GroupView(admin, is_read_committed=True)
        properties = dict(source.properties) | {"session.timeout.ms": str(_SESSION_TIMEOUT_MS)}
        config = member_config(properties, group_id=source.group_id, client_id=source.client_id)
        self._member = ConsumerGroupMember(config)
        self._listener = _Listener()
        self._topic_id: str | None = None
        #: Whether the last commit had room for every mark.
        self.has_room = True
        self._committed: Mapping[int, tuple[int, str]] = {}

    def has_topic(self) -> bool:
        """Whether there is a topic to read reports from."""
        return self._describe() is not None

    def marks(self) -> dict[int, ReplayMarks]:
        """What is done with, by partition of the report topic; none where it does not exist.

        The reports of a topic that was deleted and created again since are all new.
        """
        topic = self._source.topic
        found = self._describe()
        if found is None:
            return {}
        self._topic_id = found.topic_id
        tps = [TopicPartition(topic, partition) for partition in range(found.partitions)]
        committed = patiently(lambda: self._member.committed(tps, _LOOKUP_TIMEOUT), self._clock)
        first, end = patiently(lambda: (self._view.earliest(tps), self._view.latest(tps)), self._clock)
        marks = {}
        for each in committed:
            tp, (topic_id, runs) = each.tp, decode(each.metadata)
            is_ours = topic_id is None or found.topic_id is None or topic_id == found.topic_id
            if each.offset is None or not is_ours or each.offset > end[tp]:
                marks[tp.partition] = ReplayMarks(first[tp])
            else:
                marks[tp.partition] = ReplayMarks(each.offset, runs)
        return marks

    def ends(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        """(first offset, offset after the last visible report) by partition."""
        tps = [TopicPartition(self._source.topic, partition) for partition in partitions]
        first, end = patiently(lambda: (self._view.earliest(tps), self._view.latest(tps)), self._clock)
        return {tp.partition: (first[tp], end[tp]) for tp in tps}

    def join(self, stop: threading.Event, tell: Callable[[str], None]) -> None:
        """Become the one member. Raises ReplayIsActive, or InvocationAborted once `stop` is set.

        A run that was killed counts as active until its session has timed out: it is waited for, and told.
        """
        others = self._others(stop, tell)
        if others:
            raise _active(self._source.group_id, others)
        self._member.subscribe([self._source.topic], self._listener)
        deadline = self._clock.monotonic() + _JOIN_TIMEOUT
        while not self._listener.has_joined:
            self._member.poll(_PAUSE)
            _raise_if(stop)
            if self._clock.monotonic() > deadline:
                raise RetriableKafkaError(f"the group {self._source.group_id} could not be joined in time")
        # Two that came at the same moment have not seen each other.
        members = self._members()
        if len(members) > 1:
            raise _active(self._source.group_id, members)

    def poll(self, timeout: float) -> None:
        """Stay a member. Raises ReplayIsActive when the group has given what is ours to somebody else."""
        self._member.poll(timeout)
        if self._listener.is_lost:
            raise ReplayIsActive(
                f"the group {self._source.group_id} has given reports to another replay",
                hint="What is not marked yet is replayed again: see that one runs at a time.",
            )

    def commit(self, marks: Mapping[int, ReplayMarks], timeout: float) -> str | None:
        """Write down what changed since the last commit; why that was refused, or None. Nothing is raised for it."""
        if self._listener.is_lost:
            return "UNKNOWN_MEMBER_ID"
        encoded = {each: (its.low, encode(self._topic_id, its.runs())) for each, its in marks.items()}
        self.has_room = all(state.is_whole for _, state in encoded.values())
        now = {each: (low, state.metadata) for each, (low, state) in encoded.items()}
        changed = {each: state for each, state in now.items() if self._committed.get(each) != state}
        if not changed:
            return None
        topic = self._source.topic
        codes = self._member.commit_sync(
            [CommitOffset(TopicPartition(topic, each), low, None, text) for each, (low, text) in changed.items()],
            timeout,
        )
        done = {tp.partition for tp, code in codes.items() if code is None}
        self._committed = dict(self._committed) | {each: changed[each] for each in done}
        return next((code for code in codes.values() if code is not None), None)

    def close(self, timeout: float) -> None:
        """Leave the group and close the clients."""
        self._listener.is_leaving = True
        self._member.close(timeout)
        self._catalog.close()

    def _others(self, stop: threading.Event, tell: Callable[[str], None]) -> list[ActiveMember]:
        deadline = self._clock.monotonic() + _OTHER_TIMEOUT
        is_told = False
        while members := self._members():
            if self._clock.monotonic() > deadline:
                return members
            if not is_told:
                tell(f"Another replay runs, or was killed a moment ago: waiting for up to {_OTHER_TIMEOUT:g} s.")
                is_told = True
            stop.wait(_PAUSE)
            _raise_if(stop)
        return []

    def _describe(self) -> TopicSnapshot | None:
        topic = self._source.topic
        return patiently(lambda: self._catalog.describe([topic]), self._clock).get(topic)

    def _members(self) -> list[ActiveMember]:
        return patiently(lambda: self._view.members(self._source.group_id), self._clock)


class _Listener:
    """Called from inside `poll`: whether the reports are ours."""

    def __init__(self) -> None:
        self.has_joined = self.is_lost = self.is_leaving = False

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """We are a member. Partitions that come later are of a topic that has grown: for the next run."""
        self.has_joined = self.has_joined or bool(partitions)

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Somebody else has joined."""
        self.is_lost = self.is_lost or (bool(partitions) and not self.is_leaving)

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """We were away for too long."""
        self.on_revoked(partitions)


def _raise_if(stop: threading.Event) -> None:
    if stop.is_set():
        raise InvocationAborted


def _active(group_id: str, members: Sequence[ActiveMember]) -> ReplayIsActive:
    who = ", ".join(sorted({f"{member.client_id} on {member.host.lstrip('/')}" for member in members}))
    return ReplayIsActive(f"another replay is active in the group {group_id}: {who}", hint="Wait until it has ended.")
