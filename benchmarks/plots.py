"""The figures as pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.catalog import CATALOG
from benchmarks.cell import PEERS
from benchmarks.figures import Figures
from benchmarks.results_table import PLOTS

_BATCHES = {"const-1": "batch 1", "const-50": "batch 50", "const-500": "batch 500"}
_SIZES = {"echo-50": "200 B", "echo-1k": "1 KB", "echo-10k": "10 KB"}
_DELAYS = {"p50": "50 %", "p90": "90 %", "p99": "99 %", "p999": "99.9 %"}
_COLOURS: dict[str, str] = dict(zip(PEERS, ("#1f77b4", "#ff7f0e", "#7f7f7f", "#c7c7c7"), strict=True))
_WIDTH = 0.8


def digest(figures: Figures) -> str:
    """Of what a picture shows; it stands in the picture's own description."""
    return hashlib.sha256(figures.as_json().encode()).hexdigest()


def draw(figures: Figures, folder: Path) -> None:
    """Write every picture as a PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    painters: dict[str, Callable[[Figures, Any], None]] = {"batches": _batches, "sizes": _sizes, "delays": _delays}
    for name, title in PLOTS.items():
        # Without pyplot nothing looks for a screen: a figure that is saved draws with Agg.
        picture = Figure(figsize=(7, 3.6), layout="constrained")
        axes = picture.subplots()
        painters[name](figures, axes)
        runs = len({run["round"] for run in figures.runs})
        axes.set_title(f"{title} (medians of {runs})" if runs > 1 else f"{title} (one run)", fontsize=10)
        if axes.containers:
            axes.legend(fontsize=8)
        picture.savefig(folder / f"{name}.png", dpi=110, metadata={"Description": digest(figures), "Software": None})


def _batches(figures: Figures, axes: Any) -> None:
    _costs(figures, axes, _BATCHES)


def _sizes(figures: Figures, axes: Any) -> None:
    _costs(figures, axes, _SIZES)


def _costs(figures: Figures, axes: Any, cells: dict[str, str]) -> None:
    peers = [peer for peer in PEERS if any(figures.each(cell, peer, "cpu_per_100k") for cell in cells)]
    series: dict[str, list[float | None]] = {
        peer: [figures.median(cell, peer, "cpu_per_100k") for cell in cells] for peer in peers
    }
    _bars(axes, list(cells.values()), series)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("CPU seconds, 100,000 records")


def _delays(figures: Figures, axes: Any) -> None:
    names = [name for name, entry in CATALOG.items() if entry.kind == "delays" and figures.each(name, "sink", "p50")]
    series = {CATALOG[name].about: [figures.median(name, "sink", it) for it in _DELAYS] for name in names}
    _bars(axes, list(_DELAYS.values()), series)
    axes.set_ylabel("milliseconds")


def _bars(axes: Any, labels: Sequence[str], series: dict[str, list[float | None]]) -> None:
    width = _WIDTH / max(1, len(series))
    for number, (name, values) in enumerate(series.items()):
        places = [place - _WIDTH / 2 + width * (number + 0.5) for place in range(len(labels))]
        drawn = axes.bar(places, [value or 0 for value in values], width, label=name, color=_COLOURS.get(name))
        axes.bar_label(drawn, [f"{value:.3g}" if value else "" for value in values], fontsize=7)
    axes.set_xticks(range(len(labels)), labels)
