"""SASL/OAUTHBEARER with tokens of ours, as MSK's IAM has them: every client, and for longer than a token lives."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from kafka_lambda_sink.core.errors import RetriableKafkaError
from kafka_lambda_sink.core.ports import CommitOffset, DeliveryFailure, Position, Report
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.catalog import AdminTopicCatalog
from kafka_lambda_sink.kafka.client_config import (
    admin_config,
    build_client,
    fetcher_config,
    member_config,
    producer_config,
)
from kafka_lambda_sink.kafka.client_events import ClientEvents
from kafka_lambda_sink.kafka.fetcher import PartitionFetcher
from kafka_lambda_sink.kafka.group_member import ConsumerGroupMember
from kafka_lambda_sink.kafka.msk_iam import MSK_IAM
from kafka_lambda_sink.kafka.producer import KafkaReportProducer
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.token_signer import TokenSigner
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

GROUP = "connect-tokens"
#: Seconds. librdkafka looks once a second whether 80 % of it are over.
SHORT_LIFE = 8.0


class Nobody:
    def on_assigned(self, partitions: object) -> None:
        """Nothing to open."""

    def on_revoked(self, partitions: object) -> None:
        """Nothing to close."""

    on_lost = on_revoked


@pytest.fixture
def properties(token_broker: Broker) -> dict[str, str]:
    return {
        "bootstrap.servers": token_broker.bootstrap,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        MSK_IAM: "true",
    }


def read(fetcher: PartitionFetcher, count: int) -> Sequence[bytes | None]:
    values: list[bytes | None] = []

    def is_read() -> bool:
        values.extend(record.value() for record in fetcher.fetch(10, 0.5, 0.002))
        return len(values) == count

    wait_until(is_read, every=0)
    return values


def test_every_client_authenticates_with_one_token(
    token_cluster: Cluster, signer: TokenSigner, properties: dict[str, str]
):
    topic = token_cluster.create_topic()
    tp = TopicPartition(topic, 0)
    catalog = AdminTopicCatalog(admin_config(properties, client_id="test"))
    producer = KafkaReportProducer(producer_config(properties, client_id="test"))
    member = ConsumerGroupMember(member_config(properties, group_id=GROUP, client_id="test"))
    fetcher = PartitionFetcher(tp, fetcher_config(properties, group_id=GROUP, client_id="test"))

    assert topic in catalog.describe([topic])
    written: list[DeliveryFailure | None] = []
    producer.produce(Report(topic, None, b"a"), written.append)
    assert producer.close(10) == 0
    assert written == [None]
    member.subscribe([topic], Nobody())

    def is_committed() -> bool:
        member.poll(0.1)
        return member.commit_sync([CommitOffset(tp, 1, 0, "")]) == {tp: None}

    wait_until(is_committed, 20, every=0)
    fetcher.assign(Position(0))
    assert read(fetcher, 1) == [b"a"]
    fetcher.close()
    member.close()
    catalog.close()
    assert signer.regions == ["eu-west-1"]


def test_a_fetcher_that_nobody_polls_outlives_its_token(
    token_cluster: Cluster, signer: TokenSigner, properties: dict[str, str], caplog: pytest.LogCaptureFixture
):
    signer.life = SHORT_LIFE
    topic = token_cluster.create_topic()
    token_cluster.produce(topic, [b"before"])
    fetcher = PartitionFetcher(TopicPartition(topic, 0), fetcher_config(properties, group_id=GROUP, client_id="test"))
    fetcher.assign(Position(0))
    assert read(fetcher, 1) == [b"before"]
    taken = time.monotonic()  # noqa: TID251 - against the broker's clock
    # A long invocation: the pipeline's thread, which is the fetcher's, does nothing else. Two tokens expire meanwhile.
    wait_until(
        lambda: signer.count >= 3 and time.monotonic() > taken + 2 * SHORT_LIFE,  # noqa: TID251 - as above
        4 * SHORT_LIFE,
    )
    token_cluster.produce(topic, [b"after"])
    assert read(fetcher, 1) == [b"after"]
    fetcher.close()
    assert not [record.getMessage() for record in caplog.records if "SASL" in record.getMessage()]


@pytest.mark.parametrize("client", [Consumer, Producer, AdminClient])
def test_without_a_token_no_client_is_built_and_it_is_said_why(
    client: Any, signer: TokenSigner, properties: dict[str, str]
):
    signer.failure = OSError("the credential service is away")
    events = ClientEvents()
    for _ in range(3):
        with pytest.raises(RetriableKafkaError, match="OSError: the credential service is away") as caught:
            build_client(client, properties | {"group.id": GROUP}, events)
        assert caught.value.hint is not None
    # A service that is away is not asked by every client and every second.
    assert signer.count == 1


def test_a_token_that_the_client_refuses_is_a_fault_to_wait_for(signer: TokenSigner, properties: dict[str, str]):
    signer.text = "not\0a token"
    with pytest.raises(RetriableKafkaError, match="token not set"):
        build_client(Consumer, properties | {"group.id": GROUP}, ClientEvents())
