"""Which reports of one partition of the error or dead letter topic are done with: what a replay commits.

The committed offset is that of the first report that is not done; the metadata says which ones behind it are. So a run
over a selection, or one that was killed, loses nothing of what it left and repeats nothing of what it did.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

_PREFIX: Final = "klsr1"
_TOPIC_ID: Final = "topic="
_RUNS: Final = "done="
#: Characters of the metadata; a broker takes 4096 (`offset.metadata.max.bytes`).
_MOST_CHARACTERS: Final = 4000


class ReplayMarks:
    """The marks of one partition. `begin` it, then `read` its reports in order, `mark` them in any, and `encode`."""

    def __init__(self, low: int, runs: Sequence[int] = ()) -> None:
        """`low` is the first report that is not done; `runs` are the lengths of what follows: open, done, and so on."""
        #: Offset after the last report that was read.
        self._read_to = low
        self._edges: list[int] = []
        edge = low
        for length in runs[: len(runs) // 2 * 2]:
            edge += length
            self._edges.append(edge)
        #: Reports that were read and are at or behind the first open one.
        self._reports: deque[int] = deque()
        self._done: set[int] = set()

    def read(self, offset: int) -> bool:
        """A report stands at `offset`; whether it is still open."""
        self._reports.append(offset)
        self._read_to = offset + 1
        # An odd number of edges at or before it: it lies in a run of those that are done.
        is_done = bisect_right(self._edges, offset) % 2 == 1
        if is_done:
            self._done.add(offset)
        return not is_done

    def passed(self, position: int) -> None:
        """There are no more reports before `position`."""
        self._read_to = max(self._read_to, position)

    def mark(self, offset: int) -> None:
        """The report is done with."""
        self._done.add(offset)

    @property
    def low(self) -> int:
        """The offset to commit."""
        while self._reports and self._reports[0] in self._done:
            self._done.discard(self._reports.popleft())
        return self._reports[0] if self._reports else self._read_to

    def runs(self) -> list[int]:
        """Lengths of the runs from `low` on, as `__init__` takes them."""
        low = self.low
        # Offsets at which open turns into done, done into open, and so on.
        turns: list[int] = []
        for offset in self._reports:
            if (offset in self._done) is (len(turns) % 2 == 0):
                turns.append(offset)
        # What lies behind the last report that was read may be known from an earlier run.
        known = bisect_right(self._edges, self._read_to)
        if known % 2 != len(turns) % 2:
            turns.append(self._read_to)
        turns += self._edges[known:]
        return [after - before for before, after in pairwise((low, *turns))]


class Encoded(NamedTuple):
    """Marks as they are committed."""

    metadata: str
    #: Whether there was room for all of them: what is left out is replayed again.
    is_whole: bool


def encode(topic_id: str | None, runs: Sequence[int]) -> Encoded:
    """Commit metadata, e.g. `klsr1;topic=3Db5QLSqSZieL3rJBUUegA;done=1.4.2.1`, lengths in hexadecimal."""
    head = f"{_PREFIX};{_TOPIC_ID}{topic_id or ''};{_RUNS}"
    texts, size = [], len(head)
    for length in runs:
        text = f"{length:x}"
        size += len(text) + 1
        if size > _MOST_CHARACTERS:
            break
        texts.append(text)
    # A run that is open says nothing where none follows.
    return Encoded(head + ".".join(texts[: len(texts) // 2 * 2]), len(texts) == len(runs))


def decode(metadata: str) -> tuple[str | None, list[int]]:
    """(topic id, runs) of what `encode` made; (None, []) of anything else."""
    parts = metadata.split(";")
    if len(parts) != 3 or parts[0] != _PREFIX or not parts[1].startswith(_TOPIC_ID):  # noqa: PLR2004 - as encoded
        return None, []
    text = parts[2].removeprefix(_RUNS)
    try:
        runs = [int(length, 16) for length in text.split(".")] if text else []
    except ValueError:
        return None, []
    return parts[1].removeprefix(_TOPIC_ID) or None, runs
