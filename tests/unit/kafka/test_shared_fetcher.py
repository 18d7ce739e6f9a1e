"""`SharedFetcher` between the two threads that use it, both played by the test."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError

from kafka_lambda_sink.core.errors import OffsetOutOfRangeError, RetriableKafkaError, UnknownTopicError
from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.log_ends import LogEnds
from kafka_lambda_sink.kafka.memory_budget import MemoryBudget, cost_of
from kafka_lambda_sink.kafka.shared_fetcher import SharedFetcher

TP = TopicPartition("orders", 3)


class Told:
    """What a consumer hands out: a record, the end of the partition, or an error."""

    def __init__(self, offset: int, value: bytes = b"x", code: int | None = None) -> None:
        self._offset = offset
        self._value = value
        self._code = code

    def error(self) -> KafkaError | None:
        return None if self._code is None else KafkaError(self._code)

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes:
        return self._value

    def leader_epoch(self) -> int:
        return 7


class Side:
    """Both sides of a fetcher that reads from offset 0."""

    def __init__(self, limit: int = 1 << 20) -> None:
        self.ordered: list[SharedFetcher] = []
        self.wakes = 0
        self.budget = MemoryBudget(limit)
        ends = LogEnds({}, "read_committed")
        self.fetcher = SharedFetcher(TP, self, self.budget, ends, self._wake)
        self.fetcher.assign(Position(0))
        assert self.fetcher.take_start() == Position(0)

    def is_full(self) -> bool:
        return self.fetcher.wants_pause

    def order(self, fetcher: SharedFetcher) -> None:
        self.ordered.append(fetcher)

    def _wake(self) -> None:
        self.wakes += 1

    def put(self, *messages: Any, position: Position | None = None) -> None:
        self.fetcher.put(messages, lambda: position)

    def fetch(self, count: int = 100) -> list[int]:
        return [record.offset() for record in self.fetcher.fetch(count, 0.0, 0.0)]


@pytest.fixture
def side() -> Side:
    return Side()


def end(offset: int) -> Told:
    return Told(offset, code=KafkaError._PARTITION_EOF)


def test_records_come_in_order_and_hold_memory_until_the_next_fetch(side: Side):
    side.put(Told(0), Told(1), Told(5))
    cost: int = cost_of(Told(0))  # type: ignore[arg-type]
    assert (side.wakes, side.budget.taken) == (1, 3 * cost)
    assert side.fetch(2) == [0, 1]
    assert side.fetcher.position() == Position(2, 7)
    assert side.budget.taken == 3 * cost
    assert side.fetch(2) == [5]
    assert side.budget.taken == cost
    assert side.fetcher.is_ready, "what was taken is to be let go"
    assert side.fetch() == []
    assert side.budget.taken == 0
    assert not side.fetcher.is_ready


def test_what_comes_between_an_assignment_and_its_execution_is_of_an_earlier_one(side: Side):
    side.put(Told(0), Told(1))
    side.fetcher.assign(Position(1))
    side.put(Told(2), end(3))
    assert side.budget.taken == 0
    assert side.fetch() == []
    assert side.fetcher.position() is None
    assert side.fetcher.take_start() == Position(1)
    assert side.fetcher.take_start() is None
    side.put(Told(1))
    assert side.fetch() == [1]


def test_an_error_comes_after_the_records_before_it_and_once(side: Side):
    side.put(Told(0), Told(-1, code=KafkaError._AUTO_OFFSET_RESET))
    side.put(Told(9))
    assert side.fetch() == [0]
    with pytest.raises(OffsetOutOfRangeError):
        side.fetch()
    assert side.fetch() == [9]


def test_an_error_of_the_client_is_told_once_however_often_it_comes(side: Side):
    for _ in range(3):
        side.fetcher.put_error(RetriableKafkaError("no token"))
    assert side.wakes == 1
    with pytest.raises(RetriableKafkaError):
        side.fetch()
    assert side.fetch() == []


def test_the_end_is_a_position_once_all_before_it_is_taken(side: Side):
    side.put(Told(0), end(4), position=Position(4, 7))
    assert side.fetcher.position() != Position(4, 7)
    assert side.fetch() == [0]
    assert side.fetcher.position() == Position(4, 7)
    side.put(Told(4))
    assert side.fetch() == [4]
    assert side.fetcher.position() == Position(5, 7)


@pytest.mark.parametrize("position", [None, Position(1, 7), Position(9, 7)])
def test_the_epoch_of_the_end_is_told_only_where_the_client_stands_there(side: Side, position: Position | None):
    side.put(Told(0), end(4), position=position)
    assert side.fetch() == [0]
    assert side.fetcher.position() == Position(4)


def test_it_wants_a_pause_at_its_share_and_goes_on_at_a_quarter():
    side = Side(limit=2 * 8 * 603)  # Of records of one byte, 8 wait.
    side.put(*(Told(offset) for offset in range(7)))
    assert not side.is_full()
    side.put(Told(7))
    assert side.is_full()
    side.fetcher.is_paused = True
    side.ordered.clear()
    assert len(side.fetch(5)) == 5
    assert side.is_full()
    assert not side.ordered
    assert len(side.fetch(1)) == 1
    assert not side.is_full()
    assert side.ordered == [side.fetcher]


def test_closed_it_gives_back_its_memory_and_takes_nothing_more(side: Side):
    side.put(Told(0), Told(1))
    side.fetch(1)
    side.fetcher.close()
    side.fetcher.close()
    side.put(Told(2))
    assert side.budget.taken == 0
    assert side.fetcher.take_start() is None
    assert side.budget.share == 1 << 19


def test_unknown_topics_are_told_as_such(side: Side):
    side.put(Told(-1, code=KafkaError.UNKNOWN_TOPIC_OR_PART))
    with pytest.raises(UnknownTopicError, match="orders-3"):
        side.fetch()
