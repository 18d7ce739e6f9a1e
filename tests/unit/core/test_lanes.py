import pytest

from kafka_lambda_sink.core.lanes import Item, KeyLanes, SendQueue, Unordered
from tests.support.records import record

PLENTY = 1_000_000


@pytest.fixture(params=[KeyLanes, Unordered])
def queue(request: pytest.FixtureRequest) -> SendQueue:
    """Either of them, empty."""
    made: SendQueue = request.param()
    return made


def item(offset: int, key: bytes | None, size: int = 10) -> Item:
    return Item(record(offset, key=key), entry=None, text=b"x" * size, key=key)


def items(keys: str, first: int = 0) -> list[Item]:
    """One a letter, whose key it is; a dash has none."""
    return [item(first + at, None if key == "-" else key.encode()) for at, key in enumerate(keys)]


def offsets(taken: list[Item]) -> list[int]:
    return [each.record.offset() for each in taken]


def filled(keys: str) -> KeyLanes:
    lanes = KeyLanes()
    lanes.add(items(keys))
    return lanes


def take(queue: SendQueue, max_records: int = 50) -> list[Item]:
    return queue.take(max_records, PLENTY)


def test_records_of_one_key_come_together_and_the_batch_is_in_offset_order():
    assert offsets(take(filled("abcab"), 3)) == [0, 1, 3]


def test_a_key_that_is_out_waits_and_the_others_go():
    lanes = filled("abab")
    first = take(lanes, 1)
    assert offsets(take(lanes)) == [1, 3]
    assert take(lanes) == []
    assert (lanes.has_ready, lanes.queued) == (False, 1)
    lanes.release(first)
    assert (lanes.has_ready, lanes.queued) == (True, 1)
    assert offsets(take(lanes)) == [2]


def test_records_without_a_key_wait_for_none():
    lanes = filled("----")
    assert offsets(take(lanes, 2)) == [0, 1]
    assert offsets(take(lanes, 2)) == [2, 3]


def test_what_comes_while_its_key_is_out_waits_for_it():
    lanes = filled("a")
    first = take(lanes)
    lanes.add(items("ab", first=1))
    assert offsets(take(lanes)) == [2]
    lanes.release(first)
    assert offsets(take(lanes)) == [1]


def test_what_is_given_back_comes_before_the_others_of_its_key():
    lanes = filled("aaa")
    [done, *rest] = take(lanes)
    lanes.add(items("a", first=3))
    lanes.give_back(rest)
    assert done not in rest
    assert lanes.queued == 3
    assert offsets(take(lanes)) == [1, 2, 3]


def test_what_is_given_back_waits_until_the_others_had_their_turn():
    lanes = filled("ab-")
    lanes.give_back(take(lanes, 1))
    assert offsets(take(lanes, 1)) == [1]
    lanes.give_back(take(lanes, 1))
    assert offsets(take(lanes, 1)) == [0]


def test_a_batch_is_no_larger_than_allowed_with_its_separators(queue):
    queue.add(items("abc"))
    assert offsets(queue.take(50, 32)) == [0, 1]
    assert offsets(queue.take(50, 11)) == [2]


def test_one_that_is_too_large_comes_alone_and_is_not_passed_by(queue):
    queue.add([item(10, b"a"), item(11, b"b", size=500), item(12, b"c")])
    assert offsets(queue.take(50, 100)) == [10]
    assert offsets(queue.take(50, 100)) == [11]
    assert offsets(queue.take(50, 100)) == [12]


def test_the_queue_knows_what_waits(queue):
    queue.add([item(20, b"d", size=3), item(21, None, size=4), item(22, b"d", size=5)])
    assert (queue.queued, queue.bytes) == (3, 12)
    taken = queue.take(2, PLENTY)
    assert (queue.queued, queue.bytes) == (1, 12 - sum(len(each.text) for each in taken))
    queue.give_back(taken)
    assert (queue.queued, queue.bytes) == (3, 12)
    queue.clear()
    assert (queue.queued, queue.bytes, queue.has_ready) == (0, 0, False)
    assert take(queue) == []


def test_a_key_that_is_not_out_can_be_neither_released_nor_given_back():
    lanes = filled("ab")
    taken = take(lanes, 1)
    lanes.release(taken)
    with pytest.raises(KeyError):
        lanes.release(taken)
    with pytest.raises(KeyError):
        lanes.give_back(taken)


def test_a_key_stays_out_when_what_waits_is_forgotten():
    lanes = filled("aa")
    taken = take(lanes, 1)
    lanes.clear()
    lanes.add(items("a", first=5))
    assert take(lanes) == []
    lanes.release(taken)
    assert offsets(take(lanes)) == [5]


def test_no_order_at_all():
    queue = Unordered()
    queue.add(items("aaaa"))
    first = take(queue, 2)
    assert offsets(take(queue, 1)) == [2]
    queue.give_back(first)
    queue.release(first)
    assert offsets(take(queue, 1)) == [3]
    assert offsets(take(queue)) == [0, 1]
