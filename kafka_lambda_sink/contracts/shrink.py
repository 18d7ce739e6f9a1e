"""Making an error record small enough for its topic, least useful part first."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from kafka_lambda_sink.contracts.report_format import PLAIN, Wrapping
from kafka_lambda_sink.contracts.reports import ErrorReport, ErrorValue
from kafka_lambda_sink.core.ports import Report

#: Characters that a cut `inputPayload` keeps: at most a few hundred KB, below the 1 MB that topics allow by default.
INPUT_PREFIX: Final = 65_536
#: Characters that a cut `payload` keeps.
PAYLOAD_PREFIX: Final = 4096

#: The headers by which a reader knows that a field of the value is not whole: `truncated` or `omitted`.
INPUT_HEADER: Final = "kls.input_payload"
PAYLOAD_HEADER: Final = "kls.payload"
LOG_HEADER: Final = "kls.log_result"

_ENVELOPE: Final = re.compile(rb'(\{"schema":\{.*?\},"payload":)(\{.*\})(\})', re.DOTALL)


def shrink(report: Report) -> Report | None:
    """The next smaller form of a report that its topic found too large; None when there is none.

    `inputPayload` is cut to a prefix, then left out; then `payload` is cut and `logResult` left out. What was done is
    said in headers; the key and the value's schema stay. Results and dead letters are never cut: they are the data.
    """
    if not isinstance(report, ErrorReport) or report.value is None:
        return None
    wrapping, value = _unwrap(report.value)
    marks = _cut(value)
    if not marks:
        return None
    headers = dict(report.headers) | {name: mark.encode() for name, mark in marks.items()}
    text = wrapping.of(msgspec.json.encode(value))
    return ErrorReport(report.topic, report.key, text, tuple(headers.items()))


def _cut(value: ErrorValue) -> dict[str, str]:
    """Cut `value` one step further; the headers that say so, none when nothing is left to cut."""
    if value.input_payload is not None:
        if len(value.input_payload) > INPUT_PREFIX:
            value.input_payload = value.input_payload[:INPUT_PREFIX]
            return {INPUT_HEADER: "truncated"}
        value.input_payload = None
        return {INPUT_HEADER: "omitted"}
    marks = {}
    if value.log_result is not None:
        value.log_result = None
        marks[LOG_HEADER] = "omitted"
    if value.payload is not None and len(value.payload) > PAYLOAD_PREFIX:
        value.payload = value.payload[:PAYLOAD_PREFIX]
        marks[PAYLOAD_HEADER] = "truncated"
    return marks


def _unwrap(text: bytes) -> tuple[Wrapping, ErrorValue]:
    match = _ENVELOPE.fullmatch(text)
    if match is None:
        return PLAIN, msgspec.json.decode(text, type=ErrorValue)
    return Wrapping(match[1], match[3]), msgspec.json.decode(match[2], type=ErrorValue)
