"""Reading ranges of one partition's offsets, and no record beside them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from kafka_lambda_sink.core.errors import OffsetOutOfRangeError
from kafka_lambda_sink.core.ports import Fetcher, Position
from kafka_lambda_sink.core.record import SourceRecord, next_offset
from kafka_lambda_sink.core.replay_item import ReplayRange
from kafka_lambda_sink.pipeline.replay_ledger import Absence, ReplayLedger

#: Offsets that are rather read and dropped than jumped over: a jump drops what the client has fetched.
_NEAR: Final = 500
#: Bytes of values after which records are handed on although more are asked for.
_MAX_BYTES: Final = 8 * 1024 * 1024


class RangeFetcher:
    """`core.ports.Fetcher` of the ranges, one after the other: no fetch has records of two of them.

    The ranges stand in the order of their offsets and do not overlap. Where each begins is their own to say, not
    `assign`'s; what is not in the log is told to the ledger, and never raised. `on_end` is called by the fetch that
    finds nothing more to read: all that was handed out before is judged by then.
    """

    def __init__(
        self, inner: Fetcher, ranges: Sequence[ReplayRange], ledger: ReplayLedger, on_end: Callable[[], None]
    ) -> None:
        self._inner = inner
        self._ranges = deque(ranges)
        self._ledger = ledger
        self._on_end = on_end
        #: Records that were read and not handed out; the first may lie behind the range that is being read.
        self._ahead: deque[SourceRecord] = deque()
        #: Where `inner` goes on; None before it was assigned.
        self._at: int | None = None
        #: Ends of the log as last seen.
        self._first = self._end = 0
        self._is_begun = False
        #: Whether all that the log has of this range is read.
        self._is_read = False
        #: Behind the last record of this range that was handed out; None before the first.
        self._handed: int | None = None

    def assign(self, start: Position) -> None:
        """Nothing: the ranges say where to read."""

    def fetch(self, max_records: int, idle: float, window: float) -> Sequence[SourceRecord]:  # noqa: ARG002 - all records are there already: no window is waited for
        """Up to `max_records` of one range. See the port for what is raised, but for offsets out of range."""
        while self._ranges:
            range_ = self._ranges[0]
            if not self._is_begun and not self._begin(range_):
                continue
            self._read(range_, max_records, idle)
            records = self._take(range_, max_records)
            if records and self._handed is None and not range_.begins_with(records[0]):
                self._skip(range_, Absence.REPLACED)
                continue
            if records:
                self._handed = next_offset(records[-1])
                is_last = self._is_read and not self._has(range_)
                self._ledger.hand_out(range_, len(records), self._handed if is_last else None)
                return records
            if not self._is_read:
                return ()
            if self._handed is None:
                self._skip(range_, Absence.DELETED)
            else:
                # What was handed out before is judged: whoever fetches again has come to that.
                self._ledger.end(range_, self._handed)
                self._next()
        self._on_end()
        return ()

    def interrupt(self) -> None:
        """As the port has it."""
        self._inner.interrupt()

    def position(self) -> Position | None:
        """None: nothing behind the ranges is passed over."""
        return None

    def earliest(self) -> int:
        """First offset in the log."""
        return self._inner.earliest()

    def latest(self) -> int:
        """Offset after the last visible record."""
        return self._inner.latest()

    def close(self) -> None:
        """Close the client."""
        self._inner.close()

    # --- one range after the other ---

    def _begin(self, range_: ReplayRange) -> bool:
        """Find the place of the first record; False when the log has none of the range."""
        if range_.end > self._end or range_.start < self._first:
            self._look()
        if range_.start >= self._end:
            self._skip(range_, Absence.NOT_YET)
            return False
        if range_.end <= self._first:
            self._skip(range_, Absence.DELETED)
            return False
        start = max(range_.start, self._first)
        while self._ahead and self._ahead[0].offset() < start:
            self._ahead.popleft()
        # Whatever lies between the range before and `_at` is read already.
        if self._at is None or start > self._at + _NEAR:
            self._move(start)
        self._is_begun = True
        self._ledger.begin()
        self._ledger.cut(start - range_.start)
        return True

    def _skip(self, range_: ReplayRange, why: Absence) -> None:
        self._ledger.absent(range_, why)
        self._next()

    def _next(self) -> None:
        self._ranges.popleft()
        self._is_begun = self._is_read = False
        self._handed = None

    def _look(self) -> None:
        self._first, self._end = self._inner.earliest(), self._inner.latest()

    def _move(self, offset: int) -> None:
        self._inner.assign(Position(offset))
        self._at = offset

    # --- inside of one range ---

    def _read(self, range_: ReplayRange, max_records: int, idle: float) -> None:
        """Read ahead until there are `max_records`, or all of the range. What is read stays, whatever is raised."""
        self._is_read = self._is_read or (self._at is not None and self._at >= range_.end)
        size = sum(len(record.value() or b"") for record in self._ahead)
        while not self._is_read and len(self._ahead) < max_records and size < _MAX_BYTES:
            assert self._at is not None
            try:
                found = self._inner.fetch(min(max_records - len(self._ahead), range_.end - self._at), idle, 0.0)
            except OffsetOutOfRangeError:
                self._recover(range_)
                continue
            if not found:
                self._is_read = self._is_at_end(range_)
                return
            size += sum(len(record.value() or b"") for record in found)
            self._at = next_offset(found[-1])
            self._is_read = self._at >= range_.end
            self._ahead.extend(record for record in found if record.offset() >= range_.start)

    def _take(self, range_: ReplayRange, max_records: int) -> list[SourceRecord]:
        taken: list[SourceRecord] = []
        while len(taken) < max_records and self._has(range_):
            taken.append(self._ahead.popleft())
        return taken

    def _has(self, range_: ReplayRange) -> bool:
        """Whether a record of the range is read and not handed out."""
        return bool(self._ahead) and self._ahead[0].offset() < range_.end

    def _recover(self, range_: ReplayRange) -> None:
        """The log does not have our place any more: go on where it does."""
        assert self._at is not None
        self._look()
        if self._first <= self._at < self._end:
            # The client found the place missing, and by now it is there: read it anew.
            self._move(self._at)
        elif self._at < self._first < range_.end:
            start = max(self._at, range_.start)
            self._ledger.cut(max(self._first - start, 0))
            self._move(max(self._first, start))
        else:
            self._is_read = True

    def _is_at_end(self, range_: ReplayRange) -> bool:
        """Whether the log has nothing more of the range, where nothing came."""
        position = self._inner.position()
        if position is None:
            return False
        if position.offset < range_.end:
            self._look()
        return position.offset >= min(range_.end, self._end)
