"""The committed offsets of a connector's group: how they stand, and how to set them while nobody uses them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.patience import patiently
from kafka_lambda_sink.core.errors import KafkaLambdaSinkError, RetriableKafkaError
from kafka_lambda_sink.core.offset_plan import Move, PartitionOffsets, plan_move
from kafka_lambda_sink.core.ports import Clock, TopicSnapshot
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.reset_target import AtTime, ByPartition, ResetTarget
from kafka_lambda_sink.core.start import OffsetReset
from kafka_lambda_sink.kafka.catalog import AdminTopicCatalog
from kafka_lambda_sink.kafka.client_config import admin_config, fetcher_config
from kafka_lambda_sink.kafka.group_member import ConsumerGroupMember
from kafka_lambda_sink.kafka.group_view import ActiveMember, GroupView
from kafka_lambda_sink.pipeline.topics import matching

T = TypeVar("T")

#: Seconds of one question about committed offsets, and of the commit.
_TIMEOUT: Final = 10.0
#: How a broker refuses the commit of who is no member, while the group has some.
_NOT_A_MEMBER: Final = frozenset(
    {"UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS", "STALE_MEMBER_EPOCH"}
)


class GroupIsActive(KafkaLambdaSinkError):
    """The group has members: offsets that are set now would be committed over."""

    error_id = "GroupIsActive"


class NoSuchPartition(KafkaLambdaSinkError):
    """The connector does not read this topic or partition."""

    error_id = "NoSuchPartition"


@dataclass(frozen=True, slots=True)
class GroupState:
    """How a group stands."""

    members: Sequence[ActiveMember]
    #: By topic and partition.
    partitions: Sequence[PartitionOffsets]
    #: Topics of the configuration that do not exist.
    missing: Sequence[str]


class GroupOffsets:
    """The offsets of one connector. Joins nothing; every method blocks, and raises what kafka/ raises.

    `with` closes its clients.
    """

    def __init__(self, loaded: LoadedConfig, clock: Clock) -> None:
        self._config, self._clock = loaded.sink, clock
        self.group_id: Final = loaded.clients.group_id
        self.reset_policy: Final = OffsetReset(self._config.auto_offset_reset)
        name = self._config.name
        admin: dict[str, Any] = admin_config(loaded.clients.admin, client_id=name)
        # As a fetcher: without what makes a member of a consumer.
        outsider = fetcher_config(loaded.clients.fetcher, group_id=self.group_id, client_id=name)
        self._catalog = AdminTopicCatalog(admin)
        self._view = GroupView(admin, is_read_committed=outsider["isolation.level"] == "read_committed")
        self._committer = ConsumerGroupMember(outsider)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._catalog.close()
        self._committer.close()

    def state(self, topic: str | None = None, partitions: Collection[int] = ()) -> GroupState:
        """How the group stands, of all that the connector reads or the topic and partitions named.

        Raises NoSuchPartition for what it does not read, or what does not exist.
        """
        found, missing = self._topics(topic)
        tps = [
            TopicPartition(name, partition)
            for name, snapshot in found.items()
            for partition in range(snapshot.partitions)
            if not partitions or partition in partitions
        ]
        absent = set(partitions) - {tp.partition for tp in tps}
        if absent or (topic and missing):
            what = (
                f"partition {min(absent)} of {topic or self._config.topics_text}" if not missing else f"topic {topic}"
            )
            raise NoSuchPartition(f"{what} does not exist")
        members = self._patiently(lambda: self._view.members(self.group_id))
        first, end = self._patiently(lambda: (self._view.earliest(tps), self._view.latest(tps)))
        committed = self._patiently(lambda: self._committer.committed(tps, _TIMEOUT)) if tps else []
        offsets = [
            PartitionOffsets(each, found[each.tp.topic].topic_id, first[each.tp], end[each.tp]) for each in committed
        ]
        return GroupState(members, offsets, missing)

    def plan(self, state: GroupState, target: ResetTarget) -> list[Move]:
        """What `reset` would change. Raises NoSuchPartition for a target that names one that is not there."""
        partitions = list(state.partitions)
        if isinstance(target, ByPartition):
            topics = {each.tp.topic for each in partitions}
            if len(topics) > 1:
                raise NoSuchPartition("by-partition is about one topic: name it", hint=f"--topic {min(topics)}")
            absent = target.offsets.keys() - {each.tp.partition for each in partitions}
            if absent:
                raise NoSuchPartition(f"partition {min(absent)} of {self._config.topics_text} does not exist")
            partitions = [each for each in partitions if each.tp.partition in target.offsets]
        at_time: dict[TopicPartition, int | None] = {}
        if isinstance(target, AtTime):
            timestamp, tps = target.timestamp, [each.tp for each in partitions]
            at_time = self._patiently(lambda: self._view.at_time(tps, timestamp))
        return [plan_move(each, target, self.reset_policy, at_time.get(each.tp)) for each in partitions]

    def reset(self, moves: Sequence[Move]) -> None:
        """Commit the plan. Raises GroupIsActive while the group has members: also where one joins at this moment.

        The broker takes a commit of who is no member only while there is none.
        """
        members = self._patiently(lambda: self._view.members(self.group_id))
        if members:
            raise active_group(self.group_id, members)
        refused = {
            tp: code
            for tp, code in self._committer.commit_sync([move.commit for move in moves], _TIMEOUT).items()
            if code is not None
        }
        if _NOT_A_MEMBER.intersection(refused.values()):
            raise active_group(self.group_id, self._patiently(lambda: self._view.members(self.group_id)))
        if refused:
            told = ", ".join(f"{tp} ({code})" for tp, code in refused.items())
            raise RetriableKafkaError(f"not committed: {told}", hint="Look with `offsets show`, and try again.")

    def _topics(self, only: str | None) -> tuple[dict[str, TopicSnapshot], list[str]]:
        if only is not None and not self._config.selects(only):
            raise NoSuchPartition(f"the connector does not read {only}, but {self._config.topics_text}")
        if only is not None:
            names = [only]
        elif self._config.topics_pattern is not None:
            names = matching(self._config.topics_pattern, self._patiently(self._catalog.names))
        else:
            names = list(self._config.topics)
        found = self._patiently(lambda: self._catalog.describe(names))
        return {name: found[name] for name in names if name in found}, [name for name in names if name not in found]

    def _patiently(self, ask: Callable[[], T]) -> T:
        return patiently(ask, self._clock)


def active_group(group_id: str, members: Sequence[ActiveMember]) -> GroupIsActive:
    """The refusal, with who is in the group."""
    who = ", ".join(sorted({f"{member.client_id} on {member.host.lstrip('/')}" for member in members}))
    count = f"{len(members)} active member{'' if len(members) == 1 else 's'}"
    return GroupIsActive(
        f"the group {group_id} has {count}" + (f": {who}" if who else ""),
        hint="Stop every process of this connector; one that was killed counts until its session has timed out.",
    )
