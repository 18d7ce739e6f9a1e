import pytest

from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record_tracker import RecordTracker


def following(*offsets: int, start: int = 0) -> RecordTracker:
    tracker = RecordTracker(Position(start))
    tracker.follow([Position(offset + 1) for offset in offsets])
    return tracker


def done(tracker: RecordTracker) -> tuple[tuple[int, int], ...]:
    return tracker.to_commit.done


def unfinished(tracker: RecordTracker) -> int:
    return tracker.unfinished


def test_the_committable_offset_is_behind_the_finished_prefix():
    tracker = following(0, 1, 2, 3)
    assert not tracker.finish([1, 2])
    assert tracker.committable == Position(0)
    assert tracker.finish([0])
    assert tracker.committable == Position(3)
    assert unfinished(tracker) == 1
    assert tracker.finish([3])
    assert unfinished(tracker) == 0


def test_what_is_being_reported_is_not_finished():
    tracker = following(0, 1)
    first, second = tracker.track([0]), tracker.track([1])
    assert (tracker.pending, tracker.unfinished) == (2, 2)
    assert not tracker.resolve(second)
    assert (tracker.pending, tracker.unfinished) == (1, 1)
    assert tracker.resolve(first)
    assert tracker.committable == Position(2)


def test_a_group_is_resolved_once():
    tracker = following(0, 1)
    group = tracker.track([0])
    assert tracker.resolve(group)
    assert not tracker.resolve(group)
    assert (tracker.pending, tracker.unfinished) == (0, 1)


def test_runs_that_are_finished_bridge_offsets_without_a_record():
    tracker = following(5, 7, 8, 20, 21, 40)
    tracker.finish([7, 20, 8])
    assert done(tracker) == ((7, 21),)
    tracker.finish([40])
    assert done(tracker) == ((7, 21), (40, 41))
    tracker.finish([5])
    assert tracker.committable == Position(21)
    assert done(tracker) == ((40, 41),)


def test_the_committable_position_is_that_of_its_record():
    tracker = RecordTracker(Position(0, 1, b"{}"))
    tracker.follow([Position(1, 4, b'{"n":1}'), Position(2, 5, b'{"n":2}')])
    tracker.finish([1])
    assert tracker.committable == Position(0, 1, b"{}")
    tracker.finish([0])
    assert tracker.committable == Position(2, 5, b'{"n":2}')


@pytest.mark.parametrize("offset", [7, 1, 2, 3])
def test_a_record_that_is_not_followed_or_has_its_outcome_is_refused(offset):
    tracker = following(0, 1, 3, 4)
    tracker.finish([1])
    tracker.track([3])
    with pytest.raises(KeyError):
        tracker.track([0, offset, 4])
    assert (tracker.pending, tracker.unfinished) == (1, 3)
    tracker.track([0, 4])


def test_a_record_is_not_taken_twice_by_one_group():
    tracker = following(0)
    with pytest.raises(KeyError):
        tracker.track([0, 0])
    assert tracker.finish([0])


@pytest.mark.parametrize("ends", [[5], [6, 6], [7, 6]])
def test_records_that_do_not_come_after_the_last_are_refused_all_together(ends):
    tracker = following(4)
    with pytest.raises(ValueError, match="does not come after"):
        tracker.follow([Position(end) for end in ends])
    assert tracker.unfinished == 1
    tracker.follow([Position(6)])


def test_it_rests_only_where_nothing_is_unfinished_and_keeps_the_state():
    tracker = RecordTracker(Position(0, None, b"{}"))
    tracker.follow([Position(1, 1, b'{"n":1}'), Position(2, 1, b'{"n":1}')])
    tracker.finish([1])
    assert not tracker.rest(Position(9, 2))
    tracker.finish([0])
    assert tracker.rest(Position(9, 2))
    assert tracker.committable == Position(9, 2, b'{"n":1}')
    assert not tracker.rest(Position(9, 3))
    with pytest.raises(ValueError, match="does not come after"):
        tracker.follow([Position(9)])


def test_a_commit_tells_what_is_finished_beyond_it():
    tracker = RecordTracker(Position(0))
    assert tracker.to_commit == Position(0)
    tracker.follow([Position(end, 4) for end in (1, 2, 3, 9)])
    tracker.finish([1, 8])
    assert tracker.to_commit == Position(0, done=((1, 2), (8, 9)), done_epoch=4)
    tracker.finish([0])
    assert tracker.to_commit == Position(2, 4, done=((8, 9),), done_epoch=4)
    tracker.finish([2])
    assert tracker.to_commit == Position(9, 4)


def test_a_commit_tells_of_records_of_one_leader_epoch_only():
    tracker = RecordTracker(Position(0))
    tracker.follow([Position(1, 3), Position(2, 3), Position(3, 4), Position(4, 4)])
    tracker.finish([1, 2, 3])
    assert tracker.to_commit == Position(0, done=((1, 2),), done_epoch=3)
    tracker.finish([0])
    assert tracker.to_commit == Position(4, 4)


def test_what_was_finished_before_the_start_is_told_until_it_was_passed():
    tracker = RecordTracker(Position(10, 3, done=((11, 13), (15, 20)), done_epoch=3))
    assert tracker.committable == Position(10, 3)
    assert tracker.to_commit == Position(10, 3, done=((11, 13), (15, 20)), done_epoch=3)
    tracker.follow([Position(end, 3) for end in (11, 12)])
    tracker.finish([11])
    assert tracker.to_commit == Position(10, 3, done=((11, 12), (12, 13), (15, 20)), done_epoch=3)
    tracker.follow([Position(end, 3) for end in (13, 14, 15, 16, 17)])
    tracker.finish([10, 12])
    assert tracker.to_commit == Position(13, 3, done=((17, 20),), done_epoch=3), "those at 15 and 16 are not, now"
    tracker.follow([Position(22, 4)])
    tracker.finish([13, 14, 15, 16])
    assert tracker.to_commit == Position(17, 3)


def test_a_stuck_record_does_not_keep_all_that_comes_behind_it():
    tracker = following(0, 10)
    tracker.finish([10])
    for begin in range(100, 50_000, 100):
        offsets = range(begin, begin + 100, 2)
        epoch = 3 if begin < 20_000 else 4
        tracker.follow([Position(offset + 1, epoch) for offset in offsets])
        tracker.finish(offsets)
        assert tracker.kept <= 1200
    assert tracker.unfinished == 1
    assert tracker.to_commit == Position(0, done=((10, 11),))
    tracker.finish([0])
    assert tracker.committable == Position(49_999, 4)
    assert tracker.kept == 0


def test_what_is_put_together_is_told_apart_by_its_epoch():
    tracker = RecordTracker(Position(0))
    tracker.follow([Position(1, 3), Position(3, 3), Position(4, 3), Position(9, 5), Position(12, 5)])
    tracker.finish([2, 3, 8, 11])
    tracker._put_together()
    assert tracker.kept == 3
    assert tracker.to_commit == Position(0, done=((2, 4),), done_epoch=3)
