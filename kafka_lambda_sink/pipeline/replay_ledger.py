"""What became of the ranges of one partition that is replayed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from kafka_lambda_sink.core.replay_item import ReplayRange
from kafka_lambda_sink.pipeline.counters import Counters


class Absence(Enum):
    """Why records cannot be read from the source again, in words for people."""

    DELETED = "deleted from the source topic (retention, or compaction)"
    REPLACED = "another record is there now: the source topic was created again"
    NOT_YET = "behind the end of the source topic, which was created again or cut"
    NO_TOPIC = "there is no such source topic or partition"


@dataclass(frozen=True, slots=True)
class RangeOutcome:
    """What became of one range. Counts of records."""

    range: ReplayRange
    #: Delivered, dropped by a filter or transform, or failed: what was there.
    found: int = 0
    #: Of them: failed once more.
    failed: int = 0
    #: Of them: could not be converted.
    errant: int = 0
    #: Offsets that the source has no more, where it has others of the range.
    cut: int = 0
    #: Why it was not delivered at all, or None.
    absence: Absence | None = None


class _Read(NamedTuple):
    """A range whose records are judged, and wait for their delivery reports."""

    #: Where the partition goes on behind its last record.
    end: int
    outcome: RangeOutcome


class ReplayLedger:
    """Follows the ranges of one pipeline: its thread writes, `take` may be called from another."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._before = (0, 0)
        self._found = self._cut = 0
        #: A range whose last records are handed out, and maybe not judged yet.
        self._last: tuple[ReplayRange, int] | None = None
        self._read: deque[_Read] = deque()
        self._absent: deque[RangeOutcome] = deque()

    def begin(self) -> None:
        """A range is read from now on."""
        self._before = self._failures()
        self._found = self._cut = 0

    def cut(self, offsets: int) -> None:
        """So many offsets of it are gone, and others of it are there."""
        self._cut += offsets

    def hand_out(self, range_: ReplayRange, count: int, next_offset: int | None) -> None:
        """So many records of it go to the pipeline; its last ones, where `next_offset` says what comes behind them."""
        self._found += count
        self._last = None if next_offset is None else (range_, next_offset)

    def end(self, range_: ReplayRange, next_offset: int) -> None:
        """All its records are judged; its reports are written once `next_offset` may be committed."""
        self._last = None
        failed, errant = (now - before for now, before in zip(self._failures(), self._before, strict=True))
        self._read.append(_Read(next_offset, RangeOutcome(range_, self._found, failed, errant, self._cut)))

    def close(self) -> None:
        """The pipeline has ended: a range that was handed out whole is judged, as far as it may be committed."""
        if self._last is not None:
            self.end(*self._last)

    def absent(self, range_: ReplayRange, why: Absence) -> None:
        """It cannot be read."""
        self._absent.append(RangeOutcome(range_, absence=why))

    def take(self, committable: int) -> list[RangeOutcome]:
        """What is final by now, each range once. Any one thread."""
        taken = []
        while self._absent:
            taken.append(self._absent.popleft())
        while self._read and self._read[0].end <= committable:
            taken.append(self._read.popleft().outcome)
        return taken

    def _failures(self) -> tuple[int, int]:
        return self._counters.failed, self._counters.errant
