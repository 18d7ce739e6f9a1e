"""Batches never mix tenants, whatever the records, the limits and the cuts; and are no smaller than they have to be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.tenants import TenantConverter, tenant_reader
from kafka_lambda_sink.converters.reading import build_reader
from kafka_lambda_sink.core.batch import Batch, DroppedRecords, FailedRecord
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.tenant import TenantSource
from tests.support.picky_converter import PickyConverter
from tests.support.records import record

TENANTS = st.sampled_from([b"blue", b"green", b"a b", b" blue", b"", b"caf\xc3\xa9", b"\xff", b"x" * 257, None])
VALUES = st.one_of(st.just(b"not JSON"), st.integers(0, 400).map(lambda size: b'"%b"' % (b"x" * size)))
ROWS = st.lists(st.tuples(st.integers(1, 3), TENANTS, VALUES, st.booleans()), max_size=30)
LIMITS = st.builds(BatchLimits, st.integers(1, 8), st.integers(150, 1500), st.just(1500))
VALID = {b"blue", b"green", b"a b"}


def assembler(limits: BatchLimits, dropped: set[int]) -> BatchAssembler:
    read = build_reader("string", stage="KEY_CONVERTER", schemas_enable=False)
    tenant_of = tenant_reader(TenantSource("key"), (), key=read, value=read)
    return BatchAssembler(TenantConverter(PickyConverter(dropped), tenant_of), limits)


@given(ROWS, LIMITS)
def test_no_batch_has_records_of_two_tenants(
    rows: Sequence[tuple[int, bytes | None, bytes, bool]], limits: BatchLimits
):
    records: list[SourceRecord] = []
    dropped: set[int] = set()
    offset = 0
    for gap, tenant, value, is_dropped in rows:
        offset += gap
        records.append(record(offset, value, tenant))
        dropped |= {offset} if is_dropped else set()
    under_test = assembler(limits, dropped)

    items = list(under_test.batches(records))

    seen: list[int] = []
    for item in items:
        if isinstance(item, DroppedRecords):
            continue
        if isinstance(item, FailedRecord):
            assert item.record.key() not in VALID or item.record.value() == b"not JSON"
            assert isinstance(item.error, RecordError)
            seen.append(item.first_offset)
            continue
        owners = {each.key() for each in item.records}
        assert owners == {(item.tenant or "").encode()}
        assert owners <= VALID
        assert [entry["payload"]["offset"] for entry in json.loads(item.payload)] == [o.offset() for o in item.records]
        seen += [each.offset() for each in item.records]
        if item.count > 1:
            assert [half.tenant for half in under_test.split(item)] == [item.tenant] * 2
    assert seen == [each.offset() for each in records if each.offset() not in dropped]


@given(st.lists(st.sampled_from([b"blue", b"green"]), min_size=1, max_size=20))
def test_a_batch_ends_only_where_the_tenant_changes(owners: Sequence[bytes]):
    records = [record(offset, b"1", owner) for offset, owner in enumerate(owners)]

    batches = list(assembler(BatchLimits(100, 10**6, 10**6), set()).batches(records))

    assert len(batches) == 1 + sum(one != other for one, other in pairwise(owners))
    assert all(isinstance(batch, Batch) for batch in batches)
