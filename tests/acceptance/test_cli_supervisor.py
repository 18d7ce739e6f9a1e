"""Several tasks and several connectors in one command: processes that are killed, stopped and left alone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupState

from tests.support.checker import Expectation, Interruption
from tests.support.command import run as run_command
from tests.support.scenario import SECRET, Build, Scenario, SlowEcho
from tests.support.sink_process import SinkProcess, now_ms
from tests.support.waiting import wait_until

#: Milliseconds that a call may go on at the endpoint when its caller was killed.
AFTERMATH = 1000


def pids(sink: SinkProcess, connector: Scenario) -> dict[int, int]:
    """The newest process of each task that was started so far."""
    return {line["task"]: line["pid"] for line in sink.events("task started") if line["connector"] == connector.name}


def is_running(pid: int) -> bool:
    try:
        # A zombie has ended, whoever fails to ask for it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def held(sink: SinkProcess, connector: Scenario, task: int) -> set[str]:
    """The partitions that a task has, while none was killed."""
    now: set[str] = set()
    for line in sink.events("assigned") + sink.events("revoked"):
        if (line["connector"], line["task"]) == (connector.name, task):
            now.symmetric_difference_update(line["partitions"])
    return now


def wait_held(sink: SinkProcess, connector: Scenario, *counts: int) -> None:
    """Until so many partitions are with the tasks, whichever has how many."""

    def spread() -> list[int]:
        return sorted(len(held(sink, connector, task)) for task in range(len(counts)))

    wait_until(lambda: spread() == list(counts), 30, what=f"{counts} of {sink.log_file.name}")


def members(run: Scenario) -> set[tuple[str, str | None]]:
    """Client and instance ids in the group; none while it rebalances."""
    group = f"connect-{run.name}"
    described = run.cluster.admin.describe_consumer_groups([group])[group].result()
    if described.state is not ConsumerGroupState.STABLE:
        return set()
    return {(member.client_id, member.group_instance_id) for member in described.members}


@pytest.mark.broker
def test_a_killed_task_is_started_again_and_nothing_else_notices(scenario: Build):
    run = scenario(partitions=4, echo=SlowEcho(0.1))
    other = scenario(echo=SlowEcho(0.1))
    # The tasks that live on must not be missed where the machine is slow.
    sink = run.start(other, tasks_max="2", consumer_override_session_timeout_ms="4000")
    wait_held(sink, run, 2, 2)
    run.produce(200)
    other.produce(200)
    run.wait_calls(8)
    first, (beside,) = pids(sink, run), pids(sink, other).values()
    assert "confluent_kafka" not in Path(f"/proc/{sink.pid}/maps").read_text()
    assert sink.resident_mb < 80
    command = Path(f"/proc/{first[1]}/cmdline").read_text().split("\0")
    assert command[-5:-2] == ["kafka_lambda_sink.cli.task_process", run.name, "1"]

    os.kill(first[1], signal.SIGKILL)
    killed = Interruption(now_ms(), now_ms() + AFTERMATH)
    sink.wait_for_log("the task has ended: starting it again after a pause")
    wait_until(lambda: pids(sink, run)[1] != first[1], what="a new process")
    run.produce(20)
    run.wait_committed()
    other.wait_committed()
    assert (pids(sink, run)[0], [*pids(sink, other).values()]) == (first[0], [beside])

    sink.stop()
    report = run.check(Expectation(interruptions=[killed]))
    assert report.records == 880
    assert other.check().duplicated == 0
    assert not [pid for pid in (*pids(sink, run).values(), beside) if is_running(pid)]
    ended = {line["connector"]: (line["tasks"], line["starts"]) for line in sink.events("connector ended")}
    assert ended == {run.name: (["STOPPED"] * 2, 3), other.name: (["STOPPED"], 1)}


@pytest.mark.broker
def test_tasks_without_their_supervisor_stop_in_order(scenario: Build):
    run = scenario(partitions=2, echo=SlowEcho(0.3))
    sink = run.start(tasks_max="3", consumer_override_group_instance_id="host")
    told = sink.wait_for_log("there are more tasks than partitions: some are idle")
    assert (told["tasks"], told["partitions"]) == (3, 2)
    expected = {(f"{run.name}-{task}", f"host-{task}") for task in range(3)}
    wait_until(lambda: members(run) == expected, 30, what=f"{expected} in the group")
    wait_held(sink, run, 0, 1, 1)
    run.produce(200)
    run.wait_calls(4)
    sink.kill9()
    wait_until(lambda: not any(map(is_running, pids(sink, run).values())), 20, what="the end of the tasks")
    calls = run.calls()
    run.echo.seconds = 0.0
    run.start()
    assert run.finish().duplicated == 0
    assert calls < run.calls()


@pytest.mark.broker
def test_2_a_connector_that_cannot_run_leaves_the_others_alone(scenario: Build):
    run = scenario()
    wrong = scenario(aws_lambda_function_name="nope", tasks_max="2")
    run.produce(20)
    sink = run.start(wrong)
    told = sink.wait_for_log("the task has failed and is not started again")
    assert (told["connector"], told["exit_code"]) == (wrong.name, 2)
    assert "nope" in told["reason"]
    run.wait_committed()
    wait_until(lambda: not any(map(is_running, pids(sink, wrong).values())), what="the end of both tasks")
    sink.sigterm()
    assert sink.wait(20) == 2
    assert len(sink.events("task started")) == 3
    assert run.check().records == 20


@pytest.mark.parametrize(("signals", "code"), [(1, 1), (2, 128 + signal.SIGTERM)])
def test_a_task_that_does_not_stop_is_killed_when_its_time_is_over_or_by_a_second_signal(
    tmp_path: Path, *, signals: int, code: int
):
    properties = {
        "name": "stuck",
        "bootstrap.servers": "127.0.0.1:1",
        "topics": "t",
        "aws.lambda.function.name": "f",
        "aws.lambda.region": "us-east-1",
        "aws.lambda.endpoint.url": "http://127.0.0.1:1",
        "aws.access.key.id": "AKIALOCAL",
        "aws.secret.access.key": SECRET,
        "shutdown.timeout.ms": "0",
        "log.format": "json",
    }
    with SinkProcess(tmp_path, properties, properties | {"name": "other"}) as sink:
        sink.wait_for_log("the function cannot be checked yet", times=2)
        stuck, other = [line["pid"] for line in sink.events("task started")]
        os.kill(stuck, signal.SIGSTOP)
        sink.sigterm()
        wait_until(lambda: not is_running(other), what="the end of the task that can stop")
        assert is_running(stuck)
        for _ in range(signals - 1):
            sink.sigterm()
        assert sink.wait(5) == code
        wait_until(lambda: not is_running(stuck), what="the end of the other")
    assert bool(sink.events("the task has not stopped in time: killing it")) is (signals == 1)


def test_2_all_problems_of_all_files_are_told_before_anything_is_started(tmp_path: Path):
    common = "bootstrap.servers=127.0.0.1:1\ntopics=t\naws.lambda.function.name=f\naws.lambda.region=us-east-1\n"
    files = {
        "a": f"{common}name=orders\ntasks.max=2\naws.lambda.bach.size=5\n",
        "b": f"{common}name=orders-1\n",
        "c": f"{common}name=other\nconsumer.override.group.id=connect-orders-1\n",
        "d": f"{common}name=orders-1\nbehavior.on.error=explode\n",
        "e": f"{common}name=orders\ntasks.max=3\n",
    }
    words: list[str | Path] = []
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        words += ["--config", tmp_path / name]
    b = tmp_path / "b"
    done = run_command(*words, "--set", f"aws.secret.access.key={SECRET}", "--set", "aws.access.key.id=AKIALOCAL")
    assert done.returncode == 2
    assert [line.removeprefix(f"error: {tmp_path}/").split(": ", 1) for line in done.stderr.splitlines()] == [
        ["a:7", "aws.lambda.bach.size: unknown key. Did you mean aws.lambda.batch.size?"],
        ["d:6", "behavior.on.error: Input should be 'fail', 'log' or 'ignore'"],
        ["c", f"name: {b} is in the consumer group connect-orders-1, too. Give each connector a group of its own"],
        ["e", f"name: {b} has the client id orders-1, too. Give each connector a name of its own"],
    ]
    assert SECRET not in done.stderr
