"""A stop ends within `shutdown.timeout.ms`, whatever hangs."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.checker import Expectation, Interruption
from tests.support.cluster import Cluster
from tests.support.scenario import Build, Scenario, SlowEcho
from tests.support.sink_process import SinkProcess, now_ms

pytestmark = pytest.mark.broker

#: `shutdown.timeout.ms` of these tests, and what a process may need on top to end on a busy machine.
TIMEOUT_MS = 3000
ENDING_MS = 2000
#: Milliseconds after the end of an outage in which members that were taken for dead are still told so.
SETTLING = 8000


@pytest.fixture(scope="module")
def own_broker() -> Iterator[Broker]:
    """One that only this module stops."""
    with Broker() as running:
        yield running


@pytest.fixture
def hanging(own_broker: Broker) -> Iterator[Broker]:
    """It runs again after the test, however that ends."""
    yield own_broker
    own_broker.resume()


def stop_in_time(sink: SinkProcess) -> int:
    """When the stop began."""
    began = sink.sigterm()
    code = sink.wait(25)
    took = now_ms() - began
    assert code == 0, sink.output()
    assert took <= TIMEOUT_MS + ENDING_MS, f"{took} ms\n{sink.output()}"
    return began


@pytest.mark.parametrize(
    ("session_timeout_ms", "has_results"),
    [("2000", True), ("6000", True), ("6000", False)],
    ids=["lost by then", "still a member", "still a member, nothing in flight"],
)
def test_while_the_broker_hangs(hanging: Broker, tmp_path: Path, session_timeout_ms: str, *, has_results: bool):
    """What could not be committed is delivered again."""
    with Scenario(Cluster(hanging), tmp_path, partitions=2, echo=SlowEcho(0.2), has_results=has_results) as run:
        run.produce(400)
        sink = run.start(shutdown_timeout_ms=str(TIMEOUT_MS), consumer_override_session_timeout_ms=session_timeout_ms)
        run.wait_calls(10)
        hanging.pause()
        began = stop_in_time(sink)
        hanging.resume()
        run.start()
        run.finish(Expectation(interruptions=[Interruption(began, began + SETTLING)]))


def test_while_the_broker_hangs_in_the_middle_of_a_rebalance(hanging: Broker, tmp_path: Path):
    """The client commits inside its callback then, and comes back from there after a minute."""
    with Scenario(
        Cluster(hanging),
        tmp_path,
        partitions=2,
        echo=SlowEcho(60.0),
        has_results=False,
        consumer_override_session_timeout_ms="8000",
    ) as run:
        run.produce(20)
        sink = run.start(shutdown_timeout_ms=str(TIMEOUT_MS))
        run.wait_calls(2, running=True)
        run.start().wait_for_log("subscribing")
        # The first learns of the second by its next heartbeat, and waits for the call of what it gives away.
        threading.Event().wait(2.0)
        hanging.pause()
        run.echo.release()
        run.wait_calls(2, running=False)
        began = stop_in_time(sink)
        assert sink.events("stopped without an answer of the group: what is not committed is delivered again")
        hanging.resume()
        run.finish(Expectation(interruptions=[Interruption(began, began + 15_000)]))


def test_while_the_cluster_of_the_results_hangs(scenario: Build, hanging: Broker):
    """The source's answers: what has its results is committed, the rest is delivered again."""
    run = scenario(partitions=2, echo=SlowEcho(0.05), has_results=False)
    elsewhere = Cluster(hanging)
    run.produce(400)
    sink = run.start(
        shutdown_timeout_ms=str(TIMEOUT_MS),
        aws_lambda_response_topic=elsewhere.create_topic(),
        aws_lambda_response_bootstrap_servers=hanging.bootstrap,
    )
    run.wait_calls(10)
    hanging.pause()
    run.wait_calls(run.calls() + 4)
    began = stop_in_time(sink)
    assert not sink.events("left without the group's answer: it waits out the session timeout")
    hanging.resume()
    run.start()
    run.finish(Expectation(interruptions=[Interruption(began, began + SETTLING)]))


def test_while_the_function_hangs(scenario: Build):
    run = scenario(partitions=2, echo=SlowEcho(60.0))
    run.produce(20)
    sink = run.start(shutdown_timeout_ms=str(TIMEOUT_MS))
    run.wait_calls(2, running=True)
    began = stop_in_time(sink)
    assert not sink.events("left without the group's answer: it waits out the session timeout")
    run.echo.release()
    run.start()
    run.finish(Expectation(interruptions=[Interruption(began, began + SETTLING)]))


def test_while_the_endpoint_hangs_at_start(scenario: Build):
    """Nothing is held yet, so nothing is waited for."""
    run = scenario()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sink = run.start(
            shutdown_timeout_ms=str(TIMEOUT_MS),
            aws_lambda_endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        )
        connection, _ = listener.accept()
        with connection:
            stop_in_time(sink)


def test_while_the_broker_hangs_at_start(hanging: Broker, tmp_path: Path):
    with Scenario(Cluster(hanging), tmp_path) as run:
        hanging.pause()
        sink = run.start(shutdown_timeout_ms=str(TIMEOUT_MS))
        assert run.journal.wait_for(lambda journal: bool(journal.requests("DryRun")), 20)
        # After the function comes the cluster.
        run.journal.wait_settled()
        stop_in_time(sink)
        hanging.resume()
