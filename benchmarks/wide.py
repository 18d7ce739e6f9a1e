"""Measure the sink on many partitions, on a real broker and an endpoint that costs next to nothing.

python benchmarks/wide.py --partitions 32 100 1000

Prints one line of JSON a run. Every run is a process of its own, which works off a topic with as many records in each
partition, and then rests. Linux only. Exit code 1: a run failed, or a partition got nowhere.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from confluent_kafka import KafkaException

from benchmarks.bench_broker import BenchBroker
from benchmarks.cell import Cell
from benchmarks.const_endpoint import ConstEndpoint
from benchmarks.peer_commands import Workplace
from benchmarks.peer_process import PeerProcess

_LOOK = 0.25
_MB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WideRun:
    """What one run has shown. Times in seconds since the start of the process."""

    partitions: int
    fetchers: int
    latency_ms: float
    bytes: int
    #: First invocation, and when every partition had an offset committed behind its first records.
    first: float
    all_moved: float
    #: When half of all was committed: what the slowest partition, and the one in the middle had of its records.
    slowest_at_half: float
    middle_at_half: float
    records_per_second: float
    cpu_per_100k: float
    peak_mb: float
    peak_threads: int
    broker_connections: int
    rest_mb: float
    rest_threads: int
    rest_cpu_percent: float
    is_complete: bool


class _Watch:
    """Looks at a process again and again."""

    def __init__(self, process: PeerProcess, port: int) -> None:
        self._process = process
        self._port = port
        self.threads = self.connections = 0

    def look(self) -> None:
        self.threads = max(self.threads, self._process.status("Threads"))
        self.connections = max(self.connections, self._process.connections(self._port))


def _committed(broker: BenchBroker, group: str) -> list[int]:
    """Of the partitions that have any; none while the broker still finds its feet."""
    with suppress(KafkaException):
        return broker.committed_each(group)
    return []


def _measure(
    options: argparse.Namespace, broker: BenchBroker, endpoint: ConstEndpoint, place: Workplace, cell: Cell
) -> WideRun:
    total = cell.partitions * options.records
    endpoint.begin(target=total, latency=cell.latency_ms / 1000, is_contract=False)
    with PeerProcess("sink", cell, place) as process:
        watch = _Watch(process, int(broker.bootstrap.rpartition(":")[2]))
        until = process.started + options.seconds
        all_moved = at_half = None
        while time.perf_counter() < until and not process.has_ended:
            watch.look()
            # Asked before there is a coordinator of groups, the client has crashed.
            done = _committed(broker, process.group) if endpoint.tally().first else []
            now = time.perf_counter()
            moved = sum(offset > 0 for offset in done)
            if all_moved is None and moved == cell.partitions:
                all_moved = now - process.started
            if at_half is None and sum(done) * 2 >= total:
                at_half = sorted(done + [0] * (cell.partitions - len(done)))
            if sum(done) == total:
                break
            time.sleep(_LOOK)  # noqa: TID251 - a benchmark's own pace
        tally, cpu = endpoint.tally(), process.cpu_seconds
        is_complete = broker.committed(process.group) == tally.records == total
        time.sleep(options.settle)  # noqa: TID251
        before = process.cpu_seconds
        time.sleep(options.rest)  # noqa: TID251
        at_half = at_half or [0]
        run = WideRun(
            partitions=cell.partitions,
            fetchers=options.fetchers,
            latency_ms=cell.latency_ms,
            bytes=options.bytes,
            first=round(tally.first - process.started, 2),
            all_moved=round(all_moved or -1.0, 2),
            slowest_at_half=at_half[0] / options.records,
            middle_at_half=statistics.median(at_half) / options.records,
            records_per_second=round(tally.records / max(tally.last - tally.first, 0.001)),
            cpu_per_100k=round(cpu / max(tally.records, 1) * 100_000, 2),
            peak_mb=round(process.status("VmHWM") / _MB),
            peak_threads=watch.threads,
            broker_connections=watch.connections,
            rest_mb=round(process.status("VmRSS") / _MB),
            rest_threads=process.status("Threads"),
            rest_cpu_percent=round((process.cpu_seconds - before) / options.rest * 100, 1),
            is_complete=is_complete and all_moved is not None,
        )
        if (fault := process.stop()) or not run.is_complete:
            print(fault, process.last_lines(), file=sys.stderr)
        return run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--partitions", type=int, nargs="+", default=[32, 100, 1000])
    parser.add_argument("--fetchers", type=int, default=32, help="task.max.fetchers")
    parser.add_argument("--latency", type=float, nargs="+", default=[20.0], help="milliseconds of the function")
    parser.add_argument("--records", type=int, default=500, help="in each partition")
    parser.add_argument("--bytes", type=int, default=200, help="of a value")
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--extra", nargs="*", default=[], help="more lines of the sink's configuration")
    parser.add_argument("--seconds", type=float, default=120.0, help="most of a run")
    parser.add_argument("--settle", type=float, default=13.0, help="seconds until the rest is measured")
    parser.add_argument("--rest", type=float, default=10.0, help="seconds of rest")
    parser.add_argument("--reps", type=int, default=1)
    return parser.parse_args()


def main() -> int:
    """Measure and print."""
    options = _arguments()
    is_good = True
    with tempfile.TemporaryDirectory() as directory, BenchBroker(heap="768m") as broker, ConstEndpoint() as endpoint:
        topics = {}
        for partitions in options.partitions:
            topics[partitions] = f"wide-{partitions}"
            broker.fill(topics[partitions], partitions, partitions * options.records, options.bytes, lambda _: None)
        for _, partitions, latency in product(range(options.reps), options.partitions, options.latency):
            place = Workplace(
                directory=Path(directory),
                bootstrap=broker.bootstrap,
                url=endpoint.url,
                name=f"wide-{uuid.uuid4().hex[:8]}",
                topic=topics[partitions],
                response_topic=None,
                extra="\n".join([f"task.max.fetchers={options.fetchers}", *options.extra, ""]),
            )
            run = _measure(
                options, broker, endpoint, place, Cell(options.batch, latency, partitions, has_results=False)
            )
            is_good &= run.is_complete
            print(json.dumps(asdict(run)), flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
