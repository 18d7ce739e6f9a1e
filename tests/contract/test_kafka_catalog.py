"""`TopicCatalog`, and what `check` asks, on a real broker."""

from __future__ import annotations

import uuid

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from kafka_lambda_sink.core.errors import KafkaAuthorizationError, RetriableKafkaError, UnknownTopicError
from kafka_lambda_sink.core.ports import TopicSnapshot
from kafka_lambda_sink.kafka.access import ClusterAccess
from kafka_lambda_sink.kafka.catalog import AdminTopicCatalog
from kafka_lambda_sink.kafka.client_config import admin_config
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


def catalog_on(broker: Broker) -> AdminTopicCatalog:
    return AdminTopicCatalog(admin_config({"bootstrap.servers": broker.bootstrap}, client_id="test"))


def test_a_topic_created_again_has_another_id(broker: Broker, cluster: Cluster):
    catalog = catalog_on(broker)
    topic = cluster.create_topic(3)
    before = catalog.describe([topic, "nowhere"])
    assert list(before) == [topic]
    assert before[topic].partitions == 3
    assert before == catalog.describe([topic])
    cluster.delete_topic(topic)
    assert catalog.describe([topic]) == {}
    cluster.create_topic(1, name=topic)
    after = catalog.describe([topic])[topic]
    assert after.partitions == 1
    assert after.topic_id != before[topic].topic_id
    catalog.close()


def test_a_cluster_has_one_id_whatever_its_address_is(broker: Broker, sasl_broker: Broker):
    port = broker.bootstrap.partition(":")[2]
    by_name = AdminTopicCatalog(admin_config({"bootstrap.servers": f"localhost:{port}"}, client_id="test"))
    assert catalog_on(broker).cluster_id() == by_name.cluster_id() == broker.cluster_id
    other = AdminTopicCatalog(admin_config({"bootstrap.servers": sasl_broker.admin_bootstrap}, client_id="test"))
    assert other.cluster_id() == sasl_broker.cluster_id != broker.cluster_id


def test_the_id_is_kafka_s_own_text(broker: Broker, cluster: Cluster):
    catalog = catalog_on(broker)
    topics = [cluster.create_topic() for _ in range(4)]
    found = catalog.describe(topics)
    for topic in topics:
        metadata = broker.directory / "data" / f"{topic}-0" / "partition.metadata"
        wait_until(metadata.exists, what="the broker writes it a little later")
        assert f"topic_id: {found[topic].topic_id}" in metadata.read_text().splitlines()


def test_added_partitions_are_seen(broker: Broker, cluster: Cluster):
    catalog = catalog_on(broker)
    topic = cluster.create_topic(1)
    cluster.add_partitions(topic, 3)
    assert catalog.describe([topic])[topic].partitions == 3


def test_names_has_what_was_created_with_its_configuration(broker: Broker):
    catalog = catalog_on(broker)
    topic = f"made-{uuid.uuid4().hex[:8]}"
    catalog.create(topic, 2, 1, {"cleanup.policy": "compact"})
    catalog.create(topic, 7, 1, {})
    wait_until(lambda: topic in catalog.names())
    snapshot = catalog.describe([topic])[topic]
    assert snapshot == TopicSnapshot(snapshot.topic_id, 2)


def test_a_topic_that_cannot_be_created_says_why(broker: Broker):
    with pytest.raises(RetriableKafkaError, match="INVALID_REPLICATION_FACTOR"):
        catalog_on(broker).create("too-many-replicas", 1, 3, {})


def test_without_rights_a_topic_cannot_be_created_or_described(sasl_broker: Broker, sasl_cluster: Cluster):
    hidden = sasl_cluster.create_topic()
    catalog = AdminTopicCatalog(admin_config(sasl_broker.client_config("sink"), client_id="test"))
    assert hidden not in catalog.names()
    with pytest.raises(KafkaAuthorizationError, match=hidden):
        catalog.describe([hidden])
    with pytest.raises(KafkaAuthorizationError):
        catalog.create("not-allowed", 1, 1, {})


def test_refused_credentials_are_told_as_such_and_not_as_a_time_out(sasl_broker: Broker):
    config = admin_config(sasl_broker.client_config("sink", "wr0ng"), client_id="test")
    catalog = AdminTopicCatalog(config, timeout=2.0)
    with pytest.raises(KafkaAuthorizationError, match="Authentication failed") as caught:
        catalog.describe(["any"])
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(KafkaAuthorizationError):
        ClusterAccess(config, timeout=2.0).brokers()


def test_a_certificate_of_another_authority_is_named_as_the_reason(sasl_broker: Broker):
    given = {key: value for key, value in sasl_broker.client_config("sink").items() if key != "ssl.ca.location"}
    catalog = AdminTopicCatalog(admin_config(given, client_id="test"), timeout=2.0)
    with pytest.raises(RetriableKafkaError, match="certificate"):
        catalog.names()


def test_a_cluster_out_of_reach_may_be_asked_again():
    config = admin_config({"bootstrap.servers": "127.0.0.1:1"}, client_id="test")
    with pytest.raises(RetriableKafkaError):
        AdminTopicCatalog(config, timeout=0.5).names()


def test_access_tells_operations_and_refusals(sasl_broker: Broker, sasl_cluster: Cluster):
    read, write = sasl_cluster.create_topic(), sasl_cluster.create_topic()
    sasl_cluster.allow("sink", ResourceType.TOPIC, read, AclOperation.READ)
    sasl_cluster.allow("sink", ResourceType.TOPIC, write, AclOperation.WRITE)
    sasl_cluster.allow("sink", ResourceType.GROUP, "connect-read", AclOperation.READ)
    access = ClusterAccess(admin_config(sasl_broker.client_config("sink"), client_id="test"))
    assert access.brokers() == 1
    topics = access.topics([read, write, "nowhere"])
    assert (topics[read].may("READ"), topics[read].may("WRITE")) == (True, False)
    assert (topics[write].may("READ"), topics[write].may("WRITE")) == (False, True)
    assert isinstance(topics["nowhere"].error, KafkaAuthorizationError)
    assert topics["nowhere"].may("READ") is False
    group = wait_until(
        lambda: found if not isinstance((found := access.group("connect-read")).error, RetriableKafkaError) else None
    )
    assert group.may("READ") is True
    assert isinstance(access.group("connect-other").error, KafkaAuthorizationError)


def test_without_an_authorizer_everything_is_allowed(broker: Broker, cluster: Cluster):
    access = ClusterAccess(admin_config({"bootstrap.servers": broker.bootstrap}, client_id="test"))
    topic = cluster.create_topic()
    topics = access.topics([topic, "nowhere"])
    assert topics[topic].may("READ") is True
    assert isinstance(topics["nowhere"].error, UnknownTopicError)
    assert topics[topic].partitions == 1


def test_whether_a_topic_could_be_created_is_told_without_creating_it(broker: Broker, cluster: Cluster):
    access = ClusterAccess(admin_config({"bootstrap.servers": broker.bootstrap}, client_id="test"))
    assert access.refuses_topic("not-yet", -1, -1) is None
    assert "not-yet" not in cluster.admin.list_topics(timeout=10).topics
    refusal = access.refuses_topic("not-yet", 1, 3)
    assert refusal is not None
    assert refusal.code == "INVALID_REPLICATION_FACTOR"


def test_who_may_not_create_topics_is_told_so(sasl_broker: Broker):
    access = ClusterAccess(admin_config(sasl_broker.client_config("sink"), client_id="test"))
    assert isinstance(access.refuses_topic("not-allowed", -1, -1), KafkaAuthorizationError)
