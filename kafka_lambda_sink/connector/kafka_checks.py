"""What `check` asks about Kafka: every cluster, and whether two of them are one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.asking import Asking
from kafka_lambda_sink.connector.cluster_checks import ClusterChecks
from kafka_lambda_sink.connector.findings import Finding, broken, doubtful
from kafka_lambda_sink.connector.report_topics import ReportTopic, report_topics
from kafka_lambda_sink.core.errors import ConfigError
from kafka_lambda_sink.kafka.client_config import admin_config


class KafkaChecks:
    """The questions about Kafka of one configuration. No cluster is asked twice with the same credentials."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self._config, self._clients = loaded.sink, loaded.clients
        self._topics = report_topics(self._config, self._clients)
        self._source = self._cluster(self._clients.admin, is_source=True)
        others = {_identity(topic.admin): topic.admin for topic in self._topics}
        others.pop(_identity(self._clients.admin), None)
        self._others = {identity: self._cluster(admin, is_source=False) for identity, admin in others.items()}

    def askings(self) -> Sequence[Asking]:
        """The questions to each cluster."""
        ask_id = any(topic.may_loop for topic in self._topics)
        clusters = [self._source, *self._others.values()]
        return [Asking(cluster.run(ask_id=ask_id), cluster.late()) for cluster in clusters]

    def loops(self) -> Iterator[Finding]:
        """Topics that are read and written, once the clusters have answered."""
        for topic in self._topics:
            if topic.may_loop:
                cluster = self._others.get(_identity(topic.admin), self._source)
                problem = topic.loop(self._source.cluster_id, cluster.cluster_id)
                if problem is not None:
                    yield broken("report-topic", topic.topic, ConfigError([problem]))
                elif None in {self._source.cluster_id, cluster.cluster_id}:
                    yield possible_loop(topic)

    def _cluster(self, admin: Mapping[str, str], *, is_source: bool) -> ClusterChecks:
        config: dict[str, Any] = admin_config(admin, client_id=self._config.name)
        topics = [topic for topic in self._topics if _identity(topic.admin) == _identity(admin)]
        group_id = self._clients.group_id if is_source else None
        return ClusterChecks(self._config, config, group_id=group_id, topics=topics)


def possible_loop(topic: ReportTopic) -> Finding:
    """A topic whose cluster is not known to be another than the source's."""
    servers = topic.admin["bootstrap.servers"]
    message = f"a topic of this name is read too: it comes back for ever if {servers} is the source's own cluster"
    hint = "Nothing, where it is another cluster; the connector asks both at start"
    return doubtful("report-topic", topic.topic, message, error_id="topic-loop", hint=hint)


def _identity(properties: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(properties.items())
