"""What `offsets` asks of a real broker."""

from __future__ import annotations

import uuid

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AclOperation, ResourceType

from kafka_lambda_sink.core.errors import KafkaAuthorizationError, RetriableKafkaError
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.client_config import admin_config
from kafka_lambda_sink.kafka.group_view import ActiveMember, GroupView
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


def view_on(broker: Broker, *, is_read_committed: bool = True) -> GroupView:
    config = admin_config({"bootstrap.servers": broker.bootstrap}, client_id="test")
    return GroupView(config, is_read_committed=is_read_committed)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_members_are_those_of_now(broker: Broker, cluster: Cluster, protocol: str):
    view, group, topic = view_on(broker), f"group-{uuid.uuid4().hex[:8]}", cluster.create_topic(3)
    wait_until(lambda: asked(view, group) == [], what="a group that does not exist has nobody")
    config = {"bootstrap.servers": broker.bootstrap, "group.id": group, "client.id": "orders"}
    member = Consumer(config | {"group.protocol": protocol})
    try:
        member.subscribe([topic])
        wait_until(lambda: member.poll(0.05) is None and len(member.assignment()) == 3, 20)
        (found,) = view.members(group)
        assert found == ActiveMember("orders", found.host, 3)
    finally:
        member.close()
    wait_until(lambda: view.members(group) == [], what="the group is empty")


def asked(view: GroupView, group: str) -> list[ActiveMember] | None:
    try:
        return view.members(group)
    except RetriableKafkaError:
        return None


def test_the_ends_of_the_logs_and_places_in_time(broker: Broker, cluster: Cluster):
    view, topic = view_on(broker), cluster.create_topic(2)
    cluster.produce(topic, [b"a", b"b", b"c"])
    cluster.delete_records(topic, 0, 1)
    full, empty = TopicPartition(topic, 0), TopicPartition(topic, 1)
    assert view.earliest([full, empty]) == {full: 1, empty: 0}
    assert view.latest([full, empty]) == {full: 3, empty: 0}
    assert view.at_time([full, empty], 0) == {full: 1, empty: None}
    assert view.at_time([full], 1 << 45) == {full: None}
    assert view.latest([]) == {}
    with pytest.raises(RetriableKafkaError, match=f"{topic}-7"):
        view.latest([TopicPartition(topic, 7)])


def test_the_end_is_where_the_connector_may_read_to(broker: Broker, cluster: Cluster):
    topic = cluster.create_topic()
    tp = TopicPartition(topic, 0)
    writer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": uuid.uuid4().hex})
    writer.init_transactions(30)
    writer.begin_transaction()
    writer.produce(topic, b"a", partition=0)
    writer.flush(30)
    assert view_on(broker).latest([tp]) == {tp: 0}
    assert view_on(broker, is_read_committed=False).latest([tp]) == {tp: 1}
    writer.commit_transaction(30)
    wait_until(lambda: view_on(broker).latest([tp]) == {tp: 2}, what="the transaction's end, marker included")


def test_without_rights_the_group_is_refused(sasl_broker: Broker, sasl_cluster: Cluster):
    view = GroupView(admin_config(sasl_broker.client_config("sink"), client_id="test"), is_read_committed=True)
    topic = sasl_cluster.create_topic()
    sasl_cluster.allow("sink", ResourceType.TOPIC, topic, AclOperation.DESCRIBE)
    tp = TopicPartition(topic, 0)
    assert view.earliest([tp]) == {tp: 0}
    with pytest.raises(KafkaAuthorizationError):
        wait_until(lambda: asked(view, "not-mine"))
