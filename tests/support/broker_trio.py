"""A real Kafka of three nodes, each broker and controller, where one can be lost: all topics have three replicas."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from confluent_kafka.admin import AdminClient

from tests.support.broker import Broker
from tests.support.waiting import wait_until

_REPLICATED = {
    "default.replication.factor": "3",
    # Two of three: a record that was acknowledged survives the loss of one.
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
}


class BrokerTrio:
    """Three `Broker`s of one cluster. `with` starts them and removes all."""

    def __init__(self) -> None:
        #: By node id.
        self.nodes = {
            number: Broker(properties=_REPLICATED | {"node.id": str(number)}, heap="256m") for number in (1, 2, 3)
        }
        voters = ",".join(node.voter for node in self.nodes.values())
        for node in self.nodes.values():
            node.join(self.nodes[1].cluster_id, voters)
        self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": "0"})

    def __enter__(self) -> Self:
        try:
            for node in self.nodes.values():
                node.format()
                node.launch()
            for node in self.nodes.values():
                node.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def bootstrap(self) -> str:
        """Addresses of all, as clients under test get them."""
        return ",".join(node.bootstrap for node in self.nodes.values())

    @property
    def admin_bootstrap(self) -> str:
        """The same: anonymous users may do everything."""
        return self.bootstrap

    def leaders(self, topic: str) -> dict[int, int]:
        """Node id of each partition's leader, -1 where there is none now."""
        return {number: found.leader for number, found in self._partitions(topic).items()}

    def group_coordinator(self, group: str) -> int:
        """Node id of the group's coordinator."""
        return int(self._admin.describe_consumer_groups([group])[group].result(20).coordinator.id)

    def wait_led_by_others(self, topic: str, node: int) -> None:
        """Until every partition has a leader, and none is `node`."""
        wait_until(lambda: not {-1, node} & set(self.leaders(topic).values()), 30, what=f"{topic} has left node {node}")

    def wait_in_sync(self, topic: str) -> None:
        """Until every partition's replicas are all in sync."""
        wait_until(
            lambda: all(len(found.isrs) == 3 for found in self._partitions(topic).values()),
            30,
            what=f"all replicas of {topic} are in sync",
        )

    def close(self) -> None:
        """Kill what runs, remove the directories."""
        for node in self.nodes.values():
            node.close()

    def _partitions(self, topic: str) -> dict[int, Any]:
        return dict(self._admin.list_topics(topic, timeout=10).topics[topic].partitions)
