"""`TimestampRouter`: puts the time of a record into the name of its topic."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator

from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.date_format import DateFormat
from kafka_lambda_sink.transforms.options import Options
from kafka_lambda_sink.transforms.requirement import refused
from kafka_lambda_sink.transforms.target import Target


def _date_pattern(pattern: str) -> str:
    # Java finds a wrong one with the first record.
    DateFormat(pattern)
    return pattern


class TimestampRouterOptions(Options):
    """Of `TimestampRouter`."""

    topic_format: str = "${topic}-${timestamp}"
    """The new name of the topic."""

    timestamp_format: Annotated[str, AfterValidator(_date_pattern)] = "yyyyMMdd"
    """How the record's timestamp is written in it, in UTC: a pattern of Java's SimpleDateFormat."""


def _build(options: TimestampRouterOptions, _: Target | None) -> Transform:
    format_timestamp = DateFormat(options.timestamp_format).format

    def timestamp_router(record: SinkRecord) -> SinkRecord:
        if record.timestamp is None:
            raise refused("TimestampRouter: the record has no timestamp")
        topic = options.topic_format.replace("${topic}", record.topic)
        return replace(record, topic=topic.replace("${timestamp}", format_timestamp(record.timestamp)))

    return timestamp_router


TYPE = TransformType(TimestampRouterOptions, _build)
