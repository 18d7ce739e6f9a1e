import json
from typing import Any, cast

import pytest
from confluent_kafka import Message

from kafka_lambda_sink.contracts.report_format import ReportFormat
from kafka_lambda_sink.contracts.report_reading import (
    ForeignReport,
    UnreadableReport,
    read_dead_letter,
    read_error,
)
from kafka_lambda_sink.contracts.reports import DeadLetterReports, ErrorReports
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError, RecordError, TransientInvocationError
from kafka_lambda_sink.core.outcome import BatchFailure, failure_of_refusal, failure_of_reply
from kafka_lambda_sink.core.ports import InvokeReply, Report
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from kafka_lambda_sink.core.replay_item import Place
from tests.support.records import TP, record

PLAIN, ENVELOPE = ReportFormat(), ReportFormat(has_key_schema=True, has_value_schema=True)


def stored(report: Report, *, topic: str | None = None) -> SourceRecord:
    """The report as it is read back from partition 7, offset 90."""
    return cast(
        "SourceRecord",
        Message(
            topic=topic or report.topic,
            partition=7,
            offset=90,
            key=report.key,
            value=report.value,
            timestamp=(1, 5000),
            headers=list(report.headers),
        ),
    )


def batch(*offsets: int) -> Batch:
    records = [record(offset, b"%d" % offset, timestamp=(1, 1000 + offset)) for offset in offsets]
    return Batch(b"[]", records, [b""] * len(records))


def failure(payload: bytes = b'{"errorType":"InvalidOrder","errorMessage":"no"}') -> BatchFailure:
    return failure_of_reply(FunctionError("Unhandled"), InvokeReply(200, payload))


@pytest.mark.parametrize("report_format", [PLAIN, ENVELOPE], ids=["plain", "envelope"])
def test_an_error_record_tells_its_range_and_why(report_format: ReportFormat):
    report, _ = ErrorReports("errors", "f", report_format).of(batch(5, 6, 9), b"[]", failure())
    item = read_error(stored(report))
    assert (item.tp, item.start, item.end) == (TP, 5, 10)
    assert item.place == Place(7, 90)
    assert item.written == 5000
    assert item.timestamp == 1005
    assert item.error_type == "Unhandled InvalidOrder"
    assert item.names == {"Unhandled", "InvalidOrder", "FunctionError"}


def test_a_refusal_tells_its_own_name():
    error = TransientInvocationError("away", code="ConnectTimeout")
    report, _ = ErrorReports("errors", "f", PLAIN).of(batch(5), b"[]", failure_of_refusal(error))
    assert read_error(stored(report)).error_type == "TransientInvocationError"


@pytest.mark.parametrize("payload", [b"", b"no JSON", b'"text"', b"[" * 1000, b'{"errorType":7}'])
def test_a_reply_of_any_form_leaves_the_rest_readable(payload: bytes):
    report, _ = ErrorReports("errors", "f", PLAIN).of(batch(5), b"[]", failure(payload))
    assert read_error(stored(report)).error_type == "Unhandled"


@pytest.mark.parametrize(
    "key",
    [
        None,
        b"",
        b"text",
        b"[" * 100_000,
        b'{"topic":"orders","partition":3,"offset":5}',
        b'{"topic":"orders","partition":3,"startOffset":5,"endOffset":5}',
        b'{"topic":"orders","partition":3,"startOffset":-1,"endOffset":5}',
        b'{"topic":"orders","partition":-3,"startOffset":1,"endOffset":5}',
        b'{"topic":"","partition":3,"startOffset":1,"endOffset":5}',
        b'{"topic":"orders","partition":"3","startOffset":1,"endOffset":5}',
        b'{"topic":"\xff","partition":3,"startOffset":1,"endOffset":5}',
    ],
)
def test_what_names_no_range_is_unreadable(key: bytes | None):
    with pytest.raises(UnreadableReport):
        read_error(stored(Report("errors", key, b"{}")))


def test_an_error_record_without_value_and_headers_still_names_its_range():
    key = json.dumps({"topic": "orders", "partition": 3, "startOffset": 5, "endOffset": 8}).encode()
    item = read_error(stored(Report("errors", key, None)))
    assert (item.start, item.end, item.error_type, item.timestamp) == (5, 8, "unknown", None)


def dead_letters(**settings: Any) -> DeadLetterReports:
    given: dict[str, Any] = {"connector": "c", "function_name": "f", "has_context": True, "stages": {}} | settings
    return DeadLetterReports("dead", **given)


BAD = RecordError("no JSON", stage="VALUE_CONVERTER")


def test_a_dead_letter_tells_the_record_that_its_headers_name():
    source = record(5, b"{bad", b"k", headers=[("h", b"1")])
    report, _ = dead_letters().of(source, BAD)
    item = read_dead_letter(stored(report), "c")
    assert (item.tp, item.start, item.end) == (TP, 5, 6)
    assert item.tells_of(source)
    assert not item.tells_of(record(5, b"{other", b"k"))
    assert item.error_type == "RecordError"
    assert {"RecordError", "VALUE_CONVERTER", "kafka_lambda_sink.core.errors.RecordError"} <= item.names


def test_of_a_record_that_died_twice_the_last_headers_count():
    report, _ = dead_letters().of(record(5, b"{bad"), BAD)
    again, _ = dead_letters().of(stored(report), BAD)
    item = read_dead_letter(stored(again), "c")
    assert (item.tp, item.start) == (TopicPartition("dead", 7), 90)


def test_one_that_the_function_gave_up_tells_its_error():
    [report], _ = dead_letters().of_failed(batch(5), failure(), 3)
    item = read_dead_letter(stored(report), "c")
    assert (item.tp, item.start, item.end) == (TP, 5, 6)
    assert item.error_type == "Unhandled InvalidOrder"


def test_without_headers_it_is_the_record_itself():
    report, _ = dead_letters(has_context=False).of(record(5, b"{bad"), BAD)
    item = read_dead_letter(stored(report), "c")
    assert (item.tp, item.start, item.end, item.error_type) == (TopicPartition("dead", 7), 90, 91, "unknown")


def test_that_of_another_connector_is_foreign():
    report, _ = dead_letters(connector="other").of(record(5, b"{bad"), BAD)
    with pytest.raises(ForeignReport, match="other"):
        read_dead_letter(stored(report), "c")


def test_headers_that_name_no_record_are_unreadable():
    headers = (("__connect.errors.topic", b"orders"), ("__connect.errors.partition", b"x"))
    with pytest.raises(UnreadableReport):
        read_dead_letter(stored(Report("dead", None, None, headers)), "c")
