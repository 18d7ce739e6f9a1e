"""One run of one peer in one cell, from the start of its process to what it has committed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.bench_broker import RESULT_PARTITIONS, BenchBroker
from benchmarks.cell import Cell, Peer, Rest, Run, Source
from benchmarks.const_endpoint import ConstEndpoint, Tally
from benchmarks.peer_commands import Workplace
from benchmarks.peer_process import PeerProcess

_START_TIMEOUT = 60.0
_LOOK = 0.2
#: Seconds after the last record, before idleness is measured: commits and fetches come to rest.
_SETTLE = 3.0
_IDLE = 10.0
_MB = 1024
_BYTES_OF_A_MB = 1_000_000


class PeerFailed(Exception):
    """A peer that did not do its part; the text says what it printed last."""


@dataclass(slots=True)
class Bench:
    """What all runs have in common."""

    broker: BenchBroker
    endpoint: ConstEndpoint
    directory: Path
    #: How many records each topic has.
    records: Mapping[Source, int]
    #: At most so many seconds a run, from its first invocation.
    seconds: float
    #: Told how many records are done.
    advance: Callable[[int], None]

    def run(self, peer: Peer, cell: Cell) -> Run:
        """Measure; a sink must then stop, and have committed what was answered. Raises PeerFailed."""
        target = self.records[cell.source]
        with self.place(cell, cell.source.topic) as place:
            self.endpoint.begin(target=target, latency=cell.latency_ms / 1000, is_contract=cell.has_echo)
            with PeerProcess(peer, cell, place) as process:
                run = self._measured(process, place, cell, target)
                if peer != "sink":
                    return run
                fault = process.stop()
                answered, committed = self.endpoint.tally().records, self.broker.committed(process.group)
                if not fault and (answered != committed if cell.is_in_order else answered < committed):
                    fault = f"answered {answered}, committed {committed}"
                if fault:
                    raise PeerFailed(f"{fault}: {process.last_lines()}")
                return replace(run, answered=answered, committed=committed)

    def rest(self, cell: Cell) -> Rest:
        """Measure a sink after its last record. Raises PeerFailed."""
        target = self.records[cell.source]
        with self.place(cell, cell.source.topic) as place:
            self.endpoint.begin(target=target, latency=cell.latency_ms / 1000, is_contract=cell.has_echo)
            with PeerProcess("sink", cell, place) as process:
                first = self.first(process)
                self._last(process, first.first + _START_TIMEOUT, target)
                self.pause(_SETTLE)
                before = process.cpu_seconds
                self.pause(_IDLE)
                after = process.cpu_seconds
                return Rest(
                    start_seconds=first.first - process.started,
                    resident_mb=process.status("VmRSS") / _MB,
                    peak_mb=process.status("VmHWM") / _MB,
                    threads=process.status("Threads"),
                    idle_cpu_percent=(after - before) / _IDLE * 100,
                )

    @contextmanager
    def place(self, cell: Cell, topic: str) -> Iterator[Workplace]:
        """Of one run that reads `topic`; its response topic goes with it."""
        name = f"bench-{uuid.uuid4().hex[:8]}"
        response_topic = f"{name}-results" if cell.has_results else None
        if response_topic:
            self.broker.create_topic(response_topic, RESULT_PARTITIONS)
        bootstrap, url = self.broker.bootstrap, self.endpoint.url
        try:
            yield Workplace(
                directory=self.directory, bootstrap=bootstrap, url=url, name=name, topic=topic,
                response_topic=response_topic, extra=cell.extra,
            )  # fmt: skip
        finally:
            if response_topic:
                self.broker.delete_topic(response_topic)

    def first(self, process: PeerProcess) -> Tally:
        """The tally at the first invocation. Raises PeerFailed."""
        until = process.started + _START_TIMEOUT
        while (left := until - time.perf_counter()) > 0:
            if tally := self.endpoint.wait(min(left, _LOOK)):
                return tally
            if process.has_ended:
                raise PeerFailed(f"ended at start: {process.last_lines()}")
        raise PeerFailed(f"no invocation: {process.last_lines()}")

    def pause(self, seconds: float) -> None:
        """Let time pass. The endpoint's late events are of no interest any more."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self.endpoint.wait(left)

    def _measured(self, process: PeerProcess, place: Workplace, cell: Cell, target: int) -> Run:
        first = self.first(process)
        start_cpu = process.cpu_seconds
        until = first.first + self.seconds
        tally = self._last(process, until, target)
        records, last = tally.records, tally.last
        if place.response_topic:
            records, last = self._results(process, place.response_topic, until, target)
        if not records:
            raise PeerFailed(f"no record was answered: {process.last_lines()}")
        cpu = process.cpu_seconds - start_cpu
        seconds = last - first.first
        return Run(
            records=records,
            invocations=tally.invocations,
            seconds=seconds,
            cpu_seconds=cpu,
            records_per_second=records / seconds,
            cpu_per_100k=cpu / records * 100_000,
            mb_per_cpu_second=records * cell.bytes / _BYTES_OF_A_MB / cpu,
            start_seconds=first.first - process.started,
            start_cpu_seconds=start_cpu,
            peak_mb=process.status("VmHWM") / _MB,
            threads=process.status("Threads"),
            endpoint_cpu_seconds=tally.cpu,
        )

    def _last(self, process: PeerProcess, until: float, target: int) -> Tally:
        """The tally with the last record, or the one at `until`."""
        while (left := until - time.perf_counter()) > 0:
            if tally := self.endpoint.wait(min(left, _LOOK)):
                return tally
            if process.has_ended:
                raise PeerFailed(f"ended early: {process.last_lines()}")
            tally = self.endpoint.tally()
            self.advance(tally.records)
            if tally.records >= target:
                return tally
        return self.endpoint.tally()

    def _results(self, process: PeerProcess, topic: str, until: float, target: int) -> tuple[int, float]:
        """How many results are written, and when that was: once all are, or at `until` where that is later than now."""
        until = max(until, time.perf_counter())
        while True:
            written, now = self.broker.count(topic, RESULT_PARTITIONS), time.perf_counter()
            if written >= target or now >= until:
                break
            self.pause(_LOOK / 10)
        if not written:
            raise PeerFailed(f"no result was written: {process.last_lines()}")
        return written, now
