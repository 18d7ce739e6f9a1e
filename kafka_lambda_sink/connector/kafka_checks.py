"""What `check` asks the clusters: brokers, topics, the group, permissions, sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.findings import Finding, broken, doubtful, fine, skipped
from kafka_lambda_sink.connector.report_sinks import ReportTopic, report_topics
from kafka_lambda_sink.core.errors import (
    ConfigError,
    KafkaAuthorizationError,
    KafkaClientError,
    KafkaLambdaSinkError,
    Problem,
    RetriableKafkaError,
    UnknownTopicError,
)
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.access import Access, ClusterAccess
from kafka_lambda_sink.kafka.catalog import AdminTopicCatalog
from kafka_lambda_sink.kafka.client_config import admin_config, fetcher_config, member_config, producer_config
from kafka_lambda_sink.kafka.fetcher import PartitionFetcher
from kafka_lambda_sink.kafka.group_member import ConsumerGroupMember
from kafka_lambda_sink.kafka.producer import KafkaReportProducer
from kafka_lambda_sink.pipeline.topics import matching

#: Attempts to find the group's coordinator, which a cluster may still be electing.
_ATTEMPTS: Final = 5
_PAUSE: Final = 0.5
#: Connections that a broker of MSK with IAM takes.
#: Source: https://docs.aws.amazon.com/msk/latest/developerguide/limits.html
_MANY_SOCKETS: Final = 3000


class KafkaChecks:
    """The questions about Kafka of one configuration. Every method blocks."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self._config, self._clients = loaded.sink, loaded.clients
        self._source: Final = self._admin(self._clients.admin)
        self._brokers: dict[str, int | KafkaLambdaSinkError] = {}

    def run(self) -> Iterator[Finding]:
        """Everything, one after the other."""
        broken_clients = list(self._client_properties())
        if broken_clients:
            yield from broken_clients
            return
        yield self._reach(self._source)
        access = self._access(self._source)
        if access is None:
            yield skipped("source-topic", self._topics_text, "the brokers were not reached")
            yield skipped("group", self._clients.group_id, "the brokers were not reached")
        else:
            yield from self._source_topics(access)
            yield self._group(access)
        for topic in report_topics(self._config, self._clients):
            yield from self._report_topic(topic)

    @property
    def _topics_text(self) -> str:
        return self._config.topics_regex or ",".join(self._config.topics)

    def _admin(self, properties: Mapping[str, str]) -> dict[str, Any]:
        return admin_config(properties, client_id=self._config.name)

    def _client_properties(self) -> Iterator[Finding]:
        """What librdkafka itself refuses: values, stores that cannot be read. Nothing is joined or read."""
        name, group = self._config.name, self._clients.group_id
        try:
            ConsumerGroupMember(member_config(self._clients.coordinator, group_id=group, client_id=name)).close()
            fetcher = fetcher_config(self._clients.fetcher, group_id=group, client_id=name)
            PartitionFetcher(TopicPartition("", 0), fetcher).close()
            for topic in report_topics(self._config, self._clients):
                KafkaReportProducer(producer_config(topic.producer, client_id=name)).close(0)
        except KafkaLambdaSinkError as error:
            yield broken("client-properties", "Kafka clients", error)

    # --- reaching ----------------------------------------------------------------------------------------------------

    def _reach(self, config: Mapping[str, Any]) -> Finding:
        address = str(config["bootstrap.servers"])
        count = self._brokers.get(address)
        if count is None:
            try:
                count = ClusterAccess(config).brokers()
            except KafkaLambdaSinkError as error:
                count = error
            self._brokers[address] = count
        if not isinstance(count, int):
            count.hint = count.hint or "Check bootstrap.servers, the network between, and security.protocol"
            return broken("brokers", address, count)
        return fine("brokers", address, f"reached: {count} broker{'' if count == 1 else 's'}")

    def _access(self, config: Mapping[str, Any]) -> ClusterAccess | None:
        reached = self._brokers.get(str(config["bootstrap.servers"]))
        return ClusterAccess(config) if isinstance(reached, int) else None

    # --- the source --------------------------------------------------------------------------------------------------

    def _source_topics(self, access: ClusterAccess) -> Iterator[Finding]:
        try:
            known = AdminTopicCatalog(self._source).names()
        except KafkaLambdaSinkError as error:
            yield broken("source-topic", self._topics_text, error)
            return
        pattern = self._config.topics_pattern
        names = list(self._config.topics) if pattern is None else matching(pattern, known)
        if not names:
            message = "matches none of the topics that may be seen: a connector waits for one"
            yield doubtful("source-topic", self._topics_text, message, error_id="missing-source-topic")
            return
        found = access.topics(names)
        for name in names:
            yield _source_topic(name, found[name], known)
        yield self._sockets(sum(topic.partitions for topic in found.values()))

    def _group(self, access: ClusterAccess) -> Finding:
        group = self._clients.group_id
        found = access.group(group)
        for _ in range(_ATTEMPTS):
            if not isinstance(found.error, RetriableKafkaError):
                break
            threading.Event().wait(_PAUSE)
            found = access.group(group)
        if found.error is not None:
            return broken("group", group, found.error)
        if found.may("READ") is False:
            return broken("group", group, _denied("READ", f"the group {group}"))
        return fine("group", group, "may be joined")

    def _sockets(self, partitions: int) -> Finding:
        """Each partition's fetcher keeps a connection to each broker at most, and one for the bootstrap."""
        brokers = self._brokers[str(self._source["bootstrap.servers"])]
        assert isinstance(brokers, int)
        sockets = partitions * (brokers + 1)
        text = f"up to {sockets}: {partitions} partitions * ({brokers} brokers + 1), where one process has them all"
        if sockets > _MANY_SOCKETS:
            hint = "Start more processes with the same name, and look at the limits of open files and of the brokers"
            return doubtful("sockets", "estimate", text, error_id="many-sockets", hint=hint)
        return fine("sockets", "estimate", text)

    # --- reports -----------------------------------------------------------------------------------------------------

    def _report_topic(self, topic: ReportTopic) -> Iterator[Finding]:
        config = self._admin(topic.admin)
        if str(config["bootstrap.servers"]) not in self._brokers:
            yield self._reach(config)
        access = self._access(config)
        if access is None:
            yield skipped("report-topic", topic.topic, "the brokers were not reached")
            return
        found = access.topics([topic.topic])[topic.topic]
        if isinstance(found.error, UnknownTopicError):
            yield _creation(topic, access.refuses_topic(topic.topic, topic.partitions, topic.replication_factor))
        elif found.error is not None:
            yield broken("report-topic", topic.topic, found.error)
        elif found.may("WRITE") is False:
            yield broken("report-topic", topic.topic, _denied("WRITE", f"the topic {topic.topic}"))
        else:
            yield fine("report-topic", topic.topic, f"exists, {_partitions(found)}, may be written ({topic.key})")


def _source_topic(name: str, found: Access, known: list[str]) -> Finding:
    if isinstance(found.error, UnknownTopicError):
        like = get_close_matches(name, known, n=1)
        hint = f"Create it, or correct the name: did you mean {like[0]}?" if like else "Create it, or correct the name"
        message = "does not exist: a connector waits for it"
        return doubtful("source-topic", name, message, error_id="missing-source-topic", hint=hint)
    if found.error is not None:
        return broken("source-topic", name, found.error)
    if found.may("READ") is False:
        return broken("source-topic", name, _denied("READ", f"the topic {name}"))
    return fine("source-topic", name, f"exists, {_partitions(found)}, may be read")


def _creation(topic: ReportTopic, refusal: KafkaClientError | None) -> Finding:
    if refusal is None:
        return fine("report-topic", topic.topic, f"does not exist: the connector creates it at start ({topic.key})")
    hint = f"Create the topic {topic.topic}, or allow CREATE on it."
    message = f"does not exist and cannot be created: {refusal}"
    if isinstance(refusal, KafkaAuthorizationError):
        return broken("report-topic", topic.topic, KafkaAuthorizationError(message, code=refusal.code, hint=hint))
    if isinstance(refusal, RetriableKafkaError) and refusal.code.startswith("_"):
        return broken("report-topic", topic.topic, refusal)
    problem = Problem(key=topic.key, message=f"{topic.topic} {message}", error_id="missing-report-topic", hint=hint)
    return broken("report-topic", topic.topic, ConfigError([problem]))


def _denied(operation: str, resource: str) -> KafkaAuthorizationError:
    hint = f"Allow {operation} on {resource} for this user."
    return KafkaAuthorizationError(f"{operation} on {resource} is not allowed", hint=hint)


def _partitions(found: Access) -> str:
    return f"{found.partitions} partition{'' if found.partitions == 1 else 's'}"
