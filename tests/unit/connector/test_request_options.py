"""Each option of requests and replies, from its key to what the function gets or what becomes of its reply."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.conversion import Conversions
from kafka_lambda_sink.connector.request_formats import contract_maker
from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.replies.entry_points import GROUP
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError
from kafka_lambda_sink.core.ports import InvokeReply, RegisteredSchema
from kafka_lambda_sink.core.record import SourceRecord
from tests.support.config_text import Load
from tests.support.own_package import put_package
from tests.support.records import TP, record
from tests.support.stepped_clock import SteppedClock

ARN = "aws.lambda.request.event.source.arn=arn:aws:kafka:eu-west-1:1:cluster/x\n"
AVRO = "key.converter=avro\nkey.converter.schema.registry.url=http://x\n"
AVRO += AVRO.replace("key.", "value.")
ENVELOPE = b'{"schema":{"type":"int64","optional":false,"name":"%s","version":2},"payload":%d}'
OWN = """
from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, Verdicts

class Contract:
    def __init__(self, tp):
        self.tp = tp

    def judge(self, reply, batch):
        return Verdicts([None] * batch.count, {0: RecordFailure(f"{self.tp}: {reply.payload.decode()}")})
"""


class Longs:
    """A registry whose one schema is a long."""

    def schema(self, schema_id: int) -> RegisteredSchema:
        return RegisteredSchema(schema_id, "AVRO", '"long"')

    def close(self) -> None: ...


def long_of(schema_id: int, value: int) -> bytes:
    """As its producer has written it, below 64."""
    return b"\0" + schema_id.to_bytes(4, "big") + bytes([2 * value])


def request(loaded: LoadedConfig, *records: SourceRecord) -> Any:
    conversions = Conversions(loaded.sink, loaded.transforms, SteppedClock(), lambda _: Longs())
    assembler = BatchAssembler(conversions.open(TP), BatchLimits(100, 10**6, 10**6), conversions.frame(TP))
    (batch,) = assembler.batches(records)
    assert isinstance(batch, Batch), batch
    return json.loads(batch.payload)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("aws.lambda.request.format=aws-self-managed\n", "SelfManagedKafka"),
        ("aws.lambda.request.format=aws-self-managed\naws.lambda.request.event.source=aws:SelfManagedKafka\n",
         "aws:SelfManagedKafka"),
        (f"aws.lambda.request.format=aws-msk\n{ARN}", "aws:kafka"),
        (f"aws.lambda.request.format=aws-msk\n{ARN}aws.lambda.request.event.source=aws:other\n", "aws:other"),
    ],
)  # fmt: skip
def test_the_spelling_of_the_event_source(loads: Load, text: str, source: str):
    assert request(loads(text), record(1))["eventSource"] == source


@pytest.mark.parametrize("request_format", ["aws-self-managed", "aws-msk"])
@pytest.mark.parametrize(
    ("mode", "key", "value", "data_format"),
    [("", b"3", b"5", "JSON"), ("aws.lambda.request.record.format=SOURCE\n", b"\6", b"\n", "AVRO")],
)
def test_schemas_of_a_registry_are_named_for_keys_and_values(
    loads: Load, request_format: str, mode: str, key: bytes, value: bytes, *, data_format: str
):
    loaded = loads(f"aws.lambda.request.format={request_format}\n{ARN}{AVRO}{mode}")
    (sent,) = request(loaded, record(1, long_of(1234, 5), long_of(99, 3)))["records"]["orders-3"]
    assert (base64.b64decode(sent["key"]), base64.b64decode(sent["value"])) == (key, value)
    assert sent["keySchemaMetadata"] == {"dataFormat": data_format, "schemaId": "99"}
    assert sent["valueSchemaMetadata"] == {"dataFormat": data_format, "schemaId": "1234"}


@pytest.mark.parametrize(
    ("visibility", "key", "value"),
    [
        ("", ("K", "2", 1), ("V", "2", 2)),
        ("payload.formatter.key.schema.visibility=NONE\n", (None, None, 1), ("V", "2", 2)),
        ("payload.formatter.value.schema.visibility=none\n", ("K", "2", 1), (None, None, 2)),
    ],
)
def test_how_much_of_schemas_nordstroms_payload_shows(loads: Load, visibility: str, key: Any, value: Any):
    text = "aws.lambda.request.format=nordstrom-json\nkey.converter=json\nvalue.converter=json\n"
    schemas = "key.converter.schemas.enable=true\nvalue.converter.schemas.enable=true\n"
    (sent,) = request(loads(text + schemas + visibility), record(1, ENVELOPE % (b"V", 2), ENVELOPE % (b"K", 1)))
    assert (sent["keySchemaName"], sent["keySchemaVersion"], sent["key"]) == key
    assert (sent["valueSchemaName"], sent["valueSchemaVersion"], sent["value"]) == value


@pytest.mark.parametrize("part", ["key", "value"])
def test_nordstroms_payload_with_the_whole_schema(loads: Load, part: str):
    text = "aws.lambda.request.format=nordstrom-json\nkey.converter=json\nvalue.converter=json\n"
    schemas = "key.converter.schemas.enable=true\nvalue.converter.schemas.enable=true\n"
    loaded = loads(f"{text}{schemas}payload.formatter.{part}.schema.visibility=all\n")
    (sent,) = request(loaded, record(1, ENVELOPE % (b"V", 2), ENVELOPE % (b"K", 1)))
    assert {each for each in ("key", "value") if isinstance(sent[each], dict)} == {part}
    assert sent[part]["schema"]["version"] == 2


def test_the_source_of_cloudevents(loads: Load):
    text = "aws.lambda.request.format=cloudevents\naws.lambda.request.cloudevents.type=t\n"
    (event,) = request(loads(text), record(1))
    assert event["source"] == "/topics/orders"
    (event,) = request(loads(f"{text}aws.lambda.request.cloudevents.source=kafka:${{connector}}\n"), record(1))
    assert event["source"] == "kafka:orders"


def test_the_operation_of_rows_from_a_header_a_tombstone_and_a_field(loads: Load):
    text = "aws.lambda.request.format=rows\naws.lambda.request.rows.sync.mode=add\n"
    options = "aws.lambda.request.rows.operation.header=op\naws.lambda.request.rows.operation.field=kind\n"
    sent = [
        record(1, b'{"kind":"insert"}', headers=[("op", b"upsert")]),
        record(2, None),
        record(3, b'{"kind":"insert"}'),
        record(4, b"{}"),
    ]
    rows = request(loads(text + options), *sent)["rows"]
    assert [row["operation"] for row in rows] == ["upsert", "remove", "insert", "add"]
    rows = request(loads(text), *sent)["rows"]
    assert [row["operation"] for row in rows] == ["add", "remove", "add", "add"]


@pytest.mark.parametrize("template", ["", 'envelope.template={"all":"${records}"}\n'])
def test_headers_are_in_confluents_payload_where_they_are_asked_for(loads: Load, template: str):
    sent = record(1, b"{}", headers=[("n", b"x")])
    found = request(loads(f"{template}aws.lambda.record.headers=true\n"), sent)
    (entry,) = found["all"] if template else found
    assert entry["payload"]["headers"] == [{"name": "n", "value": "x"}]


@pytest.mark.parametrize("escaped", ["", "aws.lambda.request.format=confluent-escaped\n"])
def test_a_template_goes_around_confluents_payload(loads: Load, escaped: str):
    plain = loads(escaped)
    wrapped = loads(f'{escaped}aws.lambda.request.template={{"to":"${{connector}}","all":"${{records}}"}}\n')
    sent = record(1, b'{"a":1}')
    assert request(wrapped, sent) == {"to": "orders", "all": request(plain, sent)}


@pytest.mark.parametrize("more", ["", "aws.lambda.reply.error.message=true\n"])
def test_an_installed_contract_judges_the_replies(
    loads: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
):
    put_package(tmp_path / "site", "own_judge", OWN, "acme = own_judge:Contract", group=GROUP)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "own_judge", raising=False)
    # It goes before the contract by name.
    loaded = loads(f"result.handler.class=acme\naws.lambda.reply.contract=none\n{more}")
    contract = contract_maker(loaded.sink)(TP, None)
    verdicts = contract.judge(InvokeReply(200, b"no"), Batch(b"", [record(1)], []))
    assert verdicts.failed[0].message == "orders-3: no"


def test_an_error_in_a_reply_is_one_where_that_is_asked_for(loads: Load):
    batch, reply = Batch(b"", [record(1)], []), InvokeReply(200, b'{"errorMessage":"no","errorType":"Bad"}')
    assert contract_maker(loads("").sink)(TP, None).judge(reply, batch).failed == {}
    with pytest.raises(FunctionError, match="Bad: no"):
        contract_maker(loads("aws.lambda.reply.error.message=true\n").sink)(TP, None).judge(reply, batch)
