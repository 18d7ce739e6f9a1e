"""`replay` as a process: what a poisonous run left is delivered once the function is repaired."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message

from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.command import arguments, environment, run
from tests.support.observation import calls_of
from tests.support.scenario import Build, Scenario
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker


class Moody:
    """A function that fails every batch with a record of a number in `refuses`, and answers the others."""

    def __init__(self) -> None:
        self.refuses: Callable[[int], bool] = lambda _: False
        #: Called with each batch's numbers before it is answered.
        self.on_call: Callable[[list[int]], None] = lambda _: None

    def __call__(self, event: bytes) -> bytes:
        entries = json.loads(event)
        numbers = [int(entry["payload"]["value"]["id"].rpartition("-")[2]) for entry in entries]
        self.on_call(numbers)
        if any(self.refuses(number) for number in numbers):
            raise ValueError(f"refused {numbers}")
        return event

    def release(self) -> None:
        """Nothing is waited for."""


@pytest.fixture
def moody() -> Moody:
    return Moody()


@pytest.fixture
def failed(scenario: Build, moody: Moody) -> Callable[..., Scenario]:
    """A connector that has run over 60 records of each of two partitions in batches of 5, and was stopped."""

    def ran(refuses: Callable[[int], bool], **properties: str) -> Scenario:
        made = scenario(partitions=2, echo=moody, aws_lambda_batch_size="5", behavior_on_error="log", **properties)
        made.produce(60)
        moody.refuses = refuses
        sink = made.start(aws_lambda_error_topic=f"{made.name}-errors")
        made.wait_committed()
        sink.stop()
        moody.refuses = lambda _: False
        return made

    return ran


def replay(here: Scenario, *options: str, timeout: float = 60.0) -> Any:
    return run("replay", "--config", here.directory / "sink0.properties", *options, timeout=timeout)


def replayed(here: Scenario, *options: str, code: int = 0) -> Any:
    done = replay(here, "--json", *options)
    assert done.returncode == code, done.stderr + done.stdout
    return json.loads(done.stdout)


def coordinates(message: Message) -> tuple[int, int]:
    key = json.loads(message.key() or b"")
    return key["partition"], key["offset"]


def offsets_of_results(here: Scenario, cluster: Cluster) -> set[tuple[int, int]]:
    assert here.results
    return {coordinates(message) for message in cluster.read_all(here.results)}


def sent(here: Scenario, since: int) -> list[tuple[int, int]]:
    """(partition, offset) of each record of the calls since then."""
    calls = calls_of(here.journal)[since:]
    return [(payload["partition"], payload["offset"]) for call in calls for payload in call.payloads]


ALL = {(partition, offset) for partition in (0, 1) for offset in range(60)}


def committed(here: Scenario, cluster: Cluster) -> dict[int, tuple[int, str | None]]:
    found = cluster.committed(f"connect-{here.name}", here.topic)
    return {partition: (tp.offset, tp.metadata) for partition, tp in found.items()}


def test_what_failed_is_delivered_once_the_function_is_repaired(failed: Callable[..., Scenario], cluster: Cluster):
    here = failed(lambda number: number % 10 == 3)
    before, calls = committed(here, cluster), len(calls_of(here.journal))
    lost = {(partition, offset) for partition, offset in ALL if offset % 10 < 5}
    assert offsets_of_results(here, cluster) == ALL - lost

    plan = replayed(here, "--dry-run")
    assert [(each["partition"], each["start_offset"], each["end_offset"]) for each in plan["reports"]] == [
        (partition, start, start + 5) for partition in (0, 1) for start in range(0, 60, 10)
    ]
    assert {each["error_type"] for each in plan["reports"]} == {"Unhandled ValueError"}
    shown = replay(here, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "50-54" in shown.stdout
    assert f"12 reports of {here.name}-errors, 60 records at most." in shown.stdout
    assert len(calls_of(here.journal)) == calls

    done = replayed(here)
    assert (done["delivered"], done["failed_again"], done["gone"], done["finished"]) == (12, 0, [], True)
    assert done["records"] == {"delivered": 60, "filtered": 0, "failed_again": 0}
    assert offsets_of_results(here, cluster) == ALL
    # In the order of each partition, in the batches that failed, each once.
    assert sorted(sent(here, calls), key=lambda each: each[0]) == sorted(lost)
    assert {len(call.payloads) for call in calls_of(here.journal)[calls:]} == {5}
    assert committed(here, cluster) == before

    again = replayed(here)
    assert (again["delivered"], again["failed_again"]) == (0, 0)
    assert sorted(sent(here, calls), key=lambda each: each[0]) == sorted(lost)


def test_what_still_fails_is_reported_again_and_found_by_the_next(
    failed: Callable[..., Scenario], moody: Moody, cluster: Cluster
):
    here = failed(lambda number: number % 20 == 3)
    moody.refuses = lambda number: number == 23
    first = replayed(here, code=1)
    assert (first["delivered"], first["failed_again"], first["kept"]) == (4, 2, 0)
    assert len(cluster.read_all(f"{here.name}-errors")) == 6 + 2

    plan = replayed(here, "--dry-run")
    assert [(each["partition"], each["start_offset"]) for each in plan["reports"]] == [(0, 20), (1, 20)]
    moody.refuses = lambda _: False
    second = replayed(here)
    assert (second["delivered"], second["failed_again"]) == (2, 0)
    assert offsets_of_results(here, cluster) == ALL


def test_options_select_and_lose_nothing_of_the_rest(failed: Callable[..., Scenario], cluster: Cluster):
    here = failed(lambda number: number % 10 == 3)
    one = replayed(here, "--partition", "1", "--topic", here.topic)
    assert (one["delivered"], one["left_out"]["by_options"]) == (6, 6)
    assert {partition for partition, _ in ALL - offsets_of_results(here, cluster)} == {0}
    for options in (
        ("--error-type", "KeyError"),
        ("--from-time", "2100-01-01T00:00:00Z"),
        ("--topic", "other"),
        ("--partition", "1"),
    ):
        none = replayed(here, *options)
        assert (none["delivered"], none["left_out"]["by_options"]) == (0, 6), options
    rest = replayed(here, "--error-type", "ValueError", "--from-time", "2020-01-01T00:00:00+02:00")
    assert rest["delivered"] == 6
    assert offsets_of_results(here, cluster) == ALL
    assert replayed(here)["delivered"] == 0


class Process:
    """A replay that a test kills, stops and listens to."""

    def __init__(self, here: Scenario, *options: str) -> None:
        config = here.directory / "sink0.properties"
        self.process = subprocess.Popen(
            arguments("replay", "--json", "--config", config, *options),
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_line(self, word: str) -> None:
        """Until standard error has a line with it."""
        assert self.process.stderr is not None
        assert any(word in line for line in self.process.stderr), f"ended without {word!r}"

    def end(self, timeout: float = 60.0) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, err


@pytest.fixture
def starting() -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def start(here: Scenario, *options: str) -> Process:
        started.append(Process(here, *options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


class Gate:
    """Holds every call from the `after`-th on until it is opened."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._calls = 0
        self._lock = threading.Lock()
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self, numbers: list[int]) -> None:
        assert numbers
        with self._lock:
            self._calls += 1
            is_held = self._calls > self._after
        if is_held:
            self.reached.set()
            self._open.wait(30)

    def open(self) -> None:
        self._open.set()


def takes_signals(pid: int) -> bool:
    """Whether a process has come to where SIGTERM stops it in order."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def take_time(seconds: float) -> None:
    """What a function does that takes its time."""
    threading.Event().wait(seconds)


def marked(here: Scenario, cluster: Cluster) -> bool:
    """Whether the replay's group has committed anything."""
    found = cluster.committed(f"connect-{here.name}-replay", f"{here.name}-errors")
    return any(tp.offset > 0 or ";done=" in (tp.metadata or "") for tp in found.values())


def test_a_run_that_is_killed_half_way_is_gone_on_with(
    failed: Callable[..., Scenario], moody: Moody, cluster: Cluster, starting: Callable[..., Process]
):
    here = failed(lambda number: number % 10 == 3)
    before, calls = committed(here, cluster), len(calls_of(here.journal))
    lost = {(partition, offset) for partition, offset in ALL if offset % 10 < 5}
    moody.on_call = gate = Gate(6)
    running = starting(here)
    assert gate.reached.wait(40), running.end()
    wait_until(lambda: marked(here, cluster), 20, what="something is marked")
    running.process.kill()
    running.process.communicate()
    gate.open()
    assert here.journal.wait_settled(15)
    first = sent(here, calls)

    done = replayed(here)
    assert 0 < done["delivered"] < 12
    assert offsets_of_results(here, cluster) == ALL
    assert set(sent(here, calls)) == lost
    # Of what was marked nothing comes again: at most the two batches that hung, and those of the last second.
    assert len(sent(here, calls)) < len(first) + len(lost)
    assert committed(here, cluster) == before
    assert replayed(here)["delivered"] == 0


def test_a_stop_finishes_what_is_in_flight_and_marks_it(
    failed: Callable[..., Scenario], moody: Moody, cluster: Cluster, starting: Callable[..., Process]
):
    here = failed(lambda number: number % 10 == 3)
    calls = len(calls_of(here.journal))
    moody.on_call = gate = Gate(4)
    running = starting(here)
    assert gate.reached.wait(40), running.end()
    running.process.send_signal(signal.SIGTERM)
    running.wait_for_line("Stopping")
    gate.open()
    code, out, err = running.end()
    assert code == 1, err
    told = json.loads(out)
    assert not told["finished"]
    assert 4 < told["delivered"] <= 6
    assert told["delivered"] * 5 == len(sent(here, calls))
    rest = replayed(here)
    assert rest["delivered"] == 12 - told["delivered"]
    assert len(sent(here, calls)) == 60
    assert offsets_of_results(here, cluster) == ALL


def test_a_second_run_at_the_same_time_is_refused(
    failed: Callable[..., Scenario], moody: Moody, starting: Callable[..., Process]
):
    here = failed(lambda number: number == 3)
    calls = len(calls_of(here.journal))
    moody.on_call = gate = Gate(0)
    running = starting(here)
    assert gate.reached.wait(40), running.end()
    refused = replay(here)
    assert refused.returncode == 1
    assert "another replay is active" in refused.stderr
    gate.open()
    code, out, err = running.end()
    assert code == 0, err
    assert json.loads(out)["delivered"] == 2
    assert len(sent(here, calls)) == 10


def test_records_that_are_gone_are_told_and_their_reports_stay(failed: Callable[..., Scenario], cluster: Cluster):
    here = failed(lambda number: number % 10 == 3)
    here.delete_records(0, 22)
    done = replay(here)
    assert done.returncode == 1, done.stderr
    assert f"{here.topic}-0 0-4: deleted from the source topic" in done.stdout
    assert f"{here.topic}-0 20-24: 2 offsets deleted from the source topic; the rest was delivered again" in done.stdout
    again = replayed(here, code=1)
    assert again["delivered"] == 0
    assert [(each["partition"], each["start_offset"]) for each in again["gone"]] == [(0, 0), (0, 10)]

    cluster.delete_topic(here.topic)
    assert [each["why"] for each in replayed(here, code=1)["gone"]] == [
        "there is no such source topic or partition"
    ] * 2
    cluster.create_topic(2, name=here.topic)
    cluster.produce(here.topic, [b"{}"] * 12, partition=0)
    calls = len(calls_of(here.journal))
    why = [each["why"] for each in replayed(here, code=1)["gone"]]
    assert why == ["another record is there now: the source topic was created again"] * 2
    assert len(calls_of(here.journal)) == calls


def test_dead_letters_are_read_from_the_source_again(scenario: Build, cluster: Cluster):
    dead = {
        "errors_tolerance": "all",
        "errors_deadletterqueue_context_headers_enable": "true",
        "errors_deadletterqueue_topic_replication_factor": "1",
    }
    here = scenario(has_results=False, **dead)
    topic = f"{here.name}-dead"
    here.produce(3)
    cluster.produce(here.topic, [b"no JSON", b"neither"])
    sink = here.start(errors_deadletterqueue_topic_name=topic)
    here.wait_committed()
    sink.stop()
    before, calls = committed(here, cluster), len(calls_of(here.journal))
    assert replayed(here, "--dry-run", "--from", "dead-letters")["reports"][0]["error_type"] == "RecordError"
    still = replayed(here, "--from", "dead-letters", code=1)
    assert (still["delivered"], still["failed_again"]) == (0, 2)
    assert len(cluster.read_all(topic)) == 4

    plain = ("--set", "value.converter=org.apache.kafka.connect.storage.StringConverter")
    done = replayed(here, "--from", "dead-letters", *plain)
    assert (done["delivered"], done["failed_again"]) == (2, 0)
    payloads = [payload for call in calls_of(here.journal)[calls:] for payload in call.payloads]
    assert [(each["topic"], each["offset"], each["value"]) for each in payloads] == [
        (here.topic, 3, "no JSON"),
        (here.topic, 4, "neither"),
    ]
    assert committed(here, cluster) == before
    assert replayed(here, "--from", "dead-letters")["delivered"] == 0


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ([], 2, "aws.lambda.error.topic"),
        (["--from", "dead-letters"], 2, "errors.deadletterqueue.topic.name"),
        (["--from-time", "yesterday"], 2, "2026-01-31T08:00:00Z"),
        (["--from-time", "2026-01-31T08:00:00"], 2, "no time zone"),
        (["--set", "aws.lambda.error.topic=e", "--set", "bootstrap.servers=127.0.0.1:1"], 1, "Connection refused"),
        (["--set", "aws.lambda.bach.size=1"], 2, "aws.lambda.batch.size"),
    ],
    ids=["no error topic", "no dead letters", "time", "zone", "no broker", "configuration"],
)
def test_what_is_wrong_is_told(scenario: Build, options: list[str], code: int, words: str):
    here = scenario(has_results=False)
    here.start().kill9()
    done = replay(here, *options)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_topic_that_does_not_exist_yet_has_nothing_to_replay(scenario: Build):
    here = scenario()
    here.start().kill9()
    done = replayed(here, "--set", f"aws.lambda.error.topic={here.name}-errors")
    assert (done["delivered"], done["finished"]) == (0, True)


def test_dead_letters_without_headers_are_sent_themselves(scenario: Build, cluster: Cluster):
    here = scenario(has_results=False, errors_tolerance="all", errors_deadletterqueue_topic_replication_factor="1")
    topic = f"{here.name}-dead"
    cluster.produce(here.topic, [b"no JSON"])
    sink = here.start(errors_deadletterqueue_topic_name=topic)
    here.wait_committed()
    sink.stop()
    calls = len(calls_of(here.journal))
    plain = ("--set", "value.converter=org.apache.kafka.connect.storage.StringConverter")
    assert replayed(here, "--from", "dead-letters", *plain)["delivered"] == 1
    [call] = calls_of(here.journal)[calls:]
    assert [(each["topic"], each["offset"], each["value"]) for each in call.payloads] == [(topic, 0, "no JSON")]


def test_an_error_topic_on_another_cluster_is_read_and_marked_there(scenario: Build, moody: Moody, cluster: Cluster):
    with Broker() as broker:
        other = Cluster(broker)
        here = scenario(
            echo=moody,
            report_cluster=other,
            behavior_on_error="log",
            aws_lambda_error_bootstrap_servers=other.bootstrap,
        )
        here.produce(30)
        moody.refuses = lambda number: number == 3
        sink = here.start(aws_lambda_error_topic=f"{here.name}-errors")
        here.wait_committed()
        sink.stop()
        before = committed(here, cluster)
        moody.refuses = lambda _: False
        assert replayed(here)["delivered"] == 1
        assert offsets_of_results(here, other) == {(0, offset) for offset in range(30)}
        assert {tp.offset for tp in other.committed(f"connect-{here.name}-replay", f"{here.name}-errors").values()} == {
            1
        }
        assert not any(tp.offset >= 0 for tp in cluster.committed(f"connect-{here.name}-replay", here.topic).values())
        assert committed(here, cluster) == before
        assert replayed(here)["delivered"] == 0


def test_a_stop_ends_in_time_where_the_brokers_of_the_marks_hang(
    failed: Callable[..., Scenario], moody: Moody, cluster: Cluster, starting: Callable[..., Process]
):
    with Broker() as broker:
        here = failed(lambda number: number % 10 == 3, aws_lambda_error_bootstrap_servers=broker.bootstrap)
        before, calls = committed(here, cluster), len(calls_of(here.journal))
        moody.on_call = lambda _: take_time(1.0)
        running = starting(here, "--set", "shutdown.timeout.ms=5000")
        here.wait_calls(calls + 3, 40)
        broker.pause()
        # Marks are committed every second: one of these commits hangs by now.
        here.wait_calls(calls + 7, 20)
        running.process.send_signal(signal.SIGTERM)
        code, out, err = running.end(10)
        broker.resume()
    assert code == 1, err
    told = json.loads(out)
    assert not told["finished"]
    assert 5 * told["delivered"] == len(sent(here, calls))
    assert committed(here, cluster) == before


def test_a_stop_ends_in_time_where_brokers_do_not_answer(scenario: Build, starting: Callable[..., Process]):
    here = scenario(has_results=False)
    here.start().kill9()
    # Connections are made, and nobody reads what comes over them.
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        brokers = f"bootstrap.servers=127.0.0.1:{deaf.getsockname()[1]}"
        more = ("--set", "aws.lambda.error.topic=e", "--set", brokers, "--set", "shutdown.timeout.ms=1000")
        running = starting(here, *more)
        wait_until(lambda: takes_signals(running.process.pid), 40, what="signals are taken")
        running.process.send_signal(signal.SIGTERM)
        code, out, err = running.end(6)
    assert code == 1, err
    assert "the next run goes on" in err
    assert out == ""


def test_on_a_terminal_a_bar_tells_how_far_it_is(failed: Callable[..., Scenario], moody: Moody):
    here = failed(lambda number: number % 10 == 3)
    moody.refuses = lambda number: number == 13
    ours, theirs = os.openpty()
    config = here.directory / "sink0.properties"
    running = subprocess.Popen(
        arguments("replay", "--config", config),
        env=environment({"TERM": "xterm"}),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # what reading tells when the other side is closed
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    assert running.wait(30) == 1
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    last = text.rstrip().splitlines()[-1]
    assert "12/12 reports 50 records delivered 0 partitions at work 10 failed again" in last
    assert "Traceback" not in text
