from __future__ import annotations

import math

import pytest

from kafka_lambda_sink.pipeline.stop_deadline import StopDeadline, StopStep
from tests.support.stepped_clock import SteppedClock


def requested(timeout: float) -> tuple[StopDeadline, SteppedClock]:
    clock = SteppedClock()
    stop = StopDeadline(clock, timeout)
    stop.request()
    return stop, clock


def test_before_a_stop_a_step_has_its_own_time():
    stop = StopDeadline(SteppedClock(), 25.0)
    assert not stop.requested.is_set()
    assert stop.left(StopStep.DRAIN) == math.inf
    assert stop.left(StopStep.COMMIT, 5.0) == 5.0


@pytest.mark.parametrize(
    ("timeout", "drain", "everything"), [(100.0, 97.0, 100.0), (25.0, 22.0, 25.0), (4.0, 3.0, 4.0), (0.0, 0.0, 0.5)]
)
def test_a_drain_leaves_a_reserve_to_the_steps_after_it(timeout: float, drain: float, everything: float):
    stop, _ = requested(timeout)
    assert stop.left(StopStep.DRAIN) == drain
    assert stop.left(StopStep.CLOSE) == everything
    left = [stop.left(step) for step in StopStep]
    assert left == sorted(left)
    assert len(set(left)) == len(left), "each step has some time of its own"


def test_what_a_step_does_not_use_is_there_for_the_next():
    stop, clock = requested(25.0)
    clock.step(1.0)
    assert stop.left(StopStep.COMMIT) == 22.5
    assert stop.left(StopStep.COMMIT, 5.0) == 5.0
    clock.step(22.0)
    assert stop.left(StopStep.COMMIT, 5.0) == 0.5


def test_nothing_is_left_when_the_time_is_up():
    stop, clock = requested(25.0)
    clock.step(26.0)
    assert {stop.left(step) for step in StopStep} == {0.0}


def test_a_second_request_does_not_move_the_deadline():
    stop, clock = requested(25.0)
    clock.step(10.0)
    stop.request()
    assert stop.left(StopStep.CLOSE) == 15.0
