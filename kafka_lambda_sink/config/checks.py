"""What must hold between several properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kafka_lambda_sink.config.claim_checks import claim_errors
from kafka_lambda_sink.config.clients.assembly import ClientProperties
from kafka_lambda_sink.config.elsewhere import connector_class_problem, is_foreign
from kafka_lambda_sink.config.endpoint_checks import plain_http_errors, url_secret_errors
from kafka_lambda_sink.config.field_checks import field_errors
from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.function_checks import function_errors, function_warnings
from kafka_lambda_sink.config.function_connector_checks import function_connector_errors, function_connector_warnings
from kafka_lambda_sink.config.groups.request import contract_named
from kafka_lambda_sink.config.invocation_checks import invocation_errors, invocation_warnings
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.config.ordering_checks import ordering_errors, ordering_warnings
from kafka_lambda_sink.config.registry_checks import registry_errors
from kafka_lambda_sink.config.routing_checks import routing_errors, routing_warnings
from kafka_lambda_sink.config.topic_loops import topic_loops

#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, invocation payload
_ASYNC_LIMIT = 1_048_576
#: Java's and librdkafka's default.
_MAX_POLL_INTERVAL_MS = 300_000


def errors(config: SinkConfig, clients: ClientProperties) -> Iterator[Finding]:
    """What stops the start."""
    yield from _selection(config)
    yield from _loops(config, clients)
    yield from _credentials(config)
    yield from function_errors(config)
    yield from invocation_errors(config)
    yield from _endpoint(config)
    yield from _limits(config)
    if config.errors_deadletterqueue_function_errors_enable and not config.errors_deadletterqueue_topic_name:
        enable, topic = "errors_deadletterqueue_function_errors_enable", "errors_deadletterqueue_topic_name"
        yield Finding((enable, topic), "needs errors.deadletterqueue.topic.name beside it", "missing-key")
    yield from claim_errors(config)
    yield from _group(config, clients.coordinator)
    yield from registry_errors(config)
    yield from _requests(config)
    yield from routing_errors(config)
    yield from function_connector_errors(config)
    yield from ordering_errors(config)
    yield from field_errors(config)


def warnings(config: SinkConfig) -> Iterator[Finding]:
    """What a person should know at the start."""
    if config.aws_lambda_invocation_type == "async":
        if config.aws_lambda_response_topic:
            message = "nothing is written to it: an asynchronous invocation has no result"
            yield Finding(("aws_lambda_response_topic", "aws_lambda_invocation_type"), message, "no-effect")
        if config.aws_lambda_log_type == "tail":
            message = "an asynchronous invocation returns no log"
            yield Finding(("aws_lambda_log_type", "aws_lambda_invocation_type"), message, "no-effect")
    yield from function_warnings(config)
    yield from invocation_warnings(config)
    yield from routing_warnings(config)
    yield from function_connector_warnings(config)
    yield from ordering_warnings(config)
    yield from _idle_dead_letters(config)
    if config.aws_profile and config.aws_access_key_id:
        yield Finding(("aws_profile", "aws_access_key_id"), "has no effect beside static keys", "no-effect")


def _idle_dead_letters(config: SinkConfig) -> Iterator[Finding]:
    enable = "errors_deadletterqueue_function_errors_enable"
    if config.errors_deadletterqueue_function_errors_enable:
        if config.behavior_on_error == "ignore":
            message = "nothing is given up while behavior.on.error is ignore: failures are only counted"
            yield Finding((enable, "behavior_on_error"), message, "no-effect")
    elif config.errors_deadletterqueue_topic_name and config.errors_tolerance == "none":
        message = "nothing is written to it while errors.tolerance is none"
        yield Finding(("errors_deadletterqueue_topic_name", "errors_tolerance"), message, "no-effect")


def _selection(config: SinkConfig) -> Iterator[Finding]:
    if config.connector_class and is_foreign(config.connector_class):
        problem = connector_class_problem(config.connector_class)
        if problem:
            yield Finding(
                ("connector_class",), problem, "unknown-connector", "Remove it, or name the Confluent connector"
            )
    if bool(config.topics) == (config.topics_regex is not None):
        both = "one of topics and topics.regex, not both" if config.topics else "topics (or topics.regex) is required"
        yield Finding(("topics", "topics_regex"), both, "conflict" if config.topics else "missing-key")


def _loops(config: SinkConfig, clients: ClientProperties) -> Iterator[Finding]:
    for loop in topic_loops(config, clients):
        if loop.is_certain:
            attribute = loop.key.replace(".", "_")
            message = f"`{loop.topic}` is among the topics that are read: its records would come back for ever"
            yield Finding((attribute, "topics", "topics_regex"), message, "topic-loop")


def _credentials(config: SinkConfig) -> Iterator[Finding]:
    for one, other in (
        ("aws_access_key_id", "aws_secret_access_key"),
        ("aws_session_token", "aws_access_key_id"),
        ("aws_role_external_id", "aws_role_arn"),
        ("aws_role_session_name", "aws_role_arn"),
        ("aws_lambda_proxy_user", "aws_lambda_proxy_url"),
        ("aws_lambda_proxy_password", "aws_lambda_proxy_user"),
        ("aws_secret_access_key", "aws_access_key_id"),
    ):
        if getattr(config, one) is not None and getattr(config, other) is None:
            yield Finding((one, other), f"needs {other.replace('_', '.')} beside it", "missing-key")


def _endpoint(config: SinkConfig) -> Iterator[Finding]:
    yield from plain_http_errors(config, "aws_lambda_endpoint_url")
    yield from url_secret_errors(config, "aws_lambda_endpoint_url")
    remedy = "Use aws.lambda.proxy.user and aws.lambda.proxy.password"
    yield from url_secret_errors(config, "aws_lambda_proxy_url", remedy)


def _requests(config: SinkConfig) -> Iterator[Finding]:
    name = config.aws_lambda_request_format
    for format_name, attribute in (
        ("aws-msk", "aws_lambda_request_event_source_arn"),
        ("cloudevents", "aws_lambda_request_cloudevents_type"),
    ):
        if name == format_name and not getattr(config, attribute):
            message = f"needs {attribute.replace('_', '.')} beside it"
            yield Finding(("aws_lambda_request_format", attribute), message, "missing-key")
    named = contract_named(config.result_handler_class)
    if named and named != config.aws_lambda_reply_contract:
        message = f"names the contract `{named}`, and aws.lambda.reply.contract another one"
        yield Finding(("result_handler_class", "aws_lambda_reply_contract"), message, "conflict", "Remove one of them")
    if config.aws_lambda_reply_contract == "row-errors" and name != "rows":
        message = "row-errors goes with aws.lambda.request.format=rows"
        yield Finding(("aws_lambda_reply_contract", "aws_lambda_request_format"), message)


def _limits(config: SinkConfig) -> Iterator[Finding]:
    if config.aws_lambda_batch_size > 1 and not config.aws_lambda_batch_enabled:
        message = "asks for batches, and aws.lambda.batch.enabled=false for one record an invocation"
        yield Finding(("aws_lambda_batch_size", "aws_lambda_batch_enabled"), message, "conflict", "Remove one of them")
    if config.aws_lambda_retry_backoff_ms > config.aws_lambda_retry_backoff_max_ms:
        message = "is more than aws.lambda.retry.backoff.max.ms"
        yield Finding(("aws_lambda_retry_backoff_ms", "aws_lambda_retry_backoff_max_ms"), message)
    if config.aws_lambda_invocation_type == "async" and config.batch_max_bytes > _ASYNC_LIMIT:
        message = f"is more than the {_ASYNC_LIMIT} bytes that an asynchronous invocation takes"
        yield Finding(("aws_lambda_batch_max_bytes", "aws_lambda_invocation_type"), message)
    for attribute in (
        "errors_deadletterqueue_topic_replication_factor",
        "reporter_result_topic_replication_factor",
        "reporter_error_topic_replication_factor",
        "reporter_result_topic_partitions",
        "reporter_error_topic_partitions",
    ):
        if getattr(config, attribute) == 0:
            yield Finding((attribute,), "must be 1 or more, or -1 for the broker's default", "invalid-value")


def _group(config: SinkConfig, coordinator: Mapping[str, str]) -> Iterator[Finding]:
    interval = coordinator.get("max.poll.interval.ms", "")
    max_poll = int(interval) if interval.isdecimal() else _MAX_POLL_INTERVAL_MS
    if config.rebalance_drain_timeout_ms >= max_poll:
        message = f"must be below max.poll.interval.ms ({max_poll}): the group would give the partition away meanwhile"
        yield Finding(("rebalance_drain_timeout_ms",), message)
    protocol = coordinator.get("group.protocol", "classic")
    if protocol not in {"classic", "consumer"}:
        yield Finding((), "consumer.override.group.protocol must be classic or consumer", "invalid-value")
    if protocol == "consumer":
        refused = {"session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"} & coordinator.keys()
        if refused:
            message = f"with group.protocol=consumer the broker decides on {', '.join(sorted(refused))}: remove them"
            yield Finding((), message)
