"""Files written for the Confluent connector, of its first release and of today's, with what becomes of each key."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from kafka_lambda_sink.config.loading import LoadedConfig, load
from kafka_lambda_sink.config.properties import read_settings

FILES = Path(__file__).parents[2] / "data" / "connectors"
WORKER = FILES / "worker.properties"


class Expected(NamedTuple):
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
            "result.handler.class",
            "aws.lambda.response.acks",
            "aws.lambda.response.key.serializer",
            "aws.lambda.response.value.serializer",
        },
        set(),
        {
            "topics": ("orders", "returns"),
            "region": "eu-west-1",
            "qualifier": "live",
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
        {"tasks.max"},
        {"name": "staging-request-tagging", "reporter_result_topic_replication_factor": 1},
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
            "errors.log.include.messages",
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
        {"key.converter.encoding", "value.converter.decimal.format", "ssl.protocol"},
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
            "aws.lambda.batch.enabled",
        },
        {
            "connector.class",
            "aws.lambda.invocation.timeout.ms",
            "aws.lambda.invocation.mode",
            "aws.lambda.batch.enabled",
        },
        {"aws_role_session_name": "my-session", "region": "us-west-2"},
    ),
}


def loaded_file(name: str) -> LoadedConfig:
    return load(FILES / name, worker=WORKER, environ={})


def test_every_file_has_its_expectations():
    assert {path.name for path in FILES.iterdir()} == {*EXPECTED, WORKER.name}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_key_is_used_or_ignored_with_a_reason(name: str):
    expected = EXPECTED[name]
    loaded = loaded_file(name)
    source = str(FILES / name)
    ignored = {key.key for key in loaded.ignored if key.source == source}
    assert ignored == expected.ignored
    assert all(key.reason for key in loaded.ignored)
    keys = {setting.key for setting in read_settings(FILES / name).settings}
    assert {key.key for key in loaded.used if key.source == source} == keys - ignored
    assert {warning.key for warning in loaded.warnings} == expected.warned
    assert {attribute: getattr(loaded.sink, attribute) for attribute in expected.sink} == expected.sink


@pytest.mark.parametrize("name", EXPECTED)
def test_no_secret_of_a_file_is_shown(name: str):
    assert "canary" not in repr(loaded_file(name))


def test_a_workers_own_keys_are_ignored():
    loaded = loaded_file("first-release-minimal.properties")
    assert {key.key for key in loaded.ignored if key.source == str(WORKER)} == {
        "group.id",
        "offset.storage.topic",
        "offset.storage.replication.factor",
        "config.storage.topic",
        "status.storage.topic",
        "offset.flush.interval.ms",
        "listeners",
        "rest.advertised.host.name",
        "plugin.path",
        "connector.client.config.override.policy",
        "producer.interceptor.classes",
        "consumer.interceptor.classes",
        "consumer.max.poll.records",
    }
    assert loaded.clients.fetcher["bootstrap.servers"] == "broker:9092"
    assert (loaded.sink.key_converter, loaded.sink.key_converter_schemas_enable) == ("json", False)


def test_the_clients_of_the_first_release():
    clients = loaded_file("first-release-topics.properties").clients
    assert dict(clients.response_producer) == {
        "bootstrap.servers": "broker:9092",
        "client.id": "orders-priced-client",
        "compression.type": "lz4",
    }
    assert dict(clients.error_producer) == {"bootstrap.servers": "broker:9092", "linger.ms": "20"}


def test_the_report_clients_of_another_cluster():
    clients = loaded_file("reporter-secured.properties").clients
    common = {
        "bootstrap.servers": "reports-1:9092,reports-2:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.password": "canary",
        "ssl.endpoint.identification.algorithm": "https",
    }
    producer = {**common, "sasl.username": "writer", "batch.size": "65536"}
    admin = {**common, "sasl.username": "creator", "socket.timeout.ms": "15000"}
    assert dict(clients.response_producer) == dict(clients.error_producer) == producer
    assert dict(clients.response_admin) == dict(clients.error_admin) == admin
    assert dict(clients.fetcher) == {"bootstrap.servers": "broker:9092"}


def test_the_clients_of_a_scram_cluster():
    clients = loaded_file("scram.properties").clients
    assert clients.coordinator["partition.assignment.strategy"] == "cooperative-sticky"
    assert clients.coordinator["max.poll.interval.ms"] == "600000"
    assert clients.fetcher["sasl.username"] == clients.admin["sasl.username"] == "reader"
    assert clients.dead_letter_producer["sasl.username"] == "writer"
    assert clients.fetcher["ssl.ca.location"] == "/etc/kafka/ca.pem"


def test_certificates_in_pem():
    fetcher = loaded_file("mutual-tls.properties").clients.fetcher
    assert fetcher["ssl.ca.pem"].splitlines()[1] == "MIIB"
    assert fetcher["ssl.certificate.pem"].splitlines()[1] == "MIIC"
    assert fetcher["ssl.key.pem"].splitlines()[0] == "-----BEGIN ENCRYPTED PRIVATE KEY-----"
    assert fetcher["ssl.key.password"] == "canary"


def test_the_group_of_msk():
    assert loaded_file("msk-iam.properties").clients.group_id == "clicks-lambda"


def test_both_dialects_for_one_topic_clash_only_when_they_differ(tmp_path: Path):
    path = tmp_path / "both.json"
    text = (FILES / "reporter.json").read_text()
    path.write_text(text.replace("{", '{ "aws.lambda.response.topic": "success-responses",', 1))
    assert load(path, worker=WORKER, environ={}).sink.aws_lambda_response_topic == "success-responses"
    path.write_text(text.replace("{", '{ "aws.lambda.response.topic": "others",', 1))
    with pytest.raises(
        Exception, match=r"reporter\.result\.topic\.name: means the same as aws\.lambda\.response\.topic"
    ):
        load(path, worker=WORKER, environ={})


def test_producer_properties_of_both_dialects_clash_only_when_they_differ(tmp_path: Path):
    path = tmp_path / "both.json"
    text = (FILES / "reporter.json").read_text()
    same = '{ "aws.lambda.response.linger.ms": "5", "reporter.producer.linger.ms": "5",'
    path.write_text(text.replace("{", same, 1))
    assert load(path, worker=WORKER, environ={}).clients.response_producer["linger.ms"] == "5"
    path.write_text(text.replace("{", same.replace('ms": "5", "rep', 'ms": "6", "rep'), 1))
    with pytest.raises(Exception, match=r"means the same as reporter\.producer\.linger\.ms"):
        load(path, worker=WORKER, environ={})
