"""Which offset may be committed where records are finished in any order, and what is finished beyond it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from kafka_lambda_sink.core.ports import Position

#: So many more may be kept than at the last look, before those that are finished are put together.
_SLACK: Final = 1000


class _Followed:
    """A record; or several that are finished, one behind the other and of one epoch."""

    __slots__ = ("end", "first", "is_finished")

    def __init__(self, end: Position) -> None:
        #: Offset of the first of them.
        self.first = end.offset - 1
        self.end = end
        self.is_finished = False


class Group:
    """Records of one partition that are finished together. Made by `RecordTracker.track` alone."""

    __slots__ = ("is_resolved", "records")

    def __init__(self, records: list[_Followed]) -> None:
        #: For the tracker alone; none any more once they are finished.
        self.records = records
        self.is_resolved = False

    def __repr__(self) -> str:
        """`<Group of 3>` or `<Group, resolved>`."""
        return "<Group, resolved>" if self.is_resolved else f"<Group of {len(self.records)}>"


class RecordTracker:
    """Records of one partition: followed in offset order, finished in any. The brother of `OffsetTracker`.

    Offsets have gaps (compaction, transactions), so what was fetched is followed, never a range of numbers.
    """

    __slots__ = ("_committable", "_followed", "_inherited", "_pending", "_room", "_unfinished", "_ungrouped")

    def __init__(self, start: Position) -> None:
        self._committable = replace(start, done=(), done_epoch=None)
        #: Where `done` is what an owner before us had finished: it counts until its records are followed.
        self._inherited = start
        #: From the first unfinished record on.
        self._followed: deque[_Followed] = deque()
        self._room = _SLACK
        #: By their own offset.
        self._ungrouped: dict[int, _Followed] = {}
        self._pending = 0
        self._unfinished = 0

    @property
    def committable(self) -> Position:
        """Where a new owner would go on: every record before it is finished. Says nothing of what is behind it."""
        return self._committable

    @property
    def pending(self) -> int:
        """Groups that are not resolved."""
        return self._pending

    @property
    def unfinished(self) -> int:
        """Records that are followed and not finished, whether in a group or not."""
        return self._unfinished

    @property
    def kept(self) -> int:
        """How many things are kept: no more than a few for each unfinished record, however many are finished."""
        return len(self._followed)

    def follow(self, ends: Sequence[Position]) -> None:
        """Follow records that were fetched, in offset order, each by the position right behind it.

        Raises ValueError, and follows none of them, if they do not come after all that is followed.
        """
        last = self._followed[-1].end.offset if self._followed else self._committable.offset
        records = []
        for end in ends:
            if end.offset <= last:
                raise ValueError(f"record to {end.offset} does not come after {last}")
            last = end.offset
            records.append(_Followed(end))
        self._followed.extend(records)
        if len(self._followed) > self._room:
            self._put_together()
        self._unfinished += len(records)
        ungrouped = self._ungrouped
        for record in records:
            ungrouped[record.end.offset - 1] = record

    def track(self, offsets: Sequence[int]) -> Group:
        """The records at these offsets have an outcome that is being reported.

        Raises KeyError, and changes nothing, for one that is not followed or has its outcome already.
        """
        ungrouped = self._ungrouped
        records: list[_Followed] = []
        try:
            for offset in offsets:
                records.append(ungrouped.pop(offset))  # noqa: PERF401 - a comprehension would lose what it had taken
        except KeyError:
            for record in records:
                ungrouped[record.end.offset - 1] = record
            raise
        self._pending += 1
        return Group(records)

    def resolve(self, group: Group) -> bool:
        """The group's records are finished; whether the committable offset moved. Does nothing a second time."""
        if group.is_resolved:
            return False
        group.is_resolved = True
        self._pending -= 1
        self._unfinished -= len(group.records)
        for record in group.records:
            record.is_finished = True
        group.records = []
        followed = self._followed
        moved = False
        while followed and followed[0].is_finished:
            self._committable = followed.popleft().end
            moved = True
        return moved

    def finish(self, offsets: Sequence[int]) -> bool:
        """The records at these offsets are finished and need no report; as `track` and `resolve`."""
        return self.resolve(self.track(offsets))

    def rest(self, position: Position) -> bool:
        """Take the reader's own position when nothing is unfinished, so that markers at the tail leave no lag.

        Whether the committable offset moved; it never moves back.
        """
        if self._followed or position.offset <= self._committable.offset:
            return False
        self._committable = replace(position, state=self._committable.state)
        return True

    @property
    def to_commit(self) -> Position:
        """`committable` with what is finished beyond it, as far as it was read under one leader epoch, the oldest's.

        What follows under another epoch is left out, to be delivered again: an offset tells which record it is only
        together with its epoch. What the start had in `done` is in it until it was passed. Takes time for each thing
        that is kept.
        """
        first = next((record.end for record in self._followed if record.is_finished), None)
        start = self._inherited
        epoch = start.done_epoch if first is None else first.leader_epoch
        runs = self._runs(epoch)
        if start.done and start.done_epoch == epoch:
            last = self._followed[-1].end.offset if self._followed else self._committable.offset
            runs += [(max(begin, last), end) for begin, end in start.done if end > last]
        return replace(self._committable, done=tuple(runs), done_epoch=epoch) if runs else self._committable

    def _put_together(self) -> None:
        """One stuck record must not keep all that comes behind it in memory."""
        kept: deque[_Followed] = deque()
        for record in self._followed:
            last = kept[-1] if kept else record
            is_run = record.is_finished and last.is_finished and last.end.leader_epoch == record.end.leader_epoch
            if is_run and last is not record:
                last.end = record.end
            else:
                kept.append(record)
        self._followed = kept
        self._room = 2 * len(kept) + _SLACK

    def _runs(self, epoch: int | None) -> list[tuple[int, int]]:
        """What is finished beyond the committable offset, in order: half-open intervals, each as long as can be.

        From the offset of a first record to the one behind a last: where an offset in between is missing, there is no
        record.
        """
        runs = []
        start = end = -1
        for record in self._followed:
            if record.is_finished and record.end.leader_epoch == epoch:
                end = record.end.offset
                if start < 0:
                    start = record.first
            elif start >= 0:
                runs.append((start, end))
                start = -1
        if start >= 0:
            runs.append((start, end))
        return runs

    def __repr__(self) -> str:
        """`<RecordTracker committable 42, 3 unfinished>`."""
        return f"<RecordTracker committable {self._committable.offset}, {self._unfinished} unfinished>"
