"""One run of one peer in one cell, from the start of its process to what it has committed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.bench_broker import RESULT_PARTITIONS, BenchBroker
from benchmarks.cell import Cell, Footprint, Peer, Run
from benchmarks.const_endpoint import ConstEndpoint, Tally
from benchmarks.peer_process import PeerProcess, Workplace

_START_TIMEOUT = 60.0
_RESULTS_TIMEOUT = 30.0
_LOOK = 0.2
#: Seconds after the last record, before idleness is measured: commits and fetches come to rest.
_SETTLE = 3.0
_IDLE = 10.0
_FOOTPRINT_CELL = Cell(batch=50, latency_ms=0, partitions=4, has_results=False)
_MB = 1024


class PeerFailed(Exception):
    """A peer that did not do its part; the text says what it printed last."""


@dataclass(slots=True)
class Bench:
    """What all runs have in common."""

    broker: BenchBroker
    endpoint: ConstEndpoint
    directory: Path
    #: Topics by number of partitions, each with `records` records.
    topics: dict[int, str]
    records: int
    #: At most so many seconds a run, from its first invocation.
    seconds: float
    #: Told how many records are done.
    advance: Callable[[int], None]

    def run(self, peer: Peer, cell: Cell) -> Run:
        """Measure. A peer that fails gives a run with a fault."""
        with self._place(cell) as place, PeerProcess(peer, cell, place) as process:
            try:
                run = self._measured(process, place)
            except PeerFailed as failure:
                return _failed(str(failure))
            fault = process.stop()
            answered, committed = self.endpoint.tally().records, self.broker.committed(process.group)
            if not fault and answered != committed:
                fault = f"answered {answered}, committed {committed}"
            if fault:
                fault += f": {process.last_lines()}"
            return replace(run, answered=answered, committed=committed, fault=fault)

    def footprint(self) -> Footprint:
        """Measure a sink at 4 partitions and batch 50, after its last record. Raises PeerFailed."""
        cell = _FOOTPRINT_CELL
        with self._place(cell) as place, PeerProcess("sink", cell, place) as process:
            first = self._first(process)
            self._last(process, first.first + _START_TIMEOUT)
            self._rest(_SETTLE)
            before = process.cpu_seconds
            self._rest(_IDLE)
            after = process.cpu_seconds
            return Footprint(
                start_seconds=first.first - process.started,
                resident_mb=process.status("VmRSS") / _MB,
                peak_mb=process.status("VmHWM") / _MB,
                threads=process.status("Threads"),
                idle_cpu_percent=(after - before) / _IDLE * 100,
            )

    @contextmanager
    def _place(self, cell: Cell) -> Iterator[Workplace]:
        name = f"bench-{uuid.uuid4().hex[:8]}"
        response_topic = f"{name}-results" if cell.has_results else None
        if response_topic:
            self.broker.create_topic(response_topic, RESULT_PARTITIONS)
        latency = cell.latency_ms / 1000
        self.endpoint.begin(target=self.records, latency=latency, is_contract=cell.has_results)
        topic = self.topics[cell.partitions]
        bootstrap, url = self.broker.bootstrap, self.endpoint.url
        try:
            yield Workplace(
                directory=self.directory, bootstrap=bootstrap, url=url, name=name, topic=topic,
                response_topic=response_topic,
            )  # fmt: skip
        finally:
            if response_topic:
                self.broker.delete_topic(response_topic)

    def _measured(self, process: PeerProcess, place: Workplace) -> Run:
        first = self._first(process)
        start_cpu = process.cpu_seconds
        tally = self._last(process, first.first + self.seconds)
        records, last = tally.records, tally.last
        if place.response_topic:
            records, last = self._results(process, place.response_topic, first.first + self.seconds)
        cpu = process.cpu_seconds - start_cpu
        seconds = last - first.first
        return Run(
            records=records,
            invocations=tally.invocations,
            seconds=seconds,
            cpu_seconds=cpu,
            records_per_second=records / seconds,
            cpu_per_100k=cpu / records * 100_000,
            start_seconds=first.first - process.started,
            start_cpu_seconds=start_cpu,
            peak_mb=process.status("VmHWM") / _MB,
            threads=process.status("Threads"),
            endpoint_cpu_seconds=tally.cpu,
            answered=0,
            committed=0,
        )

    def _first(self, process: PeerProcess) -> Tally:
        until = process.started + _START_TIMEOUT
        while (left := until - time.perf_counter()) > 0:
            if tally := self.endpoint.wait(min(left, _LOOK)):
                return tally
            if process.has_ended:
                raise PeerFailed(f"ended at start: {process.last_lines()}")
        raise PeerFailed(f"no invocation: {process.last_lines()}")

    def _last(self, process: PeerProcess, until: float) -> Tally:
        """The tally with the last record, or the one at `until`."""
        while (left := until - time.perf_counter()) > 0:
            if tally := self.endpoint.wait(min(left, _LOOK)):
                return tally
            if process.has_ended:
                raise PeerFailed(f"ended early: {process.last_lines()}")
            tally = self.endpoint.tally()
            self.advance(tally.records)
            if tally.records >= self.records:
                return tally
        return self.endpoint.tally()

    def _results(self, process: PeerProcess, topic: str, until: float) -> tuple[int, float]:
        """How many results are written, and when that was: once all are, or at `until` where that is later than now."""
        until = max(until, time.perf_counter())
        while True:
            written, now = self.broker.count(topic, RESULT_PARTITIONS), time.perf_counter()
            if written >= self.records or now >= until:
                break
            self._rest(_LOOK / 10)
        if not written:
            raise PeerFailed(f"no result was written: {process.last_lines()}")
        return written, now

    def _rest(self, seconds: float) -> None:
        """Let time pass. The endpoint's late events are of no interest any more."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self.endpoint.wait(left)


def _failed(fault: str) -> Run:
    return Run(
        records=0, invocations=0, seconds=0, cpu_seconds=0, records_per_second=0, cpu_per_100k=0, start_seconds=0,
        start_cpu_seconds=0, peak_mb=0, threads=0, endpoint_cpu_seconds=0, answered=0, committed=0, fault=fault,
    )  # fmt: skip
