"""Files written for the Confluent connector, of its first release and of today's, with what becomes of each key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

FILES = Path(__file__).parents[1] / "data" / "connectors"
WORKER = FILES / "worker.properties"


class Expected(NamedTuple):
    """What becomes of a file's keys: those that are neither ignored nor warned about are in force."""

    #: Keys of the file without effect.
    ignored: set[str]
    #: Keys that a warning is about, of the file.
    warned: set[str]
    #: Attributes of the configuration.
    sink: Mapping[str, object]


CONFLUENT_TOPIC = {"confluent.topic.bootstrap.servers", "confluent.topic.replication.factor"}
EXPECTED = {
    "first-release-minimal.properties": Expected(
        CONFLUENT_TOPIC,
        set(),
        {"aws_lambda_batch_size": 50, "aws_lambda_response_topic": None, "value_converter_schemas_enable": False},
    ),
    "first-release-topics.properties": Expected(
        {
            *CONFLUENT_TOPIC,
            "confluent.license",
            "aws.lambda.response.acks",
            "aws.lambda.response.key.serializer",
            "aws.lambda.response.value.serializer",
        },
        set(),
        {
            "topics": ("orders", "returns"),
            "functions": ("arn:aws:lambda:eu-west-1:123456789012:function:price-orders:live",),
            "behavior_on_error": "log",
            "aws_lambda_response_topic": "orders-priced",
            "aws_lambda_error_topic": "orders-failed",
            "reporter_result_topic_replication_factor": -1,
        },
    ),
    "first-release-cloud.json": Expected(
        {
            *CONFLUENT_TOPIC,
            "confluent.topic.ssl.endpoint.identification.algorithm",
            "confluent.topic.sasl.mechanism",
            "confluent.topic.request.timeout.ms",
            "confluent.topic.sasl.jaas.config",
            "confluent.topic.security.protocol",
        },
        set(),
        {"name": "staging-request-tagging", "reporter_result_topic_replication_factor": 1},
    ),
    "first-release-secured.properties": Expected(
        {
            *CONFLUENT_TOPIC,
            "confluent.license",
            "confluent.topic",
            "confluent.topic.ssl.truststore.location",
            "confluent.topic.ssl.truststore.password",
            "aws.lambda.response.key.serializer",
            "aws.lambda.response.value.serializer",
            "aws.lambda.error.acks",
        },
        set(),
        {
            "topics_regex": r"orders\.(eu|us)",
            "behavior_on_error": "ignore",
            "aws_lambda_response_topic": "orders.priced",
            "aws_lambda_error_topic": "orders.failed",
        },
    ),
    "reporter.json": Expected(
        {*CONFLUENT_TOPIC, "confluent.license"},
        set(),
        {
            "aws_lambda_response_topic": "success-responses",
            "aws_lambda_error_topic": "error-responses",
            "reporter_error_topic_replication_factor": 1,
            "reporter_error_topic_partitions": 1,
        },
    ),
    "reporter-defaults.properties": Expected(
        {
            "reporter.result.topic.key.format.schemas.cache.size",
            "reporter.result.topic.value.format.schemas.cache.size",
        },
        set(),
        {
            "aws_lambda_response_topic": "tag-success",
            "aws_lambda_error_topic": "tag-error",
            "reporter_result_topic_replication_factor": 3,
            "reporter_result_topic_key_format": "json",
            "reporter_result_topic_key_format_schemas_enable": True,
            "reporter_error_topic_key_format": "string",
            "value_converter_schemas_enable": True,
        },
    ),
    "reporter-off.properties": Expected(
        {"aws.lambda.user.agent"},
        set(),
        {
            "aws_lambda_response_topic": None,
            "aws_lambda_error_topic": None,
            "value_converter": "bytes",
            "aws_lambda_socket_timeout": 60_000,
        },
    ),
    "reporter-assume-role.json": Expected(
        {"aws.credentials.provider.class", "_comment"},
        {"_comment"},
        {
            "aws_role_arn": "arn:aws:iam::123456789012:role/invoke",
            "aws_role_external_id": "123",
            "aws_access_key_id": "AKIAEXAMPLE",
        },
    ),
    "reporter-secured.properties": Expected(
        {"reporter.producer.max.block.ms"}, set(), {"aws_lambda_error_topic": "secured-reports-error"}
    ),
    "scram.properties": Expected(
        {
            "errors.retry.delay.max.ms",
            "config.action.reload",
            "consumer.override.ssl.enabled.protocols",
            "consumer.override.key.deserializer",
            "consumer.override.value.deserializer",
            "consumer.override.max.poll.records",
            "consumer.override.interceptor.classes",
        },
        set(),
        {
            "errors_tolerance": "all",
            "errors_deadletterqueue_topic_replication_factor": 2,
            "auto_offset_reset": "latest",
            "value_converter_schemas_enable": True,
        },
    ),
    "mutual-tls.properties": Expected(
        {"key.converter.encoding", "ssl.protocol"},
        set(),
        {"aws_lambda_invocation_type": "async", "record_converter_class": "EscapedJsonKeyValueConverter"},
    ),
    "msk-iam.properties": Expected(
        {"group.id", "aws.credentials.provider.class", "sasl.client.callback.handler.class"}, {"group.id"}, {}
    ),
    "oauth.properties": Expected({"sasl.login.callback.handler.class", "sasl.login.refresh.buffer.seconds"}, set(), {}),
    "nordstrom.properties": Expected(
        {
            "aws.credentials.provider.class",
            "aws.lambda.invocation.timeout.ms",
            "aws.lambda.invocation.mode",
        },
        {
            "aws.lambda.invocation.timeout.ms",
            "aws.lambda.invocation.mode",
        },
        {
            "aws_role_session_name": "my-session",
            "aws_lambda_region": "us-west-2",
            "aws_lambda_batch_enabled": False,
            "aws_lambda_batch_size": 1,
        },
    ),
}
