"""Fakes of the ports that are driven by hand: time, the function, a partition's log, the cluster's topics."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

from kafka_lambda_sink.core.errors import InvocationAborted, OffsetOutOfRangeError
from kafka_lambda_sink.core.ports import CallContext, InvokeReply, Position, TopicSnapshot
from kafka_lambda_sink.core.record import SourceRecord, next_offset
from tests.support.stepped_clock import SteppedClock


class CreepingClock(SteppedClock):
    """Goes on by `creep` seconds whenever somebody looks, so that a loop that waits for a moment reaches it."""

    def __init__(self, creep: float) -> None:
        super().__init__()
        self.creep = creep

    def monotonic(self) -> float:
        self.seconds += self.creep
        return self.seconds


#: What an invocation does: answers, raises, or runs something that answers.
Answer: TypeAlias = "InvokeReply | Exception | Callable[[bytes], InvokeReply]"


def echo(payload: bytes) -> InvokeReply:
    """The request itself: a reply that the contract allows."""
    return InvokeReply(200, payload, executed_version="$LATEST", request_id="r")


class ScriptedInvoker:
    """Answers in the order of the script, then echoes; keeps every payload."""

    def __init__(self, *script: Answer) -> None:
        self.script = deque(script)
        self.payloads: list[bytes] = []
        #: What came beside each payload.
        self.calls: list[CallContext | None] = []
        self.is_halted = False
        self.is_aborted = False
        self.is_closed = False

    def invoke(self, payload: bytes, call: CallContext | None = None) -> InvokeReply:
        if self.is_aborted:
            raise InvocationAborted
        self.payloads.append(payload)
        self.calls.append(call)
        answer = self.script.popleft() if self.script else echo
        if isinstance(answer, Exception):
            raise answer
        return answer(payload) if callable(answer) else answer

    def halt(self) -> None:
        self.is_halted = True

    def abort(self) -> None:
        self.is_aborted = True

    def close(self) -> None:
        self.is_closed = True


class FakeFetcher:
    """A partition's log: records with gaps, of which the broker has those from `low` on; markers up to `end`."""

    def __init__(self, records: Sequence[SourceRecord], *, low: int = 0, end: int | None = None) -> None:
        self.log = list(records)
        self.low = low
        self.end = end if end is not None else (next_offset(records[-1]) if records else low)
        #: Raised by the next calls of `fetch`, one each.
        self.failures: deque[Exception] = deque()
        #: Raised by the next questions for the log's ends, one each.
        self.lookup_failures: deque[Exception] = deque()
        #: Run by `fetch` where there is nothing to read.
        self.when_empty: Callable[[], None] = lambda: None
        self.assigned: list[Position] = []
        self.is_interrupted = False
        self.is_closed = False
        self._at: int | None = None
        self._has_seen_end = False

    def assign(self, start: Position) -> None:
        self.assigned.append(start)
        self._at = start.offset
        self._has_seen_end = False

    def fetch(self, max_records: int, idle: float, window: float) -> Sequence[SourceRecord]:
        assert self._at is not None, "nothing is assigned"
        assert idle > 0
        assert window >= 0
        if self.failures:
            raise self.failures.popleft()
        if not self.low <= self._at <= self.end:
            raise OffsetOutOfRangeError(f"offset {self._at} is not in the log", code="_AUTO_OFFSET_RESET")
        found = [record for record in self.log if record.offset() >= self._at][:max_records]
        self._has_seen_end = True
        if found:
            self._at = next_offset(found[-1])
        else:
            self._at = self.end
            self.when_empty()
        return found

    def interrupt(self) -> None:
        self.is_interrupted = True

    def position(self) -> Position | None:
        return Position(self._at, 7) if self._has_seen_end and self._at is not None else None

    def earliest(self) -> int:
        return self._looked_up(self.low)

    def latest(self) -> int:
        return self._looked_up(self.end)

    def close(self) -> None:
        self.is_closed = True

    def _looked_up(self, offset: int) -> int:
        if self.lookup_failures:
            raise self.lookup_failures.popleft()
        return offset


class FakeCatalog:
    """The cluster's topics, to be changed at will."""

    def __init__(self, **topics: TopicSnapshot) -> None:
        self.topics = dict(topics)
        #: Raised by the next questions, one each.
        self.failures: deque[Exception] = deque()
        #: Which cluster it is.
        self.cluster: str | None = "cluster"
        self.is_closed = False

    def cluster_id(self) -> str | None:
        self._fail()
        return self.cluster

    def names(self) -> list[str]:
        self._fail()
        return list(self.topics)

    def describe(self, topics: Sequence[str]) -> dict[str, TopicSnapshot]:
        self._fail()
        return {name: self.topics[name] for name in topics if name in self.topics}

    def create(self, topic: str, partitions: int, replication_factor: int, config: dict[str, str]) -> None:
        assert replication_factor
        assert not config
        self.topics.setdefault(topic, TopicSnapshot(f"id of {topic}", partitions))

    def close(self) -> None:
        self.is_closed = True

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.popleft()
