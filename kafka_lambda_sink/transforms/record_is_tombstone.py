"""`RecordIsTombstone`: whether a record has no value."""

from __future__ import annotations

from kafka_lambda_sink.core.sink_record import Predicate, SinkRecord
from kafka_lambda_sink.transforms.catalog import PredicateType
from kafka_lambda_sink.transforms.options import Options


class RecordIsTombstoneOptions(Options):
    """`RecordIsTombstone` has none."""


def _build(_: RecordIsTombstoneOptions) -> Predicate:
    def is_tombstone(record: SinkRecord) -> bool:
        return record.value is None

    return is_tombstone


TYPE = PredicateType(RecordIsTombstoneOptions, _build)
