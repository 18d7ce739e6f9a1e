"""The headers of a record as Kafka has them."""

from __future__ import annotations

from kafka_lambda_sink.converters.converter import HEADER_CONVERTER
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import SourceRecord


def headers_of(record: SourceRecord) -> list[tuple[str, bytes | None]]:
    """Its headers in order. Raises RecordError where a name is not UTF-8: the client then reads none of them."""
    try:
        return record.headers() or []
    except (SystemError, UnicodeDecodeError):
        raise RecordError("the name of a header is not UTF-8", stage=HEADER_CONVERTER) from None
