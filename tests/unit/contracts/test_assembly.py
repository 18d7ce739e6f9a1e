from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.request import PlainConverter
from kafka_lambda_sink.converters.converter import build_converter
from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import RecordError, RecordTooLargeError
from kafka_lambda_sink.core.record import SourceRecord
from tests.support.records import TP, record


def assembler(*, records: int = 100, bytes_: int = 100_000, single: int = 200_000) -> BatchAssembler:
    key = build_converter("string", is_key=True, schemas_enable=False, escaped=False)
    value = build_converter("json", is_key=False, schemas_enable=False, escaped=False)
    return BatchAssembler(PlainConverter(TP, key, value), BatchLimits(records, bytes_, single))


def cut(under_test: BatchAssembler, records: Sequence[SourceRecord]) -> list[list[int] | str]:
    """Offsets a batch, as read from its payload; the error's name for a failed record."""
    found: list[list[int] | str] = []
    for item in under_test.batches(records):
        if isinstance(item, Batch):
            offsets = [entry["payload"]["offset"] for entry in json.loads(item.payload)]
            assert offsets == [each.offset() for each in item.records]
            assert (item.first_offset, item.next_offset, item.count) == (offsets[0], offsets[-1] + 1, len(offsets))
            found.append(offsets)
        else:
            assert isinstance(item, FailedRecord)
            assert item.next_offset == item.first_offset + 1
            found.append(type(item.error).__name__)
    return found


def size_of(records: Sequence[SourceRecord]) -> int:
    (batch,) = assembler(bytes_=10**9).batches(records)
    assert isinstance(batch, Batch)
    return len(batch.payload)


def test_nothing_makes_no_batch():
    assert cut(assembler(), []) == []


def test_cut_by_number_of_records():
    assert cut(assembler(records=2), [record(offset) for offset in (1, 5, 6, 8, 9)]) == [[1, 5], [6, 8], [9]]


@pytest.mark.parametrize(("slack", "expected"), [(0, [[1, 2, 3]]), (-1, [[1, 2], [3]])])
def test_cut_by_encoded_bytes_to_the_byte(slack: int, expected: list[list[int]]):
    # The escapes make the key longer encoded than raw.
    records = [record(offset, b'"v"', b'"\n"') for offset in (1, 2, 3)]
    assert cut(assembler(bytes_=size_of(records) + slack), records) == expected


def test_cut_is_greedy_in_offset_order():
    small, large = b'"s"', b'"' + b"x" * 500 + b'"'
    records = [record(1, small), record(2, large), record(3, small), record(4, large), record(5, small)]
    assert cut(assembler(bytes_=size_of(records[:3])), records) == [[1, 2, 3], [4, 5]]


def test_a_record_above_the_batch_limit_is_sent_alone():
    records = [record(1), record(2, b'"' + b"x" * 1000 + b'"'), record(3)]
    alone = size_of(records[1:2])
    assert cut(assembler(bytes_=500, single=alone), records) == [[1], [2], [3]]
    assert cut(assembler(bytes_=500, single=alone - 1), records) == [[1], "RecordTooLargeError", [3]]


def test_too_large_says_which_how_large_and_the_limit():
    (item,) = assembler(bytes_=500, single=1000).batches([record(17, b'"' + b"x" * 1000 + b'"')])
    assert isinstance(item, FailedRecord)
    assert isinstance(item.error, RecordTooLargeError)
    assert "orders-3 offset 17 takes 1,106 bytes encoded; a single record may take 1,000" in str(item.error)


def test_failed_records_come_in_their_place():
    records = [record(1, b"{"), record(2), record(3), record(4, b"}"), record(5, b""), record(6)]
    assert cut(assembler(), records) == ["RecordError", [2, 3], "RecordError", "RecordError", [6]]


def test_later_records_are_not_converted_before_they_are_asked_for():
    converted: list[bytes | None] = []

    def spy(raw: bytes | None) -> None:
        converted.append(raw)

    limits = BatchLimits(1, 1000, 1000)
    batches = BatchAssembler(PlainConverter(TP, lambda _: None, spy), limits).batches(
        [record(1, b"1"), record(2, b"2")]
    )
    next(batches)
    assert converted == [b"1"]


def test_split_halves_until_a_single_record():
    under_test = assembler()
    (batch,) = under_test.batches([record(offset) for offset in (1, 4, 9)])
    assert isinstance(batch, Batch)
    first, second = under_test.split(batch)
    assert [each.offset() for each in first.records] == [1]
    assert [entry["payload"]["offset"] for entry in json.loads(second.payload)] == [4, 9]
    with pytest.raises(ValueError, match="cannot be split"):
        under_test.split(first)


def test_record_errors_are_kept_as_raised():
    (item,) = assembler().batches([record(1, b"{")])
    assert isinstance(item, FailedRecord)
    assert isinstance(item.error, RecordError)
    assert item.error.stage == "VALUE_CONVERTER"
