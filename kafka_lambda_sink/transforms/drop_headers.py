"""`DropHeaders`: removes headers by their names."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.options import CommaList, Options
from kafka_lambda_sink.transforms.target import Target


class DropHeadersOptions(Options):
    """Of `DropHeaders`."""

    headers: Annotated[CommaList, Field(min_length=1)]
    """Names of the headers to remove, all of each name."""


def _build(options: DropHeadersOptions, _: Target | None) -> Transform:
    names = frozenset(options.headers)

    def drop_headers(record: SinkRecord) -> SinkRecord:
        return replace(record, headers=tuple([header for header in record.headers if header.name not in names]))

    return drop_headers


TYPE = TransformType(DropHeadersOptions, _build)
