"""`InsertHeader`: adds a header to every record."""

from __future__ import annotations

from dataclasses import replace

from kafka_lambda_sink.converters.header_text import parse_text
from kafka_lambda_sink.core.sink_record import Header, SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.options import Options
from kafka_lambda_sink.transforms.target import Target


class InsertHeaderOptions(Options):
    """Of `InsertHeader`."""

    header: str
    """Name of the header; those of the same name stay before it."""

    value_literal: str
    """Its value, whose type is guessed as SimpleHeaderConverter does: `7`, `true`, `2024-02-29`, `[1, 2]`, a text."""


def _build(options: InsertHeaderOptions, _: Target | None) -> Transform:
    added = (Header(options.header, *parse_text(options.value_literal)),)

    def insert_header(record: SinkRecord) -> SinkRecord:
        return replace(record, headers=record.headers + added)

    return insert_header


TYPE = TransformType(InsertHeaderOptions, _build)
