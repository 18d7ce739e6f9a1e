"""`HasHeaderKey`: whether a record has a header of a name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kafka_lambda_sink.core.sink_record import Predicate, SinkRecord
from kafka_lambda_sink.transforms.catalog import PredicateType
from kafka_lambda_sink.transforms.options import Options


class HasHeaderKeyOptions(Options):
    """Of `HasHeaderKey`."""

    name: Annotated[str, Field(min_length=1)]
    """The name of the header."""


def _build(options: HasHeaderKeyOptions) -> Predicate:
    name = options.name

    def has_header_key(record: SinkRecord) -> bool:
        return any(header.name == name for header in record.headers)

    return has_header_key


TYPE = PredicateType(HasHeaderKeyOptions, _build)
