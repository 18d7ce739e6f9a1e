"""Asking the cluster about topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import NewTopic, TopicDescription

from kafka_lambda_sink.core.errors import KafkaClientError, UnknownTopicError
from kafka_lambda_sink.core.ports import TopicSnapshot
from kafka_lambda_sink.kafka.admin_questions import REQUEST_TIMEOUT, AdminQuestions

#: Kafka's "none", what a broker without topic ids answers.
_NO_ID: Final = "AAAAAAAAAAAAAAAAAAAAAA"


class AdminTopicCatalog:
    """`core.ports.TopicCatalog` on an admin client, configured by `client_config.admin_config`. Thread-safe."""

    def __init__(self, config: Mapping[str, Any], *, timeout: float = REQUEST_TIMEOUT) -> None:
        self._timeout = timeout
        self._questions = AdminQuestions(config, timeout=timeout)
        self._admin = self._questions.client

    def cluster_id(self) -> str | None:
        """Which cluster it is."""
        answer = self._admin.describe_cluster(request_timeout=self._timeout)
        # None where the broker is older than cluster ids, which the client's types do not tell.
        return self._questions.result(answer, "asking which cluster it is").cluster_id or None

    def names(self) -> list[str]:
        """Names of all topics that we may describe, sorted."""
        try:
            topics = self._admin.list_topics(timeout=self._timeout).topics
        except KafkaException as error:
            raise self._questions.explain(error, "listing topics") from error
        return sorted(name for name, topic in topics.items() if topic.error is None)

    def describe(self, topics: Sequence[str]) -> dict[str, TopicSnapshot]:
        """Those of `topics` that exist, with their ids in Kafka's own text (base64, URL alphabet)."""
        if not topics:
            return {}
        answers = self._admin.describe_topics(TopicCollection(list(topics)), request_timeout=self._timeout)
        found = {}
        for name, answer in answers.items():
            try:
                description: TopicDescription = self._questions.result(answer, f"describing topic {name}")
            except UnknownTopicError:
                continue
            found[name] = TopicSnapshot(_topic_id(description), len(description.partitions))
        return found

    def create(self, topic: str, partitions: int, replication_factor: int, config: dict[str, str]) -> None:
        """Create a topic; one that exists already is left as it is."""
        new = NewTopic(topic, partitions, replication_factor, config=config)
        answer = self._admin.create_topics([new], request_timeout=self._timeout)[topic]
        try:
            self._questions.result(answer, f"creating topic {topic}")
        except KafkaClientError as error:
            if error.code != KafkaError(KafkaError.TOPIC_ALREADY_EXISTS).name():
                raise

    def close(self) -> None:
        """Serve what log lines are left. The client itself ends with its last reference."""
        self._admin.poll(0)


def _topic_id(description: TopicDescription) -> str | None:
    text = str(description.topic_id).replace("+", "-").replace("/", "_")
    return None if text == _NO_ID else text
