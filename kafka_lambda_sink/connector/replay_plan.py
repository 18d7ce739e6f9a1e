"""What there is to replay: the reports that are not done with, read in portions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kafka_lambda_sink.connector.replay_group import ReplayGroup
from kafka_lambda_sink.connector.replay_source import ReplaySource
from kafka_lambda_sink.contracts.report_reading import ForeignReport, UnreadableReport
from kafka_lambda_sink.core.errors import InvocationAborted, OffsetOutOfRangeError, RetriableKafkaError
from kafka_lambda_sink.core.ports import Clock, Fetcher, Position
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition, next_offset
from kafka_lambda_sink.core.replay_item import ReplayItem, Selection
from kafka_lambda_sink.core.replay_marks import ReplayMarks

#: Items of one portion: they are replayed in the order of their sources, and held in memory.
_PORTION: Final = 20_000
#: Reports of one fetch; a fetch ends at some megabytes in any case.
_FETCH: Final = 500
_IDLE: Final = 0.5
#: Seconds that brokers may stay away while the reports are read, and between two attempts.
_PATIENCE: Final = 60.0
_PAUSE: Final = 1.0


@dataclass(slots=True)
class ReportCounts:
    """Reports that were read, by what they are to this run."""

    selected: int = 0
    #: Open, and left out by the options.
    unselected: int = 0
    #: Done with in an earlier run, behind one that is not.
    done: int = 0
    #: Not understood.
    unreadable: int = 0
    #: Of topics that this connector does not read, or written by another connector.
    foreign: int = 0


class ReplayPlan:
    """Reads each partition from its first open report up to its end as of the start."""

    def __init__(
        self,
        source: ReplaySource,
        group: ReplayGroup,
        selection: Selection,
        *,
        selects: Callable[[str], bool],
        open_fetcher: Callable[[TopicPartition], Fetcher],
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        """`selects` says of a source topic whether the connector reads it."""
        self._source, self._group, self._selection = source, group, selection
        self._selects, self._open_fetcher = selects, open_fetcher
        self._clock, self._stop = clock, stop
        self.counts = ReportCounts()
        #: By partition of the report topic, from the first portion on.
        self.marks: Mapping[int, ReplayMarks] = {}
        #: Offsets of reports that are still to be read, gaps included.
        self.unread = 0

    def portions(self, attend: Callable[[], None]) -> Iterator[list[ReplayItem]]:
        """The selected items, some thousands at a time; `attend` is called while they are read.

        Blocks. Raises InvocationAborted when a stop is requested, and what `kafka/` raises.
        """
        self.marks = self._group.marks()
        ends = self._group.ends([*self.marks])
        bounds = {each: (max(marks.low, ends[each][0]), ends[each][1]) for each, marks in self.marks.items()}
        self.unread = sum(max(end - start, 0) for start, end in bounds.values())
        portion: list[ReplayItem] = []
        for partition, (start, end) in bounds.items():
            for reports in self._read(partition, start, end):
                attend()
                portion += self._sift(reports)
                if len(portion) >= _PORTION:
                    yield portion
                    portion = []
            self.marks[partition].passed(end)
        yield portion

    def _sift(self, reports: Sequence[SourceRecord]) -> Iterator[ReplayItem]:
        counts = self.counts
        for report in reports:
            if not self.marks[report.partition()].read(report.offset()):
                counts.done += 1
                continue
            try:
                item = self._source.read(report)
            except UnreadableReport:
                counts.unreadable += 1
                continue
            except ForeignReport:
                # For good: its own connector replays it.
                self.marks[report.partition()].mark(report.offset())
                counts.foreign += 1
                continue
            if not self._selects(item.tp.topic):
                counts.foreign += 1
            elif self._selection.takes(item):
                counts.selected += 1
                yield item
            else:
                counts.unselected += 1

    def _read(self, partition: int, start: int, end: int) -> Iterator[Sequence[SourceRecord]]:
        if start >= end:
            return
        fetcher = self._open_fetcher(TopicPartition(self._source.topic, partition))
        try:
            fetcher.assign(Position(start))
            at = start
            while at < end:
                if self._stop.is_set():
                    raise InvocationAborted
                found = self._fetch(fetcher, at)
                reports = [report for report in found if report.offset() < end]
                if reports:
                    yield reports
                before, at = at, _place(fetcher, found, at)
                self.unread -= min(at, end) - before
        finally:
            fetcher.close()

    def _fetch(self, fetcher: Fetcher, at: int) -> Sequence[SourceRecord]:
        deadline = self._clock.monotonic() + _PATIENCE
        while True:
            try:
                return fetcher.fetch(_FETCH, _IDLE, 0.0)
            except OffsetOutOfRangeError:
                # Retention came between: what it took is for nobody to replay any more.
                fetcher.assign(Position(max(fetcher.earliest(), at)))
            except RetriableKafkaError:
                if self._stop.wait(_PAUSE) or self._clock.monotonic() > deadline:
                    raise


def _place(fetcher: Fetcher, found: Sequence[SourceRecord], at: int) -> int:
    if found:
        return next_offset(found[-1])
    position = fetcher.position()
    return max(at, position.offset) if position is not None else at


def topics_of(items: Collection[ReplayItem]) -> list[str]:
    """The source topics of the items, each once."""
    return sorted({item.tp.topic for item in items})
