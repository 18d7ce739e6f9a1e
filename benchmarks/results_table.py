"""The figures for people: a table for the terminal and one for the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import boto3
import confluent_kafka
from rich import box
from rich.table import Table

from benchmarks.cell import PEERS, Cell, Footprint, Result

_HEADINGS = (
    "batch", "latency", "partitions", "results", "sink records/s", "loop records/s", "sink CPU s/100k",
    "loop CPU s/100k", "CPU ratio", "sink peak MB", "loop peak MB",
)  # fmt: skip
_BEGIN, _END = "<!-- figures -->", "<!-- /figures -->"


def machine() -> str:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (
        f"{os.cpu_count()} cores {models[0] if models else platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, confluent-kafka {confluent_kafka.__version__} "
        f"(librdkafka {confluent_kafka.libversion()[0]}), boto3 {boto3.__version__}"
    )


def rows(results: Sequence[Result]) -> list[list[str]]:
    """One a cell, the sink beside the loop."""
    by_cell: dict[Cell, dict[str, Result]] = {}
    for result in results:
        by_cell.setdefault(result.cell, {})[result.peer] = result
    return [_row(cell, found) for cell, found in by_cell.items()]


def _row(cell: Cell, found: dict[str, Result]) -> list[str]:
    def pair(field: str, form: str) -> list[str]:
        return [_figure(found.get(peer), field, form) for peer in PEERS]

    return [
        str(cell.batch),
        f"{cell.latency_ms:g} ms",
        str(cell.partitions),
        "yes" if cell.has_results else "no",
        *pair("records_per_second", ",.0f"),
        *pair("cpu_per_100k", ".2f"),
        _ratio(found),
        *pair("peak_mb", ".0f"),
    ]


def _figure(result: Result | None, field: str, form: str) -> str:
    if result is None:
        return "-"
    return "failed" if result.fault else format(result.median(field), form)


def _ratio(found: dict[str, Result]) -> str:
    if len(found) < len(PEERS) or any(result.fault for result in found.values()):
        return "-"
    sink, loop = (found[peer].median("cpu_per_100k") for peer in PEERS)
    return f"{loop / sink:.1f}x"


def footprint_rows(footprint: Footprint) -> list[list[str]]:
    """Figure, measured, bar."""
    return [
        ["start to first invocation", f"{footprint.start_seconds:.2f} s", "3 s"],
        ["resident memory", f"{footprint.resident_mb:.0f} MB (peak {footprint.peak_mb:.0f})", "120 MB"],
        ["idle CPU over 10 s", f"{footprint.idle_cpu_percent:.2f} % of a core", "1 %"],
        ["threads", str(footprint.threads), ""],
    ]


def tables(results: Sequence[Result], footprint: Footprint | None, caption: str) -> list[Table]:
    """For the terminal."""
    table = Table(title="sink beside a boto3 loop", caption=caption, box=box.SIMPLE_HEAD)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    for row in rows(results):
        table.add_row(*row)
    if footprint is None:
        return [table]
    second = Table("4 partitions, batch 50", "measured", "bar", title="the sink at rest", box=box.SIMPLE_HEAD)
    for row in footprint_rows(footprint):
        second.add_row(*row)
    return [table, second]


def markdown(results: Sequence[Result], footprint: Footprint | None, caption: str) -> str:
    """For the documentation."""
    parts = [f"{caption}\n", _lines(_HEADINGS, rows(results))]
    if footprint is not None:
        parts.append("\n" + _lines(("4 partitions, batch 50", "measured", "bar"), footprint_rows(footprint)))
    return "\n".join(parts)


def _lines(headings: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["--:"] * len(headings), *body]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def write_between_marks(page: Path, text: str) -> None:
    """Put the figures between the marks of a page. Raises ValueError where it has none."""
    before, begin, rest = page.read_text().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page} has no {_BEGIN} … {_END}")
    page.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")
