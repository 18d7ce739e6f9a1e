"""The whole way over SASL_SSL with SCRAM, with no more rights than the documentation asks for."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from kafka_lambda_sink.core.ports import CommitOffset, Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.client_config import fetcher_config, member_config
from kafka_lambda_sink.kafka.fetcher import PartitionFetcher
from kafka_lambda_sink.kafka.group_member import ConsumerGroupMember
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


class Nobody:
    def on_assigned(self, partitions: object) -> None:
        """Nothing to open."""

    def on_revoked(self, partitions: object) -> None:
        """Nothing to close."""

    on_lost = on_revoked


def test_read_on_topic_and_group_is_enough_to_read_and_commit(sasl_broker: Broker, sasl_cluster: Cluster):
    topic, group = sasl_cluster.create_topic(), "connect-sasl"
    sasl_cluster.produce(topic, [b"a", b"b"])
    sasl_cluster.allow("sink", ResourceType.TOPIC, topic, AclOperation.READ)
    sasl_cluster.allow("sink", ResourceType.GROUP, group, AclOperation.READ)
    properties = sasl_broker.client_config("sink")
    tp = TopicPartition(topic, 0)
    member = ConsumerGroupMember(member_config(properties, group_id=group, client_id="test"))
    fetcher = PartitionFetcher(tp, fetcher_config(properties, group_id=group, client_id="test"))
    member.subscribe([topic], Nobody())

    def is_committed() -> bool:
        member.poll(0.1)
        return member.commit_sync([CommitOffset(tp, 2, 0, "")]) == {tp: None}

    wait_until(is_committed, 20, every=0)
    # With an epoch the broker is asked about its log first, which READ allows too.
    fetcher.assign(Position(0, 0))
    values: list[bytes | None] = []

    def is_read() -> bool:
        values.extend(record.value() for record in fetcher.fetch(10, 0.5, 0.002))
        return len(values) == 2

    wait_until(is_read, every=0)
    assert values == [b"a", b"b"]
    fetcher.close()
    member.close()
    assert sasl_cluster.committed(group, topic)[0].offset == 2
