"""`behavior.on.error` and `errors.tolerance`: every cell."""

import json

import pytest

from kafka_lambda_sink.core.errors import PartitionStopped, PayloadInvocationError, TransientInvocationError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.recovery import RecoveryPolicy
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.core.state import PipelineState
from tests.support.delivering import Delivering, key_of, orders, value_of
from tests.support.fakes import Answer, echo

FUNCTION_ERROR = InvokeReply(
    200, b'{"errorMessage":"boom"}', function_error="Unhandled", executed_version="7", log_result="bG9n", request_id="r"
)

#: Of the second batch, which has the records 2 and 3: (answer, functionError, statusCode).
FAULTS: dict[str, tuple[Answer, str, int]] = {
    "function error": (FUNCTION_ERROR, "Unhandled", 200),
    "invalid reply": (InvokeReply(200, b'{"no":"array"}'), "InvalidResponse", 200),
    "refusal": (
        PayloadInvocationError("refused", code="InvalidRequestContentException", status=400),
        "PayloadInvocationError",
        400,
    ),
    "exhausted": (TransientInvocationError("throttled", code="Throttled", status=429), "TransientInvocationError", 429),
    "too large": (echo, "RecordTooLarge", 0),
}


def delivering(fault: str, behavior: str, topics: str) -> Delivering:
    records = orders(0, 1, 2, 3, 4, huge=[2] if fault == "too large" else [])
    retry = RetryPolicy(max_attempts=1)
    return Delivering(records, echo, FAULTS[fault][0], behavior=behavior, topics=f"results {topics}", retry=retry)


def failed_range(fault: str) -> tuple[int, int]:
    return (2, 3) if fault == "too large" else (2, 4)


@pytest.mark.parametrize("topics", ["errors", ""], ids=["error topic", "no error topic"])
@pytest.mark.parametrize("fault", FAULTS)
def test_fail_stops_the_partition_at_the_batch(fault, topics, caplog):
    under_test = delivering(fault, "fail", topics)
    under_test.run()
    assert under_test.progress.state is PipelineState.FAILED
    assert isinstance(under_test.progress.error, PartitionStopped)
    assert under_test.committable.offset == 2, "it stays at the failed batch"
    assert under_test.batches == ([[0, 1]] if fault == "too large" else [[0, 1], [2, 3]]), "nothing after it is invoked"
    assert len(under_test.written("errors")) == (1 if topics else 0)
    assert len(under_test.written("results")) == 2
    assert "batch failed" in caplog.messages
    assert "partition stopped" in caplog.messages


@pytest.mark.parametrize("topics", ["errors", ""], ids=["error topic", "no error topic"])
@pytest.mark.parametrize("fault", FAULTS)
def test_log_reports_the_batch_and_goes_on(fault, topics, caplog):
    under_test = delivering(fault, "log", topics)
    under_test.run()
    assert under_test.progress.error is None
    assert under_test.committable.offset == 5
    assert under_test.batches[-1] == [4]
    assert len(under_test.written("errors")) == (1 if topics else 0)
    (line,) = [line for line in caplog.records if line.message == "batch failed"]
    assert (line.fields["start_offset"], line.fields["end_offset"]) == failed_range(fault)
    assert (line.fields["topic"], line.fields["partition"]) == ("orders", 3)
    assert line.levelname == ("WARNING" if topics else "ERROR"), "without a topic the line is its only trace"


@pytest.mark.parametrize("topics", ["errors", ""], ids=["error topic", "no error topic"])
@pytest.mark.parametrize("fault", FAULTS)
def test_ignore_counts_the_batch_and_goes_on(fault, topics, caplog):
    under_test = delivering(fault, "ignore", topics)
    under_test.run()
    assert under_test.progress.error is None
    assert under_test.committable.offset == 5
    assert under_test.batches[-1] == [4]
    assert under_test.written("errors") == []
    start, end = failed_range(fault)
    assert under_test.counters.failed == end - start
    assert under_test.counters.delivered == 5 - (end - start)
    assert "batch failed" not in caplog.messages


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_record_says_what_failed(fault):
    under_test = delivering(fault, "log", "errors")
    under_test.run()
    (report,) = under_test.written("errors")
    _, function_error, status = FAULTS[fault]
    start, end = failed_range(fault)
    assert key_of(report) == {"topic": "orders", "partition": 3, "startOffset": start, "endOffset": end}
    value = value_of(report)
    assert (value["functionError"], value["statusCode"]) == (function_error, status)
    if fault == "too large":
        assert value["inputPayload"] is None, "it was never sent"
    else:
        sent = json.loads(value["inputPayload"])
        assert [entry["payload"]["offset"] for entry in sent] == [2, 3]
    if fault == "function error":
        assert (value["payload"], value["logResult"], value["executedVersion"]) == (
            '{"errorMessage":"boom"}',
            "bG9n",
            "7",
        )


def test_results_are_one_record_each_and_only_of_batches_that_succeeded():
    under_test = delivering("function error", "log", "errors")
    under_test.run()
    assert [key_of(report)["offset"] for report in under_test.written("results")] == [0, 1, 4]
    assert [value_of(report)["value"] for report in under_test.written("results")] == [{"n": 0}, {"n": 1}, {"n": 4}]


def test_without_a_response_topic_a_reply_is_not_looked_at():
    under_test = Delivering(orders(0, 1), InvokeReply(202, b""), topics="")
    under_test.run()
    assert under_test.committable.offset == 2
    assert under_test.producer.written == []


def test_an_error_record_too_large_for_its_topic_is_cut_and_arrives():
    under_test = Delivering(orders(0), FUNCTION_ERROR, behavior="log", topics="errors", holds_reports=True)
    under_test.pipeline.step()
    under_test.pipeline.step()
    under_test.producer.take()[0].fail(is_too_large=True)
    under_test.reporter.step(0.0)
    under_test.alone.take()[0].fail(is_too_large=True)
    under_test.reporter.step(0.0)
    assert under_test.committable.offset == 0
    under_test.alone.deliver_all()
    (report,) = under_test.alone.written
    assert value_of(report)["inputPayload"] is None
    assert ("kls.input_payload", b"omitted") in report.headers
    assert under_test.committable.offset == 1


# --- errors.tolerance ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("topics", ["dead errors", "errors"], ids=["dead letter topic", "no dead letter topic"])
def test_none_stops_the_partition_at_a_record_that_cannot_be_converted(topics):
    under_test = Delivering(orders(0, 1, 2, 3, poison=[1]), topics=topics, batch_size=4)
    under_test.run()
    assert isinstance(under_test.progress.error, PartitionStopped)
    assert "VALUE_CONVERTER" in str(under_test.progress.error)
    assert under_test.committable.offset == 1, "what is before it is delivered"
    assert under_test.batches == [[0]], "and nothing after it"
    assert under_test.producer.written == [], "behavior.on.error has no say in it"


def test_all_with_a_dead_letter_topic_writes_the_record_as_it_came():
    under_test = Delivering(orders(0, 1, 2, poison=[1]), topics="dead errors", tolerates=True, batch_size=3)
    under_test.run()
    assert under_test.committable.offset == 3
    assert under_test.batches == [[0], [2]]
    (report,) = under_test.producer.written
    assert (report.topic, report.key, report.value) == ("dead", b"k1", b"{not JSON")
    assert under_test.counters.errant == 1


def test_all_without_a_dead_letter_topic_leaves_a_line(caplog):
    under_test = Delivering(orders(0, 1, 2, poison=[1]), topics="errors", tolerates=True, batch_size=3)
    under_test.run()
    assert under_test.committable.offset == 3
    assert under_test.producer.written == []
    (line,) = [line for line in caplog.records if line.message == "record not converted"]
    assert (line.fields["offset"], line.fields["stage"]) == (1, "VALUE_CONVERTER")


@pytest.mark.parametrize("logs", [False, True])
def test_a_dead_letter_leaves_a_line_where_that_is_asked_for(*, logs: bool, caplog):
    under_test = Delivering(orders(0, 1, 2, poison=[1]), tolerates=True, topics="dead", logs_errant=logs)
    under_test.run()
    lines = [line.fields["offset"] for line in caplog.records if line.message == "record not converted"]
    assert lines == ([1] if logs else [])
    assert len(under_test.written("dead")) == 1


@pytest.mark.parametrize("logs", [False, True])
def test_a_record_that_stops_its_partition_is_logged_where_that_is_asked_for(caplog, *, logs: bool):
    under_test = Delivering(orders(0, 1, poison=[1]), topics="", logs_errant=logs)
    under_test.run()
    assert under_test.progress.state is PipelineState.FAILED
    lines = [line for line in caplog.records if line.message == "record not converted"]
    assert [line.fields["offset"] for line in lines] == ([1] if logs else [])


def test_the_log_line_of_an_errant_record_has_its_timestamp_where_that_is_asked_for(caplog):
    under_test = Delivering(orders(0, 1, poison=[1]), tolerates=True, topics="", logs_timestamps=True)
    under_test.run()
    (line,) = [line for line in caplog.records if line.message == "record not converted"]
    assert line.fields["record_timestamp"] == 1_700_000_000_000


def test_a_tolerated_record_is_committed_when_its_dead_letter_is_written():
    under_test = Delivering(orders(0, 1, poison=[0]), topics="dead", tolerates=True, holds_reports=True)
    under_test.pipeline.step()
    under_test.pipeline.step()
    assert under_test.batches == [[1]]
    assert under_test.committable.offset == 0
    under_test.producer.deliver_all()
    assert under_test.committable.offset == 2


# --- errors.deadletterqueue.function.errors.enable -------------------------------------------------------------------


def attempts_of(report):
    return int(dict(report.headers)["kls.attempts"])


@pytest.mark.parametrize("topics", ["errors dead given-up", "dead given-up"], ids=["error topic", "no error topic"])
@pytest.mark.parametrize("behavior", ["log", "fail"])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_raw_record_that_is_given_up_goes_to_the_dead_letter_topic(fault, behavior, topics):
    under_test = delivering(fault, behavior, topics)
    under_test.run()
    start, end = failed_range(fault)
    dead = under_test.written("dead")
    assert [report.key for report in dead] == [b"k%d" % offset for offset in range(start, end)]
    assert [attempts_of(report) for report in dead] == [0 if fault == "too large" else 1] * (end - start)
    assert len(under_test.written("errors")) == (1 if "errors" in topics else 0)
    assert under_test.committable.offset == (5 if behavior == "log" else 2)


def test_what_is_ignored_is_no_dead_letter():
    under_test = delivering("function error", "ignore", "errors dead given-up")
    under_test.run()
    assert under_test.written("dead") == []


def test_the_attempts_of_a_record_count_every_invocation_that_it_was_part_of():
    throttled = TransientInvocationError("throttled", code="Throttled", status=429)
    policy = RecoveryPolicy(retries=1)
    under_test = Delivering(
        orders(0), throttled, FUNCTION_ERROR, FUNCTION_ERROR, behavior="log", topics="dead given-up", recovery=policy
    )
    under_test.run()
    (report,) = under_test.written("dead")
    assert attempts_of(report) == 3


@pytest.mark.parametrize("last", ["errors", "dead"])
def test_records_that_are_given_up_are_committed_when_both_their_reports_are_written(last):
    under_test = Delivering(
        orders(0, 1), FUNCTION_ERROR, behavior="log", topics="errors dead given-up elsewhere", holds_reports=True
    )
    under_test.pipeline.step()
    under_test.pipeline.step()
    first, then = under_test.producer, under_test.dead_producer
    if last == "errors":
        first, then = then, first
    first.deliver_all()
    assert under_test.committable.offset == 0
    then.deliver_all()
    assert under_test.committable.offset == 2
