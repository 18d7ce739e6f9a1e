"""With a store: every record comes out once, in order, within the limits, and no value is lost on its way."""

from __future__ import annotations

import json

import hypothesis.strategies as st
from hypothesis import given

from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.claim_check import ClaimCheck
from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import ClaimStoreError, RecordTooLargeError
from tests.support.claims import FakeStore
from tests.support.picky_converter import plain_converter
from tests.support.records import record

SIZES = st.integers(0, 300) | st.integers(300, 2000)
LIMITS = st.builds(lambda batch, more: BatchLimits(10, batch, batch + more), st.integers(400, 900), st.integers(0, 300))


@given(
    records=st.lists(st.tuples(SIZES, st.sampled_from([1, 1, 1, 1500])), max_size=15),
    limits=LIMITS,
    faults=st.integers(0, 3),
)
def test_every_value_is_in_its_payload_or_where_the_payload_says(records, limits, faults):
    sources = {
        offset: record(offset, b'"%b"' % (b"x" * size), b"k" * key_size)
        for offset, (size, key_size) in enumerate(records)
    }
    store = FakeStore(*[ClaimStoreError("away", code="SlowDown")] * faults)
    converter = plain_converter()
    under_test = BatchAssembler(converter, limits, claims=ClaimCheck(converter, store, bucket="b", prefix=""))
    values: dict[int, bytes | None] = {}
    left = list(sources.values())
    while left:
        try:
            for item in under_test.batches(left):
                if isinstance(item, FailedRecord):
                    assert isinstance(item.error, RecordTooLargeError)
                    assert len(item.record.key() or b"") > 1, "only what a store cannot help"
                    values[item.first_offset] = None
                    continue
                assert isinstance(item, Batch)
                assert len(item.payload) <= (limits.max_bytes if item.count > 1 else limits.single_max_bytes)
                for entry in json.loads(item.payload):
                    values[entry["payload"]["offset"]] = json.dumps(entry["payload"]["value"]).encode()
            break
        except ClaimStoreError:
            left = [source for source in left if source.offset() not in values]
    assert list(values) == list(sources), "each once, in order"
    stored = {value.key: value.body for value in store.values}
    for offset, value in values.items():
        if value is not None:
            found = json.loads(value)
            body = stored[found["$s3"]["key"]] if isinstance(found, dict) else value
            assert body == sources[offset].value()
