"""The report topics of a connector: created where they are missing, each with its format and its producer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kafka_lambda_sink.config.clients.assembly import ClientProperties
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.report_topics import ReportTopic, report_topics
from kafka_lambda_sink.contracts.report_format import ReportFormat
from kafka_lambda_sink.contracts.reports import DeadLetterReports, ErrorReports, ResultReports
from kafka_lambda_sink.contracts.shrink import shrink
from kafka_lambda_sink.core.errors import (
    ConfigError,
    KafkaAuthorizationError,
    KafkaClientError,
    Problem,
    RetriableKafkaError,
)
from kafka_lambda_sink.core.ports import Clock, ReportProducer, TopicCatalog
from kafka_lambda_sink.core.task_id import ALONE, TaskId
from kafka_lambda_sink.kafka.client_config import admin_config, producer_config
from kafka_lambda_sink.kafka.producer import KafkaReportProducer
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.judgement import (
    BehaviorOnError,
    DeadLetterSink,
    ErrorSink,
    Policy,
    ResultSink,
)
from kafka_lambda_sink.pipeline.reporting import Reporter
from kafka_lambda_sink.telemetry.logs import get_logger

_log = get_logger(__name__)

#: Answers that say nothing about the topic that is to be created.
_PASSING = frozenset({"NOT_CONTROLLER", "REQUEST_TIMED_OUT", "THROTTLING_QUOTA_EXCEEDED", "BROKER_NOT_AVAILABLE"})


class ReportSinks:
    """The sinks of one task. One producer, and one thread that polls it, for each distinct client configuration."""

    def __init__(
        self,
        config: SinkConfig,
        clients: ClientProperties,
        clock: Clock,
        alarms: Alarms,
        open_catalog: Callable[[Mapping[str, Any]], TopicCatalog],
        *,
        task_id: TaskId = ALONE,
    ) -> None:
        self._config = config
        self._task_id = task_id
        self._client_id = task_id.name(config.name)
        self._open_catalog = open_catalog
        self._clock = clock
        self._alarms = alarms
        self._topics = report_topics(config, clients)
        self._reporters: dict[frozenset[tuple[str, str]], Reporter] = {}

    def prepare_topics(self, source: TopicCatalog) -> None:
        """Refuse those that `source` gives us to read, create those that are missing. Blocks.

        Raises ConfigError with a hint, RetriableKafkaError where a cluster could not answer.
        """
        problems = []
        catalogs: dict[frozenset[tuple[str, str]], TopicCatalog] = {}
        try:
            for topic in self._topics:
                properties = frozenset(topic.admin.items())
                if properties not in catalogs:
                    config = admin_config(topic.admin, client_id=self._client_id)
                    catalogs[properties] = self._open_catalog(config)
                catalog = catalogs[properties]
                loop = _loop(topic, source, catalog) if topic.may_loop else None
                problems += [loop] if loop else _create(catalog, topic)
        finally:
            for catalog in catalogs.values():
                catalog.close()
        if problems:
            raise ConfigError(problems)

    def policy(self, function: str | None) -> Policy:
        """What becomes of the results and failures of a function; None: of no function. Builds the producers."""
        config = self._config
        topics = {topic.key: topic for topic in self._topics}
        response = topics.get("aws.lambda.response.topic")
        # All topics of results have one producer.
        results = response or topics.get("aws.lambda.reply.routing.topics")
        errors = topics.get("aws.lambda.error.topic")
        dead_letters = topics.get("errors.deadletterqueue.topic.name")
        dead_letter_sink = (
            DeadLetterSink(
                _dead_letters(config, dead_letters.topic, function, self._task_id), self._reporter(dead_letters)
            )
            if dead_letters
            else None
        )
        return Policy(
            behavior_on_error=BehaviorOnError(config.behavior_on_error),
            tolerates_errant_records=config.errors_tolerance == "all",
            log_errant_records=config.errors_log_enable,
            log_timestamps=config.errors_log_include_messages,
            results=(
                ResultSink(_results(config, response.topic if response else None), self._reporter(results))
                if results
                else None
            ),
            errors=ErrorSink(_errors(config, errors.topic, function), self._reporter(errors)) if errors else None,
            dead_letters=dead_letter_sink,
            given_up=dead_letter_sink if config.errors_deadletterqueue_function_errors_enable else None,
        )

    @property
    def reporters(self) -> list[Reporter]:
        """The reporters that `policy` built."""
        return list(self._reporters.values())

    def _reporter(self, topic: ReportTopic) -> Reporter:
        properties = frozenset(topic.producer.items())
        reporter = self._reporters.get(properties)
        if reporter is None:
            final = producer_config(topic.producer, client_id=self._client_id)

            def build() -> ReportProducer:
                return KafkaReportProducer(final)

            def build_alone() -> ReportProducer:
                return KafkaReportProducer(final | {"batch.num.messages": "1"})

            reporter = self._reporters[properties] = Reporter(build, build_alone, shrink, self._clock, self._alarms)
        return reporter


def _loop(topic: ReportTopic, source: TopicCatalog, catalog: TopicCatalog) -> Problem | None:
    source_cluster, cluster = source.cluster_id(), catalog.cluster_id()
    if None in {source_cluster, cluster}:
        message = "cannot tell whether a topic that is written is one that is read: its cluster has no id"
        _log.warning(message, topic=topic.topic, key=topic.key, error_id="topic-loop")
    return topic.loop(source_cluster, cluster)


def _create(catalog: TopicCatalog, topic: ReportTopic) -> list[Problem]:
    if topic.topic in catalog.describe([topic.topic]):
        return []
    try:
        catalog.create(topic.topic, topic.partitions, topic.replication_factor, {})
    except KafkaAuthorizationError:
        raise
    except KafkaClientError as error:
        if error.code in _PASSING or error.code.startswith("_"):
            # The cluster did not judge the topic: it was out of reach, or between two controllers.
            raise RetriableKafkaError(str(error), code=error.code, hint=error.hint) from error
        hint = f"Create the topic {topic.topic}, or allow CREATE on it, then start again."
        message = f"topic {topic.topic} does not exist and cannot be created: {error}"
        return [Problem(key=topic.key, message=message, error_id="missing-report-topic", hint=hint)]
    _log.info("created a report topic", topic=topic.topic, key=topic.key)
    return []


def _results(config: SinkConfig, topic: str | None) -> ResultReports:
    return ResultReports(
        topic,
        ReportFormat(
            config.reporter_result_topic_key_format == "json"
            and config.reporter_result_topic_key_format_schemas_enable,
            config.reporter_result_topic_value_format == "json"
            and config.reporter_result_topic_value_format_schemas_enable,
        ),
    )


def _errors(config: SinkConfig, topic: str, function: str | None) -> ErrorReports:
    return ErrorReports(
        topic,
        function or "",
        ReportFormat(
            config.reporter_error_topic_key_format == "json" and config.reporter_error_topic_key_format_schemas_enable,
            config.reporter_error_topic_value_format == "json"
            and config.reporter_error_topic_value_format_schemas_enable,
        ),
    )


def _dead_letters(config: SinkConfig, topic: str, function: str | None, task_id: TaskId) -> DeadLetterReports:
    return DeadLetterReports(
        topic,
        connector=config.name,
        function_name=function or "",
        has_context=config.errors_deadletterqueue_context_headers_enable,
        stages={
            "KEY_CONVERTER": config.key_converter,
            "VALUE_CONVERTER": config.value_converter,
            "HEADER_CONVERTER": config.header_converter,
            "TASK_PUT": config.connector_class or "",
        },
        task=task_id.number,
    )
