"""The figures for people: tables for the terminal and for the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import boto3
import confluent_kafka
from rich import box
from rich.table import Table

from benchmarks import benthos_build
from benchmarks.bars import BARS
from benchmarks.catalog import CATALOG
from benchmarks.figures import Figures

_COSTS = (
    "cell", "", "peer", "records/s", "CPU s/100k", "least-most", "MB a CPU s", "start s", "peak MB", "runs",
)  # fmt: skip
_DELAYS = ("cell", "", "records/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "cores", "runs")
_BARS = ("bar", "measured", "should be", "", "runs")
_BEGIN, _END = "<!-- figures -->", "<!-- /figures -->"
#: Name and text of each picture, which lie in a folder that has the name of the page.
PLOTS = {
    "batches": "CPU time of a record by the size of a batch",
    "sizes": "CPU time of a record by the size of its value",
    "delays": "Delay from timestamp to endpoint",
}


def machine() -> str:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (
        f"{os.cpu_count()} cores {models[0] if models else platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, confluent-kafka {confluent_kafka.__version__} "
        f"(librdkafka {confluent_kafka.libversion()[0]}), boto3 {boto3.__version__}, "
        f"Benthos {benthos_build.version()}"
    )


def caption(figures: Figures) -> str:
    """Where the figures come from, and when."""
    return (
        f"{figures.machine}; load average {figures.load_before} before, {figures.load_after} after; medians; runs of "
        f"at most {figures.seconds:g} s"
    )


def bar_rows(figures: Figures) -> list[list[str]]:
    """One a bar whose cells were measured."""
    found = [(bar, bar.verdict(figures)) for bar in BARS]
    return [
        [bar.about, bar.form.format(it.value), bar.bound, "met" if it.is_met else "missed", str(it.runs)]
        for bar, it in found
        if it is not None
    ]


def cost_rows(figures: Figures) -> list[list[str]]:
    """One a peer and cell that works off what is there."""
    return [
        [name, entry.about, *_cost(figures, name, peer)]
        for name, entry in CATALOG.items()
        for peer in entry.peers
        if entry.kind == "work" and figures.of(name, peer)
    ]


def _cost(figures: Figures, cell: str, peer: str) -> list[str]:
    costs = figures.each(cell, peer, "cpu_per_100k")
    if not costs:
        return [peer, *["failed"] * 6, str(len(figures.of(cell, peer)))]

    def median(figure: str, form: str) -> str:
        return format(figures.median(cell, peer, figure), form)

    return [
        peer,
        median("records_per_second", ",.0f"),
        median("cpu_per_100k", ".2f"),
        f"{min(costs):.2f}-{max(costs):.2f}",
        median("mb_per_cpu_second", ".0f"),
        median("start_seconds", ".2f"),
        median("peak_mb", ".0f"),
        str(len(costs)),
    ]


def delay_rows(figures: Figures) -> list[list[str]]:
    """One a cell that notes delays."""
    return [
        [name, entry.about, *_delays(figures, name)]
        for name, entry in CATALOG.items()
        if entry.kind == "delays" and figures.each(name, "sink", "p50")
    ]


def _delays(figures: Figures, cell: str) -> list[str]:
    forms = {"offered_records_per_second": ",.0f", "p50": ".1f", "p90": ".1f", "p99": ".1f", "p999": ".1f"}
    shown = [format(figures.median(cell, "sink", figure), form) for figure, form in forms.items()]
    cores = format(figures.median(cell, "sink", "cpu_cores"), ".2f")
    return [*shown, cores, str(len(figures.of(cell, "sink")))]


def _all(figures: Figures) -> list[tuple[Sequence[str], list[list[str]]]]:
    tables = [(_BARS, bar_rows(figures)), (_COSTS, cost_rows(figures)), (_DELAYS, delay_rows(figures))]
    return [(headings, rows) for headings, rows in tables if rows]


def tables(figures: Figures) -> list[Table]:
    """For the terminal."""
    made = []
    for headings, rows in _all(figures):
        table = Table(*headings, box=box.SIMPLE_HEAD)
        for row in rows:
            table.add_row(*row)
        made.append(table)
    made[-1].caption = caption(figures)
    return made


def markdown(figures: Figures, folder: str) -> str:
    """For a page of the documentation, whose pictures lie in `folder` beside it."""
    pictures = "".join(f"![{text}]({folder}/{name}.png)\n" for name, text in PLOTS.items())
    return "\n".join([f"{caption(figures)}\n", *(_lines(*table) for table in _all(figures)), pictures])


def _lines(headings: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["--"] * len(headings), *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def between_marks(page: Path) -> str:
    """What stands between the marks of a page. Raises ValueError where it has none."""
    _, begin, rest = page.read_text().partition(_BEGIN)
    text, end, _ = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page} has no {_BEGIN} … {_END}")
    return text.strip("\n") + "\n"


def write_between_marks(page: Path, text: str) -> None:
    """Put the figures between the marks of a page. Raises ValueError where it has none."""
    between_marks(page)
    before, begin, rest = page.read_text().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")
