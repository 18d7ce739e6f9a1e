from __future__ import annotations

import base64
import json
from typing import Any, cast

import msgspec
import pytest

from kafka_lambda_sink.contracts.replies.verdicts import Result, RoutedResult
from kafka_lambda_sink.contracts.report_format import ReportFormat
from kafka_lambda_sink.contracts.reports import DeadLetterReports, ErrorReports, ResultReports
from kafka_lambda_sink.contracts.shrink import INPUT_PREFIX, PAYLOAD_PREFIX, shrink
from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import (
    FunctionError,
    KafkaLambdaSinkError,
    PayloadInvocationError,
    RecordError,
    RecordFailedError,
    RecordTooLargeError,
    ReplyError,
    TransientInvocationError,
)
from kafka_lambda_sink.core.outcome import (
    BatchFailure,
    failure_before_sending,
    failure_of_refusal,
    failure_of_reply,
)
from kafka_lambda_sink.core.ports import InvokeReply, Report
from kafka_lambda_sink.core.record import SourceRecord
from tests.support.records import record

BATCH = Batch(b'[{"payload":{}}]', [record(17), record(20, timestamp=(0, -1))], [])
PLAIN = ReportFormat()
WITH_SCHEMAS = ReportFormat(has_key_schema=True, has_value_schema=True)


def parsed(report: Report) -> tuple[Any, Any]:
    assert report.key is not None
    assert report.value is not None
    return json.loads(report.key), json.loads(report.value)


def error_report(failure: BatchFailure, *, sent: bytes = BATCH.payload, report_format: ReportFormat = PLAIN) -> Report:
    report, size = ErrorReports("errors", "orders-fn", report_format).of(BATCH, sent, failure)
    assert size == len(report.key or b"") + len(report.value or b"")
    return report


COORDINATES = b'{"topic":"orders","partition":3,"offset":17}'


def test_a_routed_result_is_a_record_of_its_own():
    result = RoutedResult(value=b'{"n":1}', topic="audit", key=b"42", has_own_key=True, headers=[("kind", b"a")])
    ((report,), size) = ResultReports("results", WITH_SCHEMAS).of(BATCH, [[result], None])
    assert (report.topic, report.key, report.value) == ("audit", b"42", b'{"n":1}')
    assert report.headers[0] == ("kind", b"a")
    assert dict(report.headers)["input_record_offset"] == b"17"
    assert size >= len(b'42{"n":1}kinda')


def test_the_last_header_of_a_name_is_ours():
    result = RoutedResult(value=None, headers=[("input_record_offset", b"5")])
    ((report,), _) = ResultReports("results", PLAIN).of(BATCH, [[result], None])
    assert dict(report.headers)["input_record_offset"] == b"17"


def test_what_a_routed_result_does_not_say_is_that_of_the_response_topic():
    ((report,), _) = ResultReports("results", PLAIN).of(BATCH, [[RoutedResult(value=None)], None])
    assert (report.topic, report.key, report.value) == ("results", COORDINATES, None)


def test_a_routed_result_may_have_no_key():
    ((report,), _) = ResultReports("results", PLAIN).of(BATCH, [[RoutedResult(value=b"1", has_own_key=True)], None])
    assert report.key is None


def test_results_of_both_kinds_keep_their_order():
    several = [RoutedResult(value=b"1", topic="a"), RoutedResult(value=b"2"), RoutedResult(value=b"3", topic="a")]
    reports, _ = ResultReports("results", PLAIN).of(BATCH, [several, b"4"])
    assert [(report.topic, report.value) for report in reports] == [
        ("a", b"1"), ("results", b"2"), ("a", b"3"), ("results", b"4"),
    ]  # fmt: skip


def test_without_a_response_topic_each_result_names_one():
    reports = ResultReports(None, PLAIN)
    ((report,), _) = reports.of(BATCH, [[RoutedResult(value=b"1", topic="a")], None])
    assert (report.topic, report.key) == ("a", COORDINATES)
    homeless: list[Result] = [b"1", [RoutedResult(value=b"1", topic="a"), RoutedResult(value=b"2")]]
    for result in homeless:
        with pytest.raises(ValueError, match="names no topic"):
            reports.of(BATCH, [None, result])


def test_results_have_the_seeds_keys_and_the_text_as_it_came():
    texts = [b'{"offset": 17, "result":1.50}', b'{ "offset":20}']
    reports, size = ResultReports("results", PLAIN).of(BATCH, texts)
    assert [report.topic for report in reports] == ["results", "results"]
    assert [report.key for report in reports] == [
        b'{"topic":"orders","partition":3,"offset":17}',
        b'{"topic":"orders","partition":3,"offset":20}',
    ]
    assert [report.value for report in reports] == texts
    assert size == sum(len(report.key or b"") + len(report.value or b"") for report in reports)


def test_results_carry_the_input_records_place():
    reports, _ = ResultReports("results", PLAIN).of(BATCH, [b"{}", b"{}"])
    assert dict(reports[0].headers) == {
        "input_record_topic": b"orders",
        "input_record_partition": b"3",
        "input_record_offset": b"17",
        "input_record_timestamp": b"1700000000000",
    }
    assert dict(reports[1].headers)["input_record_timestamp"] is None


def test_results_with_schemas_come_in_connects_envelope():
    text = '{"result":"ü \\" \\n"}'
    (report, _), _ = ResultReports("results", WITH_SCHEMAS).of(BATCH, [text.encode(), b"{}"])
    key, value = parsed(report)
    assert key == {
        "schema": {
            "type": "struct",
            "optional": False,
            "fields": [
                {"type": "string", "optional": False, "field": "topic"},
                {"type": "int32", "optional": False, "field": "partition"},
                {"type": "int64", "optional": False, "field": "offset"},
            ],
        },
        "payload": {"topic": "orders", "partition": 3, "offset": 17},
    }
    assert value == {"schema": {"type": "string", "optional": False}, "payload": text}


def test_a_function_error_is_reported_in_the_seeds_order():
    reply = InvokeReply(200, b'{"errorMessage":"x"}', "Unhandled", "$LATEST", "bG9n", "id-1")
    report = error_report(failure_of_reply(FunctionError("Unhandled", "the function failed"), reply))
    assert report.topic == "errors"
    assert report.key == b'{"topic":"orders","partition":3,"startOffset":17,"endOffset":21}'
    assert report.value == (
        b'{"functionName":"orders-fn","inputPayload":"[{\\"payload\\":{}}]","statusCode":200,"functionError":"Unhandled",'
        b'"logResult":"bG9n","payload":"{\\"errorMessage\\":\\"x\\"}","executedVersion":"$LATEST"}'
    )
    assert dict(report.headers) == {
        "input_record_topic": b"orders",
        "input_record_partition": b"3",
        "input_record_offset": b"17",
        "input_record_timestamp": b"1700000000000",
        "error_message": b"the function failed",
        "exception": b"FunctionError",
    }


@pytest.mark.parametrize(
    ("failure", "status", "name", "payload"),
    [
        (
            failure_of_reply(ReplyError("x"), InvokeReply(200, b"nonsense \xff")),
            200,
            "InvalidResponse",
            "nonsense \ufffd",
        ),
        (
            failure_of_refusal(PayloadInvocationError("x", code="InvalidRequestContent", status=400, body=b"{}")),
            400,
            "PayloadInvocationError",
            "{}",
        ),
        (failure_of_refusal(TransientInvocationError("x", code="Timeout")), 0, "TransientInvocationError", None),
    ],
)
def test_every_failure_has_a_name_and_a_status(failure: BatchFailure, status: int, name: str, payload: str | None):
    _, value = parsed(error_report(failure))
    assert value == {
        "functionName": "orders-fn",
        "inputPayload": '[{"payload":{}}]',
        "statusCode": status,
        "functionError": name,
        "logResult": None,
        "payload": payload,
        "executedVersion": None,
    }


def test_a_record_that_was_never_sent_is_reported_without_input():
    item = FailedRecord(record(17), RecordTooLargeError("too large"))
    report, _ = ErrorReports("errors", "fn", PLAIN).of(
        item, b"", failure_before_sending(RecordTooLargeError("too large"))
    )
    key, value = parsed(report)
    assert key == {"topic": "orders", "partition": 3, "startOffset": 17, "endOffset": 18}
    assert (value["inputPayload"], value["statusCode"], value["functionError"]) == (None, 0, "RecordTooLarge")


def test_a_foreign_message_fits_a_header():
    failure = failure_before_sending(KafkaLambdaSinkError("x" * 10_000 + "\ud800"))
    assert len(dict(error_report(failure).headers)["error_message"] or b"") == 4096


def test_errors_with_schemas_validate_against_their_own():
    report = error_report(failure_before_sending(RecordTooLargeError("x")), report_format=WITH_SCHEMAS)
    for part in parsed(report):
        assert [field["field"] for field in part["schema"]["fields"]] == list(part["payload"])
        for field in part["schema"]["fields"]:
            content = part["payload"][field["field"]]
            assert content is not None or field["optional"]
            assert content is None or isinstance(content, str if field["type"] == "string" else int)


@pytest.mark.parametrize("report_format", [PLAIN, WITH_SCHEMAS])
def test_an_error_record_shrinks_step_by_step_and_keeps_its_key_and_schema(report_format: ReportFormat):
    reply = InvokeReply(200, b"p" * 100_000, "Unhandled", "7", base64.b64encode(b"log" * 1000).decode(), "id")
    failure = failure_of_reply(FunctionError("Unhandled"), reply)
    report: Report | None = error_report(failure, sent='["ü"]'.encode() * 1_000_000, report_format=report_format)
    assert report is not None
    whole = parsed(report)
    sizes, marks = [len(report.value or b"")], []
    while (report := shrink(report)) is not None:
        key, value = parsed(report)
        assert key == whole[0]
        assert value.keys() == whole[1].keys()
        assert value.get("schema") == whole[1].get("schema")
        payload = value.get("payload") if report_format is WITH_SCHEMAS else value
        assert (payload["functionError"], payload["executedVersion"]) == ("Unhandled", "7")
        sizes.append(len(report.value or b""))
        marks.append({name: mark for name, mark in report.headers if name.startswith("kls.")})
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1] < 1_000_000
    assert sizes[-1] < PAYLOAD_PREFIX + 1000
    truncated, omitted = {"kls.input_payload": b"truncated"}, {"kls.input_payload": b"omitted"}
    assert marks == [truncated, omitted, omitted | {"kls.log_result": b"omitted", "kls.payload": b"truncated"}]


def test_the_cut_input_is_a_prefix_of_the_input():
    sent = msgspec.json.encode(["ü€😀"] * 100_000)
    shrunk = shrink(error_report(failure_before_sending(KafkaLambdaSinkError()), sent=sent))
    assert shrunk is not None
    _, value = parsed(shrunk)
    assert value["inputPayload"] == sent.decode()[:INPUT_PREFIX]


def test_results_and_dead_letters_are_never_cut():
    value = json.dumps({"functionName": "x", "inputPayload": "y"}).encode()
    (result, _), _ = ResultReports("results", PLAIN).of(BATCH, [value, b"{}"])
    assert shrink(result) is None
    dead_letter, _ = DeadLetterReports("dlq", connector="c", function_name="f", has_context=True, stages={}).of(
        record(1, value), RecordError("x", stage="VALUE_CONVERTER")
    )
    assert shrink(dead_letter) is None


HEADERS: list[tuple[str, bytes | None]] = [("a", b"\xff"), ("a", None), ("b", b"")]


def test_a_dead_letter_is_the_record_untouched():
    reports = DeadLetterReports("dlq", connector="c", function_name="f", has_context=False, stages={})
    report, size = reports.of(record(5, b"\x00\xff", b"", headers=HEADERS), RecordError("x", stage="KEY_CONVERTER"))
    assert report == Report("dlq", b"", b"\x00\xff", tuple(HEADERS))
    assert size == 2
    report, _ = reports.of(record(5, None, None), RecordError("x", stage="KEY_CONVERTER"))
    assert report == Report("dlq", None, None, ())


def test_the_context_of_a_transform_names_its_class():
    reports = DeadLetterReports("dlq", connector="c", function_name="f", has_context=True, stages={})
    error = RecordError("transforms.mask: no", stage="TRANSFORMATION", class_name="acme.Mask")
    context = dict(reports.of(record(5), error)[0].headers)
    assert context["__connect.errors.class.name"] == b"acme.Mask"


def test_context_headers_are_connects():
    reports = DeadLetterReports(
        "dlq",
        connector="orders-sink",
        function_name="orders-fn",
        has_context=True,
        stages={"VALUE_CONVERTER": "JsonConverter"},
        task=2,
    )
    error = RecordError("the value is not valid JSON: it is empty", stage="VALUE_CONVERTER")
    report, _ = reports.of(record(5, b"", headers=HEADERS), error)
    assert report.headers[:3] == tuple(HEADERS)
    context = dict(report.headers[3:])
    stacktrace = context.pop("__connect.errors.exception.stacktrace") or b""
    assert b"it is empty" in stacktrace
    assert context == {
        "__connect.errors.topic": b"orders",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"5",
        "__connect.errors.connector.name": b"orders-sink",
        "__connect.errors.task.id": b"2",
        "__connect.errors.stage": b"VALUE_CONVERTER",
        "__connect.errors.class.name": b"JsonConverter",
        "__connect.errors.exception.class.name": b"kafka_lambda_sink.core.errors.RecordError",
        "__connect.errors.exception.message": b"the value is not valid JSON: it is empty",
    }


def test_a_dead_letter_whose_headers_the_client_cannot_read_is_written_without_them():
    class Unreadable:
        """What the client does with a header name that is not UTF-8 (measured with confluent-kafka 2.16)."""

        def headers(self) -> None:
            raise SystemError("returned a result with an exception set")

        def key(self) -> bytes:
            return b"k"

        def value(self) -> bytes:
            return b"{not JSON"

    reports = DeadLetterReports("dead", connector="c", function_name="f", has_context=False, stages={})
    report, size = reports.of(cast("SourceRecord", Unreadable()), RecordError("not JSON", stage="VALUE_CONVERTER"))
    assert (report.key, report.value, size) == (b"k", b"{not JSON", 10)
    assert report.headers == (("kls.headers", b"unreadable"),)


FAILED_REPLY = InvokeReply(
    200, b'{"errorMessage":"no stock","errorType":"StockError"}', function_error="Unhandled", request_id="r-1"
)


def given_up(failure: BatchFailure, attempts: int) -> list[Report]:
    reports = DeadLetterReports(
        "dlq", connector="orders-sink", function_name="orders-fn", has_context=False, stages={"TASK_PUT": "Sink"}
    )
    batch = Batch(b"[]", [record(5, b"five", b"k", headers=HEADERS), record(7, None)], [])
    found, size = reports.of_failed(batch, failure, attempts)
    assert size == sum(len(report.key or b"") + len(report.value or b"") for report in found)
    return found


def test_records_that_are_given_up_are_untouched_and_say_what_the_function_said():
    first, second = given_up(failure_of_reply(FunctionError("Unhandled", "the function failed"), FAILED_REPLY), 3)
    assert (first.topic, first.key, first.value) == ("dlq", b"k", b"five")
    assert second.value is None
    assert first.headers[:3] == tuple(HEADERS)
    added = dict(first.headers[3:])
    assert b"FunctionError" in (added.pop("__connect.errors.exception.stacktrace") or b"")
    assert added == {
        "__connect.errors.topic": b"orders",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"5",
        "__connect.errors.connector.name": b"orders-sink",
        "__connect.errors.task.id": b"0",
        "__connect.errors.stage": b"TASK_PUT",
        "__connect.errors.class.name": b"Sink",
        "__connect.errors.exception.class.name": b"kafka_lambda_sink.core.errors.FunctionError",
        "__connect.errors.exception.message": b"no stock",
        "kls.function.name": b"orders-fn",
        "kls.function.error": b"Unhandled",
        "kls.error.type": b"StockError",
        "kls.request.id": b"r-1",
        "kls.attempts": b"3",
    }
    assert dict(second.headers)["__connect.errors.offset"] == b"7"


@pytest.mark.parametrize(
    ("failure", "function_error", "error_type"),
    [
        (
            failure_of_refusal(TransientInvocationError("busy", code="TooManyRequestsException", status=429)),
            "TransientInvocationError",
            "TooManyRequestsException",
        ),
        (failure_of_reply(ReplyError("no array"), InvokeReply(200, b"{}")), "InvalidResponse", "InvalidResponse"),
        (
            failure_of_reply(RecordFailedError("bad record", "KeyError"), InvokeReply(200, b"{}")),
            "RecordFailed",
            "KeyError",
        ),
        (failure_before_sending(RecordTooLargeError("large")), "RecordTooLarge", "RecordTooLarge"),
        (
            failure_of_reply(FunctionError("Handled"), InvokeReply(200, b"no JSON", function_error="Handled")),
            "Handled",
            "Handled",
        ),
        (
            failure_of_reply(FunctionError("Handled"), InvokeReply(200, b'{"errorType":7}', function_error="Handled")),
            "Handled",
            "Handled",
        ),
    ],
)
def test_every_failure_of_a_record_that_is_given_up_has_a_type(failure, function_error, error_type):
    headers = dict(given_up(failure, 1)[0].headers)
    assert headers["kls.function.error"] == function_error.encode()
    assert headers["kls.error.type"] == error_type.encode()
    assert "kls.request.id" not in headers
