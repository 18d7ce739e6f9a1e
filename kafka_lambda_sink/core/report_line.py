"""What Lambda's log says at the end of an invocation: how long it took, and how much memory.

    REPORT RequestId: 4f1c…	Duration: 12.68 ms	Billed Duration: 143 ms	Memory Size: 128 MB	Max Memory Used: 39 MB	Init Duration: 129.82 ms
    XRAY TraceId: 1-66d978e5-56c7378e556e94b5461da07c	SegmentId: 29c3839e6ecb5895	Sampled: true

Functions with the log format JSON write `{"type":"platform.report","record":{"requestId":…,"metrics":{…}}}` instead.
Source: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html, and
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report.
"""  # noqa: E501 - a line of Lambda's

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any, Final

_START: Final = "REPORT RequestId: "
_XRAY: Final = "XRAY TraceId: "
_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
#: Name in the line, unit → field of ReportLine.
_AMOUNTS: Final = {
    ("Duration", "ms"): "duration_ms",
    ("Billed Duration", "ms"): "billed_duration_ms",
    ("Memory Size", "MB"): "memory_size_mb",
    ("Max Memory Used", "MB"): "max_memory_used_mb",
    ("Init Duration", "ms"): "init_duration_ms",
    ("Restore Duration", "ms"): "restore_duration_ms",
    ("Billed Restore Duration", "ms"): "billed_restore_duration_ms",
}
#: Name among the metrics of the JSON form → field of ReportLine.
_METRICS: Final = {
    "durationMs": "duration_ms",
    "billedDurationMs": "billed_duration_ms",
    "memorySizeMB": "memory_size_mb",
    "maxMemoryUsedMB": "max_memory_used_mb",
    "initDurationMs": "init_duration_ms",
    "restoreDurationMs": "restore_duration_ms",
    "billedRestoreDurationMs": "billed_restore_duration_ms",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One invocation as Lambda saw it; None is what the line does not say."""

    request_id: str
    duration_ms: float | None = None
    billed_duration_ms: float | None = None
    memory_size_mb: float | None = None
    max_memory_used_mb: float | None = None
    #: Of a cold start.
    init_duration_ms: float | None = None
    #: Of a start from a snapshot (SnapStart).
    restore_duration_ms: float | None = None
    billed_restore_duration_ms: float | None = None
    xray_trace_id: str | None = None
    xray_segment_id: str | None = None


def report_of_tail(log_result: str | None) -> ReportLine | None:
    """From the end of a function's log, base64 as `X-Amz-Log-Result` has it. None where there is no report in it."""
    if not log_result:
        return None
    try:
        log = base64.b64decode(log_result, validate=True)
    except (binascii.Error, ValueError):
        return None
    return report_of_log(log.decode(errors="replace"))


def report_of_log(log: str) -> ReportLine | None:
    """The last report of a log: what comes before it the function may have written itself. Never raises."""
    lines = log.split("\n")
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index].strip()
        if line.startswith(_START):
            following = lines[index + 1].strip() if index + 1 < len(lines) else ""
            return _of_text(line, following)
        if line.startswith("{") and '"platform.report"' in line:
            report = _of_json(line)
            if report is not None:
                return report
    return None


def _of_text(line: str, following: str) -> ReportLine:
    # In some places the ids stand behind the amounts, in others on a line of their own.
    parts = line.removeprefix("REPORT ").split("\t")
    if following.startswith(_XRAY):
        parts += following.split("\t")
    amounts: dict[str, float] = {}
    texts: dict[str, str] = {}
    for part in parts:
        name, _, value = part.strip().partition(": ")
        number, _, unit = value.partition(" ")
        field = _AMOUNTS.get((name, unit))
        if field is None:
            texts[name] = value
        elif _NUMBER.fullmatch(number):
            amounts[field] = float(number)
    return ReportLine(
        request_id=texts.get("RequestId", ""),
        xray_trace_id=texts.get("XRAY TraceId"),
        xray_segment_id=texts.get("SegmentId"),
        **amounts,
    )


def _of_json(line: str) -> ReportLine | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    record = _object(event.get("record"))
    request_id = record.get("requestId")
    if event.get("type") != "platform.report" or not isinstance(request_id, str):
        return None
    metrics, tracing = _object(record.get("metrics")), _object(record.get("tracing"))
    amounts: dict[str, float] = {}
    for name, field in _METRICS.items():
        number = metrics.get(name)
        if isinstance(number, int | float) and _NUMBER.fullmatch(str(number)):
            amounts[field] = float(number)
    root = re.search(r"Root=([^;]+)", str(tracing.get("value", "")))
    span = tracing.get("spanId")
    return ReportLine(
        request_id=request_id,
        xray_trace_id=root[1] if root else None,
        xray_segment_id=span if isinstance(span, str) else None,
        **amounts,
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
