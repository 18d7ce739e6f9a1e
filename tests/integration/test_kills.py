"""Killed and terminated processes: A1 to A5."""

from __future__ import annotations

import pytest

from tests.support.checker import Expectation
from tests.support.scenario import Build, SlowEcho

pytestmark = pytest.mark.broker


def test_sigterm_during_a_call_drains_and_commits(scenario: Build):
    run = scenario(partitions=2, echo=SlowEcho(4.0))
    run.produce(20)
    sink = run.start()
    run.wait_running(2)
    sink.stop()
    run.wait_committed(5)
    report = run.check(Expectation())
    assert report.duplicated == 0
