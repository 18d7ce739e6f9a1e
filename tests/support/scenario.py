"""One scenario on a real broker: a source topic, a function behind a local endpoint, sinks, and what was seen."""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from kafka_lambda_sink.local.journal import Journal
from tests.support.checker import Expectation, Report, check
from tests.support.cluster import Cluster
from tests.support.observation import Observation, Sample, Visible, calls_of, read_log, visible_of, written_of
from tests.support.offset_timeline import OffsetTimeline
from tests.support.sink_process import SinkProcess
from tests.support.waiting import wait_until

#: Never to be seen again.
SECRET = "canary-5ecret-key"
_INVOKE = "RequestResponse"


class SlowEcho:
    """A function that answers each record with its coordinates and value, after `seconds`. Thread-safe."""

    def __init__(self, seconds: float = 0.0) -> None:
        #: How long the next calls take; `release` cuts those short that run.
        self.seconds = seconds
        self._released = threading.Event()

    def __call__(self, event: bytes) -> bytes:
        self._released.wait(self.seconds)
        return json.dumps(json.loads(event)).encode()

    def release(self) -> None:
        """End the waiting of the calls that run; later ones take no time at all."""
        self.seconds = 0.0
        self._released.set()
        self._released = threading.Event()


class Scenario:
    """Owns everything it starts. Times in seconds."""

    def __init__(
        self,
        cluster: Cluster,
        directory: Path,
        *,
        partitions: int = 1,
        echo: SlowEcho | None = None,
        has_results: bool = True,
        is_created: bool = True,
        clock: Clock | None = None,
        report_cluster: Cluster | None = None,
        **properties: str,
    ) -> None:
        self.cluster = cluster
        #: Where the results go.
        self.report_cluster = report_cluster or cluster
        self.directory = directory
        self.name = f"s{uuid.uuid4().hex[:10]}"
        self.topic = f"{self.name}-source"
        self.partitions = partitions
        self.echo = echo or SlowEcho()
        self.sinks: list[SinkProcess] = []
        self._numbers = [0] * partitions
        function = Function(name="echo", handler=PythonHandler(self.echo), timeout=120)
        self.endpoint = InvokeEndpoint([function], {"AKIALOCAL": SECRET}, clock=clock)
        self.timeline = OffsetTimeline(cluster.broker.admin_bootstrap, f"connect-{self.name}", lambda: self.tps)
        self.results = f"{self.name}-results" if has_results else None
        #: Records that were seen before they were deleted.
        self._gone: dict[TopicPartition, list[Visible]] = {}
        self._properties = properties
        self._stack = contextlib.ExitStack()
        if is_created:
            cluster.create_topic(partitions, name=self.topic)
        if self.results:
            self.report_cluster.create_topic(name=self.results, message_timestamp_type="LogAppendTime")

    def __enter__(self) -> Self:
        self._stack.enter_context(self.endpoint)
        self._stack.enter_context(self.timeline)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.echo.release()
        self._stack.close()

    @property
    def journal(self) -> Journal:
        """The endpoint's."""
        return self.endpoint.journal

    @property
    def tps(self) -> list[TopicPartition]:
        """The source's partitions."""
        return [TopicPartition(self.topic, partition) for partition in range(self.partitions)]

    def start(self, *beside: Scenario, **properties: str | None) -> SinkProcess:
        """One more sink of the same connector; keys with `_` for `.`. The connectors of `beside` run in it, too."""
        more = [other._all_properties({}) for other in beside]
        sink = SinkProcess(self.directory, self._all_properties(properties), *more, name=f"sink{len(self.sinks)}")
        self.sinks.append(sink)
        return self._stack.enter_context(sink)

    def produce(self, count: int) -> None:
        """`count` records to each partition, each with a value that no other has."""
        for partition in range(self.partitions):
            first = self._numbers[partition]
            self._numbers[partition] += count
            numbers = range(first, first + count)
            records = [(b"k%d" % number, b'{"id":"%d-%d"}' % (partition, number)) for number in numbers]
            self.cluster.produce(self.topic, records, partition=partition)

    def delete_records(self, partition: int, before: int) -> None:
        """As retention does; what was visible until now counts as part of the source all the same."""
        self.remember()
        self.cluster.delete_records(self.topic, partition, before)

    def remember(self) -> None:
        """Take what is visible now for part of the source, whatever becomes of it."""
        self._gone = self._visible()

    def added_partitions(self, total: int) -> None:
        """Grow the source; `produce` then writes to the new ones too."""
        self.cluster.add_partitions(self.topic, total)
        self._numbers += [0] * (total - self.partitions)
        self.partitions = total

    def calls(self, *, running: bool | None = None) -> int:
        """Invocations so far; those that run now, or those that were answered."""
        entries = self.journal.requests(_INVOKE)
        return len([entry for entry in entries if running is None or (entry.finished is None) is running])

    def wait_calls(self, count: int, timeout: float = 20.0, *, running: bool | None = None) -> None:
        """Until so many invocations have arrived, run at the same time, or were answered."""
        # Polled, for the journal tells of a request's arrival before it knows which call it is.
        try:
            wait_until(lambda: self.calls(running=running) >= count, timeout, what=f"{count} calls", every=0.005)
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {self.calls(running=running)}\n{self._outputs()}") from None

    def wait_committed(self, timeout: float = 40.0) -> Sample:
        """Until the group's offsets stand at the ends of the log, markers included."""
        ends = {TopicPartition(self.topic, p): end for p, end in self.cluster.end_offsets(self.topic).items()}

        def at_the_ends(sample: Sample) -> bool:
            return all(sample.offsets.get(tp, 0) == end for tp, end in ends.items())

        try:
            return self.timeline.wait_for(at_the_ends, timeout, what="committed to the ends")
        except AssertionError as error:
            newest = self.timeline.samples[-1:]
            raise AssertionError(f"{error}: {newest} of {ends}\n{self._outputs()}") from None

    def finish(self, expect: Expectation | None = None, *, timeout: float = 40.0) -> Report:
        """Wait until all is committed, stop the sinks that run (exit code 0), and check the run."""
        self.wait_committed(timeout)
        for sink in self.sinks:
            if sink.rc is None:
                sink.stop()
        return self.check(expect)

    def check(self, expect: Expectation | None = None) -> Report:
        """Hold what has happened so far against the invariants; fails on any violation."""
        report = check(self.observe(), replace(expect or Expectation(), secrets=[SECRET]))
        assert not report.violations, f"{report}\n{self._outputs()}"
        return report

    def observe(self) -> Observation:
        """Everything that can be seen from outside, now."""
        assert self.journal.wait_settled(15)
        output = "".join(sink.output() for sink in self.sinks)
        return Observation(
            visible=self._visible(),
            ends={TopicPartition(self.topic, p): end for p, end in self.cluster.end_offsets(self.topic).items()},
            calls=calls_of(self.journal),
            commits=[*self.timeline.samples, self.timeline.now()],
            results=written_of(self.report_cluster.read_all(self.results)) if self.results else None,
            log=read_log(output),
            output=output,
        )

    def _visible(self) -> dict[TopicPartition, list[Visible]]:
        found: dict[TopicPartition, list[Visible]] = {tp: [] for tp in self.tps}
        found |= visible_of(self.cluster.read_all(self.topic))
        for tp, gone in self._gone.items():
            there = {record.offset for record in found[tp]}
            both = found[tp] + [record for record in gone if record.offset not in there]
            found[tp] = sorted(both, key=lambda record: record.offset)
        return found

    def _all_properties(self, extra: Mapping[str, str | None]) -> dict[str, str]:
        properties: dict[str, Any] = {
            "name": self.name,
            "topics": self.topic,
            "bootstrap.servers": self.cluster.bootstrap,
            "aws.lambda.function.name": "echo",
            "aws.lambda.region": "us-east-1",
            "aws.lambda.endpoint.url": self.endpoint.url,
            "aws.access.key.id": "AKIALOCAL",
            "aws.secret.access.key": SECRET,
            "aws.lambda.batch.size": "20",
            "aws.lambda.response.topic": self.results,
            "aws.lambda.response.bootstrap.servers": self.report_cluster.bootstrap,
            "log.format": "json",
        }
        given = {key.replace("_", "."): value for key, value in {**self._properties, **extra}.items()}
        properties |= given
        if given.get("consumer.override.group.protocol") != "consumer":
            # A member that was killed is missed after two seconds.
            properties.setdefault("consumer.override.session.timeout.ms", "2000")
            properties.setdefault("consumer.override.heartbeat.interval.ms", "300")
        return {key: str(value) for key, value in properties.items() if value is not None}

    def _outputs(self) -> str:
        return "\n".join(f"--- {sink.log_file.name} (rc {sink.rc})\n{sink.output()[-3000:]}" for sink in self.sinks)


Build = Callable[..., Scenario]
