"""What `offsets` asks of a cluster: who is in a group, and where the logs begin and end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import IsolationLevel
from confluent_kafka import TopicPartition as ClientPartition
from confluent_kafka.admin import ConsumerGroupDescription, OffsetSpec

from kafka_lambda_sink.core.errors import KafkaClientError
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.admin_questions import REQUEST_TIMEOUT, AdminQuestions

#: How a broker says that a group does not exist. Source: KIP-1043.
_NO_GROUP: Final = "GROUP_ID_NOT_FOUND"
_EARLIEST: Final[OffsetSpec] = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # the client's own omission
_LATEST: Final[OffsetSpec] = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # as above


@dataclass(frozen=True, slots=True)
class ActiveMember:
    """A member of a group."""

    client_id: str
    #: As the broker sees it.
    host: str
    #: How many partitions it has now.
    partitions: int


class GroupView:
    """The questions, on one admin client of `client_config.admin_config`. Every method blocks.

    Committed offsets are not asked here: librdkafka 2.16's admin client ends the process when a group's coordinator
    moves under `list_consumer_group_offsets`. A consumer that never joins asks, and commits, instead.
    All methods raise RetriableKafkaError, also for logs that do not exist or may not be seen, and
    KafkaAuthorizationError. Who needs to know about topics asks the catalog first.
    """

    def __init__(self, config: Mapping[str, Any], *, is_read_committed: bool, timeout: float = REQUEST_TIMEOUT) -> None:
        self._timeout = timeout
        self._questions = AdminQuestions(config, timeout=timeout)
        self._admin = self._questions.client
        self._isolation = IsolationLevel.READ_COMMITTED if is_read_committed else IsolationLevel.READ_UNCOMMITTED

    def members(self, group_id: str) -> list[ActiveMember]:
        """Who is in the group now, whatever its protocol; nobody where it does not exist."""
        answers = self._admin.describe_consumer_groups([group_id], request_timeout=self._timeout)
        try:
            group: ConsumerGroupDescription = self._questions.result(answers[group_id], f"describing group {group_id}")
        except KafkaClientError as error:
            if error.code == _NO_GROUP:
                return []
            raise
        return [
            ActiveMember(member.client_id, member.host, len(member.assignment.topic_partitions))
            for member in group.members
        ]

    def earliest(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """First offset of each log."""
        return self._offsets(partitions, _EARLIEST, "asking where the log begins")

    def latest(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Offset after the last visible record of each."""
        return self._offsets(partitions, _LATEST, "asking where the log ends")

    def at_time(self, partitions: Sequence[TopicPartition], timestamp: int) -> dict[TopicPartition, int | None]:
        """Offset of the first record of each that is not older than `timestamp` (milliseconds); None without one."""
        found = self._offsets(partitions, OffsetSpec.for_timestamp(timestamp), "asking for records by time")
        return {tp: offset if offset >= 0 else None for tp, offset in found.items()}

    def _offsets(self, partitions: Sequence[TopicPartition], spec: OffsetSpec, doing: str) -> dict[TopicPartition, int]:
        if not partitions:
            return {}
        answers = self._admin.list_offsets(
            {ClientPartition(*tp): spec for tp in partitions},
            isolation_level=self._isolation,
            request_timeout=self._timeout,
        )
        found = {}
        for asked, answer in answers.items():
            tp = TopicPartition(asked.topic, asked.partition)
            found[tp] = self._questions.result(answer, f"{doing} of {tp}").offset
        return found
