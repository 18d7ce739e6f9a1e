"""`GroupMember` on a real broker, under each of the three protocols."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from kafka_lambda_sink.core.errors import FatalKafkaError, KafkaAuthorizationError, RetriableKafkaError
from kafka_lambda_sink.core.ports import CommitOffset, Committed
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.client_config import member_config
from kafka_lambda_sink.kafka.group_member import ConsumerGroupMember
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

PROTOCOLS = {
    "cooperative": {"session.timeout.ms": "6000", "heartbeat.interval.ms": "200"},
    "eager": {
        "session.timeout.ms": "6000",
        "heartbeat.interval.ms": "200",
        "partition.assignment.strategy": "range",
    },
    "kip848": {"group.protocol": "consumer"},
}


class Owner:
    """A listener that notes what it owns, and the member it listens to."""

    def __init__(self, config: dict[str, Any], topics: Sequence[str]) -> None:
        self.member = ConsumerGroupMember(config)
        self.owned: set[TopicPartition] = set()
        self.events: list[tuple[str, tuple[TopicPartition, ...]]] = []
        self.offsets: dict[TopicPartition, int] = {}
        self.commits: list[dict[TopicPartition, str | None]] = []
        self.member.subscribe(topics, self)

    def on_assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self.events.append(("assigned", tuple(sorted(partitions))))
        self.owned.update(partitions)

    def on_revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.events.append(("revoked", tuple(sorted(partitions))))
        offsets = [offset(tp, self.offsets[tp]) for tp in partitions if tp in self.offsets]
        if offsets:
            self.commits.append(self.member.commit_sync(offsets))
        self.owned.difference_update(partitions)

    def on_lost(self, partitions: Sequence[TopicPartition]) -> None:
        self.events.append(("lost", tuple(sorted(partitions))))
        self.owned.difference_update(partitions)


def offset(tp: TopicPartition, number: int, metadata: str = "meta") -> CommitOffset:
    return CommitOffset(tp, number, leader_epoch=0, metadata=metadata)


def poll_until(condition: Callable[[], object], *owners: Owner, timeout: float = 20.0) -> None:
    def turn() -> bool:
        for owner in owners:
            owner.member.poll(0.02)
        return bool(condition())

    wait_until(turn, timeout, every=0)


Join = Callable[..., Owner]


@pytest.fixture(params=sorted(PROTOCOLS))
def protocol(request: pytest.FixtureRequest) -> dict[str, str]:
    return PROTOCOLS[request.param]


@pytest.fixture
def join(cluster: Cluster) -> Iterator[Join]:
    owners: list[Owner] = []
    group = f"group-{uuid.uuid4().hex[:8]}"

    def join_one(topics: Sequence[str], properties: dict[str, str], *, group_id: str = group) -> Owner:
        given = {"bootstrap.servers": cluster.bootstrap, "topic.metadata.refresh.interval.ms": "500"} | properties
        owners.append(Owner(member_config(given, group_id=group_id, client_id="test"), topics))
        return owners[-1]

    join_one.group = group  # type: ignore[attr-defined]
    yield join_one
    for owner in owners:
        owner.member.close()


def group_of(join: Join) -> str:
    return str(join.group)  # type: ignore[attr-defined]


def partitions(topic: str, count: int) -> set[TopicPartition]:
    return {TopicPartition(topic, number) for number in range(count)}


def test_a_member_holds_all_and_is_given_no_record(cluster: Cluster, join: Join, protocol: dict[str, str], caplog: Any):
    topic = cluster.create_topic(3)
    for partition in range(3):
        cluster.produce(topic, [b"x"] * 50, partition=partition)
    owner = join([topic], protocol)
    poll_until(lambda: owner.owned == partitions(topic, 3), owner)
    rounds = itertools.count()
    poll_until(lambda: next(rounds) >= 25, owner)
    assert not [record for record in caplog.records if "came to the group's member" in record.message]
    assert not cluster.committed(group_of(join), topic)


def test_a_second_member_takes_over_what_was_committed_in_the_revocation(
    cluster: Cluster, join: Join, protocol: dict[str, str]
):
    topic = cluster.create_topic(4)
    everything = partitions(topic, 4)
    first = join([topic], protocol)
    poll_until(lambda: first.owned == everything, first)
    first.offsets = dict.fromkeys(everything, 7)
    second = join([topic], protocol)
    poll_until(lambda: len(first.owned) == len(second.owned) == 2, first, second)
    assert first.owned | second.owned == everything
    assert [code for codes in first.commits for code in codes.values()] == [None] * sum(map(len, first.commits))
    moved = sorted(second.owned)
    assert second.member.committed(moved, 10) == [Committed(tp, 7, "meta", leader_epoch=0) for tp in moved]
    assert "lost" not in {kind for kind, _ in first.events}


def test_partitions_come_back_paused_when_the_other_member_leaves(
    cluster: Cluster, join: Join, protocol: dict[str, str], caplog: Any
):
    topic = cluster.create_topic(2)
    for partition in range(2):
        cluster.produce(topic, [b"x"] * 10, partition=partition)
    first = join([topic], protocol)
    poll_until(lambda: len(first.owned) == 2, first)
    second = join([topic], protocol)
    poll_until(lambda: len(first.owned) == len(second.owned) == 1, first, second)
    second.member.close()
    second.member = first.member
    poll_until(lambda: len(first.owned) == 2, first)
    rounds = itertools.count()
    poll_until(lambda: next(rounds) >= 25, first)
    assert not [record for record in caplog.records if "came to the group's member" in record.message]


def test_closing_gives_up_everything_and_commits_inside_it(cluster: Cluster, join: Join, protocol: dict[str, str]):
    topic = cluster.create_topic(1)
    owner = join([topic], protocol)
    poll_until(lambda: owner.owned, owner)
    owner.offsets = {TopicPartition(topic, 0): 3}
    owner.member.close()
    assert owner.events[-1] == ("revoked", (TopicPartition(topic, 0),))
    assert owner.commits == [{TopicPartition(topic, 0): None}]
    assert cluster.committed(group_of(join), topic)[0].offset == 3


def test_an_asynchronous_commit_tells_its_own_callback(cluster: Cluster, join: Join, protocol: dict[str, str]):
    topic = cluster.create_topic(2)
    owner = join([topic], protocol)
    poll_until(lambda: len(owner.owned) == 2, owner)
    first, second = sorted(owner.owned)
    results: list[tuple[str, dict[TopicPartition, str | None]]] = []
    owner.member.commit([offset(first, 5, "a"), offset(second, 6)], lambda codes: results.append(("one", codes)))
    # A synchronous commit in between has no part in the callbacks.
    assert owner.member.commit_sync([offset(second, 8)]) == {second: None}
    poll_until(lambda: results, owner)
    owner.member.commit([offset(first, 9, "b")], lambda codes: results.append(("two", codes)))
    poll_until(lambda: len(results) == 2, owner)
    assert results == [("one", {first: None, second: None}), ("two", {first: None})]
    assert owner.member.committed([first, second], 10) == [Committed(first, 9, "b", 0), Committed(second, 8, "meta", 0)]


def test_the_answer_of_a_commit_that_was_given_up_is_not_taken_for_the_next_one_s(cluster: Cluster, join: Join):
    topic = cluster.create_topic(1)
    owner = join([topic], PROTOCOLS["cooperative"])
    poll_until(lambda: owner.owned, owner)
    [tp] = owner.owned
    refused = TopicPartition(topic, 99)
    results: list[tuple[str, dict[TopicPartition, str | None]]] = []
    for given_up in ([offset(refused, 1)], [offset(tp, 5)], [offset(tp, 6, "other metadata")]):
        owner.member.commit(given_up, lambda codes: results.append(("given up", codes)))
    owner.member.commit([offset(tp, 6)], lambda codes: results.append(("newest", codes)))
    poll_until(lambda: results, owner)
    owner.member.commit([offset(refused, 7)], lambda codes: results.append(("refused", codes)))
    poll_until(lambda: len(results) == 2, owner)
    assert results == [("newest", {tp: None}), ("refused", {refused: "UNKNOWN_TOPIC_OR_PART"})]
    assert owner.member.committed([tp], 10) == [Committed(tp, 6, "meta", 0)]


def test_a_refusal_is_told_partition_by_partition(cluster: Cluster, join: Join):
    topic = cluster.create_topic(1)
    owner = join([topic], PROTOCOLS["cooperative"])
    poll_until(lambda: owner.owned, owner)
    [good] = owner.owned
    bad = TopicPartition(topic, 99)
    results: list[dict[TopicPartition, str | None]] = []
    owner.member.commit([offset(good, 1), offset(bad, 1)], results.append)
    poll_until(lambda: results, owner)
    assert results == [{good: None, bad: "UNKNOWN_TOPIC_OR_PART"}]
    assert owner.member.commit_sync([offset(good, 2), offset(bad, 2)]) == results[0]


def test_what_was_never_committed_is_none(cluster: Cluster, join: Join, protocol: dict[str, str]):
    topic = cluster.create_topic(1)
    owner = join([topic], protocol)
    poll_until(lambda: owner.owned, owner)
    tp = TopicPartition(topic, 0)
    assert owner.member.committed([tp], 10) == [Committed(tp, None, "")]


def test_a_lookup_that_got_no_answer_is_never_absent(join: Join):
    with Broker() as own:
        topic = Cluster(own).create_topic(1)
        owner = join([topic], PROTOCOLS["cooperative"] | {"bootstrap.servers": own.bootstrap})
        poll_until(lambda: owner.owned, owner)
        own.pause()
        with pytest.raises(RetriableKafkaError):
            owner.member.committed([TopicPartition(topic, 0)], 0.5)
        own.resume()
        assert owner.member.committed([TopicPartition(topic, 0)], 10) == [Committed(TopicPartition(topic, 0), None, "")]
        owner.member.close()


def test_a_member_that_did_not_poll_in_time_loses_its_partitions_and_joins_again(cluster: Cluster, join: Join):
    topic = cluster.create_topic(1)
    slow = join([topic], PROTOCOLS["cooperative"] | {"session.timeout.ms": "3000", "max.poll.interval.ms": "3000"})
    poll_until(lambda: slow.owned, slow)
    other = join([topic], PROTOCOLS["cooperative"])
    poll_until(lambda: other.owned, other)
    [tp] = other.owned
    assert "UNKNOWN_MEMBER_ID" in slow.member.commit_sync([offset(tp, 1)]).values()
    assert not cluster.committed(group_of(join), topic)
    poll_until(lambda: ("lost", (tp,)) in slow.events, slow, other)
    other.member.close()
    other.member = slow.member
    poll_until(lambda: slow.owned, slow)


def test_the_listener_s_exception_comes_out_of_poll_and_the_assignment_stands(cluster: Cluster, join: Join):
    topic = cluster.create_topic(1)
    owner = join([topic], PROTOCOLS["cooperative"])

    def fail(_: Sequence[TopicPartition]) -> None:
        raise LookupError("ours")

    owner.on_assigned = fail  # type: ignore[assignment]
    owner.member.subscribe([topic], owner)
    with pytest.raises(LookupError, match="ours"):
        poll_until(lambda: False, owner)
    tp = TopicPartition(topic, 0)
    assert owner.member.commit_sync([offset(tp, 1)]) == {tp: None}


def test_a_missing_topic_is_waited_for(cluster: Cluster, join: Join, protocol: dict[str, str]):
    there, later = cluster.create_topic(1), f"later-{uuid.uuid4().hex[:8]}"
    owner = join([there, later], protocol)
    poll_until(lambda: owner.owned == partitions(there, 1), owner)
    cluster.create_topic(2, name=later)
    poll_until(lambda: owner.owned == partitions(there, 1) | partitions(later, 2), owner)


def test_the_list_of_topics_can_change(cluster: Cluster, join: Join, protocol: dict[str, str]):
    first, second = cluster.create_topic(1), cluster.create_topic(1)
    owner = join([first], protocol)
    poll_until(lambda: owner.owned == partitions(first, 1), owner)
    owner.member.subscribe([first, second], owner)
    poll_until(lambda: owner.owned == partitions(first, 1) | partitions(second, 1), owner)
    owner.member.subscribe([second], owner)
    poll_until(lambda: owner.owned == partitions(second, 1), owner)


def test_a_fenced_static_member_is_fatal(cluster: Cluster, join: Join):
    topic = cluster.create_topic(1)
    static = PROTOCOLS["cooperative"] | {"group.instance.id": "one"}
    first = join([topic], static)
    poll_until(lambda: first.owned, first)
    second = join([topic], static)
    poll_until(lambda: second.owned, second)
    with pytest.raises(FatalKafkaError) as caught:
        poll_until(lambda: False, first)
    assert caught.value.code in {"_FATAL", "FENCED_INSTANCE_ID"}


def test_a_group_that_is_not_ours_is_an_authorization_error(sasl_broker: Broker, sasl_cluster: Cluster, join: Join):
    topic = sasl_cluster.create_topic(1)
    owner = join([topic], sasl_broker.client_config("other"))
    with pytest.raises(KafkaAuthorizationError) as caught:
        poll_until(lambda: False, owner)
    assert caught.value.code in {"GROUP_AUTHORIZATION_FAILED", "TOPIC_AUTHORIZATION_FAILED"}
