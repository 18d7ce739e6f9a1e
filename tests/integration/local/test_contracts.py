"""Functions that were written for others, under AWS's runtime client: our requests in, our verdicts out."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kafka_lambda_sink.contracts.formats.aws_event import build_aws_self_managed
from kafka_lambda_sink.contracts.formats.cloudevents import build_cloudevents
from kafka_lambda_sink.contracts.formats.request_format import RequestFormat
from kafka_lambda_sink.contracts.formats.rows import RowOptions, build_rows
from kafka_lambda_sink.contracts.replies.batch_item_failures import BatchItemFailures
from kafka_lambda_sink.contracts.replies.error_replies import ErrorReplies
from kafka_lambda_sink.contracts.replies.none import NoContract
from kafka_lambda_sink.contracts.replies.row_errors import RowErrors
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.local.handler import Invocation
from kafka_lambda_sink.local.runtime_handler import HandlerFile, RuntimeHandler
from tests.support.formatting import batch_of, path_to
from tests.support.records import TP, record

POWERTOOLS = """
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    processor = BatchProcessor(event_type=EventType.Kafka)

    def take(record):
        if record.json_value["price"] < 0:
            raise ValueError("a negative price")

    def handler(event, context):
        return process_partial_response(event, take, processor, context)
"""
CONSUMER = """
    from aws_lambda_powertools.utilities.kafka import SchemaConfig, kafka_consumer

    @kafka_consumer(schema_config=SchemaConfig(value_schema_type="JSON"))
    def handler(records, context):
        bad = [it for it in records.records if it.value.get("price", -1) < 0]
        failures = [{"partition": f"{it.topic}-{it.partition}", "offset": it.offset} for it in bad]
        return {"batchItemFailures": [{"itemIdentifier": failure} for failure in failures]}
"""
PARSER = """
    import json
    from aws_lambda_powertools.utilities.parser import event_parser
    from aws_lambda_powertools.utilities.parser.models import KafkaSelfManagedEventModel

    @event_parser(model=KafkaSelfManagedEventModel)
    def handler(event, context):
        bad = [
            {"partition": partition, "offset": it.offset}
            for partition, records in event.records.items()
            for it in records
            if json.loads(it.value).get("price", -1) < 0
        ]
        return {"batchItemFailures": [{"itemIdentifier": failure} for failure in bad]}
"""
ROWS = """
    def handler(event, context):
        errors = [
            {"primary_key": row["primary_key"], "error": "Invalid email domain"}
            for row in event["rows"]
            if row["operation"] == event["sync_mode"] and not row["data"]["email"].endswith("example.com")
        ]
        return {"statusCode": 200, "errorCount": len(errors), "errors": errors}
"""
EVENTS = """
    def handler(events, context):
        bad = [event["id"] for event in events if event["type"] != "order" or event["data"] is None]
        return {"errorMessage": f"cannot take {bad}", "errorType": "BadEvents"} if bad else None
"""

#: Runs a handler of a source text with a payload.
Run = Callable[[str, bytes], InvokeReply]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    handlers = []

    def invoke(source: str, payload: bytes) -> InvokeReply:
        file = tmp_path / "app.py"
        file.write_text(textwrap.dedent(source), encoding="utf-8")
        handler = RuntimeHandler(HandlerFile(file, "handler"))
        handlers.append(handler)
        invocation = Invocation(
            request_id="1", payload=payload, function_name="f", function_arn="arn:aws:lambda:eu-west-1:1:function:f",
            version="$LATEST", memory_mb=128, timeout=30.0,
        )  # fmt: skip
        outcome = handler.run(invocation)
        assert outcome.function_error is None, outcome
        return InvokeReply(200, outcome.payload)

    yield invoke
    for handler in handlers:
        handler.close()


def batch(request_format: RequestFormat, *values: bytes | None) -> Batch:
    records = [record(3 * offset, value, b"k%d" % offset) for offset, value in enumerate(values)]
    return batch_of(request_format, path_to(request_format), *records)


@pytest.mark.parametrize("source", [POWERTOOLS, CONSUMER, PARSER], ids=["batch processor", "consumer", "parser"])
def test_a_powertools_function_for_awss_trigger(run: Run, source: str):
    sent = batch(
        build_aws_self_managed(bootstrap_servers="b"), b'{"price": 1}', b'{"price": -1}', b"{}", b'{"price": 2}'
    )
    verdicts = BatchItemFailures(TP).judge(run(source, sent.payload), sent)
    assert list(verdicts.failed) == [1, 2]


def test_a_function_for_rows_takes_the_five_hundred_of_one_invocation(run: Run):
    good = [b'{"email": "a@example.com"}'] * 498
    sent = batch(build_rows(RowOptions()), good[0], b'{"email": "b@example.org"}', *good[1:], None)
    assert sent.count == 500
    verdicts = RowErrors().judge(run(ROWS, sent.payload), sent)
    assert {index: failure.message for index, failure in verdicts.failed.items()} == {1: "Invalid email domain"}


def test_a_function_for_cloudevents_that_replies_its_errors(run: Run):
    contract = ErrorReplies(NoContract())
    good = batch(build_cloudevents(event_type="order", connector="c"), b"{}", b"1")
    assert contract.judge(run(EVENTS, good.payload), good).failed == {}
    bad = batch(build_cloudevents(event_type="other", connector="c"), b"{}", b"1")
    with pytest.raises(FunctionError, match=r"BadEvents: cannot take \['orders-3-0', 'orders-3-3'\]"):
        contract.judge(run(EVENTS, bad.payload), bad)
