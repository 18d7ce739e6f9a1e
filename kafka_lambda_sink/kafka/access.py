"""What `check` asks of a cluster: is it there, and what may we do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import TopicCollection
from confluent_kafka.admin import AclOperation, NewTopic

from kafka_lambda_sink.core.errors import KafkaClientError
from kafka_lambda_sink.kafka.admin_questions import REQUEST_TIMEOUT, AdminQuestions


@dataclass(frozen=True, slots=True)
class Access:
    """What we may do to one topic or group."""

    #: Kafka's names: READ, WRITE, DESCRIBE, …; None where the broker did not tell.
    operations: frozenset[str] | None = None
    #: Why the question was refused, else None. UnknownTopicError for a topic that does not exist.
    error: KafkaClientError | None = None
    #: Of a topic that exists.
    partitions: int = 0

    def may(self, operation: str) -> bool | None:
        """Whether `operation` is allowed; None where that is not known."""
        if self.error is not None:
            return False
        return None if self.operations is None else operation in self.operations


class ClusterAccess:
    """The questions, on one admin client of `client_config.admin_config`. Every method blocks."""

    def __init__(self, config: Mapping[str, Any], *, timeout: float = REQUEST_TIMEOUT) -> None:
        self._timeout = timeout
        self._questions = AdminQuestions(config, timeout=timeout, is_forgetful=False)
        self._admin = self._questions.client

    def brokers(self) -> int:
        """How many brokers there are. Raises RetriableKafkaError, KafkaAuthorizationError with the reason."""
        answer = self._admin.describe_cluster(request_timeout=self._timeout)
        return len(self._questions.result(answer, "reaching the brokers").nodes)

    def topics(self, names: Sequence[str]) -> dict[str, Access]:
        """Access to each of `names`."""
        answers = self._admin.describe_topics(
            TopicCollection(list(names)), include_authorized_operations=True, request_timeout=self._timeout
        )
        return {name: self._access(answer, f"topic {name}") for name, answer in answers.items()}

    def refuses_topic(self, topic: str, partitions: int, replication_factor: int) -> KafkaClientError | None:
        """Why a topic could not be created, or None where it could. Nothing is created."""
        new = NewTopic(topic, partitions, replication_factor)
        answer = self._admin.create_topics([new], validate_only=True, request_timeout=self._timeout)[topic]
        try:
            self._questions.result(answer, f"creating topic {topic}")
        except KafkaClientError as error:
            return error
        return None

    def group(self, group_id: str) -> Access:
        """Access to a consumer group, which need not exist."""
        answers = self._admin.describe_consumer_groups(
            [group_id], include_authorized_operations=True, request_timeout=self._timeout
        )
        return self._access(answers[group_id], f"group {group_id}")

    def _access(self, answer: Future[Any], what: str) -> Access:
        try:
            described = self._questions.result(answer, f"describing {what}")
        except KafkaClientError as error:
            return Access(error=error)
        operations: list[AclOperation] | None = described.authorized_operations
        return Access(
            None if operations is None else frozenset(operation.name for operation in operations),
            partitions=len(getattr(described, "partitions", ())),
        )
