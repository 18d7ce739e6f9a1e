"""What may be sent when: every interleaving of adding, taking, releasing and giving back."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kafka_lambda_sink.core.lanes import Item, KeyLanes, SendQueue, Unordered
from tests.support.records import record

KEYS = st.sampled_from([b"a", b"b", b"c", b"d", None])
SEPARATOR = 2
#: A key, or the one item of a lane without.
Lane = bytes | Item


class Keyed(RuleBasedStateMachine):
    """Model: what waits in each lane, which lanes are out with which take, and since when each of the others may go."""

    queue: SendQueue

    def __init__(self) -> None:
        super().__init__()
        self.queue = self.make()
        self.waiting: dict[Lane, list[Item]] = defaultdict(list)
        self.out: dict[Lane, list[Item]] = {}
        self.since: dict[Lane, int] = {}
        self.ticks = self.next_offset = self.settled = 0

    def make(self) -> SendQueue:
        return KeyLanes()

    def lane_of(self, item: Item) -> Lane:
        return item if item.key is None else item.key

    @rule(keys=st.lists(st.tuples(st.integers(1, 3), KEYS, st.integers(0, 30)), max_size=6))
    def add(self, keys: list[tuple[int, bytes | None, int]]) -> None:
        items = []
        for gap, key, size in keys:
            self.next_offset += gap
            items.append(Item(record(self.next_offset, key=key), None, b"x" * size, key))
        self.queue.add(items)
        for item in items:
            self.waiting[self.lane_of(item)].append(item)
            self.note_ready(self.lane_of(item))

    @rule(max_records=st.integers(1, 6), max_bytes=st.integers(0, 100))
    def take(self, max_records: int, max_bytes: int) -> None:
        taken = self.queue.take(max_records, max_bytes, SEPARATOR)
        assert taken == sorted(taken, key=lambda item: item.record.offset())
        lanes: dict[Lane, list[Item]] = defaultdict(list)
        for item in taken:
            lanes[self.lane_of(item)].append(item)
        assert not lanes.keys() & self.out.keys(), "no key is in two takes at once"
        for lane, items in lanes.items():
            assert items == self.waiting[lane][: len(items)], "the oldest first, without a hole"
            del self.waiting[lane][: len(items)]
        ready = sorted(self.since, key=self.since.__getitem__)
        assert set(lanes) == set(ready[: len(lanes)]), "whose turn comes first"
        assert not any(self.waiting[lane] for lane in ready[: len(lanes) - 1]), "only of the last one something is left"
        assert len(taken) <= max_records
        size = sum(len(item.text) + SEPARATOR for item in taken)
        assert size <= max_bytes or len(taken) == 1
        following = [item for lane in ready[max(len(lanes) - 1, 0) :] for item in self.waiting[lane][:1]]
        if following:
            assert taken, "what may be sent is sent"
            assert len(taken) == max_records or size + len(following[0].text) + SEPARATOR > max_bytes
        self.out |= lanes
        for lane in lanes:
            del self.since[lane]

    @precondition(lambda self: self.out)
    @rule(data=st.data(), settled=st.integers(0, 6))
    def settle(self, data: st.DataObject, settled: int) -> None:
        """Some keys of whichever takes: so many items of each have their outcome, the others are given back."""
        lanes = data.draw(st.lists(st.sampled_from(list(self.out)), min_size=1, unique=True))
        released, given_back = [], []
        for lane in lanes:
            items = data.draw(st.permutations(self.out.pop(lane)))
            self.settled += len(items[:settled])
            if not items[settled:]:
                released += items
            given_back += items[settled:]
        self.queue.release(released)
        for lane in dict.fromkeys(self.lane_of(item) for item in released):
            self.note_ready(lane)
        self.queue.give_back(given_back)
        for item in sorted(given_back, key=lambda item: item.record.offset()):
            lane = self.lane_of(item)
            self.waiting[lane] = sorted([*self.waiting[lane], item], key=lambda item: item.record.offset())
            self.note_ready(lane)

    def note_ready(self, lane: Lane) -> None:
        if lane not in self.since and lane not in self.out and self.waiting[lane]:
            self.ticks += 1
            self.since[lane] = self.ticks

    @invariant()
    def the_queue_knows_what_waits(self) -> None:
        waiting = [item for items in self.waiting.values() for item in items]
        assert self.queue.queued == len(waiting)
        assert self.queue.bytes == sum(len(item.text) for item in waiting)
        assert self.queue.has_ready is bool(self.since)

    def teardown(self) -> None:
        """Let everything have its outcome: each that was added is sent, and has one, once."""
        while self.since or self.out:
            self.take(3, 50)
            released = [item for items in self.out.values() for item in items]
            self.out.clear()
            self.settled += len(released)
            self.queue.release(released)
            for lane in dict.fromkeys(self.lane_of(item) for item in released):
                self.note_ready(lane)
        assert self.queue.queued == 0
        assert not any(self.waiting.values())


class Free(Keyed):
    """As above, where nothing has a key."""

    def make(self) -> SendQueue:
        return Unordered()

    def lane_of(self, item: Item) -> Lane:
        return item


SETTINGS = settings(max_examples=60, stateful_step_count=40, deadline=None)
Keyed.TestCase.settings = SETTINGS
Free.TestCase.settings = SETTINGS
TestKeyed = Keyed.TestCase
TestFree = Free.TestCase


@given(
    keys=st.lists(st.tuples(KEYS, st.booleans()), min_size=1, max_size=30),
    size=st.integers(1, 5),
    is_ordered=st.booleans(),
)
def test_what_comes_back_for_ever_holds_up_nothing_else(keys, size, is_ordered):
    queue: SendQueue = KeyLanes() if is_ordered else Unordered()
    items = [Item(record(at, key=key), is_failing, b"{}", key) for at, (key, is_failing) in enumerate(keys)]
    failing = {item.key for item in items if item.entry and item.key is not None and is_ordered}
    well = {at for at, item in enumerate(items) if not item.entry and item.key not in failing}
    queue.add(items)
    # Each take is of one lane at least, and each lane had its turn when as many were made as there are lanes.
    for _ in range(len(items) ** 2):
        taken = queue.take(size, 100)
        stuck = [item for item in taken if item.record.offset() not in well]
        queue.release([item for item in taken if item not in stuck])
        queue.give_back(stuck)
        well -= {item.record.offset() for item in taken}
    assert not well
