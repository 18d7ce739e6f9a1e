"""The start of a task against services that fail, and what is left of it then. No broker: its catalogs are fakes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kafka_lambda_sink.config.loading import LoadedConfig, load
from kafka_lambda_sink.connector import report_sinks, task
from kafka_lambda_sink.connector.task import Task
from kafka_lambda_sink.core.errors import (
    ConfigError,
    InvocationAborted,
    KafkaLambdaSinkError,
    Problem,
    RetriableKafkaError,
    TransientInvocationError,
)
from kafka_lambda_sink.core.ports import TopicSnapshot
from kafka_lambda_sink.kafka.group_member import ConsumerGroupMember
from kafka_lambda_sink.kafka.producer import KafkaReportProducer
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from kafka_lambda_sink.local.faults import Throttle
from kafka_lambda_sink.pipeline.clock import SystemClock
from tests.support.fakes import FakeCatalog
from tests.support.running_task import FUNCTION, function

#: Seconds that transient faults are waited out here, instead of a minute.
BOUND = 1.0
#: Seconds that a test waits for anything.
PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "_START_PAUSE", 0.02)


@pytest.fixture
def endpoint() -> Iterator[InvokeEndpoint]:
    with InvokeEndpoint([function()]) as running:
        yield running


@pytest.fixture
def loaded(tmp_path: Path, endpoint: InvokeEndpoint) -> LoadedConfig:
    """Two report topics on clusters of their own, so that there are two producers. No cluster is there."""
    path = tmp_path / "sink.properties"
    path.write_text(
        f"""\
name=orders
topics=orders
bootstrap.servers=127.0.0.1:1
aws.lambda.function.name={FUNCTION}
aws.lambda.region=us-east-1
aws.lambda.endpoint.url={endpoint.url}
aws.access.key.id=AKIALOCAL
aws.secret.access.key=secret
aws.lambda.response.topic=results
aws.lambda.response.bootstrap.servers=127.0.0.1:2
aws.lambda.error.topic=errors
aws.lambda.error.bootstrap.servers=127.0.0.1:3
shutdown.timeout.ms=500
""",
        encoding="utf-8",
    )
    return load(path, environ={})


class Catalogs:
    """Makes the catalogs of a task, all of one cluster, and keeps them."""

    def __init__(self, failures: int = 0) -> None:
        self.made: list[FakeCatalog] = []
        #: Raised by the next questions to any of them.
        self.failures: deque[Exception] = deque([RetriableKafkaError("no broker yet")] * failures)

    def __call__(self, _: Mapping[str, Any]) -> FakeCatalog:
        catalog = FakeCatalog(**{name: TopicSnapshot("id", 1) for name in ("orders", "results", "errors")})
        catalog.failures = self.failures
        self.made.append(catalog)
        return catalog

    @property
    def are_closed(self) -> bool:
        return bool(self.made) and all(catalog.is_closed for catalog in self.made)


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()} & {"start", "topics", "reports", "coordinator"}


def wait_for_threads_to_end() -> None:
    for thread in threading.enumerate():
        if thread.name in {"start", "topics", "reports", "coordinator"}:
            thread.join(PATIENCE)
    assert threads() == set()


# --- transient faults ------------------------------------------------------------------------------------------------


def test_faults_that_pass_are_waited_out(loaded: LoadedConfig, endpoint: InvokeEndpoint):
    endpoint.faults.add(Throttle(), call="DryRun", times=2)
    catalogs = Catalogs(failures=3)
    starting = Task(loaded, SystemClock(), open_catalog=catalogs, start_timeout=PATIENCE)
    starting.start()
    starting.request_stop()
    assert starting.join(PATIENCE)
    assert starting.failure is None
    assert [entry.status for entry in endpoint.journal.requests("DryRun")] == [429, 429, 204]
    assert catalogs.are_closed


def test_a_cluster_that_never_answers_ends_the_start_at_its_bound(loaded: LoadedConfig):
    catalogs = Catalogs(failures=10_000)
    clock = SystemClock()
    starting = Task(loaded, clock, open_catalog=catalogs, start_timeout=BOUND)
    began = clock.monotonic()
    with pytest.raises(RetriableKafkaError, match="no broker yet"):
        starting.start()
    assert BOUND <= clock.monotonic() - began < PATIENCE
    assert catalogs.are_closed
    assert len(catalogs.failures) < 10_000 - 1, "it was asked again"


def test_a_function_that_never_answers_ends_the_start_at_its_bound(loaded: LoadedConfig, endpoint: InvokeEndpoint):
    endpoint.faults.add(Throttle(), call="DryRun", times=None)
    catalogs = Catalogs()
    clock = SystemClock()
    starting = Task(loaded, clock, open_catalog=catalogs, start_timeout=BOUND)
    began = clock.monotonic()
    with pytest.raises(TransientInvocationError):
        starting.start()
    assert BOUND <= clock.monotonic() - began < PATIENCE
    assert len(endpoint.journal.requests("DryRun")) > 1


def test_a_stop_ends_a_start_that_waits_for_an_answer(loaded: LoadedConfig):
    asked, answer = threading.Event(), threading.Event()

    class HangingCatalog(FakeCatalog):
        def describe(self, topics: Sequence[str]) -> dict[str, TopicSnapshot]:
            asked.set()
            answer.wait(PATIENCE)
            return super().describe(topics)

    starting = Task(loaded, SystemClock(), open_catalog=lambda _: HangingCatalog())
    ended: list[Exception] = []

    def start() -> None:
        try:
            starting.start()
        except KafkaLambdaSinkError as error:
            ended.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    assert asked.wait(PATIENCE)
    starting.request_stop()
    thread.join(PATIENCE / 2)
    assert [type(error) for error in ended] == [InvocationAborted]
    answer.set()
    wait_for_threads_to_end()


# --- what is left of a start that failed -----------------------------------------------------------------------------


class Closings:
    """The clients that a task builds, real ones, and which of them are closed. `limits` says how many may be built."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
        self.built: list[str] = []
        self.closed: list[str] = []
        closings = self

        def limit(kind: str) -> None:
            if closings.built.count(kind) == limits.get(kind):
                raise ConfigError([Problem(key=None, message=f"no {kind}", error_id="client-configuration")])
            closings.built.append(kind)

        class Producer(KafkaReportProducer):
            def __init__(self, config: Mapping[str, Any]) -> None:
                limit("producer")
                super().__init__(config)

            def close(self, timeout: float) -> int:
                closings.closed.append("producer")
                return super().close(timeout)

        class Member(ConsumerGroupMember):
            def __init__(self, config: Mapping[str, Any]) -> None:
                limit("member")
                super().__init__(config)

            def close(self, timeout: float = 4.0) -> None:
                closings.closed.append("member")
                super().close(timeout)

        monkeypatch.setattr(report_sinks, "KafkaReportProducer", Producer)
        monkeypatch.setattr(task, "ConsumerGroupMember", Member)


@pytest.mark.parametrize(
    ("limits", "built"),
    [
        ({"producer": 0}, []),
        ({"producer": 1}, ["producer"]),
        ({"member": 0}, ["producer", "producer"]),
    ],
    ids=["first producer", "second producer", "member"],
)
def test_a_client_that_cannot_be_built_closes_those_that_were(
    loaded: LoadedConfig, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], built: list[str]
):
    closings = Closings(monkeypatch, **limits)
    catalogs = Catalogs()
    with pytest.raises(ConfigError):
        Task(loaded, SystemClock(), open_catalog=catalogs).start()
    assert closings.built == built
    assert sorted(closings.closed) == sorted(built)
    assert catalogs.are_closed


@pytest.mark.parametrize("name", ["topics", "reports", "coordinator"])
def test_a_thread_that_cannot_be_started_ends_those_that_were(
    loaded: LoadedConfig, monkeypatch: pytest.MonkeyPatch, name: str
):
    closings = Closings(monkeypatch)
    catalogs = Catalogs()

    class Starting(Task):
        def _run(self, target: Callable[[], None], thread: str) -> threading.Thread:
            if thread == name:
                raise RuntimeError("can't start new thread")
            return super()._run(target, thread)

    with pytest.raises(RuntimeError, match="new thread"):
        Starting(loaded, SystemClock(), open_catalog=catalogs).start()
    assert sorted(closings.closed) == sorted(closings.built) == ["member", "producer", "producer"]
    assert catalogs.are_closed
    wait_for_threads_to_end()


def test_a_stop_closes_each_client_once(loaded: LoadedConfig, monkeypatch: pytest.MonkeyPatch):
    closings = Closings(monkeypatch)
    catalogs = Catalogs()
    running = Task(loaded, SystemClock(), open_catalog=catalogs)
    running.start()
    assert not running.join(0.0)
    running.request_stop()
    assert running.join(PATIENCE)
    assert sorted(closings.closed) == sorted(closings.built) == ["member", "producer", "producer"]
    assert catalogs.are_closed
    wait_for_threads_to_end()
