"""What a long life leaves behind in the process: no thread, no descriptor, whatever comes and goes around it: I12."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer

from kafka_lambda_sink.local.faults import ResetAfterRequest
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.scenario import Build, Scenario
from tests.support.sink_process import SinkProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


#: Connections of the control path that were not open yet at first: less than one a round.
SLACK = 2
#: Megabytes that the allocators of Python and C may keep for later.
SLACK_MB = 15
#: Longer than a broker takes to start again.
SESSION_MS = "30000"


class Usage:
    """What the process held when it had all its partitions; compared with what it holds now."""

    def __init__(self, sink: SinkProcess) -> None:
        self._sink = sink
        self._first = self._now()
        self._first_mb = sink.resident_mb

    def check(self) -> None:
        """The clients end by and by."""
        try:
            wait_until(self._is_no_more, 15)
        except AssertionError:
            raise AssertionError(f"threads and descriptors: {self._first} at first, {self._now()} now") from None
        assert self._sink.resident_mb < self._first_mb + SLACK_MB

    def _is_no_more(self) -> bool:
        return all(now <= first + SLACK for now, first in zip(self._now(), self._first, strict=True))

    def _now(self) -> tuple[int, int]:
        return self._sink.threads, self._sink.descriptors


def partitions_held(sink: SinkProcess) -> int:
    taken, given = (sum(len(line["partitions"]) for line in sink.events(name)) for name in ("assigned", "revoked"))
    return taken - given


def visit(run: Scenario) -> None:
    """A member that takes half of the partitions, reads nothing, and leaves."""
    guest = Consumer(
        {
            "bootstrap.servers": run.cluster.bootstrap,
            "group.id": f"connect-{run.name}",
            "partition.assignment.strategy": "cooperative-sticky",
            "heartbeat.interval.ms": "200",
            "enable.auto.commit": "false",
            "auto.offset.reset": "latest",
        }
    )
    guest.subscribe([run.topic])

    def is_assigned() -> bool:
        guest.poll(0.05)
        return len(guest.assignment()) == 2

    try:
        wait_until(is_assigned, 20, what="the guest's partitions")
    finally:
        guest.close()


def test_rebalances_and_lost_connections_leave_nothing_behind(scenario: Build):
    run = scenario(partitions=4, consumer_override_session_timeout_ms=SESSION_MS)
    sink = run.start()
    run.produce(20)
    run.wait_committed()
    usage = Usage(sink)
    for _ in range(6):
        visit(run)
        wait_until(lambda: partitions_held(sink) == 4, 20, what="all partitions are back")
        run.endpoint.faults.add(ResetAfterRequest(), times=4)
        run.produce(20)
        run.wait_committed()
        usage.check()
    report = run.finish()
    assert report.records == 4 * 20 * 7
    assert len(sink.events("revoked")) == 6 + 1


def test_broker_restarts_leave_nothing_behind(tmp_path: Path):
    with (
        Broker() as broker,
        Scenario(Cluster(broker), tmp_path, partitions=4, consumer_override_session_timeout_ms=SESSION_MS) as run,
    ):
        sink = run.start()
        run.produce(20)
        run.wait_committed()
        usage = Usage(sink)
        for outage in (broker.stop, broker.kill, broker.stop, broker.kill):
            outage()
            broker.start()
            run.produce(20)
            run.wait_committed()
            usage.check()
        assert run.finish().records == 4 * 20 * 5
