"""Files written for the Confluent connector, of its first release and of today's, with what becomes of each key."""

from pathlib import Path

import pytest

from kafka_lambda_sink.config.elsewhere import NORDSTROM
from kafka_lambda_sink.config.loading import LoadedConfig, load
from kafka_lambda_sink.config.properties import read_settings
from tests.support.connector_files import EXPECTED, FILES, WORKER


def loaded_file(name: str) -> LoadedConfig:
    return load(FILES / name, worker=WORKER, environ={})


def test_every_file_has_its_expectations():
    assert {path.name for path in FILES.iterdir()} == {*EXPECTED, WORKER.name}


def test_a_dozen_of_them_are_confluents_own_of_both_releases():
    """What runs there is to run here, as it is."""
    theirs = [name for name in EXPECTED if loaded_file(name).sink.connector_class != NORDSTROM]
    first = [name for name in theirs if name.startswith("first-release")]
    assert (len(theirs), len(first)) == (13, 4)


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


def test_the_clients_of_the_first_release_on_clusters_of_their_own():
    clients = loaded_file("first-release-secured.properties").clients
    assert dict(clients.response_producer) == {
        "bootstrap.servers": "results-1:9093,results-2:9093",
        "security.protocol": "SSL",
        "ssl.ca.location": "/etc/kafka/results-ca.pem",
        "ssl.certificate.location": "/etc/kafka/results-client.pem",
        "ssl.key.location": "/etc/kafka/results-client.pem",
        "ssl.key.password": "canary",
        "message.max.bytes": "5242880",
        "retries": "2147483647",
    }
    assert clients.error_producer["bootstrap.servers"] == "errors-1:9094"
    assert clients.error_producer["sasl.username"] == clients.error_admin["sasl.username"] == "errors"
    # Credentials of one cluster are never taken to another.
    assert dict(clients.fetcher) == {"bootstrap.servers": "broker:9092"}


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
