from __future__ import annotations

import pytest
from confluent_kafka.admin import AclOperation, AdminClient, ResourceType

from tests.support.broker import Broker
from tests.support.cluster import Cluster

pytestmark = pytest.mark.broker


def test_what_was_produced_is_read_back_in_order(cluster: Cluster):
    topic = cluster.create_topic(2)
    cluster.produce(topic, [b"a", (b"k", b"b", [("h", b"1")])], partition=1)
    cluster.produce_transaction(topic, [b"never"], partition=1, abort=True)
    assert [(m.partition(), m.offset(), m.key(), m.value()) for m in cluster.read_all(topic)] == [
        (1, 0, None, b"a"),
        (1, 1, b"k", b"b"),
    ]
    assert cluster.end_offsets(topic) == {0: 0, 1: 4}


def test_records_survive_a_restart_and_a_kill():
    with Broker() as own:
        cluster = Cluster(own)
        topic = cluster.create_topic()
        cluster.produce(topic, [b"a"])
        own.restart()
        cluster.produce(topic, [b"b"])
        own.kill()
        own.start()
        assert [message.value() for message in cluster.read_all(topic)] == [b"a", b"b"]


def test_a_user_sees_what_an_acl_allows(sasl_broker: Broker, sasl_cluster: Cluster):
    topic, hidden = sasl_cluster.create_topic(), sasl_cluster.create_topic()
    sasl_cluster.allow("other", ResourceType.TOPIC, topic, AclOperation.DESCRIBE)
    client = AdminClient(sasl_broker.client_config("other"))
    assert topic in client.list_topics(timeout=10).topics
    assert hidden not in client.list_topics(timeout=10).topics
