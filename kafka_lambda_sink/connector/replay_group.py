"""The consumer group of a connector's replays: one run at a time, and which reports are done with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeVar

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

T = TypeVar("T")

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

    def __init__(self, source: ReplaySource, clock: Clock, stop: threading.Event) -> None:
        """Once `stop` is set, what waits for brokers raises InvocationAborted."""
        self._source, self._clock, self._stop = source, clock, stop
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
        committed = self._patiently(lambda: self._member.committed(tps, _LOOKUP_TIMEOUT))
        first, end = self._patiently(lambda: (self._view.earliest(tps), self._view.latest(tps)))
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
        first, end = self._patiently(lambda: (self._view.earliest(tps), self._view.latest(tps)))
        return {tp.partition: (first[tp], end[tp]) for tp in tps}

    def join(self, tell: Callable[[str], None]) -> None:
        """Become the one member. Raises ReplayIsActive.

        A run that was killed counts as active until its session has timed out: it is waited for, and told.
        """
        others = self._others(tell)
        if others:
            raise _active(self._source.group_id, others)
        self._member.subscribe([self._source.topic], self._listener)
        deadline = self._clock.monotonic() + _JOIN_TIMEOUT
        while not self._listener.has_joined:
            self._member.poll(_PAUSE)
            self._raise_if_stopped()
            if self._clock.monotonic() > deadline:
                raise RetriableKafkaError(f"the group {self._source.group_id} could not be joined in time")
        # Two that came at the same moment have not seen each other.
        members = self._members()
        if len(members) > 1:
            raise _active(self._source.group_id, members)

    def poll(self, timeout: float) -> None:
        """Stay a member. Raises ReplayIsActive when the group has given what is ours to somebody else.

        RetriableKafkaError where it has not heard of us for too long.
        """
        self._member.poll(timeout)
        if self._listener.is_missed:
            message = f"the group {self._source.group_id} has missed this replay for {_SESSION_TIMEOUT_MS // 1000} s"
            raise RetriableKafkaError(message, hint="Replay again once the brokers answer: it goes on from the marks.")
        if self._listener.is_lost:
            raise ReplayIsActive(
                f"the group {self._source.group_id} has given reports to another replay",
                hint="What is not marked yet is replayed again: see that one runs at a time.",
            )

    def commit_soon(self, marks: Mapping[int, ReplayMarks]) -> None:
        """Write down what changed since the last commit, without waiting for the answer: `poll` brings it.

        A broker that hangs would keep who waits for it, and `poll` with it. What is refused is written by the next.
        """
        changed = self._changed(marks)
        if changed:
            with suppress(RetriableKafkaError):
                self._member.commit(self._offsets(changed), lambda codes: self._take(changed, codes))

    def commit(self, marks: Mapping[int, ReplayMarks], timeout: float) -> str | None:
        """The last one: wait for it. Why it was refused, or None; nothing is raised for it."""
        if self._listener.is_lost:
            return "UNKNOWN_MEMBER_ID"
        changed = self._changed(marks)
        if not changed:
            return None
        codes = self._member.commit_sync(self._offsets(changed), timeout)
        self._take(changed, codes)
        return next((code for code in codes.values() if code is not None), None)

    def close(self, timeout: float) -> None:
        """Leave the group and close the clients."""
        self._listener.is_leaving = True
        self._member.close(timeout)
        self._catalog.close()

    def _changed(self, marks: Mapping[int, ReplayMarks]) -> dict[int, tuple[int, str]]:
        """(offset, metadata) by partition, of those that are not committed as they are."""
        encoded = {each: (its.low, encode(self._topic_id, its.runs())) for each, its in marks.items()}
        self.has_room = all(state.is_whole for _, state in encoded.values())
        now = {each: (low, state.metadata) for each, (low, state) in encoded.items()}
        return {each: state for each, state in now.items() if self._committed.get(each) != state}

    def _offsets(self, changed: Mapping[int, tuple[int, str]]) -> list[CommitOffset]:
        return [
            CommitOffset(TopicPartition(self._source.topic, each), low, None, text)
            for each, (low, text) in changed.items()
        ]

    def _take(self, changed: Mapping[int, tuple[int, str]], codes: Mapping[TopicPartition, str | None]) -> None:
        done = {tp.partition for tp, code in codes.items() if code is None}
        self._committed = dict(self._committed) | {each: changed[each] for each in done}

    def _others(self, tell: Callable[[str], None]) -> list[ActiveMember]:
        deadline = self._clock.monotonic() + _OTHER_TIMEOUT
        is_told = False
        while members := self._members():
            if self._clock.monotonic() > deadline:
                return members
            if not is_told:
                tell(f"Another replay runs, or was killed a moment ago: waiting for up to {_OTHER_TIMEOUT:g} s.")
                is_told = True
            self._stop.wait(_PAUSE)
            self._raise_if_stopped()
        return []

    def _describe(self) -> TopicSnapshot | None:
        topic = self._source.topic
        return self._patiently(lambda: self._catalog.describe([topic])).get(topic)

    def _members(self) -> list[ActiveMember]:
        return self._patiently(lambda: self._view.members(self._source.group_id))

    def _patiently(self, ask: Callable[[], T]) -> T:
        return patiently(ask, self._clock, self._stop)

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            raise InvocationAborted


class _Listener:
    """Called from inside `poll`: whether the reports are ours."""

    def __init__(self) -> None:
        self.has_joined = self.is_lost = self.is_missed = self.is_leaving = False

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """We are a member. Partitions that come later are of a topic that has grown: for the next run."""
        self.has_joined = self.has_joined or bool(partitions)

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Somebody else has joined."""
        self.is_lost = self.is_lost or (bool(partitions) and not self.is_leaving)

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        """We were away for too long, or the brokers were."""
        self.on_revoked(partitions)
        self.is_missed = self.is_lost


def _active(group_id: str, members: Sequence[ActiveMember]) -> ReplayIsActive:
    who = ", ".join(sorted({f"{member.client_id} on {member.host.lstrip('/')}" for member in members}))
    return ReplayIsActive(f"another replay is active in the group {group_id}: {who}", hint="Wait until it has ended.")
