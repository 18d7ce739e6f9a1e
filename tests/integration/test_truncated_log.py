"""A log that lost its tail to an unclean leader election while the sink was not running (KIP-320)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.running_task import Sink

pytestmark = pytest.mark.broker


@pytest.fixture
def own_broker() -> Iterator[Broker]:
    """One that only this test stops."""
    with Broker() as running:
        yield running


def lose_the_last_batch(broker: Broker, topic: str) -> None:
    """What the new leader never had: as if a follower that lagged behind had been elected."""
    broker.kill()
    log = broker.directory / "data" / f"{topic}-0" / "00000000000000000000.log"
    # A batch without its last byte is no batch: the broker cuts the log before it.
    log.write_bytes(log.read_bytes()[:-1])
    broker.start()


@pytest.mark.parametrize("reset", ["earliest", "latest"])
def test_what_the_new_leader_wrote_in_the_place_of_what_was_read_is_delivered(
    own_broker: Broker, lambda_endpoint: InvokeEndpoint, tmp_path: Path, reset: str
):
    sink = Sink(Cluster(own_broker), lambda_endpoint, tmp_path)
    properties = {"auto.offset.reset": reset, "aws.lambda.batch.size": "1"}
    with sink.running(properties) as task:
        task.wait_committed({0: 0})
        for _ in range(3):
            sink.produce([b'"old"'] * 5)
        task.wait_committed({0: 15})
    lose_the_last_batch(own_broker, sink.source)
    sink.produce([b'"new"'] * 8)
    assert sink.cluster.end_offsets(sink.source)[0] == 18
    before = len(sink.bodies())
    with sink.running(properties) as task:
        task.wait_committed({0: 18})
        (line,) = task.log.events("log truncated by another leader: reading on from where it was cut")
    assert (line["committed"], line["restarted_at"]) == (15, 10)
    delivered = [(entry["offset"], entry["value"]) for body in sink.bodies()[before:] for entry in body]
    assert delivered == [(offset, "new") for offset in range(10, 18)]
