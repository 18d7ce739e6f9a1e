"""Which records may be sent now, where several batches of one partition are in flight at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kafka_lambda_sink.core.record import SourceRecord


@dataclass(slots=True, eq=False)
class Item:
    """A record that waits to be sent, or is out."""

    record: SourceRecord
    #: What it is in a payload, for whoever makes one.
    entry: object
    #: `entry` encoded.
    text: bytes
    #: What it is ordered by; None: by nothing.
    key: bytes | None
    #: Whose record it is; None where the function keeps no tenants apart.
    tenant: str | None = None


class SendQueue(Protocol):
    """Records that wait to be sent. Belongs to one thread."""

    def add(self, items: Iterable[Item]) -> None:
        """Let these wait, in offset order, behind all that was added before."""

    def take(self, max_records: int, max_bytes: int, separator: int = 1) -> list[Item]:
        """Items that may be sent now, in offset order; none when nothing may. Their keys are out from now on.

        At most `max_records`, and each with `separator` bytes no more than `max_bytes`; but one that is larger comes
        alone. What could be sent first comes first, and nothing that is small enough passes it by.
        """

    def release(self, items: Iterable[Item]) -> None:
        """The keys of these items are no longer out: what waits behind them may be sent.

        All items of those keys must have their outcome. Raises KeyError for a key that is not out.
        """

    def give_back(self, items: Sequence[Item]) -> None:
        """These wait again, each before the others of its key, and their keys are no longer out.

        They must be all items of their keys that have no outcome. Their turn comes when what can be sent now had its
        own: items that come back again and again hold up nothing else. Raises KeyError for a key that is not out.
        """

    def clear(self) -> None:
        """Forget what waits. A key that is out stays out."""

    @property
    def queued(self) -> int:
        """How many items wait."""

    @property
    def bytes(self) -> int:
        """Size of the texts of all that wait."""

    @property
    def has_ready(self) -> bool:
        """Whether something may be sent now."""


class KeyLanes:
    """Order within a key: items of one key are never out in two takes. Items without a key have no order."""

    __slots__ = ("_bytes", "_out", "_queued", "_ready", "_waiting")

    def __init__(self) -> None:
        #: Never empty ones, by key; in offset order.
        self._waiting: dict[bytes, list[Item]] = {}
        self._out: set[bytes] = set()
        #: Keys of which items wait and none is out, and items without a key: since when they may be sent, in order.
        self._ready: deque[bytes | Item] = deque()
        self._queued = 0
        self._bytes = 0

    def add(self, items: Iterable[Item]) -> None:
        """As `SendQueue.add`."""
        waiting, ready = self._waiting, self._ready
        for item in items:
            self._queued += 1
            self._bytes += len(item.text)
            key = item.key
            if key is None:
                ready.append(item)
            elif key in waiting:
                waiting[key].append(item)
            else:
                waiting[key] = [item]
                if key not in self._out:
                    ready.append(key)

    def take(self, max_records: int, max_bytes: int, separator: int = 1) -> list[Item]:
        """As `SendQueue.take`; of a key as many as there is room for."""
        taken: list[Item] = []
        size = 0
        ready = self._ready
        is_full = False
        while ready and not is_full:
            head = ready[0]
            lane = [head] if isinstance(head, Item) else self._waiting[head]
            count = 0
            for item in lane:
                grown = size + len(item.text) + separator
                is_full = len(taken) >= max_records or (grown > max_bytes and bool(taken))
                if is_full:
                    break
                size = grown
                count += 1
                taken.append(item)
            if not count:
                break
            ready.popleft()
            if not isinstance(head, Item):
                self._out.add(head)
                if count == len(lane):
                    del self._waiting[head]
                else:
                    del lane[:count]
        self._queued -= len(taken)
        self._bytes -= size - separator * len(taken)
        return _in_offset_order(taken)

    def release(self, items: Iterable[Item]) -> None:
        """As `SendQueue.release`."""
        for key in dict.fromkeys(item.key for item in items):
            if key is None:
                continue
            self._out.remove(key)
            if key in self._waiting:
                self._ready.append(key)

    def give_back(self, items: Sequence[Item]) -> None:
        """As `SendQueue.give_back`."""
        lanes: dict[bytes, list[Item]] = {}
        for item in _in_offset_order(items):
            if item.key is None:
                self._ready.append(item)
            elif item.key in lanes:
                lanes[item.key].append(item)
            else:
                self._out.remove(item.key)
                lanes[item.key] = [item]
                self._ready.append(item.key)
            self._queued += 1
            self._bytes += len(item.text)
        for key, lane in lanes.items():
            lane.extend(self._waiting.get(key, ()))
            self._waiting[key] = lane

    def clear(self) -> None:
        """As `SendQueue.clear`."""
        self._waiting.clear()
        self._ready.clear()
        self._queued = self._bytes = 0

    @property
    def queued(self) -> int:
        """As `SendQueue.queued`."""
        return self._queued

    @property
    def bytes(self) -> int:
        """As `SendQueue.bytes`."""
        return self._bytes

    @property
    def has_ready(self) -> bool:
        """As `SendQueue.has_ready`."""
        return bool(self._ready)


class Unordered:
    """No order: whatever waits may be sent."""

    __slots__ = ("_bytes", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[Item] = deque()
        self._bytes = 0

    def add(self, items: Iterable[Item]) -> None:
        """As `SendQueue.add`."""
        for item in items:
            self._bytes += len(item.text)
            self._waiting.append(item)

    def take(self, max_records: int, max_bytes: int, separator: int = 1) -> list[Item]:
        """As `SendQueue.take`."""
        taken: list[Item] = []
        size = 0
        waiting = self._waiting
        while waiting and len(taken) < max_records:
            grown = size + len(waiting[0].text) + separator
            if grown > max_bytes and taken:
                break
            size = grown
            taken.append(waiting.popleft())
        self._bytes -= size - separator * len(taken)
        return _in_offset_order(taken)

    def release(self, items: Iterable[Item]) -> None:
        """As `SendQueue.release`: no key is ever out."""

    def give_back(self, items: Sequence[Item]) -> None:
        """As `SendQueue.give_back`: behind all that waits."""
        self.add(_in_offset_order(items))

    def clear(self) -> None:
        """As `SendQueue.clear`."""
        self._waiting.clear()
        self._bytes = 0

    @property
    def queued(self) -> int:
        """As `SendQueue.queued`."""
        return len(self._waiting)

    @property
    def bytes(self) -> int:
        """As `SendQueue.bytes`."""
        return self._bytes

    @property
    def has_ready(self) -> bool:
        """As `SendQueue.has_ready`."""
        return bool(self._waiting)


def _in_offset_order(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=_offset)


def _offset(item: Item) -> int:
    return item.record.offset()
