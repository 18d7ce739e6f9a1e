"""The cells, by the names that a command line gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmarks.cell import PEERS, Cell, Peer

_BESIDE_BENTHOS: tuple[Peer, ...] = ("sink", "benthos")
_BY_KEY = "aws.lambda.ordering=key\naws.lambda.max.in.flight=200\n"
#: Works off what is there; notes how long records wait while they come; starts, and rests.
Kind = Literal["work", "delays", "rest"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A cell, who is measured in it, and how."""

    cell: Cell
    about: str
    peers: tuple[Peer, ...] = ("sink",)
    kind: Kind = "work"


CATALOG: dict[str, Entry] = {
    "const-1": Entry(Cell(1, 0, 4, has_results=False), "batch 1, replies []", PEERS),
    "const-50": Entry(Cell(50, 0, 4, has_results=False), "batch 50, replies []", PEERS),
    "const-500": Entry(Cell(500, 0, 4, has_results=False), "batch 500, replies []", PEERS),
    "echo-50": Entry(Cell(50, 0, 4, has_results=False, has_echo=True), "batch 50, echo", _BESIDE_BENTHOS),
    "echo-1k": Entry(
        Cell(50, 0, 4, has_results=False, bytes=1000, has_echo=True), "batch 50, 1 KB, echo", _BESIDE_BENTHOS
    ),
    "echo-10k": Entry(
        Cell(50, 0, 4, has_results=False, bytes=10_000, has_echo=True), "batch 50, 10 KB, echo", _BESIDE_BENTHOS
    ),
    "results-50": Entry(
        Cell(50, 0, 4, has_results=True, has_echo=True), "batch 50, echo, response topic", ("sink", "loop")
    ),
    "slow-50": Entry(Cell(50, 20, 4, has_results=False), "batch 50, 20 ms", ("sink", "benthos", "loop")),
    "one-core": Entry(
        Cell(50, 20, 32, has_results=False, core=0), "batch 50, 20 ms, 32 partitions, one core", ("sink",)
    ),
    "order-partition": Entry(
        Cell(50, 200, 1, has_results=False, keys=10_000), "one partition, 200 ms, ordering=partition"
    ),
    "order-key": Entry(
        Cell(50, 200, 1, has_results=False, keys=10_000, extra=_BY_KEY),
        "one partition, 200 ms, ordering=key, 200 in flight, 10,000 keys",
    ),
    "delay": Entry(Cell(50, 0, 4, has_results=False), "30 % load, window 0", kind="delays"),
    "delay-results": Entry(
        Cell(50, 0, 4, has_results=True, has_echo=True), "30 % load, window 0, response topic", kind="delays"
    ),
    "rest": Entry(Cell(50, 0, 4, has_results=False), "start and rest, 4 partitions, batch 50", kind="rest"),
}
#: Of `--quick`.
QUICK = ("const-1", "const-50", "const-500", "echo-50", "results-50", "delay")


def records_of(cell: Cell, *, is_quick: bool) -> int:
    """How many its source has: seconds of work for the fastest peer, and some hundred MB of values at most."""
    if cell.bytes > 1000:
        records = 50_000
    elif cell.bytes > 200:
        records = 200_000
    else:
        records = 600_000
    return records // 4 if is_quick else records
