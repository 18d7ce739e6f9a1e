"""A replay nobody watches tells how far it is in lines; the bar of a terminal is shown by the acceptance tests."""

from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from kafka_lambda_sink.cli.replay_screen import ReplayView
from kafka_lambda_sink.pipeline.counters import Counters
from tests.support.stepped_clock import SteppedClock


def test_without_a_terminal_a_line_tells_now_and_then_how_far_it_is(capsys: pytest.CaptureFixture[str]):
    clock = SteppedClock()
    replay: Any = SimpleNamespace(summary=SimpleNamespace(handled=0), counters=Counters(), left=12, running=2)
    with ReplayView(Console(stderr=True, force_terminal=False), replay, clock) as view:
        for handled, seconds in ((1, 5.0), (2, 5.0), (3, 9.9), (4, 0.2)):
            clock.step(seconds)
            replay.summary.handled, replay.left = handled, 12 - handled
            replay.counters = Counters(delivered=5 * handled, failed=handled, errant=1)
            view.update()
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        "2/12 reports, 10 records delivered, 3 failed again",
        "4/12 reports, 20 records delivered, 5 failed again",
    ]
    assert told.out == ""
