"""What is measured: cells, and what a run of one gave."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Peer = Literal["sink", "loop"]
PEERS: tuple[Peer, ...] = ("sink", "loop")


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of the matrix."""

    batch: int
    latency_ms: float
    partitions: int
    has_results: bool

    def __str__(self) -> str:
        """`batch 50, 20 ms, 4 partitions, results`."""
        results = ", results" if self.has_results else ""
        return f"batch {self.batch}, {self.latency_ms:g} ms, {self.partitions} partitions{results}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one peer did in one cell. CPU is user and system seconds of its processes, native threads included."""

    #: Records that were answered, and whose results are in their topic where the cell has one.
    records: int
    invocations: int
    #: Seconds from the first invocation to the last of those records.
    seconds: float
    cpu_seconds: float
    records_per_second: float
    cpu_per_100k: float
    #: Seconds from the start of the process to its first invocation, and the CPU seconds in them.
    start_seconds: float
    start_cpu_seconds: float
    peak_mb: float
    threads: int
    endpoint_cpu_seconds: float
    #: Answered in all, and committed when the process had been stopped by SIGTERM. They must be equal.
    answered: int
    committed: int
    #: What was wrong, or empty.
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a sink takes that has delivered everything and waits for more."""

    start_seconds: float
    resident_mb: float
    peak_mb: float
    threads: int
    idle_cpu_percent: float


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of one peer in one cell."""

    cell: Cell
    peer: Peer
    runs: Sequence[Run]

    @property
    def fault(self) -> str:
        """The first run's that has one, or empty."""
        return next((run.fault for run in self.runs if run.fault), "")

    def median(self, field: str) -> float:
        """Of one figure over the runs."""
        return float(statistics.median(getattr(run, field) for run in self.runs))

    def as_json(self) -> dict[str, Any]:
        """Medians of all figures, and the range of the one that counts."""
        costs = [run.cpu_per_100k for run in self.runs]
        figures = {field.name: round(self.median(field.name), 3) for field in fields(Run) if field.name != "fault"}
        extremes = {"cpu_per_100k_min": round(min(costs), 3), "cpu_per_100k_max": round(max(costs), 3)}
        return {"peer": self.peer, **asdict(self.cell), "runs": len(self.runs), **figures, **extremes} | (
            {"fault": self.fault} if self.fault else {}
        )
