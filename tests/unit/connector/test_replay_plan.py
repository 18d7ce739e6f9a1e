from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from confluent_kafka import Message

from kafka_lambda_sink.config.clients.translation import SecretProperties
from kafka_lambda_sink.connector import replay_plan
from kafka_lambda_sink.connector.replay_group import ReplayGroup
from kafka_lambda_sink.connector.replay_plan import ReplayPlan
from kafka_lambda_sink.connector.replay_source import ReplaySource
from kafka_lambda_sink.contracts.report_reading import read_error
from kafka_lambda_sink.core.errors import InvocationAborted, RetriableKafkaError
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from kafka_lambda_sink.core.replay_item import ReplayItem, Selection
from kafka_lambda_sink.core.replay_marks import ReplayMarks
from tests.support.fakes import FakeFetcher
from tests.support.stepped_clock import SteppedClock


def report(offset: int, *, partition: int = 0, topic: str = "orders", key: bytes | None = None) -> SourceRecord:
    """The report, at `offset` of `errors`, of the source record at ten times that offset."""
    place = {"topic": topic, "partition": 3, "startOffset": offset * 10, "endOffset": offset * 10 + 1}
    message = Message(
        topic="errors",
        partition=partition,
        offset=offset,
        key=key if key is not None else json.dumps(place).encode(),
        value=b"{}",
        timestamp=(1, 1000 + offset),
    )
    return cast("SourceRecord", message)


class FakeGroup:
    def __init__(self, marks: dict[int, ReplayMarks], logs: dict[int, FakeFetcher]) -> None:
        self._marks, self._logs = marks, logs

    def marks(self) -> dict[int, ReplayMarks]:
        return self._marks

    def ends(self, partitions: Sequence[int]) -> dict[int, tuple[int, int]]:
        return {partition: (self._logs[partition].low, self._logs[partition].end) for partition in partitions}


class Planning:
    """A plan over logs of the report topic, by partition."""

    def __init__(
        self,
        *logs: Sequence[SourceRecord],
        selection: Selection | None = None,
        marks: dict[int, ReplayMarks] | None = None,
    ) -> None:
        self.logs = {number: FakeFetcher(log) for number, log in enumerate(logs)}
        self.stop = threading.Event()
        source = ReplaySource(
            topic="errors", properties=SecretProperties({}, {}), group_id="g", client_id="c", read=read_error
        )
        group: Any = FakeGroup(marks or {number: ReplayMarks(0) for number in self.logs}, self.logs)
        self.plan = ReplayPlan(
            source,
            cast("ReplayGroup", group),
            selection or Selection(),
            selects=lambda topic: topic == "orders",
            open_fetcher=self._open,
            clock=SteppedClock(),
            stop=self.stop,
        )

    def _open(self, tp: TopicPartition) -> FakeFetcher:
        assert tp.topic == "errors"
        return self.logs[tp.partition]

    def portions(self, attend: Callable[[], None] = lambda: None) -> list[list[int]]:
        """The start offsets of each portion."""
        return [[item.start for item in portion] for portion in self.plan.portions(attend)]

    def done(self, items: Sequence[ReplayItem]) -> None:
        for item in items:
            self.plan.marks[item.place.partition].mark(item.place.offset)


def test_reads_every_partition_to_its_end_and_closes_the_client():
    planning = Planning([report(0), report(1)], [report(4, partition=1)])
    assert planning.portions() == [[0, 10, 40]]
    assert planning.plan.counts.selected == 3
    assert planning.plan.unread == 0
    assert all(log.is_closed for log in planning.logs.values())


def test_what_is_done_is_not_read_again():
    marks = ReplayMarks(2, [1, 2])
    planning = Planning([report(offset) for offset in range(7)], marks={0: marks})
    assert planning.portions() == [[20, 50, 60]]
    assert planning.plan.counts.done == 2
    assert marks.low == 2


def test_what_is_left_out_is_counted_and_stays_open():
    log = [report(0), report(1, topic="other"), report(2, key=b"no report"), report(3)]
    planning = Planning(log, selection=Selection(since=1003))
    [[item]] = list(planning.plan.portions(lambda: None))
    counts = planning.plan.counts
    assert (counts.selected, counts.unselected, counts.foreign, counts.unreadable) == (1, 1, 1, 1)
    planning.done([item])
    assert planning.plan.marks[0].low == 0
    assert planning.plan.marks[0].runs() == [3, 1]


def test_an_item_of_each_portion_is_marked_where_it_stands(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replay_plan, "_PORTION", 2)
    monkeypatch.setattr(replay_plan, "_FETCH", 2)
    planning = Planning([report(offset) for offset in range(5)])
    attended: list[int] = []
    sizes = []
    for portion in planning.plan.portions(lambda: attended.append(1)):
        sizes.append(len(portion))
        planning.done(portion)
    assert sizes == [2, 2, 1]
    assert len(attended) == 3
    assert planning.plan.marks[0].low == 5


def test_reports_that_retention_took_meanwhile_are_passed_over():
    planning = Planning([report(offset) for offset in range(6)])
    log = planning.logs[0]
    original = log.assign
    log.low = 0

    def assign(start: Any) -> None:
        original(start)
        log.low = 4

    log.assign = assign  # type: ignore[method-assign]
    assert planning.portions() == [[40, 50]]


def test_a_broker_that_is_away_for_a_moment_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replay_plan, "_PAUSE", 0.01)
    planning = Planning([report(0)])
    planning.logs[0].failures.append(RetriableKafkaError("away"))
    assert planning.portions() == [[0]]


def test_markers_at_the_end_are_passed_over():
    planning = Planning([report(0)])
    planning.logs[0].end = 3
    assert planning.portions() == [[0]]
    assert planning.plan.marks[0].low == 0
    planning.plan.marks[0].mark(0)
    assert planning.plan.marks[0].low == 3


def test_a_stop_ends_the_reading():
    planning = Planning([report(0)])
    planning.stop.set()
    with pytest.raises(InvocationAborted):
        planning.portions()
    assert planning.logs[0].is_closed
