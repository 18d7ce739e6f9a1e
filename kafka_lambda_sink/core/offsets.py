"""Which offset may be committed: the contiguous prefix of spans that have their final outcome."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from kafka_lambda_sink.core.ports import Position


class Span:
    """Records of one partition, in order, that share one outcome. Made by `OffsetTracker.track` alone."""

    __slots__ = ("end", "is_resolved")

    def __init__(self, end: Position) -> None:
        #: Where the partition goes on after this span.
        self.end = end
        self.is_resolved = False

    def __repr__(self) -> str:
        """`<Span to 43, resolved>`."""
        return f"<Span to {self.end.offset}{', resolved' if self.is_resolved else ''}>"


class OffsetTracker:
    """Spans of one partition in offset order; resolved in any order.

    Offsets have gaps (compaction, transactions), so what was fetched is tracked, never a range of numbers.
    """

    __slots__ = ("_committable", "_pending")

    def __init__(self, start: Position) -> None:
        self._committable = start
        self._pending: deque[Span] = deque()

    @property
    def committable(self) -> Position:
        """Where a new owner would go on: every record before it has its final outcome."""
        return self._committable

    @property
    def pending(self) -> int:
        """Spans that wait for their own outcome or for an earlier one's."""
        return len(self._pending)

    def track(self, end: Position) -> Span:
        """Follow the records up to `end`, which come after all that is tracked. Raises ValueError if they do not."""
        last = self._last_end()
        if end.offset <= last.offset:
            raise ValueError(f"span to {end.offset} does not come after {last.offset}")
        return self._follow(end)

    def hold(self) -> Span:
        """A span without records behind all that is tracked: what comes after it waits for it, and nothing else."""
        return self._follow(self._last_end())

    def resolve(self, span: Span) -> bool:
        """Note the span's final outcome; whether the committable offset moved."""
        span.is_resolved = True
        pending = self._pending
        moved = False
        while pending and pending[0].is_resolved:
            self._committable = pending.popleft().end
            moved = True
        return moved

    def is_blocked_by(self, span: Span) -> bool:
        """Whether `span` is the first that has no outcome: all before it are resolved."""
        return bool(self._pending) and self._pending[0] is span

    def rest(self, position: Position) -> bool:
        """Take the reader's own position when nothing is pending, so that markers at the tail leave no lag.

        Whether the committable offset moved; it never moves back.
        """
        if self._pending or position.offset <= self._committable.offset:
            return False
        self._committable = replace(position, state=self._committable.state)
        return True

    def _last_end(self) -> Position:
        return self._pending[-1].end if self._pending else self._committable

    def _follow(self, end: Position) -> Span:
        span = Span(end)
        self._pending.append(span)
        return span

    def __repr__(self) -> str:
        """`<OffsetTracker committable 42, 3 pending>`."""
        return f"<OffsetTracker committable {self._committable.offset}, {len(self._pending)} pending>"
