"""Request formats and reply contracts, from a configuration's text to the bytes of a request."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.conversion import Conversions
from kafka_lambda_sink.connector.request_formats import contract_maker, request_problems
from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.replies.batch_item_failures import BatchItemFailures
from kafka_lambda_sink.contracts.replies.error_replies import ErrorReplies
from kafka_lambda_sink.contracts.replies.none import NoContract
from kafka_lambda_sink.contracts.replies.records import RecordsContract
from kafka_lambda_sink.contracts.replies.routed_records import RoutedRecordsContract
from kafka_lambda_sink.contracts.replies.row_errors import RowErrors
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ConfigError
from kafka_lambda_sink.core.ports import SchemaRegistry
from kafka_lambda_sink.core.record import SourceRecord
from tests.support.config_text import Load
from tests.support.records import TP, record
from tests.support.stepped_clock import SteppedClock

ROUTING = "aws.lambda.reply.routing=true\naws.lambda.reply.routing.topics=audit\n"
RECORD = record(41, b'{"op":"remove","id":7}', b"k", headers=[("trace", b"ab")])


def no_registry(part: str) -> SchemaRegistry:
    raise AssertionError(part)


def request(loaded: LoadedConfig, *records: SourceRecord) -> Any:
    conversions = Conversions(loaded.sink, loaded.transforms, SteppedClock(), no_registry)
    assembler = BatchAssembler(conversions.open(TP), BatchLimits(100, 10**6, 10**6), conversions.frame(TP))
    (batch,) = assembler.batches(records)
    assert isinstance(batch, Batch)
    return json.loads(batch.payload)


def test_the_event_of_awss_trigger(loads: Load):
    event = request(loads("aws.lambda.request.format=aws-self-managed\n"), RECORD)
    assert (event["eventSource"], event["bootstrapServers"]) == ("SelfManagedKafka", "localhost:9092")
    (entry,) = event["records"]["orders-3"]
    assert base64.b64decode(entry["value"]) == RECORD.value()
    assert entry["headers"] == [{"trace": [97, 98]}]


def test_an_msk_clusters_event_has_its_arn(loads: Load):
    text = (
        "aws.lambda.request.format=aws-msk\naws.lambda.request.event.source.arn=arn:aws:kafka:eu-west-1:1:cluster/x\n"
    )
    event = request(loads(text), RECORD)
    assert (event["eventSource"], event["eventSourceArn"]) == ("aws:kafka", "arn:aws:kafka:eu-west-1:1:cluster/x")


def test_rows(loads: Load):
    text = (
        "aws.lambda.request.format=rows\naws.lambda.request.rows.sync.mode=mirror\n"
        "aws.lambda.request.rows.operation.field=op\naws.lambda.request.rows.primary.key=id\n"
    )
    assert request(loads(text), RECORD) == {
        "sync_mode": "mirror",
        "rows": [{"data": {"op": "remove", "id": 7}, "operation": "remove", "primary_key": 7}],
    }


def test_values_in_an_envelope_of_the_users_own(loads: Load):
    text = 'aws.lambda.request.format=values\nenvelope.template={"from":"${topic}","items":"${records}"}\n'
    assert request(loads(text), RECORD) == {"from": "orders", "items": [{"op": "remove", "id": 7}]}


def test_cloudevents(loads: Load):
    text = "aws.lambda.request.format=cloudevents\naws.lambda.request.cloudevents.type=order.${topic}\n"
    (event,) = request(loads(text), RECORD)
    assert (event["id"], event["type"]) == ("orders-3-41", "order.orders")


@pytest.mark.parametrize(
    ("formatter", "value"),
    [("", '{"op":"remove","id":7}'), ("JsonPayloadFormatter", {"op": "remove", "id": 7})],
)
def test_a_file_of_nordstroms_connector_gets_its_payloads(loads: Load, formatter: str, value: object):
    text = "connector.class=com.nordstrom.kafka.connect.lambda.LambdaSinkConnector\nvalue.converter=string\n"
    if formatter:
        text += f"payload.formatter.class=com.nordstrom.kafka.connect.formatters.{formatter}\n"
        text = text.replace("value.converter=string", "value.converter=json\nvalue.converter.schemas.enable=false")
    (entry,) = request(loads(text), RECORD)
    assert (entry["topic"], entry["offset"], entry["value"]) == ("orders", 41, value)


SINGLE = "aws.lambda.batch.enabled=false\n"
NORDSTROMS = "connector.class=com.nordstrom.kafka.connect.lambda.LambdaSinkConnector\n"
JSON_FORMATTER = (
    "payload.formatter.class=com.nordstrom.kafka.connect.formatters.JsonPayloadFormatter\n"
    "value.converter=json\nvalue.converter.schemas.enable=false\n"
)


@pytest.mark.parametrize(
    ("text", "field", "content"),
    [
        (f"{NORDSTROMS}value.converter=string\n", "value", '{"op":"remove","id":7}'),
        (NORDSTROMS + JSON_FORMATTER, "value", {"op": "remove", "id": 7}),
        ("aws.lambda.request.format=values\n", "id", 7),
        ("aws.lambda.request.format=cloudevents\naws.lambda.request.cloudevents.type=t\n", "id", "orders-3-41"),
        ('aws.lambda.request.format=values\nenvelope.template={"it":"${records}"}\n', "it", {"op": "remove", "id": 7}),
    ],
)
def test_a_record_by_itself_has_no_array_around_it(loads: Load, text: str, field: str, content: object):
    loaded = loads(text + SINGLE)
    assert loaded.sink.aws_lambda_batch_size == 1
    assert request(loaded, RECORD)[field] == content


@pytest.mark.parametrize("value", [b"7", b'"text"', b"null", None, b"[1, 2]"])
def test_a_function_behind_single_values_gets_the_value_of_kafka(loads: Load, value: bytes | None):
    loaded = loads(f"aws.lambda.request.format=values\n{SINGLE}")
    assert request(loaded, record(1, value)) == json.loads(value or b"null")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aws.lambda.request.format=confluent-escaped\n",
        "aws.lambda.request.format=aws-self-managed\n",
        "aws.lambda.request.format=aws-msk\naws.lambda.request.event.source.arn=arn:aws:kafka:eu-west-1:1:cluster/x\n",
        "aws.lambda.request.format=rows\n",
    ],
)
def test_other_formats_keep_their_form_around_one_record(loads: Load, text: str):
    single, batched = loads(text + SINGLE), loads(text)
    assert single.sink.aws_lambda_batch_size == 1
    assert request(single, RECORD) == request(batched, RECORD)


def test_five_hundred_rows_are_one_invocation(loads: Load):
    loaded = loads("aws.lambda.request.format=rows\n")
    conversions = Conversions(loaded.sink, loaded.transforms, SteppedClock(), no_registry)
    limits = BatchLimits(loaded.sink.aws_lambda_batch_size, loaded.sink.batch_max_bytes, loaded.sink.batch_max_bytes)
    assembler = BatchAssembler(conversions.open(TP), limits, conversions.frame(TP))
    found = list(assembler.batches([record(offset, b'{"id":%d}' % offset) for offset in range(501)]))
    assert [len(json.loads(batch.payload)["rows"]) for batch in found if isinstance(batch, Batch)] == [500, 1]


def test_escaped_by_either_name(loads: Load):
    texts = ("aws.lambda.request.format=confluent-escaped\n", "record.converter.class=EscapedJsonKeyValueConverter\n")
    one, other = [request(loads(text), RECORD) for text in texts]
    assert one == other
    assert one[0]["payload"]["value"] == '{"op":"remove","id":7}'


@pytest.mark.parametrize(
    ("text", "has_results", "kind"),
    [
        ("", True, RecordsContract),
        ("", False, NoContract),
        ("aws.lambda.reply.contract=batch-item-failures\n", False, BatchItemFailures),
        ("aws.lambda.request.format=rows\naws.lambda.reply.contract=row-errors\n", True, RowErrors),
        ("aws.lambda.reply.contract=Records\n", False, RecordsContract),
        ("aws.lambda.reply.contract=none\n", True, NoContract),
        ("aws.lambda.reply.error.message=true\n", True, ErrorReplies),
        ("aws.lambda.invocation.type=async\naws.lambda.reply.contract=records\n", True, NoContract),
        ("result.handler.class=Batch-Item-Failures\n", True, BatchItemFailures),
        ("aws.lambda.reply.contract=none\nresult.handler.class=none\n", True, NoContract),
        ("result.handler.class=io.confluent.connect.aws.lambda.DefaultResultHandler\n", True, RecordsContract),
        (ROUTING, False, RoutedRecordsContract),
        (f"{ROUTING}aws.lambda.reply.contract=records\n", True, RoutedRecordsContract),
        (f"{ROUTING}aws.lambda.reply.error.message=true\n", False, ErrorReplies),
    ],
)
def test_the_contract_of_replies(loads: Load, text: str, *, has_results: bool, kind: type):
    results = "aws.lambda.response.topic=results\n" if has_results else ""
    assert isinstance(contract_maker(loads(text + results).sink)(TP, None), kind)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('aws.lambda.request.template={"a":1}\n', "aws.lambda.request.template"),
        ("aws.lambda.request.format=rows\naws.lambda.request.rows.primary.key=a..b\n", "aws.lambda.request.format"),
        ("result.handler.class=acme.Handler\n", "result.handler.class"),
    ],
)
def test_what_does_not_fit_is_told(loads: Load, text: str, key: str):
    loaded = loads(text)
    assert [problem.key for problem in request_problems(loaded.sink)] == [key]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("aws.lambda.request.format=aws-msk\n", "aws.lambda.request.format"),
        ("aws.lambda.request.format=cloudevents\n", "aws.lambda.request.format"),
        ("aws.lambda.reply.contract=row-errors\n", "aws.lambda.reply.contract"),
        ("result.handler.class=none\naws.lambda.reply.contract=records\n", "result.handler.class"),
        ("result.handler.class=row-errors\n", "aws.lambda.reply.contract"),
        ("aws.lambda.request.format=sqs\n", "aws.lambda.request.format"),
    ],
)
def test_what_is_missing_is_told_at_its_key(loads: Load, text: str, key: str):
    with pytest.raises(ConfigError) as caught:
        loads(text)
    assert key in {problem.key for problem in caught.value.problems}
