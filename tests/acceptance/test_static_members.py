"""Members with a `group.instance.id` of their own: A15."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.checker import Expectation, Interruption
from tests.support.scenario import Build, SlowEcho
from tests.support.sink_process import SinkProcess, now_ms
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

#: A member that is away for less than its session is not missed. KIP-848 leaves the session to the broker: 6 s here.
CLASSIC = {
    "consumer_override_session_timeout_ms": "10000",
    "consumer_override_heartbeat_interval_ms": "500",
}
KIP_848 = {"consumer_override_group_protocol": "consumer"}


def instance(name: str) -> dict[str, str]:
    return {"consumer_override_group_instance_id": name}


def assigned(sink: SinkProcess) -> list[str]:
    """What it holds now."""
    held: set[str] = set()
    for line in sink.events("assigned") + sink.events("revoked"):
        held.symmetric_difference_update(line["partitions"])
    return sorted(held)


def wait_assigned(sink: SinkProcess, count: int) -> list[str]:
    wait_until(lambda: len(assigned(sink)) == count, 30, what=f"{count} partitions of {sink.log_file.name}")
    return assigned(sink)


def terminate(sink: SinkProcess) -> None:
    sink.stop()


def kill(sink: SinkProcess) -> None:
    sink.kill9()


def wait_refused(sink: SinkProcess) -> None:
    """Until it has ended for the sake of its instance id, and has told so in words that help."""
    assert sink.wait(20) == 1, sink.output()
    (told,) = sink.events("stopped by a failure")
    assert "same group.instance.id" in told["hint"]
    assert "Traceback" not in sink.output()


def is_admitted(sink: SinkProcess) -> bool:
    """Whether it got partitions, once that is decided."""
    wait_until(lambda: sink.rc is not None or assigned(sink), 20, what="refused or assigned")
    return sink.rc is None


@pytest.mark.parametrize(
    ("group", "end"),
    [(CLASSIC, terminate), (CLASSIC, kill), (KIP_848, terminate)],
    ids=["classic, terminated", "classic, killed", "KIP-848, terminated"],
)
def test_a_restart_within_the_session_keeps_the_partitions(
    scenario: Build, group: dict[str, Any], end: Callable[[SinkProcess], None]
):
    """The other member notices nothing, and nobody delivers for the one that is away."""
    run = scenario(partitions=4, echo=SlowEcho(0.1), **group)
    first = run.start(**instance("first"))
    wait_assigned(first, 4)
    second = run.start(**instance("second"))
    wait_assigned(second, 2)
    before = wait_assigned(first, 2)
    moves = len(second.events("assigned") + second.events("revoked"))
    run.produce(200)
    run.wait_calls(8)
    began = now_ms()
    end(first)
    again = run.start(**instance("first"))
    assert wait_assigned(again, 2) == before
    interruptions = [Interruption(began, now_ms())] if end is kill else []
    run.wait_committed()
    assert len(second.events("assigned") + second.events("revoked")) == moves
    report = run.finish(Expectation(interruptions=interruptions))
    assert report.records == 800
    assert end is kill or report.duplicated == 0


def test_the_older_of_two_with_one_id_is_fenced(scenario: Build):
    """It commits nothing any more: what it had in flight is delivered again by the newer one."""
    run = scenario(partitions=2, echo=SlowEcho(0.3), **CLASSIC)
    run.produce(200)
    older = run.start(**instance("twin"))
    run.wait_calls(6)
    began = now_ms()
    newer = run.start(**instance("twin"))
    wait_refused(older)
    ended = now_ms()
    run.echo.seconds = 0.0
    run.finish(Expectation(interruptions=[Interruption(began, ended)]))
    assert newer.rc == 0


def test_the_newer_of_two_with_one_id_is_refused_under_kip_848(scenario: Build):
    """The older one is not disturbed; once it was killed, its id is free when its session has ended."""
    run = scenario(partitions=2, echo=SlowEcho(0.3), **KIP_848)
    run.produce(100)
    older = run.start(**instance("twin"))
    run.wait_calls(2)
    wait_refused(run.start(**instance("twin")))
    assert older.rc is None
    # By now it may have delivered what there was.
    calls = run.calls()
    run.produce(100)
    run.wait_calls(calls + 2)
    began = older.kill9()
    newer = run.start(**instance("twin"))
    while not is_admitted(newer):
        assert now_ms() - began < 20_000, newer.output()
        newer = run.start(**instance("twin"))
    run.echo.seconds = 0.0
    run.finish(Expectation(interruptions=[Interruption(began, now_ms())]))
    assert newer.rc == 0
