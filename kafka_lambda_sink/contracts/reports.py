"""What is written to the response, error and dead letter topics (seed: "Response Schema", "Error Schema")."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from kafka_lambda_sink.contracts.formats.sent_record import TASK_PUT
from kafka_lambda_sink.contracts.replies.verdicts import Result, RoutedResult
from kafka_lambda_sink.contracts.report_format import PLAIN, ReportFormat, Wrapping, envelope, struct_schema
from kafka_lambda_sink.core.batch import Batch, FailedRecord
from kafka_lambda_sink.core.errors import FunctionError, KafkaLambdaSinkError, RecordError, RecordFailedError
from kafka_lambda_sink.core.outcome import BatchFailure
from kafka_lambda_sink.core.ports import Report
from kafka_lambda_sink.core.record import TIMESTAMP_NOT_AVAILABLE, SourceRecord

#: Characters of an error's message in a header; messages may quote functions and brokers.
_MAX_MESSAGE: Final = 4096
#: Prefix of Connect's context headers (KIP-298, DeadLetterQueueReporter.java).
CONTEXT_PREFIX: Final = "__connect.errors."
#: Stands for the headers of a dead letter that could not be read.
_HEADERS_HEADER: Final = "kls.headers"
#: Prefix of headers for which Connect has no name.
_OWN: Final = "kls."

_COORDINATES_SCHEMA: Final = [("topic", "string", False), ("partition", "int32", False)]
_RESULT_KEY: Final = struct_schema([*_COORDINATES_SCHEMA, ("offset", "int64", False)])
_ERROR_KEY: Final = struct_schema(
    [*_COORDINATES_SCHEMA, ("startOffset", "int64", False), ("endOffset", "int64", False)]
)
_RESULT_VALUE: Final = {"type": "string", "optional": False}
_ERROR_VALUE: Final = struct_schema(
    [
        ("functionName", "string", False),
        ("inputPayload", "string", True),
        ("statusCode", "int32", False),
        ("functionError", "string", True),
        ("logResult", "string", True),
        ("payload", "string", True),
        ("executedVersion", "string", True),
    ]
)


class ErrorValue(msgspec.Struct, rename="camel", gc=False):
    """The value of an error record; the order of the fields is that of the seed. Absent ones are null."""

    function_name: str
    #: The JSON that was sent last, as text; None where nothing was sent.
    input_payload: str | None
    status_code: int
    function_error: str
    #: Base64, as Lambda gave it.
    log_result: str | None
    #: The body of the reply or refusal; bytes that are not UTF-8 are replaced.
    payload: str | None
    executed_version: str | None


class ErrorReport(Report):
    """A record of the error topic: the only kind of report that `shrink` may cut."""

    __slots__ = ()


class ResultReports:
    """Makes the records of the response topic, and of those that a reply names. Pure; any thread.

    Key: `{"topic", "partition", "offset"}` of the record. Value: the text of the entry's `payload` as the function
    wrote it. With a value schema it is the same text as a JSON string, for a payload has no schema that we could know.
    Of a `RoutedResult` the value, and a key of its own, are written as they are; its headers come before ours, so that
    the last of a name is ours.
    """

    __slots__ = ("_key", "_topic", "_value")

    def __init__(self, topic: str | None, report_format: ReportFormat) -> None:
        """`topic` is None where there is no response topic, so that each result has to name one."""
        self._topic = topic
        self._key = envelope(_RESULT_KEY) if report_format.has_key_schema else PLAIN
        self._value: Wrapping | None = envelope(_RESULT_VALUE) if report_format.has_value_schema else None

    def of(self, batch: Batch, results: Sequence[Result]) -> tuple[list[Report], int]:
        """The reports of what the contract found for each record, in order, and the bytes that they bring.

        Raises ValueError for a result that needs the response topic where there is none.
        """
        # The rest of the key, and two of the headers, are the same for a whole batch.
        before, shared = _shared_parts(batch.records[0], self._key)
        before += b',"offset":'
        after = b"}" + self._key.after
        topic, wrapping = self._topic or _no_topic(results), self._value
        reports = []
        size = 0
        for record, result in zip(batch.records, results, strict=True):
            if result is None:
                continue
            offset = b"%d" % record.offset()
            key = before + offset + after
            if isinstance(result, bytes):
                value = result if wrapping is None else wrapping.of(msgspec.json.encode(result.decode()))
                reports.append(Report(topic, key, value, (*shared, *_place(record, offset))))
                size += len(key) + len(value)
            else:
                routed = _routed(result, Report(topic, key, None, (*shared, *_place(record, offset))))
                reports += routed
                size += sum(map(_size, routed))
        return reports, size


def _no_topic(results: Sequence[Result]) -> str:
    """Stands for the response topic where there is none and none is needed."""
    for result in results:
        if isinstance(result, bytes) or any(routed.topic is None for routed in result or ()):
            raise ValueError("a result names no topic, and there is no response topic")
    return ""


def _routed(results: Sequence[RoutedResult], usual: Report) -> list[Report]:
    """What one record's results come to; `usual` has what they do not say themselves."""
    return [
        Report(
            result.topic or usual.topic,
            result.key if result.has_own_key else usual.key,
            result.value,
            (*result.headers, *usual.headers),
        )
        for result in results
    ]


def _size(routed: Report) -> int:
    # Headers of ours are small; those of a function may be anything.
    headers = sum(len(name) + len(value or b"") for name, value in routed.headers)
    return len(routed.key or b"") + len(routed.value or b"") + headers


class ErrorReports:
    """Makes the records of the error topic. Pure; any thread.

    Key: `{"topic", "partition", "startOffset", "endOffset"}`, the end exclusive. `functionError` is never null:

    ========================== =========== ==================================================================
    functionError              statusCode  what happened
    ========================== =========== ==================================================================
    Handled, Unhandled         200         Lambda's own words: the function ran and failed
    InvalidResponse            200         the function ran, and its reply breaks the response contract
    PayloadInvocationError     HTTP status the API refused these bytes for good
    TransientInvocationError   HTTP status throttled, failing or out of reach until the retry policy was exhausted
                               or 0
    RecordTooLarge             0           a single record over the limit; never sent
    ========================== =========== ==================================================================
    """

    __slots__ = ("_function_name", "_key", "_topic", "_value")

    def __init__(self, topic: str, function_name: str, report_format: ReportFormat) -> None:
        self._topic = topic
        self._function_name = function_name
        self._key = envelope(_ERROR_KEY) if report_format.has_key_schema else PLAIN
        self._value = envelope(_ERROR_VALUE) if report_format.has_value_schema else PLAIN

    def of(self, item: Batch | FailedRecord, sent: bytes, failure: BatchFailure) -> tuple[Report, int]:
        """The report of a batch or record, and the bytes of its key and value. `sent` is empty where nothing was."""
        first = item.records[0] if isinstance(item, Batch) else item.record
        before, shared = _shared_parts(first, self._key)
        key = before + b',"startOffset":%d,"endOffset":%d}' % (item.first_offset, item.next_offset) + self._key.after
        value = ErrorValue(
            function_name=self._function_name,
            input_payload=sent.decode() if sent else None,
            status_code=failure.status_code,
            function_error=failure.function_error,
            log_result=failure.log_result,
            payload=failure.payload.decode(errors="replace") if failure.payload else None,
            executed_version=failure.executed_version,
        )
        text = self._value.of(msgspec.json.encode(value))
        headers = (
            *shared,
            *_place(first, b"%d" % item.first_offset),
            ("error_message", _header(str(failure.error))),
            ("exception", failure.error.error_id.encode()),
        )
        return ErrorReport(self._topic, key, text, headers), len(key) + len(text)


class DeadLetterReports:
    """Makes the records of the dead letter topic. Pure; any thread.

    Key, value and headers are the record's own, byte for byte (`kls.headers: unreadable` stands for headers with a name
    that is not UTF-8). With `has_context`
    (`errors.deadletterqueue.context.headers.enable`) ten `__connect.errors.*` headers follow them. Records that the
    function could not take always have those, and headers that say what became of the invocation:

    ==================== =====================================================================================
    kls.function.name    as configured
    kls.function.error   as `functionError` in an error record
    kls.error.type       the class of the function's exception, else the API's code, else as kls.function.error
    kls.request.id       Lambda's, of the last invocation; absent where there was no answer
    kls.attempts         invocations that the record was part of; 0 where it was never sent
    ==================== =====================================================================================
    """

    __slots__ = ("_connector", "_function_name", "_has_context", "_stages", "_task", "_topic")

    def __init__(
        self,
        topic: str,
        *,
        connector: str,
        function_name: str,
        has_context: bool,
        stages: Mapping[str, str],
        task: int = 0,
    ) -> None:
        self._topic = topic
        self._connector = connector
        #: Its number, from 0.
        self._task = task
        self._function_name = function_name
        self._has_context = has_context
        #: For each stage, e.g. KEY_CONVERTER, the class that the configuration names for it.
        self._stages = dict(stages)

    def of(self, record: SourceRecord, error: RecordError) -> tuple[Report, int]:
        """The report of a record, and the bytes of its key and value."""
        class_name = error.class_name or self._stages.get(error.stage, "")
        if not self._has_context:
            return self._report(record, ())
        return self._report(
            record, (*_origin(record), *self._circumstances(error, error.stage, class_name, str(error)))
        )

    def of_failed(self, item: Batch | FailedRecord, failure: BatchFailure, attempts: int) -> tuple[list[Report], int]:
        """The reports of records that the function could not take, and the bytes of all their keys and values."""
        said = _words_of(failure)
        function = {
            "function.name": self._function_name,
            "function.error": failure.function_error,
            "error.type": said.error_type or getattr(failure.error, "code", None) or failure.function_error,
            "request.id": failure.request_id,
            "attempts": str(attempts),
        }
        own = [(_OWN + name, _header(text)) for name, text in function.items() if text is not None]
        message = (said.error_message or str(failure.error))[:_MAX_MESSAGE]
        class_name = self._stages.get(TASK_PUT, "")
        shared = (*self._circumstances(failure.error, TASK_PUT, class_name, message), *own)
        records = item.records if isinstance(item, Batch) else [item.record]
        made = [self._report(record, (*_origin(record), *shared)) for record in records]
        return [report for report, _ in made], sum(size for _, size in made)

    def _report(self, record: SourceRecord, added: Sequence[tuple[str, bytes | None]]) -> tuple[Report, int]:
        key, value = record.key(), record.value()
        headers = (*_headers_of(record), *added)
        return Report(self._topic, key, value, headers), len(key or b"") + len(value or b"")

    def _circumstances(
        self, error: KafkaLambdaSinkError, stage: str, class_name: str, message: str
    ) -> list[tuple[str, bytes | None]]:
        """The seven of Connect's headers that are the same for all records that failed together."""
        kind = type(error)
        context = {
            "connector.name": self._connector,
            "task.id": str(self._task),
            "stage": stage,
            "class.name": class_name,
            "exception.class.name": f"{kind.__module__}.{kind.__qualname__}",
            "exception.message": message,
            "exception.stacktrace": "".join(traceback.format_exception(error)),
        }
        return [(CONTEXT_PREFIX + name, text.encode(errors="replace")) for name, text in context.items()]


def _origin(record: SourceRecord) -> list[tuple[str, bytes | None]]:
    return [
        (f"{CONTEXT_PREFIX}topic", record.topic().encode()),
        (f"{CONTEXT_PREFIX}partition", b"%d" % record.partition()),
        (f"{CONTEXT_PREFIX}offset", b"%d" % record.offset()),
    ]


class _FunctionWords(msgspec.Struct, rename="camel", gc=False):
    """What a function says of its failure: https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html."""

    error_message: str | None = None
    error_type: str | None = None


def _words_of(failure: BatchFailure) -> _FunctionWords:
    error = failure.error
    if isinstance(error, RecordFailedError):
        return _FunctionWords(str(error), error.error_type)
    if isinstance(error, FunctionError):
        try:
            return msgspec.json.decode(failure.payload, type=_FunctionWords)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
    return _FunctionWords()


def _header(text: str) -> bytes:
    return text[:_MAX_MESSAGE].encode(errors="replace")


def _headers_of(record: SourceRecord) -> list[tuple[str, bytes | None]]:
    """A record's headers; where a name is not UTF-8, which Kafka allows, the client cannot read any of them."""
    try:
        return list(record.headers() or ())
    except (SystemError, UnicodeDecodeError):
        # Its key and value still count: a header must not stop a partition that is to go on past bad records.
        return [(_HEADERS_HEADER, b"unreadable")]


def _shared_parts(record: SourceRecord, key: Wrapping) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    """The beginning of a key, up to the partition, and the headers that all records of a partition have."""
    topic, partition = record.topic(), b"%d" % record.partition()
    before = key.before + b'{"topic":' + msgspec.json.encode(topic) + b',"partition":' + partition
    return before, (("input_record_topic", topic.encode()), ("input_record_partition", partition))


def _place(record: SourceRecord, offset: bytes) -> tuple[tuple[str, bytes | None], ...]:
    kind, timestamp = record.timestamp()
    is_absent = kind == TIMESTAMP_NOT_AVAILABLE or timestamp < 0
    return (
        ("input_record_offset", offset),
        ("input_record_timestamp", None if is_absent else b"%d" % timestamp),
    )
