"""Killed and terminated processes: A1 to A5."""

from __future__ import annotations

import random

import pytest

from tests.support.checker import Expectation, Interruption
from tests.support.scenario import Build, Scenario, SlowEcho
from tests.support.sink_process import now_ms
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

#: Milliseconds that a call may go on at the endpoint when its caller was killed.
AFTERMATH = 1000


def killed(at: int) -> Interruption:
    return Interruption(at, at + AFTERMATH)


def results_written(run: Scenario) -> int:
    assert run.results
    return run.cluster.end_offsets(run.results)[0]


def wait_results(run: Scenario, count: int) -> None:
    wait_until(lambda: results_written(run) == count, what=f"{count} results", every=0.005)


def test_kills_at_random_instants_lose_nothing(scenario: Build):
    """A1."""
    instants = random.Random(3)
    run = scenario(partitions=6, echo=SlowEcho(0.1))
    run.produce(830)
    interruptions = []
    sink = run.start()
    for _ in range(6):
        run.wait_calls(run.calls() + instants.randrange(1, 40))
        interruptions.append(killed(sink.kill9()))
        sink = run.start()
    report = run.finish(Expectation(interruptions=interruptions))
    assert report.records == 6 * 830
    assert report.recovered_after is not None
    # Eviction of the killed member takes two seconds, the start of a process about as much.
    assert report.recovered_after < 10_000


def test_a_kill_between_the_reply_and_the_acknowledged_results(scenario: Build):
    """A2: the results still wait in the producer."""
    run = scenario(echo=SlowEcho(0.2))
    run.produce(60)
    sink = run.start(aws_lambda_response_linger_ms="10000")
    run.wait_calls(1, running=False)
    interruption = killed(sink.kill9())
    assert results_written(run) == 0
    run.start()
    report = run.finish(Expectation(interruptions=[interruption]))
    assert report.duplicated >= 20


def test_a_kill_between_the_acknowledged_results_and_the_commit(scenario: Build):
    """A3: results may repeat, none is missing."""
    run = scenario()
    interruptions = []
    for life in range(2):
        sink = run.start()
        sink.wait_for_log("assigned")
        run.timeline.wait_for(lambda sample: run.tps[0] in sample.offsets, 20, what="committed the start")
        before = results_written(run)
        run.produce(20)
        wait_results(run, before + 20)
        interruptions.append(killed(sink.kill9()))
        assert run.timeline.now().offsets[run.tps[0]] < 20 * (life + 1)
        run.start()
        run.wait_committed()
        run.sinks[-1].stop()
    report = run.check(Expectation(interruptions=interruptions))
    assert report.duplicated == 40


def test_sigterm_during_a_call_drains_and_commits(scenario: Build):
    """A4."""
    run = scenario(partitions=2, echo=SlowEcho(4.0))
    run.produce(40)
    sink = run.start()
    run.wait_calls(2, running=True)
    sink.stop()
    # One batch of twenty a partition, and no second one.
    assert run.timeline.now().offsets == dict.fromkeys(run.tps, 20)
    run.echo.seconds = 0.0
    run.start()
    report = run.finish()
    assert report.duplicated == 0


def test_sigterm_gives_up_a_call_that_outlasts_the_bound(scenario: Build):
    """A5."""
    run = scenario(echo=SlowEcho(30.0))
    run.produce(20)
    sink = run.start(shutdown_timeout_ms="1500")
    run.wait_calls(1, running=True)
    began = sink.sigterm()
    assert sink.wait(15) == 0
    assert now_ms() - began < 1500 + 2000
    assert run.timeline.now().offsets.get(run.tps[0], 0) == 0
    assert results_written(run) == 0
    run.echo.release()
    run.start()
    report = run.finish(Expectation(interruptions=[Interruption(began, began + 1500 + 2000)]))
    assert report.duplicated == 20
