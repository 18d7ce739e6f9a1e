"""A broker that restarts, dies or hangs while the sink runs: A24."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.checker import Expectation, Interruption
from tests.support.cluster import Cluster
from tests.support.scenario import Scenario, SlowEcho
from tests.support.sink_process import now_ms

pytestmark = pytest.mark.broker

#: Milliseconds after the end of an outage in which members that were taken for dead are still told so.
SETTLING = 8000


@pytest.fixture(scope="module")
def own_broker() -> Iterator[Broker]:
    """One that only this module stops."""
    with Broker() as running:
        yield running


def restart(broker: Broker) -> None:
    broker.restart()


def crash(broker: Broker) -> None:
    broker.kill()
    broker.start()


def hang(broker: Broker) -> None:
    broker.pause()
    threading.Event().wait(20)
    broker.resume()


@pytest.mark.parametrize(
    ("outage", "protocol"),
    [(restart, "classic"), (crash, "consumer"), (hang, "classic")],
    ids=["restart", "crash, KIP-848", "hang"],
)
def test_an_outage_loses_nothing(own_broker: Broker, tmp_path: Path, outage: Callable[[Broker], None], protocol: str):
    with Scenario(
        Cluster(own_broker),
        tmp_path,
        partitions=4,
        echo=SlowEcho(0.1),
        consumer_override_group_protocol=protocol,
    ) as run:
        run.produce(1000)
        sink = run.start()
        run.wait_calls(30)
        began = now_ms()
        outage(own_broker)
        report = run.finish(Expectation(interruptions=[Interruption(began, now_ms() + SETTLING)]), timeout=60)
        assert report.records == 4000
        assert sink.rc == 0
