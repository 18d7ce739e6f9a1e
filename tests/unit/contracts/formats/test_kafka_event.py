"""What a Java function gets of our events: read by Lambda's own runtime and class (golden table `kafka_event`)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kafka_lambda_sink.contracts.formats.aws_event import build_aws_msk, build_aws_self_managed
from kafka_lambda_sink.contracts.formats.aws_parts import RegistryPart
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.sink_record import SchemaAndValue
from tests.support.formatting import part_of, request_of
from tests.support.golden import cases
from tests.support.records import record

CASES = {case.id: case for case in cases("kafka_event")}
HEADERS: list[tuple[str, bytes | None]] = [("trace", b"ab"), ("trace", b"\xff"), ("none", None)]
REGISTRY_VALUE = part_of(lambda _: SchemaAndValue(None, {"id": 1}), "VALUE_CONVERTER")


def self_managed() -> tuple[Any, list[SourceRecord]]:
    records = [record(41, b'{"id": 1}', b"k1", headers=HEADERS), record(43, None, None, timestamp=(0, -1))]
    return request_of(build_aws_self_managed(bootstrap_servers="b1:9092,b2:9092"), *records), records


def msk() -> tuple[Any, list[SourceRecord]]:
    request_format = build_aws_msk(
        bootstrap_servers="b1:9098",
        event_source_arn="arn:aws:kafka:eu-west-1:123456789012:cluster/orders/abc-1",
        value=RegistryPart("AVRO"),
    )
    sent = record(41, b"\x00\x00\x00\x04\xd2-", b"k1", timestamp=(2, 1_700_000_000_000))
    return request_of(request_format, sent, value=REGISTRY_VALUE), [sent]


@pytest.mark.parametrize(("name", "made"), [("self-managed", self_managed()), ("msk, with schemas", msk())])
def test_the_event_that_java_was_given_is_ours(name: str, made: tuple[Any, list[SourceRecord]]):
    assert made[0] == CASES[name].given["event"]


def test_java_reads_what_was_sent():
    _, records = self_managed()
    event = CASES["self-managed"].outcome["event"]
    assert (event["eventSource"], event["bootstrapServers"]) == ("SelfManagedKafka", "b1:9092,b2:9092")
    read = event["records"]["orders-3"]
    assert [(it["topic"], it["partition"], it["offset"]) for it in read] == [("orders", 3, 41), ("orders", 3, 43)]
    assert [None if it["value"] is None else base64.b64decode(it["value"]) for it in read] == [
        it.value() for it in records
    ]
    # Jackson prints byte[] in base64.
    headers = [(name, base64.b64decode(raw)) for it in read[0]["headers"] for name, raw in it.items()]
    assert headers == [(name, raw or b"") for name, raw in HEADERS]


def test_java_reads_the_schema_and_the_arn():
    event = CASES["msk, with schemas"].outcome["event"]
    assert event["eventSourceArn"].startswith("arn:aws:kafka")
    (read,) = event["records"]["orders-3"]
    assert read["valueSchemaMetadata"] == {"schemaId": "1234", "dataFormat": "JSON"}
    assert (read["timestampType"], base64.b64decode(read["value"])) == ("LOG_APPEND_TIME", b'{"id":1}')
