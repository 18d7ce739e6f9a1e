"""Members that join, leave, hang and come back: A6 to A12, A16."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.support.checker import Expectation, Interruption
from tests.support.scenario import Build, SlowEcho
from tests.support.sink_process import SinkProcess
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

#: `partition.assignment.strategy` or the protocol that has none.
GROUPS: dict[str, dict[str, Any]] = {
    "range": {"consumer_override_partition_assignment_strategy": "range"},
    "cooperative-sticky": {},
    "KIP-848": {"consumer_override_group_protocol": "consumer"},
}
CLASSIC_AND_NEW = pytest.mark.parametrize(
    "group", [GROUPS["cooperative-sticky"], GROUPS["KIP-848"]], ids=["classic", "KIP-848"]
)
#: Milliseconds a stopped member's outcomes, and those of its successor, may repeat after it goes on.
REJOIN = 5000


def wait_assigned(sink: SinkProcess, partitions: int = 1) -> None:
    """Until so many partitions have been assigned to it, one way or another."""

    def count() -> int:
        return sum(len(event["partitions"]) for event in sink.events("assigned"))

    wait_until(lambda: count() >= partitions, 30, what=f"{partitions} partitions of {sink.log_file.name}")


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_a_member_joins_while_calls_are_in_flight(scenario: Build, group: dict[str, Any]):
    """A6: what is in flight is drained before the hand-over, so nothing is delivered twice."""
    run = scenario(partitions=4, echo=SlowEcho(0.7), **group)
    run.produce(160)
    first = run.start()
    run.wait_calls(4, running=True)
    second = run.start()
    wait_assigned(second, 2)
    run.wait_calls(run.calls() + 4)
    second.stop()
    run.echo.seconds = 0.0
    report = run.finish()
    assert first.events("revoked")
    assert report.duplicated == 0


def test_a_call_that_outlasts_the_drain_is_given_up(scenario: Build):
    """A7: its reply comes late, and neither commits nor reports anything."""
    run = scenario(partitions=2, echo=SlowEcho(6.0), rebalance_drain_timeout_ms="1000")
    run.produce(20)
    first = run.start()
    run.wait_calls(2, running=True)
    run.echo.seconds = 8.0
    second = run.start()
    given_up = first.wait_for_log("gave up waiting for what is in flight: it will be delivered again")
    wait_assigned(second)
    run.wait_calls(3)
    report = run.finish(Expectation(interruptions=[Interruption(given_up["at"], given_up["at"] + 6000)]))
    assert report.duplicated == 20
    seen = run.observe()
    assert len(seen.results or ()) == 40
    # The endpoint cannot know that nobody listened to the late reply: only the second one may have led to the commit.
    redelivery = seen.calls[2]
    early = [sample for sample in seen.commits if sample.offsets.get(redelivery.tp) and sample.at < redelivery.known]
    assert not early


@pytest.mark.parametrize("group", [GROUPS["range"], GROUPS["KIP-848"]], ids=["range", "KIP-848"])
def test_partitions_that_come_back_within_a_second(scenario: Build, group: dict[str, Any]):
    """A8, A9: nothing of the old epoch is used, and the fetching goes on."""
    run = scenario(partitions=3, echo=SlowEcho(0.15), **group)
    run.produce(400)
    first = run.start()
    run.wait_calls(6)
    second = run.start()
    wait_assigned(second)
    second.stop()
    wait_assigned(first, 4)
    run.wait_calls(run.calls() + 3)
    run.echo.seconds = 0.0
    assert run.finish().duplicated == 0


@CLASSIC_AND_NEW
def test_a_stopped_process_that_wakes_up_commits_nothing(scenario: Build, group: dict[str, Any]):
    """A10, A11: another member has taken over; the zombie's replies and offsets count for nothing."""
    run = scenario(partitions=2, echo=SlowEcho(0.4), **group)
    run.produce(200)
    zombie = run.start()
    run.wait_calls(6)
    began = zombie.sigstop()
    second = run.start()
    wait_assigned(second, 2)
    run.wait_calls(run.calls() + 6)
    ended = zombie.sigcont()
    run.wait_calls(run.calls() + 4)
    zombie.wait_for_log("lost", 30)
    run.echo.seconds = 0.0
    run.finish(Expectation(interruptions=[Interruption(began, ended + REJOIN)]))


@pytest.mark.parametrize("protocol", ["classic", "KIP-848"])
def test_random_joins_and_leaves(scenario: Build, protocol: str):
    """A12: clean ones, so nothing repeats either."""
    dice = random.Random(12)
    run = scenario(partitions=6, echo=SlowEcho(0.12), aws_lambda_batch_size="10", **GROUPS.get(protocol, {}))
    run.produce(700)
    members = [run.start()]
    run.wait_calls(1)
    for _ in range(6):
        if len(members) == 1 or (len(members) < 3 and dice.randrange(2)):
            members.append(run.start())
        else:
            members.pop(dice.randrange(len(members))).sigterm()
        run.wait_calls(run.calls() + dice.randrange(10, 90))
    run.echo.seconds = 0.0
    report = run.finish()
    assert report.duplicated == 0
    assert report.records == 4200


def test_a_function_slower_than_the_poll_interval(scenario: Build):
    """A16: the member polls while the function runs."""
    run = scenario(
        echo=SlowEcho(9.0),
        consumer_override_max_poll_interval_ms="6000",
        consumer_override_session_timeout_ms="3000",
        rebalance_drain_timeout_ms="4000",
    )
    run.produce(5)
    sink = run.start()
    run.wait_committed()
    sink.stop()
    report = run.check()
    assert report.duplicated == 0
    assert run.calls() == 1
    assert len(sink.events("assigned")) == 1
    assert not sink.events("lost")
