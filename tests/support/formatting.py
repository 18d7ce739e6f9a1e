"""Records through a request format: real converters, real entries, and the bytes that a function gets."""

from __future__ import annotations

import json
from typing import Any

from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.record_path import Part, RecordPath
from kafka_lambda_sink.contracts.request import Conversion
from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import HEADER_CONVERTER, KEY_CONVERTER, VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.reading import Reader, ReaderName, build_reader
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.sink_record import Transform
from tests.support.records import TP

LIMITS = BatchLimits(max_records=10_000, max_bytes=6_000_000, single_max_bytes=6_291_456)


def part(name: ReaderName, stage: str, *, schemas_enable: bool = False) -> Part:
    return part_of(build_reader(name, stage=stage, schemas_enable=schemas_enable), stage)


def part_of(read: Reader, stage: str) -> Part:
    return Part(read=read, embed=build_embedder(JsonForm(), stage))


def path_to(
    request_format: RequestFormat,
    *,
    key: Part | ReaderName = "string",
    value: Part | ReaderName = "json",
    transform: Transform | None = None,
) -> RecordPath:
    """The way of records to a format. Headers are read where the format or a transform needs them, as in a task."""
    reads_headers = request_format.needs_headers or transform is not None
    return RecordPath(
        key=key if isinstance(key, Part) else part(key, KEY_CONVERTER),
        value=value if isinstance(value, Part) else part(value, VALUE_CONVERTER),
        header=part("simple", HEADER_CONVERTER) if reads_headers else None,
        transform=transform,
        is_wanted=None,
        entry=request_format.entry,
    )


def batch_of(request_format: RequestFormat, path: RecordPath, *records: SourceRecord) -> Batch:
    """All of `records` in one batch."""
    (batch,) = BatchAssembler(path, LIMITS, request_format.frame(TP)).batches(records)
    assert isinstance(batch, Batch), batch
    return batch


def request_of(request_format: RequestFormat, *records: SourceRecord, **options: Any) -> Any:
    """What the function gets, parsed."""
    return json.loads(batch_of(request_format, path_to(request_format, **options), *records).payload)


def error_of(request_format: RequestFormat, record: SourceRecord, **options: Any) -> RecordError:
    """Why a record cannot be sent."""
    found = Conversion()
    path_to(request_format, **options).convert([record], found)
    ((_, error),) = found.failures
    return error
