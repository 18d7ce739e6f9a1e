"""What a task has done so far, counted without locks: each pipeline counts for itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from kafka_lambda_sink.core.record import TopicPartition


@dataclass(slots=True)
class Counters:
    """Counts of one pipeline; its thread alone writes them, anyone may read."""

    #: Records whose batch the function took (sync: ran without error; async: accepted).
    delivered: int = 0
    #: Invocations that succeeded.
    batches: int = 0
    #: Results handed to the response topic's producer.
    results: int = 0
    #: Records in batches that failed for good.
    failed: int = 0
    #: Records that could not be converted and were tolerated.
    errant: int = 0
    #: Records that a filter or a transform has dropped.
    filtered: int = 0
    #: Attempts that were made again.
    retries: int = 0
    #: Attempts that may have run although no reply came: records may have been delivered twice.
    ambiguous: int = 0
    #: Times that the position was not in the log and `auto.offset.reset` was applied.
    resets: int = 0

    def add(self, others: Counters) -> None:
        """Add the counts of another."""
        for field in fields(Counters):
            setattr(self, field.name, getattr(self, field.name) + getattr(others, field.name))


def total(counters: Iterable[Counters]) -> Counters:
    """The sums."""
    each = list(counters)
    return Counters(**{field.name: sum(getattr(one, field.name) for one in each) for field in fields(Counters)})


class CounterBook:
    """The counters of all partitions that a task has had."""

    def __init__(self) -> None:
        self._books: dict[TopicPartition, Counters] = {}

    def of(self, tp: TopicPartition) -> Counters:
        """The partition's counters; they go on when it comes back."""
        return self._books.setdefault(tp, Counters())

    def total(self) -> Counters:
        """The sums at this moment. Any thread."""
        return total(self._books.copy().values())
