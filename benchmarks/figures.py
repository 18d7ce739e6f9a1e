"""All runs of a benchmark, as its JSON file has them.

A file is `{"machine", "load_before", "load_after", "seconds", "runs": [{"cell", "peer", "round", …figures}, …]}`; a run
that failed is `{"cell", "peer", "round", "fault"}`.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured, where and when."""

    #: The machine, and what runs on it.
    machine: str
    #: Load averages before the first run, and after the last one.
    load_before: str
    load_after: str
    #: The most that a run lasted, from its first invocation.
    seconds: float
    runs: Sequence[Mapping[str, Any]]

    @classmethod
    def read(cls, file: Path) -> Self:
        """From a file that `as_json` has made."""
        return cls(**json.loads(file.read_text()))

    def as_json(self) -> str:
        """A line for each run."""
        head = json.dumps(
            {"machine": self.machine, "load_before": self.load_before, "load_after": self.load_after}
            | {"seconds": self.seconds}
        )
        lines = ",\n".join(json.dumps(run) for run in self.runs)
        return f'{head[:-1]}, "runs": [\n{lines}\n]}}\n'

    def of(self, cell: str, peer: str) -> list[Mapping[str, Any]]:
        """The runs of one peer in one cell."""
        return [run for run in self.runs if (run["cell"], run["peer"]) == (cell, peer)]

    def each(self, cell: str, peer: str, figure: str) -> list[float]:
        """One figure of each of these runs; empty where any of them failed."""
        runs = self.of(cell, peer)
        return [] if any("fault" in run for run in runs) else [run[figure] for run in runs]

    def median(self, cell: str, peer: str, figure: str) -> float | None:
        """Of these; None where there are none."""
        found = self.each(cell, peer, figure)
        return statistics.median(found) if found else None

    @property
    def faults(self) -> list[str]:
        """One line a run that failed."""
        return [f"{run['cell']}, {run['peer']}: {run['fault']}" for run in self.runs if "fault" in run]
