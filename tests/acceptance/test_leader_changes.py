"""Nodes of a cluster of three that are lost and come back while the sink runs: A24."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker_trio import BrokerTrio
from tests.support.checker import Expectation, Interruption
from tests.support.cluster import Cluster
from tests.support.scenario import Scenario, SlowEcho
from tests.support.sink_process import now_ms

pytestmark = pytest.mark.broker

#: Milliseconds after the loss in which commits may be under way to a coordinator that is gone.
SETTLING = 10_000


@pytest.fixture(scope="module")
def trio() -> Iterator[BrokerTrio]:
    with BrokerTrio() as running:
        yield running


@pytest.mark.parametrize("protocol", ["classic", "consumer"], ids=["classic", "KIP-848"])
def test_the_loss_of_a_node_loses_nothing(trio: BrokerTrio, tmp_path: Path, protocol: str):
    """Two of three nodes acknowledge every record, result and commit. Here the group's coordinator is lost."""
    with Scenario(
        Cluster(trio),
        tmp_path,
        partitions=6,
        echo=SlowEcho(0.15),
        aws_lambda_batch_size="10",
        consumer_override_group_protocol=protocol,
    ) as run:
        run.produce(400)
        run.start()
        run.wait_calls(20)
        lost = trio.group_coordinator(f"connect-{run.name}")
        assert lost in trio.leaders(run.topic).values()
        began = now_ms()
        trio.nodes[lost].kill()
        # Its partitions take no records until they have another leader.
        run.produce(400)
        trio.wait_led_by_others(run.topic, lost)
        run.wait_calls(run.calls() + 20)
        trio.nodes[lost].start()
        trio.wait_in_sync(run.topic)
        run.produce(100)
        report = run.finish(Expectation(interruptions=[Interruption(began, began + SETTLING)]), timeout=60)
        assert report.records == 6 * 900
