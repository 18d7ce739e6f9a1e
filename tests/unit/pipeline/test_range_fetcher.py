from collections.abc import Sequence

import pytest

from kafka_lambda_sink.core.errors import RetriableKafkaError
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.replay_item import Place, ReplayItem, ranges_of
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.pipeline.range_fetcher import RangeFetcher
from kafka_lambda_sink.pipeline.replay_ledger import Absence, ReplayLedger
from tests.support.fakes import FakeFetcher
from tests.support.records import TP, record

ANY = 1 << 40


def item(start: int, end: int, timestamp: int | None = None) -> ReplayItem:
    return ReplayItem(
        place=Place(0, start),
        tp=TP,
        start=start,
        end=end,
        error_type="",
        names=frozenset(),
        written=0,
        timestamp=timestamp,
    )


class Reading:
    """Ranges of a log that is read by a test."""

    def __init__(self, log: Sequence[SourceRecord], *ranges: tuple[int, int] | ReplayItem, low: int = 0) -> None:
        self.log = FakeFetcher(log, low=low)
        items = [each if isinstance(each, ReplayItem) else item(*each) for each in ranges]
        self.counters = Counters()
        self.ledger = ReplayLedger(self.counters)
        self.ends = 0
        self.fetcher = RangeFetcher(self.log, ranges_of(items), self.ledger, self._end)

    def _end(self) -> None:
        self.ends += 1

    def fetch(self, most: int = 100) -> list[int]:
        return [each.offset() for each in self.fetcher.fetch(most, 0.1, 0.0)]

    def all(self, most: int = 100) -> list[list[int]]:
        """The offsets of every fetch until the end."""
        found = []
        while not self.ends:
            offsets = self.fetch(most)
            if offsets:
                found.append(offsets)
            else:
                assert self.ends, "nothing came"
        return found

    def outcomes(self) -> list[tuple[int, int, int, Absence | None]]:
        """(start, found, cut, absence) by start."""
        return sorted((each.range.start, each.found, each.cut, each.absence) for each in self.ledger.take(ANY))


def log(*offsets: int) -> list[SourceRecord]:
    return [record(offset, timestamp=(1, 1000 + offset)) for offset in offsets]


def test_reads_the_ranges_and_nothing_beside_them():
    reading = Reading(log(*range(5000)), (10, 15), (15, 16), (100, 103), (4000, 4002))
    assert reading.all() == [[10, 11, 12, 13, 14], [15], [100, 101, 102], [4000, 4001]]
    assert reading.outcomes() == [(10, 5, 0, None), (15, 1, 0, None), (100, 3, 0, None), (4000, 2, 0, None)]
    # Near ones are read on to; a jump drops what the client has fetched.
    assert reading.log.assigned == [Position(10), Position(4000)]


def test_a_fetch_is_no_larger_than_asked_for():
    reading = Reading(log(*range(20)), (3, 10), (12, 14))
    assert reading.all(3) == [[3, 4, 5], [6, 7, 8], [9], [12, 13]]
    assert reading.outcomes() == [(3, 7, 0, None), (12, 2, 0, None)]


def test_gaps_are_no_loss_while_something_is_left():
    reading = Reading(log(0, 1, 4, 5, 9, 20), (1, 5), (6, 9), (9, 15))
    assert reading.all() == [[1, 4], [9]]
    assert reading.outcomes() == [(1, 2, 0, None), (6, 0, 0, Absence.DELETED), (9, 1, 0, None)]


def test_a_tail_that_was_compacted_ends_at_the_end_of_the_log():
    reading = Reading(log(0, 1, 2), (1, 6))
    reading.log.end = 6
    assert reading.all() == [[1, 2]]
    assert reading.outcomes() == [(1, 2, 0, None)]


def test_what_retention_took_is_told():
    reading = Reading(log(*range(20)), (2, 4), (8, 12), (15, 16), low=10)
    assert reading.all() == [[10, 11], [15]]
    assert reading.outcomes() == [(2, 0, 0, Absence.DELETED), (8, 2, 2, None), (15, 1, 0, None)]


def test_retention_that_comes_in_the_middle_is_told_too():
    reading = Reading(log(*range(30)), (0, 10), (12, 14), (20, 22))
    assert reading.fetch(4) == [0, 1, 2, 3]
    reading.log.low = 7
    assert reading.fetch(4) == [7, 8, 9]
    reading.log.low = 15
    assert reading.all() == [[20, 21]]
    assert reading.outcomes() == [(0, 7, 3, None), (12, 0, 0, Absence.DELETED), (20, 2, 0, None)]


def test_what_lies_behind_the_end_is_not_there_yet():
    reading = Reading(log(*range(5)), (3, 8), (9, 10))
    assert reading.all() == [[3, 4]]
    assert reading.outcomes() == [(3, 2, 0, None), (9, 0, 0, Absence.NOT_YET)]


def test_another_record_at_the_same_offset_is_not_delivered():
    reading = Reading(log(*range(20)), item(3, 6, 1003), item(8, 10, 7), item(12, 13))
    assert reading.all() == [[3, 4, 5], [12]]
    assert reading.outcomes() == [(3, 3, 0, None), (8, 0, 0, Absence.REPLACED), (12, 1, 0, None)]


def test_a_fault_takes_no_records_with_it(monkeypatch: pytest.MonkeyPatch):
    reading = Reading(log(*range(20)), (3, 9))
    original = reading.log.fetch
    asked: list[int] = []

    def fetch(max_records: int, idle: float, window: float) -> Sequence[SourceRecord]:
        asked.append(max_records)
        if len(asked) == 2:
            raise RetriableKafkaError("away")
        return original(min(max_records, 4), idle, window)

    monkeypatch.setattr(reading.log, "fetch", fetch)
    with pytest.raises(RetriableKafkaError):
        reading.fetch()
    assert reading.all() == [[3, 4, 5, 6, 7, 8]]


def test_a_log_that_brings_nothing_for_a_while_is_asked_again(monkeypatch: pytest.MonkeyPatch):
    reading = Reading(log(*range(5)), (0, 8))
    reading.log.end = 8
    monkeypatch.setattr(reading.log, "position", lambda: None)
    assert reading.fetch() == [0, 1, 2, 3, 4]
    assert reading.fetch() == []
    assert not reading.ends
    reading.log.log += log(6)
    reading.log._at = 5
    assert reading.fetch() == [6]


def test_an_outcome_is_final_when_all_before_its_end_may_be_committed():
    reading = Reading(log(*range(20)), (3, 6), (8, 10))
    reading.fetch()
    reading.counters.failed += 2
    reading.fetch()
    reading.counters.errant += 1
    assert reading.fetch() == []
    assert reading.ledger.take(5) == []
    [first] = reading.ledger.take(6)
    assert (first.range.start, first.failed, first.errant) == (3, 2, 0)
    [second] = reading.ledger.take(10)
    assert (second.range.start, second.failed, second.errant) == (8, 0, 1)


def test_the_rest_is_the_clients_own():
    reading = Reading(log(*range(5)), (0, 1), low=2)
    reading.fetcher.assign(Position(4))
    assert reading.log.assigned == []
    assert reading.fetcher.position() is None
    assert (reading.fetcher.earliest(), reading.fetcher.latest()) == (2, 5)
    reading.fetcher.interrupt()
    reading.fetcher.close()
    assert reading.log.is_interrupted
    assert reading.log.is_closed
