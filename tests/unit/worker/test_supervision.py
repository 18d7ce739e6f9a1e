"""What happens to tasks whose processes end, by hand and with a clock of the test's own."""

from __future__ import annotations

import signal

import pytest

from kafka_lambda_sink.worker.exit_codes import ExitCode, worst
from kafka_lambda_sink.worker.supervision import (
    LONGEST_PAUSE,
    RAN_WELL,
    STOP_MARGIN,
    GiveUp,
    Kill,
    Pause,
    Phase,
    Start,
    Stop,
    Supervision,
    TaskKey,
)

A0, A1, B0 = TaskKey("a", 0), TaskKey("a", 1), TaskKey("b", 0)


@pytest.fixture
def supervision():
    """Connector a with two tasks and b with one, started at 0; pauses are three quarters of their longest."""
    made = Supervision(lambda: 0.5)
    assert made.start("a", 2, 25.0, 0.0) == [Start(A0), Start(A1)]
    assert made.start("b", 1, 5.0, 0.0) == [Start(B0)]
    return made


def phases(supervision):
    return [supervision.phase(key) for key in (A0, A1, B0)]


def pause_of(actions):
    (action,) = actions
    assert isinstance(action, Pause)
    return action.seconds


@pytest.mark.parametrize("code", [1, 0, -signal.SIGKILL, -signal.SIGSEGV, 137, 5])
def test_a_task_that_dies_is_started_again_after_a_pause_and_no_other_is_touched(supervision, code):
    assert supervision.ended(A1, code, 10.0) == [Pause(A1, 0.75)]
    assert phases(supervision) == [Phase.RUNNING, Phase.WAITING, Phase.RUNNING]
    assert supervision.tick(10.74) == []
    assert supervision.tick(10.75) == [Start(A1)]
    assert supervision.tick(100.0) == []
    assert phases(supervision) == [Phase.RUNNING] * 3


def test_pauses_double_up_to_the_longest_and_begin_anew_after_a_good_run(supervision):
    now, pauses = 0.0, []
    for _ in range(1100):
        pause = pause_of(supervision.ended(A0, 1, now + 1))
        pauses.append(pause)
        now += 1 + pause
        assert supervision.tick(now) == [Start(A0)]
    assert pauses[:8] == [0.75 * seconds for seconds in (1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE)]
    assert pauses[-1] == 0.75 * LONGEST_PAUSE
    assert pause_of(supervision.ended(A0, 1, now + RAN_WELL)) == 0.75


@pytest.mark.parametrize("draw", [0.0, 0.999_999])
def test_there_is_always_a_pause_and_never_a_longer_one(draw):
    supervision = Supervision(lambda: draw)
    supervision.start("a", 1, 1.0, 0.0)
    assert 0.5 <= pause_of(supervision.ended(A0, 1, 0.0)) <= 1.0


@pytest.mark.parametrize("code", [ExitCode.CONFIGURATION, ExitCode.AUTHORIZATION])
def test_a_fault_of_the_connector_ends_its_tasks_and_no_others(supervision, code):
    assert supervision.ended(A1, code, 10.0) == [GiveUp(A1, code), Stop(A0)]
    assert phases(supervision) == [Phase.STOPPING, Phase.FAILED, Phase.RUNNING]
    assert supervision.ended(A0, 0, 11.0) == []
    assert supervision.tick(10_000.0) == []
    assert not supervision.is_over
    assert supervision.stop(20.0) == [Stop(B0)]
    assert supervision.ended(B0, 0, 21.0) == []
    assert supervision.is_over
    assert supervision.exit_code is code


def test_a_task_that_waits_is_not_started_for_a_connector_that_has_failed(supervision):
    supervision.ended(A0, 1, 10.0)
    assert supervision.ended(A1, 2, 10.1) == [GiveUp(A1, ExitCode.CONFIGURATION)]
    assert supervision.tick(1000.0) == []
    assert phases(supervision) == [Phase.STOPPED, Phase.FAILED, Phase.RUNNING]


def test_a_task_whose_partitions_have_all_failed_stays_failed_and_its_sibling_runs_on(supervision):
    assert supervision.ended(A0, 4, 10.0) == [GiveUp(A0, ExitCode.ALL_PARTITIONS_FAILED)]
    assert supervision.tick(1000.0) == []
    assert phases(supervision) == [Phase.FAILED, Phase.RUNNING, Phase.RUNNING]


def test_it_is_over_when_all_have_failed(supervision):
    for key in (A0, A1, B0):
        assert not supervision.is_over
        supervision.ended(key, 4, 10.0)
    assert supervision.is_over
    assert supervision.exit_code is ExitCode.ALL_PARTITIONS_FAILED


def test_a_stop_asks_each_once_and_kills_those_that_take_too_long(supervision):
    supervision.ended(A1, 1, 9.9)
    assert supervision.stop(10.0) == [Stop(A0), Stop(B0)]
    assert supervision.stop(10.1) == []
    assert supervision.tick(14.9 + STOP_MARGIN) == []
    assert supervision.tick(15.0 + STOP_MARGIN) == [Kill(B0)]
    assert supervision.tick(16.0 + STOP_MARGIN) == []
    assert supervision.ended(B0, -signal.SIGKILL, 18.0) == []
    assert supervision.ended(A0, 0, 20.0) == []
    assert supervision.is_over
    assert supervision.exit_code is ExitCode.CRASH


@pytest.mark.parametrize("code", [0, -signal.SIGTERM, -signal.SIGINT])
def test_a_stop_before_the_process_listens_is_clean(supervision, code):
    supervision.stop(1.0)
    for key in (A0, A1, B0):
        supervision.ended(key, code, 1.1)
    assert supervision.is_over
    assert supervision.exit_code is ExitCode.OK


def test_of_several_codes_the_one_counts_that_somebody_has_to_act_on():
    assert worst([]) is ExitCode.OK
    ranked = [ExitCode.OK, ExitCode.CRASH, ExitCode.ALL_PARTITIONS_FAILED, ExitCode.AUTHORIZATION]
    assert worst(ranked) is ExitCode.AUTHORIZATION
    assert worst([*ranked, ExitCode.CONFIGURATION]) is ExitCode.CONFIGURATION
