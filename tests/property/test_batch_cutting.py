"""Cutting: every record comes out once, in order, in the largest batches that keep the limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import hypothesis.strategies as st
from hypothesis import given

from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.frame import Frame
from kafka_lambda_sink.contracts.request import PlainConverter
from kafka_lambda_sink.converters.converter import build_converter
from kafka_lambda_sink.core.batch import Batch, DroppedRecords, FailedRecord
from kafka_lambda_sink.core.errors import RecordError, RecordTooLargeError
from kafka_lambda_sink.core.record import SourceRecord, next_offset
from tests.support.picky_converter import PickyConverter
from tests.support.records import TP, record

VALUES = st.one_of(
    st.none(),
    st.just(b"not JSON"),
    st.integers(min_value=0, max_value=700).map(lambda size: b'"' + b"x" * size + b'"'),
)
KEYS = st.none() | st.text(max_size=20).map(str.encode) | st.just(b"\xff")
GAPS = st.integers(min_value=1, max_value=5)


@st.composite
def partitions(draw: st.DrawFn) -> list[SourceRecord]:
    offset = draw(st.integers(min_value=0, max_value=10**12))
    records = []
    for gap, key, value in draw(st.lists(st.tuples(GAPS, KEYS, VALUES), max_size=40)):
        offset += gap
        records.append(record(offset, value, key))
    return records


LIMITS = st.builds(
    lambda count, batch, more: BatchLimits(count, batch, batch + more),
    st.integers(min_value=1, max_value=50),
    st.integers(min_value=150, max_value=2000),
    st.integers(min_value=0, max_value=500),
)


def assembler(limits: BatchLimits) -> BatchAssembler:
    key = build_converter("string", is_key=True, schemas_enable=False, escaped=False)
    value = build_converter("json", is_key=False, schemas_enable=False, escaped=False)
    return BatchAssembler(PlainConverter(TP, key, value), limits)


def offsets_in(payload: bytes) -> list[int]:
    return [entry["payload"]["offset"] for entry in json.loads(payload)]


def alone(item: SourceRecord) -> int | None:
    """Bytes of the payload of this record alone; None where it cannot be converted."""
    (outcome,) = assembler(BatchLimits(1, 10**9, 10**9)).batches([item])
    return len(outcome.payload) if isinstance(outcome, Batch) else None


@given(partitions(), LIMITS)
def test_every_record_comes_out_once_in_order_and_within_the_limits(
    records: Sequence[SourceRecord], limits: BatchLimits
):
    seen: list[SourceRecord] = []
    for item in assembler(limits).batches(records):
        if isinstance(item, FailedRecord):
            size = alone(item.record)
            assert isinstance(item.error, RecordError if size is None else RecordTooLargeError)
            assert size is None or size > limits.single_max_bytes
            seen.append(item.record)
            continue
        assert isinstance(item, Batch)
        assert 1 <= item.count <= limits.max_records
        assert len(item.payload) <= (limits.single_max_bytes if item.count == 1 else limits.max_bytes)
        assert offsets_in(item.payload) == [each.offset() for each in item.records]
        seen += item.records
    assert seen == list(records)


@given(partitions(), LIMITS)
def test_no_batch_could_have_taken_the_next_record(records: Sequence[SourceRecord], limits: BatchLimits):
    items = list(assembler(limits).batches(records))
    taken = 0
    for batch, following in pairwise(items):
        taken += batch.count if isinstance(batch, Batch) else 1
        # Every `max_records` records a new portion begins.
        if not isinstance(batch, Batch) or not isinstance(following, Batch) or taken % limits.max_records == 0:
            continue
        next_size = alone(following.records[0])
        assert next_size is not None
        # Two brackets less, one comma more.
        assert len(batch.payload) + next_size - 1 > limits.max_bytes


@given(partitions(), LIMITS, st.binary(max_size=60).map(bytes.hex))
def test_the_frame_counts_to_the_byte(records: Sequence[SourceRecord], limits: BatchLimits, text: str):
    frame = Frame(b'{"note":"%b","events":[' % text.encode(), b"]}")
    found = BatchAssembler(PickyConverter(), limits, frame).batches(records)
    for batch in found:
        if isinstance(batch, Batch):
            assert len(batch.payload) <= (limits.single_max_bytes if batch.count == 1 else limits.max_bytes)
            assert [event["payload"]["offset"] for event in json.loads(batch.payload)["events"]] == [
                each.offset() for each in batch.records
            ]


@given(partitions(), LIMITS)
def test_halves_make_the_whole(records: Sequence[SourceRecord], limits: BatchLimits):
    under_test = assembler(limits)
    for item in under_test.batches(records):
        if isinstance(item, Batch) and item.count > 1:
            first, second = under_test.split(item)
            assert [*first.records, *second.records] == list(item.records)
            assert first.payload[:-1] + b"," + second.payload[1:] == item.payload
            assert abs(first.count - second.count) <= 1


@given(partitions(), LIMITS, st.randoms(use_true_random=False))
def test_dropped_records_are_counted_and_covered_and_batches_are_full_without_them(
    records: Sequence[SourceRecord], limits: BatchLimits, random: Random
):
    drops = {each.offset() for each in records if random.random() < 0.7}
    under_test = BatchAssembler(PickyConverter(drops), limits)
    seen: list[SourceRecord] = []
    dropped = end = 0
    for item in under_test.batches(records):
        if isinstance(item, DroppedRecords):
            dropped += item.count
            if item.last is not None:
                assert item.last.offset() in drops
                assert item.last.offset() >= end
                end = next_offset(item.last)
            continue
        assert item.first_offset >= end
        end = item.next_offset
        seen += item.records if isinstance(item, Batch) else [item.record]
    assert [each.offset() for each in seen] == [each.offset() for each in records if each.offset() not in drops]
    assert dropped == len(drops)
    assert not records or end == next_offset(records[-1])
