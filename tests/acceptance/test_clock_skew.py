"""A clock that is minutes away from AWS's: A35. The endpoint's is moved; to the sink it looks as if its own were."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kafka_lambda_sink.local.clock import SystemClock
from kafka_lambda_sink.local.journal import Entry
from tests.support.checker import Expectation, check
from tests.support.observation import Observation
from tests.support.scenario import SECRET, Build, Scenario, SlowEcho
from tests.support.sink_process import now_ms
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

HINT = "THE CLOCK OF THIS MACHINE IS WRONG (the server's says "
TEN_MINUTES = 600_000
REFUSED = 403


class MovableClock(SystemClock):
    """The system's, and `ahead_ms` more."""

    def __init__(self, ahead_ms: int = 0) -> None:
        self.ahead_ms = ahead_ms

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


def refusals(run: Scenario) -> list[Entry]:
    return [entry for entry in run.journal.requests("RequestResponse") if entry.status == REFUSED]


def without_refusals(seen: Observation) -> Observation:
    """Their times are those of another clock, and no code has run for them."""
    return replace(seen, calls=[call for call in seen.calls if call.status != REFUSED])


def test_a_start_with_a_wrong_clock_says_so_and_waits_until_it_is_right(scenario: Build):
    clock = MovableClock(TEN_MINUTES)
    run = scenario(clock=clock)
    run.produce(50)
    sink = run.start()
    told = sink.wait_for_log("the function cannot be checked yet")
    assert "Signature expired" in told["error"]
    assert told["hint"].startswith(HINT)
    clock.ahead_ms = 0
    assert run.finish().duplicated == 0
    assert not refusals(run)


def test_a_clock_that_goes_wrong_halts_the_delivery_until_it_is_right(scenario: Build):
    """An alarm and ever longer waits; nothing is delivered or committed meanwhile, nothing lost or stopped."""
    clock = MovableClock()
    run = scenario(clock=clock, partitions=2, echo=SlowEcho(0.05), aws_lambda_retry_backoff_max_ms="2000")
    run.produce(100)
    sink = run.start()
    run.wait_calls(4)
    clock.ahead_ms = -TEN_MINUTES
    began = now_ms()
    run.produce(100)
    told = sink.wait_for_log("invocation failed: trying again", times=2)
    assert "Signature not yet current" in told["error"]
    assert told["hint"].startswith(HINT)
    wait_until(lambda: len(refusals(run)) >= 14, 30, what="14 refusals")
    elapsed = (now_ms() - began) / 1000
    assert len(refusals(run)) < 50 * elapsed
    # A line a partition and minute.
    assert len(sink.events("invocation failed: trying again")) == 2
    executions = len(run.journal.executions())
    clock.ahead_ms = 0
    run.wait_committed()
    sink.stop()
    assert len(run.journal.executions()) > executions
    report = check(without_refusals(run.observe()), Expectation(secrets=[SECRET]))
    assert not report.violations, report
    assert (report.records, report.duplicated) == (400, 0)
