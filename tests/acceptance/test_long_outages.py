"""Brokers that are away for much longer than a client waits: A24, A38, A40."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.scenario import Build, Scenario, SlowEcho

pytestmark = pytest.mark.broker

#: Seconds.
OUTAGE = 20
#: librdkafka gives a report up several times within the outage.
IMPATIENT = {"aws_lambda_response_message_timeout_ms": "4000"}
NOT_WRITTEN = "report not written: producing it again"


@pytest.fixture(scope="module")
def own_broker() -> Iterator[Broker]:
    """One that only this module stops."""
    with Broker() as running:
        yield running


def be_away(broker: Broker) -> None:
    broker.kill()
    threading.Event().wait(OUTAGE)
    broker.start()


@pytest.mark.parametrize(
    ("producer", "count"),
    [(IMPATIENT, 4000), ({"aws_lambda_response_queue_buffering_max_messages": "30"}, 600)],
    ids=["delivery reports fail", "the producer's queue is full"],
)
def test_reports_that_nobody_takes_halt_the_delivery(
    scenario: Build, own_broker: Broker, producer: dict[str, str], count: int
):
    """The source is there all the time: nothing is committed without its result, and no record is delivered twice."""
    run = scenario(partitions=4, echo=SlowEcho(0.05), report_cluster=Cluster(own_broker), **producer)
    run.produce(count)
    sink = run.start()
    run.wait_calls(40)
    be_away(own_broker)
    assert run.calls() < 4 * count / 20
    assert bool(sink.events(NOT_WRITTEN)) is (producer is IMPATIENT)
    run.echo.seconds = 0.0
    report = run.finish(timeout=60)
    assert (report.records, report.duplicated) == (4 * count, 0)
    assert len(sink.events("assigned")) == 1


def test_an_outage_of_everything_is_waited_out(own_broker: Broker, tmp_path: Path):
    """Source, group and reports: shorter than the session, it costs not even a repetition."""
    with Scenario(
        Cluster(own_broker),
        tmp_path,
        partitions=4,
        echo=SlowEcho(0.05),
        consumer_override_session_timeout_ms="45000",
        aws_lambda_response_message_timeout_ms="4000",
    ) as run:
        run.produce(4000)
        sink = run.start()
        run.wait_calls(40)
        be_away(own_broker)
        assert sink.events(NOT_WRITTEN)
        run.echo.seconds = 0.0
        report = run.finish(timeout=60)
        assert (report.records, report.duplicated) == (16_000, 0)
