"""Measure the sink beside a boto3 loop, on a real broker and an endpoint that costs next to nothing.

python benchmarks/run.py --quick

Prints a table, and one line of JSON a cell and peer. Every run is a process of its own with a consumer group of its
own; cells run one at a time. A run ends with its last record, or `--seconds` after its first invocation. What counts
is CPU time a record: on a busy machine, rates are lower bounds. Exit code 1: a run failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.bench_broker import BenchBroker
from benchmarks.cell import PEERS, Cell, Footprint, Result, Run
from benchmarks.const_endpoint import ConstEndpoint
from benchmarks.measuring import Bench, PeerFailed
from benchmarks.results_table import machine, markdown, tables, write_between_marks

#: Of the widest table.
_WIDTH = 130
_QUICK = [
    Cell(1, 0, 4, has_results=False),
    Cell(50, 0, 4, has_results=False),
    Cell(50, 0, 4, has_results=True),
    Cell(50, 20, 4, has_results=False),
    Cell(500, 0, 4, has_results=False),
]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--quick", action="store_true", help="five cells, fewer records: under two minutes")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 50, 500])
    parser.add_argument("--latency", type=float, nargs="+", default=[0, 20], help="milliseconds of the function")
    parser.add_argument("--partitions", type=int, nargs="+", default=[4, 32])
    parser.add_argument("--results", choices=["no", "yes"], nargs="+", default=["no", "yes"], help="a response topic")
    parser.add_argument("--peer", choices=PEERS, nargs="+", default=PEERS)
    parser.add_argument("--records", type=int, help="in each source topic (300,000; quick: 100,000)")
    parser.add_argument("--bytes", type=int, default=200, help="of a value")
    parser.add_argument("--seconds", type=float, help="most of a run, from its first invocation (8; quick: 4)")
    parser.add_argument("--reps", type=int, default=1, help="runs a cell and peer; the table shows medians")
    parser.add_argument("--no-footprint", action="store_true", help="leave out memory and CPU at rest")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the lines of JSON there, not to the output")
    parser.add_argument("--markdown", type=Path, metavar="PAGE", help="put the tables between the marks of a page")
    options = parser.parse_args()
    options.records = options.records or (100_000 if options.quick else 300_000)
    options.seconds = options.seconds or (4.0 if options.quick else 8.0)
    return options


def _cells(options: argparse.Namespace) -> list[Cell]:
    if options.quick:
        return _QUICK
    matrix = product(options.results, options.partitions, options.latency, options.batch)
    return [Cell(batch, latency, partitions, results == "yes") for results, partitions, latency, batch in matrix]


class _Measuring:
    """The runs, with their progress on the terminal."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self._options = options
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} / {task.total:,.0f}"),
        )
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._task = self._progress.add_task("starting a broker", total=options.records)
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        with ExitStack() as stack:
            stack.enter_context(self._progress)
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
            endpoint = stack.enter_context(ConstEndpoint())
            broker = stack.enter_context(BenchBroker())
            options = self._options
            topics = {partitions: f"bench-{partitions}" for partitions in sorted(self._partitions())}
            for partitions, topic in topics.items():
                self.say(f"producing over {partitions} partitions")
                broker.fill(topic, partitions, options.records, options.bytes, self._advance)
            # The first group of all makes the broker create its topic of offsets, which takes seconds.
            broker.committed("none")
            self._stack = stack.pop_all()
        return Bench(broker, endpoint, directory, topics, options.records, options.seconds, self._advance)

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def results(self, bench: Bench) -> Iterator[Result]:
        """Cell by cell; the peers take turns."""
        cells = _cells(self._options)
        for number, cell in enumerate(cells, 1):
            runs: dict[str, list[Run]] = {peer: [] for peer in self._options.peer}
            for _ in range(self._options.reps):
                for peer in self._options.peer:
                    self.say(f"{number}/{len(cells)} {cell}: {peer}")
                    runs[peer].append(bench.run(peer, cell))
            for peer in self._options.peer:
                result = Result(cell, peer, runs[peer])
                self._progress.console.print(f"{cell}: {peer}: {_line(result)}")
                yield result

    def footprint(self, bench: Bench) -> Footprint | None:
        """Of the sink; None where that was not asked for."""
        if self._options.no_footprint or "sink" not in self._options.peer:
            return None
        self.say("the sink at rest")
        return bench.footprint()

    def say(self, what: str) -> None:
        """What is being done."""
        self._progress.reset(self._task, description=what)

    def _advance(self, records: int) -> None:
        self._progress.update(self._task, completed=records)

    def _partitions(self) -> set[int]:
        needed = {cell.partitions for cell in _cells(self._options)}
        return needed if self._options.no_footprint else needed | {4}


def _line(result: Result) -> str:
    if result.fault:
        return f"FAILED: {result.fault}"
    rate, cost = result.median("records_per_second"), result.median("cpu_per_100k")
    return f"{rate:,.0f} records/s, {cost:.2f} CPU s/100k"


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


def main() -> int:
    """Measure and print."""
    options = _arguments()
    before = _load()
    measuring = _Measuring(options, Console(stderr=True))
    footprint = None
    with measuring as bench:
        results = list(measuring.results(bench))
        try:
            footprint = measuring.footprint(bench)
        except PeerFailed as failure:
            print(failure, file=sys.stderr)
    # Our own load is in the second figure.
    how_often = f"medians of {options.reps} runs" if options.reps > 1 else "one run each"
    caption = f"{machine()}; load average {before} before, {_load()} after; {how_often}"
    for table in tables(results, footprint, caption):
        Console(width=max(_WIDTH, Console().width)).print(table)
    objects = [result.as_json() for result in results]
    if footprint is not None:
        objects.append({"peer": "sink", "footprint": asdict(footprint)})
    lines = "".join(json.dumps(found | {"machine": machine(), "load_before": before}) + "\n" for found in objects)
    if options.json:
        options.json.write_text(lines)
    else:
        sys.stdout.write(lines)
    if options.markdown:
        write_between_marks(options.markdown, markdown(results, footprint, caption))
    return int(any(result.fault for result in results))


if __name__ == "__main__":
    sys.exit(main())
