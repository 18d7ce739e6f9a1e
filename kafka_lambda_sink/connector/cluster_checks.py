"""What `check` asks one cluster: brokers, source topics, the group, report topics."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.findings import Finding, broken, doubtful, fine, skipped
from kafka_lambda_sink.connector.missing_function import missing_function
from kafka_lambda_sink.connector.report_topics import ReportTopic
from kafka_lambda_sink.core.errors import (
    ConfigError,
    KafkaAuthorizationError,
    KafkaClientError,
    KafkaLambdaSinkError,
    Problem,
    RetriableKafkaError,
    UnknownTopicError,
)
from kafka_lambda_sink.kafka.access import Access, ClusterAccess
from kafka_lambda_sink.kafka.catalog import AdminTopicCatalog
from kafka_lambda_sink.kafka.errors import REACH_HINT
from kafka_lambda_sink.pipeline.topics import matching

#: Seconds until one question counts as not answered: two of them have to fit into a check.
_TIMEOUT: Final = 4.0
#: Attempts to find the group's coordinator, which a cluster may still be electing.
_ATTEMPTS: Final = 5
_PAUSE: Final = 0.5
#: Connections that a broker of MSK with IAM takes.
#: Source: https://docs.aws.amazon.com/msk/latest/developerguide/limits.html
_MANY_SOCKETS: Final = 3000


class ClusterChecks:
    """The questions to one cluster with one set of credentials: `admin` is of `client_config.admin_config`.

    `group_id` is None where it is not the source's cluster. Every method blocks.
    """

    def __init__(
        self, config: SinkConfig, admin: Mapping[str, Any], *, group_id: str | None, topics: Sequence[ReportTopic]
    ) -> None:
        self._config = config
        self._admin = admin
        self._group_id = group_id
        self._topics = topics
        self._brokers = 0
        self.address: Final = str(admin["bootstrap.servers"])
        #: Which cluster it is, once that was asked and answered; asked only where a topic may loop.
        self.cluster_id: str | None = None

    def run(self, *, ask_id: bool) -> Iterator[Finding]:
        """Everything, one after the other, until a question is not answered."""
        access = ClusterAccess(self._admin, timeout=_TIMEOUT)
        try:
            self._brokers = access.brokers()
            if ask_id:
                self.cluster_id = AdminTopicCatalog(self._admin, timeout=_TIMEOUT).cluster_id()
        except KafkaLambdaSinkError as error:
            error.hint = error.hint or REACH_HINT
            yield broken("brokers", self.address, error)
            yield from self._skipped()
            return
        yield fine("brokers", self.address, f"reached: {_count(self._brokers, 'broker')}")
        if self._group_id is not None:
            yield from self._source_topics(access)
            yield self._group(access, self._group_id)
        yield from self._report_topics(access)

    def late(self) -> Finding:
        """What to say when there is no answer in time."""
        return broken("brokers", self.address, RetriableKafkaError("no answer in time", hint=REACH_HINT))

    def _skipped(self) -> Iterator[Finding]:
        why = "the brokers were not reached"
        if self._group_id is not None:
            yield skipped("source-topic", self._config.topics_text, why)
            yield skipped("group", self._group_id, why)
        yield from (skipped("report-topic", topic.topic, why) for topic in self._topics)

    # --- the source --------------------------------------------------------------------------------------------------

    def _source_topics(self, access: ClusterAccess) -> Iterator[Finding]:
        text = self._config.topics_text
        try:
            known = AdminTopicCatalog(self._admin, timeout=_TIMEOUT).names()
        except KafkaLambdaSinkError as error:
            yield broken("source-topic", text, error)
            return
        pattern = self._config.topics_pattern
        names = list(self._config.topics) if pattern is None else matching(pattern, known)
        if not names:
            message = "matches none of the topics that may be seen: a connector waits for one"
            yield doubtful("source-topic", text, message, error_id="missing-source-topic")
            return
        found = access.topics(names)
        for name in names:
            yield _source_topic(name, found[name], known)
            if self._config.function_of(name) is None:
                yield broken("source-topic", name, ConfigError([missing_function(name)]))
        partitions = sum(topic.partitions for topic in found.values())
        if partitions:
            yield self._sockets(partitions)

    def _group(self, access: ClusterAccess, group: str) -> Finding:
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
        """Each fetcher keeps a connection to each broker at most, and one for the bootstrap."""
        brokers = self._brokers
        fetchers = min(partitions, self._config.task_max_fetchers)
        sockets = fetchers * (brokers + 1)
        text = (
            f"up to {sockets}: {_count(fetchers, 'fetcher')} * ({_count(brokers, 'broker')} + 1), "
            "where one process has them all"
        )
        if sockets > _MANY_SOCKETS:
            hint = "Lower task.max.fetchers, and look at the limits of open files and of the brokers"
            return doubtful("sockets", "estimate", text, error_id="many-sockets", hint=hint)
        return fine("sockets", "estimate", text)

    # --- reports -----------------------------------------------------------------------------------------------------

    def _report_topics(self, access: ClusterAccess) -> Iterator[Finding]:
        if self._topics:
            found = access.topics([topic.topic for topic in self._topics])
            yield from (_report_topic(topic, found[topic.topic], access) for topic in self._topics)


def _report_topic(topic: ReportTopic, found: Access, access: ClusterAccess) -> Finding:
    if isinstance(found.error, UnknownTopicError):
        return _creation(topic, access.refuses_topic(topic.topic, topic.partitions, topic.replication_factor))
    if found.error is not None:
        return broken("report-topic", topic.topic, found.error)
    if found.may("WRITE") is False:
        return broken("report-topic", topic.topic, _denied("WRITE", f"the topic {topic.topic}"))
    return fine(
        "report-topic", topic.topic, f"exists, {_count(found.partitions, 'partition')}, may be written ({topic.key})"
    )


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
    return fine("source-topic", name, f"exists, {_count(found.partitions, 'partition')}, may be read")


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


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
