"""A connector's task in the test's own process: real broker, local Invoke endpoint, no process to start.

sink = Sink(cluster, endpoint, tmp_path, partitions=2)
with sink.running({"behavior.on.error": "log"}) as task:
    sink.produce([b'{"n":1}'])
    task.wait_committed({0: 1})
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from confluent_kafka import Message

from kafka_lambda_sink.config.loading import LoadedConfig, load
from kafka_lambda_sink.connector.task import Task
from kafka_lambda_sink.core.errors import KafkaLambdaSinkError
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from kafka_lambda_sink.local.journal import Entry
from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.telemetry.log_format import JsonFormatter
from tests.support.broker import Broker
from tests.support.cluster import Cluster, Record
from tests.support.waiting import wait_until

T = TypeVar("T")

FUNCTION = "handle"
#: Seconds that a fault may take to be over: far above what is needed, far below the test's own time-out.
PATIENCE = 25.0
_NONE: Mapping[str, str] = MappingProxyType({})


def echo(event: bytes) -> bytes:
    """A function that answers each record with its own value, as the model's response contract wants it."""
    entries = [entry["payload"] for entry in json.loads(event)]
    replies = [
        {**{name: entry[name] for name in ("timestamp", "topic", "partition", "offset")}, "result": entry["value"]}
        for entry in entries
    ]
    return json.dumps([{"payload": reply} for reply in replies]).encode()


def function(code: Callable[[bytes], bytes] = echo, *, timeout: float = 60.0) -> Function:
    """The function that sinks call unless they are told another."""
    return Function(name=FUNCTION, handler=PythonHandler(code), timeout=timeout)


class Log(logging.Handler):
    """Every line that the sink's own loggers write, as the JSON format writes it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonFormatter({}))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def events(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """The lines of one event that have these fields."""
        lines: list[dict[str, Any]] = [json.loads(line) for line in list(self.lines)]
        return [line for line in lines if line["event"] == event and fields.items() <= line.items()]

    def __str__(self) -> str:
        return "\n".join(self.lines)


class RunningTask:
    """A started task. Every wait fails at once when the task ends by itself."""

    def __init__(self, sink: Sink, task: Task, log: Log) -> None:
        self._sink = sink
        self.task = task
        self.log = log

    def wait_for(self, condition: Callable[[], T | None], what: str, timeout: float = PATIENCE) -> T:
        """The first truthy result of `condition`."""

        def check() -> T | None:
            # In this order: what ends a task may be what makes the condition true.
            failure = self.task.failure
            result = condition()
            assert result or failure is None, f"{what}: the task ended by itself: {failure}\n{self.log}"
            return result

        try:
            return wait_until(check, timeout, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}\nstates: {self.task.coordinator.states()}\n{self.log}") from None

    def wait_committed(self, offsets: Mapping[int, int]) -> None:
        """Until the group has committed exactly these offsets by partition, of those that are named."""
        wanted = dict(offsets)

        def committed() -> bool:
            found = self._sink.committed()
            return {partition: found.get(partition) for partition in wanted} == wanted

        self.wait_for(committed, f"committed {wanted}")

    def wait_stopped(self, *partitions: int) -> dict[int, Exception]:
        """Until these partitions are FAILED; their errors."""
        return self.wait_for(lambda: self._errors(set(partitions)), f"partitions {partitions} stop")

    def wait_requests(self, count: int, *, partition: int | None = None) -> list[Entry]:
        """Until so many invocations have been answered (of a partition); all of them."""
        return self.wait_for(
            lambda: found if len(found := self._sink.requests(partition)) >= count else None, f"{count} requests"
        )

    def wait_ended(self) -> KafkaLambdaSinkError:
        """Until the task has ended by itself; why."""
        failure = wait_until(lambda: self.task.failure, PATIENCE, what="the task ends by itself")
        assert self.task.join(PATIENCE), "the task does not end"
        return failure

    def stop(self) -> None:
        """Stop in order: what is in flight is drained, reported and committed."""
        self.task.request_stop()
        assert self.task.join(PATIENCE), f"the task does not stop\n{self.log}"

    def _errors(self, partitions: set[int]) -> dict[int, Exception] | None:
        states = {tp.partition: found for tp, found in self.task.coordinator.states().items()}
        errors = {
            partition: error
            for partition, (state, error) in states.items()
            if partition in partitions and state is PipelineState.FAILED and error is not None
        }
        return errors if errors.keys() == partitions else None


class Sink:
    """One connector: its source topic, its function at an endpoint, its properties; `running` may be used again."""

    def __init__(
        self,
        cluster: Cluster,
        endpoint: InvokeEndpoint,
        directory: Path,
        *,
        partitions: int = 1,
        name: str | None = None,
        topic: str | None = None,
        **topic_config: str,
    ) -> None:
        self.cluster = cluster
        self.endpoint = endpoint
        self._directory = directory
        self.name = name or f"sink-{uuid.uuid4().hex[:12]}"
        self.partitions = partitions
        self.source = cluster.create_topic(partitions, name=topic, **topic_config)
        self.results = f"{self.name}-results"
        self.errors = f"{self.name}-errors"
        self.dead_letters = f"{self.name}-dead"

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"connect-{self.name}"

    def text(self, properties: Mapping[str, str | None] = MappingProxyType({})) -> str:
        """A properties file of what every sink needs here and of `properties`; None takes a key away."""
        merged: dict[str, str | None] = {
            "name": self.name,
            "bootstrap.servers": self.cluster.bootstrap,
            "topics": self.source,
            "aws.lambda.function.name": FUNCTION,
            "aws.lambda.region": "us-east-1",
            "aws.lambda.endpoint.url": self.endpoint.url,
            "aws.access.key.id": "AKIALOCAL",
            "aws.secret.access.key": "secret",
            "aws.lambda.retry.backoff.ms": "20",
            "aws.lambda.retry.backoff.max.ms": "200",
            **properties,
        }
        escaped = {key: value.replace("\\", "\\\\") for key, value in merged.items() if value is not None}
        return "".join(f"{key}={value}\n" for key, value in escaped.items())

    def load(
        self, properties: Mapping[str, str | None] = MappingProxyType({}), environ: Mapping[str, str] = _NONE
    ) -> LoadedConfig:
        """The configuration, read from a file."""
        return load(self.write(properties), environ=environ)

    def write(self, properties: Mapping[str, str | None] = MappingProxyType({})) -> Path:
        """The file that `load` reads."""
        path = self._directory / f"{self.name}.properties"
        path.write_text(self.text(properties), encoding="utf-8")
        return path

    @contextmanager
    def running(
        self, properties: Mapping[str, str | None] = MappingProxyType({}), environ: Mapping[str, str] = _NONE
    ) -> Iterator[RunningTask]:
        """A started task that is stopped at the end, in order unless the test has failed."""
        with running_task(self.load(properties, environ), self) as running:
            yield running

    # --- around it ---------------------------------------------------------------------------------------------------

    def produce(self, records: Iterable[Record], *, partition: int = 0) -> None:
        """Write to the source topic."""
        self.cluster.produce(self.source, records, partition=partition)

    def produce_everywhere(self, records: Sequence[Record]) -> None:
        """Write the same to every partition of the source topic."""
        self.cluster.produce_each(self.source, dict.fromkeys(range(self.partitions), records))

    def committed(self) -> dict[int, int]:
        """The group's offset by partition."""
        found = self.cluster.committed(self.group, self.source)
        return {partition: tp.offset for partition, tp in found.items()}

    def release(self) -> None:
        """Let go what hangs at the endpoint, and wait until its journal is complete."""
        self.endpoint.faults.release()
        assert self.endpoint.journal.wait_settled(), "the endpoint does not finish"

    def requests(self, partition: int | None = None) -> list[Entry]:
        """Invocations that have been answered, in order of arrival."""
        return [
            entry
            for entry in self.endpoint.journal.requests()
            if entry.call in {"RequestResponse", "Event"}
            and entry.finished is not None
            and partition in {None, entry.partition}
        ]

    def bodies(self, partition: int | None = None) -> list[list[dict[str, Any]]]:
        """The batches of those invocations: the payload of each entry."""
        return [[entry["payload"] for entry in json.loads(each.body)] for each in self.requests(partition)]

    def offsets(self, partition: int = 0) -> list[list[int]]:
        """The offsets in those batches."""
        return [[payload["offset"] for payload in body] for body in self.bodies(partition)]

    def read(self, topic: str) -> list[Message]:
        """Every record of a report topic."""
        return self.cluster.read_all(topic)


@contextmanager
def running_task(loaded: LoadedConfig, sink: Sink) -> Iterator[RunningTask]:
    """As `Sink.running`, of any configuration."""
    with capturing_log() as log:
        task = Task(loaded, SystemClock())
        task.start()
        running = RunningTask(sink, task, log)
        try:
            yield running
            running.stop()
        finally:
            task.request_stop()
            task.join(PATIENCE)


@contextmanager
def capturing_log(level: int = logging.INFO) -> Iterator[Log]:
    """The lines of the sink's own loggers while it lasts."""
    log = Log()
    logger = logging.getLogger("kafka_lambda_sink")
    before = logger.level
    logger.addHandler(log)
    logger.setLevel(level)
    try:
        yield log
    finally:
        logger.removeHandler(log)
        logger.setLevel(before)


def coordinates(message: Message) -> Any:
    """A report's key, decoded."""
    key = message.key()
    assert isinstance(key, bytes)
    return json.loads(key)


def value_of(message: Message) -> Any:
    """A report's value, decoded."""
    value = message.value()
    assert isinstance(value, bytes)
    return json.loads(value)


def headers_of(message: Message) -> list[tuple[str, bytes | None]]:
    """A report's headers, in order."""
    found: Any = message.headers()
    return list(found or [])


def java_security(broker: Broker, user: str, password: str | None = None) -> dict[str, str]:
    """What a file for Kafka Connect says to reach a broker with users; the right password unless told another."""
    secret = broker.users[user] if password is None else password
    return {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required "
        f'username="{user}" password="{secret}";',
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(broker.ca_file),
    }
