import pytest

from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.replay_item import Place, ReplayItem, Selection, digest_of, ranges_of
from tests.support.records import record

TP = TopicPartition("orders", 3)


def item(start: int, end: int, *, place: int = 0, tp: TopicPartition = TP, **facts: int) -> ReplayItem:
    return ReplayItem(
        place=Place(0, place),
        tp=tp,
        start=start,
        end=end,
        error_type="Unhandled ValueError",
        names=frozenset({"Unhandled", "ValueError"}),
        written=1000,
        **facts,
    )


def test_ranges_are_in_the_order_of_their_sources_and_neighbours_stay_apart():
    other = TopicPartition("orders", 1)
    ranges = ranges_of([item(20, 25), item(5, 10), item(10, 11), item(0, 3, tp=other)])
    assert [(each.tp, each.start, each.end) for each in ranges] == [
        (other, 0, 3),
        (TP, 5, 10),
        (TP, 10, 11),
        (TP, 20, 25),
    ]


def test_what_overlaps_is_sent_once():
    ranges = ranges_of([item(5, 10, place=1), item(5, 10, place=2), item(9, 12, place=3), item(7, 8, place=4)])
    assert [(each.start, each.end) for each in ranges] == [(5, 12)]
    assert [each.place.offset for each in ranges[0].items] == [1, 2, 4, 3]


@pytest.mark.parametrize(
    ("selection", "is_taken"),
    [
        (Selection(), True),
        (Selection(topic="orders"), True),
        (Selection(topic="other"), False),
        (Selection(partitions=frozenset({1, 3})), True),
        (Selection(partitions=frozenset({1})), False),
        (Selection(error_type="ValueError"), True),
        (Selection(error_type="Value"), False),
        (Selection(since=1000), True),
        (Selection(since=1001), False),
        (Selection(topic="orders", error_type="Handled"), False),
    ],
    ids=repr,
)
def test_a_selection_is_all_of_its_conditions(selection: Selection, is_taken: bool):  # noqa: FBT001 - a parameter
    assert selection.takes(item(5, 10)) is is_taken


def test_a_record_is_known_by_what_the_report_tells_of_it():
    found = record(5, b"v", b"k", timestamp=(1, 77))
    assert item(5, 6).tells_of(found)
    assert item(5, 6, timestamp=77).tells_of(found)
    assert not item(5, 6, timestamp=78).tells_of(found)
    assert item(5, 6, timestamp=78).tells_of(record(5, timestamp=(0, 0)))
    assert item(5, 6, digest=digest_of(found)).tells_of(found)
    assert not item(5, 6, digest=digest_of(record(5, b"w", b"k"))).tells_of(found)


def test_only_reports_that_begin_with_a_record_say_what_it_is():
    [range_] = ranges_of([item(5, 10, timestamp=77), item(6, 8, timestamp=1)])
    assert range_.begins_with(record(5, timestamp=(1, 77)))
    assert not range_.begins_with(record(5, timestamp=(1, 1)))
    assert range_.begins_with(record(7, timestamp=(1, 99)))
