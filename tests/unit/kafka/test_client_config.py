from __future__ import annotations

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from kafka_lambda_sink.core.errors import ConfigError
from kafka_lambda_sink.kafka.client_config import (
    admin_config,
    build_client,
    fetcher_config,
    member_config,
    producer_config,
)
from kafka_lambda_sink.kafka.client_events import ClientEvents

USER = {
    "bootstrap.servers": "127.0.0.1:1",
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "SCRAM-SHA-256",
    "sasl.username": "u",
    "sasl.password": "p",
    "client.rack": "a",
    "fetch.min.bytes": "10",
    "session.timeout.ms": "10000",
    "group.instance.id": "one",
    "enable.auto.commit": "true",
    "enable.auto.offset.store": "true",
    "auto.offset.reset": "latest",
    "group.id": "mine",
    "client.id": "mine",
}


def test_what_the_guarantees_rest_on_wins_over_the_user():
    for config in (
        member_config(USER, group_id="g", client_id="c"),
        fetcher_config(USER, group_id="g", client_id="c"),
    ):
        assert config["enable.auto.commit"] == "false"
        assert config["enable.auto.offset.store"] == "false"
        assert config["auto.offset.reset"] == "error"
        assert config["isolation.level"] == "read_committed"
        assert (config["group.id"], config["client.rack"]) == ("g", "a")


@pytest.mark.parametrize(("given", "effective"), [({}, "c"), ({"client.id": "mine"}, "mine")])
def test_every_client_has_the_users_client_id_or_the_connectors(given: dict[str, str], effective: str):
    for config in (
        member_config(given, group_id="g", client_id="c"),
        fetcher_config(given, group_id="g", client_id="c"),
        producer_config(given, client_id="c"),
        admin_config(given, client_id="c"),
    ):
        assert config["client.id"] == effective


def test_member_and_fetcher_get_their_own_keys_only():
    member = member_config(USER, group_id="g", client_id="c")
    fetcher = fetcher_config(USER, group_id="g", client_id="c")
    assert member["session.timeout.ms"] == "10000"
    assert member["group.instance.id"] == "one"
    assert "fetch.min.bytes" not in member
    assert fetcher["fetch.min.bytes"] == "10"
    assert not {"session.timeout.ms", "group.instance.id"} & fetcher.keys()
    assert fetcher["fetch.queue.backoff.ms"] == "20"
    assert fetcher_config(USER | {"isolation.level": "read_uncommitted"}, group_id="g", client_id="c")[
        "isolation.level"
    ] == ("read_uncommitted")


def test_the_assignor_is_cooperative_unless_said_otherwise():
    key = "partition.assignment.strategy"
    assert member_config({}, group_id="g", client_id="c")[key] == "cooperative-sticky"
    assert member_config({key: "range"}, group_id="g", client_id="c")[key] == "range"
    assert key not in member_config({"group.protocol": "consumer"}, group_id="g", client_id="c")


def test_keys_that_the_broker_decides_are_refused_all_at_once():
    given = {"group.protocol": "consumer", "session.timeout.ms": "1", "heartbeat.interval.ms": "1"}
    with pytest.raises(ConfigError) as caught:
        member_config(given, group_id="g", client_id="c")
    assert [problem.key for problem in caught.value.problems] == ["heartbeat.interval.ms", "session.timeout.ms"]


@pytest.mark.parametrize(("given", "expected"), [({}, "30000"), ({"message.timeout.ms": "5000"}, "5000")])
def test_a_report_has_its_last_word_after_half_a_minute_or_when_the_user_says(given: dict[str, str], expected: str):
    assert producer_config(given, client_id="c")["message.timeout.ms"] == expected


def test_the_producer_is_idempotent_whatever_the_user_says():
    given = {"acks": "1", "request.required.acks": "0", "enable.idempotence": "false", "linger.ms": "50"}
    config = producer_config(given, client_id="c")
    assert (config["acks"], config["enable.idempotence"], config["linger.ms"]) == ("all", "true", "50")
    assert config["partitioner"] == "murmur2_random"
    assert "request.required.acks" not in config


def test_the_admin_client_gets_the_connection_only():
    config = admin_config(USER, client_id="c")
    assert {"sasl.password", "security.protocol", "bootstrap.servers"} <= config.keys()
    assert not {"group.id", "fetch.min.bytes", "auto.offset.reset", "session.timeout.ms"} & config.keys()


def test_librdkafka_takes_every_configuration_without_a_complaint(caplog: pytest.LogCaptureFixture):
    events = ClientEvents()
    member = build_client(Consumer, member_config(USER, group_id="g", client_id="c"), events)
    modern = build_client(Consumer, member_config({"group.protocol": "consumer"}, group_id="g", client_id="c"), events)
    fetcher = build_client(Consumer, fetcher_config(USER, group_id="g", client_id="c"), events)
    producer = build_client(Producer, producer_config({}, client_id="c"), events)
    admin = build_client(AdminClient, admin_config(USER, client_id="c"), events)
    for consumer in (member, modern, fetcher):
        consumer.poll(0)
        consumer.close()
    producer.poll(0)
    admin.poll(0)
    assert not [record.getMessage() for record in caplog.records if "CONFWARN" in record.getMessage()]


@pytest.mark.parametrize("fetch_max", ["2000", "999999", "1000000", "52428800"])
def test_a_fetch_may_be_as_small_as_with_javas_client(fetch_max: str):
    config = fetcher_config({"fetch.max.bytes": fetch_max}, group_id="g", client_id="c")
    build_client(Consumer, config, ClientEvents()).close()
    assert config["fetch.max.bytes"] == fetch_max


def test_a_property_that_librdkafka_refuses_is_named_without_its_neighbours():
    config = admin_config(USER | {"security.protocol": "nonsense"}, client_id="c")
    with pytest.raises(ConfigError) as caught:
        build_client(AdminClient, config, ClientEvents())
    [problem] = caught.value.problems
    assert problem.key == "security.protocol"
    assert caught.value.__suppress_context__


def test_msk_iam_without_the_signer_says_what_to_install():
    config = admin_config(USER | {"kls.sasl.aws.msk.iam": "true"}, client_id="c")
    with pytest.raises(ConfigError, match="aws-msk-iam-sasl-signer"):
        build_client(AdminClient, config, ClientEvents())
