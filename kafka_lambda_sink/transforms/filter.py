"""`Filter`: drops records; used with a predicate."""

from __future__ import annotations

from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.options import Options
from kafka_lambda_sink.transforms.target import Target


class FilterOptions(Options):
    """`Filter` has none."""


def _build(_: FilterOptions, __: Target | None) -> Transform:
    def drop(record: SinkRecord) -> SinkRecord | None:  # noqa: ARG001 - whatever it is
        return None

    return drop


TYPE = TransformType(FilterOptions, _build)
