"""Measure the sink beside Benthos and two loops by hand, on a real broker and an endpoint that costs next to nothing.

python benchmarks/run.py --quick

Prints tables, bars first; `--json FILE` has every run. Every run is a process of its own with a consumer group of its
own, one at a time: the cells and in them the peers in turn, and all of that again as often as `--reps` says. A run ends
with its last record, or `--secs` after its first invocation. What counts is CPU time a record: on a busy machine, rates
are lower bounds. Exit code 1: a run failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import benthos_build, delays, keyed_topic
from benchmarks.bench_broker import BenchBroker
from benchmarks.catalog import CATALOG, QUICK, Entry, records_of
from benchmarks.cell import PEERS, Peer
from benchmarks.const_endpoint import ConstEndpoint
from benchmarks.figures import Figures
from benchmarks.measuring import Bench, PeerFailed
from benchmarks.results_table import machine, markdown, tables, write_between_marks
from tests.support.waiting import wait_until

_HEAP = "768m"
#: Of the widest table.
_WIDTH = 150


def _arguments() -> argparse.Namespace:
    cells = "".join(f"\n  {name:16}{entry.about}: {', '.join(entry.peers)}" for name, entry in CATALOG.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"cells:{cells}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--quick", action="store_true", help="six cells, fewer records: under two minutes")
    parser.add_argument("--cell", choices=list(CATALOG), nargs="+", metavar="NAME", help="these alone (see below)")
    parser.add_argument("--peer", choices=PEERS, nargs="+", default=PEERS)
    parser.add_argument("--reps", type=int, default=1, help="runs a cell and peer; the tables show medians")
    parser.add_argument("--secs", type=float, help="most of a run, from its first invocation (8; quick: 4)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    parser.add_argument(
        "--markdown", type=Path, metavar="PAGE",
        help="put the tables between the marks of a page, the pictures in a folder and the runs in a file beside it",
    )  # fmt: skip
    parser.add_argument("--from-json", type=Path, metavar="FILE", help="measure nothing; show the runs of a file")
    options = parser.parse_args()
    options.secs = options.secs or (4.0 if options.quick else 8.0)
    options.cell = options.cell or (QUICK if options.quick else list(CATALOG))
    return options


class _Measuring:
    """The runs, with their progress on the terminal."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self._options = options
        self._entries = {name: CATALOG[name] for name in options.cell}
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("starting a broker", total=None)

    def runs(self) -> Iterator[dict[str, Any]]:
        """Each as it was measured."""
        with ExitStack() as stack:
            stack.enter_context(self._progress)
            peers = self._peers()
            bench = self._bench(stack)
            for turn in range(1, self._options.reps + 1):
                for name, entry in self._entries.items():
                    for peer in entry.peers:
                        if peer not in peers:
                            continue
                        self._say(
                            f"round {turn} of {self._options.reps}, {name}: {peer}", bench.records[entry.cell.source]
                        )
                        run = {"cell": name, "peer": peer, "round": turn} | _one(bench, entry, peer)
                        self._progress.console.print(_line(run), highlight=False)
                        yield run

    def _peers(self) -> list[Peer]:
        """Those that can be had."""
        peers = list(self._options.peer)
        if "benthos" in peers and any("benthos" in entry.peers for entry in self._entries.values()):
            self._say("building Benthos", None)
            try:
                benthos_build.built()
            except benthos_build.NotBuilt as fault:
                self._progress.console.print(f"without Benthos: {fault}")
                peers.remove("benthos")
        return peers

    def _bench(self, stack: ExitStack) -> Bench:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        endpoint = stack.enter_context(ConstEndpoint())
        broker = stack.enter_context(BenchBroker(heap=_HEAP))
        cells = [entry.cell for entry in self._entries.values()]
        records = {cell.source: records_of(cell, is_quick=self._options.quick) for cell in cells}
        for source, count in records.items():
            self._say(f"producing {source.topic}", count)
            if source.keys:
                keyed_topic.fill(broker, source, count, self._advance)
            else:
                broker.fill(source.topic, source.partitions, count, source.bytes, self._advance)
        # The first group of all makes the broker create its topic of offsets, which takes seconds.
        wait_until(lambda: _knows_groups(broker, cells[0].source.topic), 60, what="offsets of groups")
        return Bench(broker, endpoint, directory, records, self._options.secs, self._advance)

    def _say(self, what: str, records: int | None) -> None:
        self._progress.reset(self._task, description=what, total=records)

    def _advance(self, records: int) -> None:
        self._progress.update(self._task, completed=records)


def _knows_groups(broker: BenchBroker, topic: str) -> bool:
    # Not with an admin client: librdkafka 2.16 may crash when that is told that the coordinator is loading.
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "none"})
    try:
        consumer.committed([TopicPartition(topic, 0)], 10)
    except KafkaException:
        return False
    finally:
        consumer.close()
    return True


def _one(bench: Bench, entry: Entry, peer: Peer) -> dict[str, Any]:
    try:
        if entry.kind == "delays":
            found: Any = delays.measure(bench, entry.cell)
        elif entry.kind == "rest":
            found = bench.rest(entry.cell)
        else:
            found = bench.run(peer, entry.cell)
    except PeerFailed as fault:
        return {"fault": str(fault)}
    return {name: round(value, 4) for name, value in asdict(found).items()}


def _line(run: Mapping[str, Any]) -> str:
    shown = {
        "fault": "FAILED: {}", "records_per_second": "{:,.0f} records/s", "cpu_per_100k": "{:.2f} CPU s/100k",
        "offered_records_per_second": "{:,.0f} records/s", "p50": "p50 {:.1f} ms", "p99": "p99 {:.1f} ms",
        "resident_mb": "{:.0f} MB", "idle_cpu_percent": "idle {:.2f} % of a core",
    }  # fmt: skip
    parts = [form.format(run[name]) for name, form in shown.items() if name in run]
    return f"{run['cell']}: {run['peer']}: {', '.join(parts)}"


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


def _measured(options: argparse.Namespace) -> Figures:
    before = _load()
    runs = list(_Measuring(options, Console(stderr=True)).runs())
    # Our own load is in the second figure.
    return Figures(machine=machine(), load_before=before, load_after=_load(), seconds=options.secs, runs=runs)


def main() -> int:
    """Measure, or read what was measured, and show it."""
    options = _arguments()
    figures = Figures.read(options.from_json) if options.from_json else _measured(options)
    for table in tables(figures):
        Console(width=max(_WIDTH, Console().width)).print(table)
    if options.json:
        options.json.write_text(figures.as_json())
    if options.markdown:
        # Drawing is needed here alone, and takes a second to load.
        from benchmarks.plots import draw  # noqa: PLC0415

        page: Path = options.markdown
        page.with_suffix(".json").write_text(figures.as_json())
        draw(figures, page.with_suffix(""))
        write_between_marks(page, markdown(figures, page.stem))
    for fault in figures.faults:
        print(fault, file=sys.stderr)
    return int(bool(figures.faults))


if __name__ == "__main__":
    sys.exit(main())
