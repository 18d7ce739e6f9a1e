"""Records with schemas, through a real registry and a real broker, to the function."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import fastavro
import pytest

from tests.support.registry_gate import registry_gate
from tests.support.running_task import Sink, headers_of
from tests.support.schema_registry import ApicurioRegistry

MakeSink = Callable[..., Sink]

AVRO = "io.confluent.connect.avro.AvroConverter"
ORDER: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "card", "type": ["null", "string"], "default": None},
        {"name": "tags", "type": {"type": "map", "values": "int"}},
    ],
}


def avro(schema_id: int, schema: Mapping[str, Any], value: object) -> bytes:
    """A value in Confluent's wire format."""
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(dict(schema)), value)
    return struct.pack(">bI", 0, schema_id) + body.getvalue()


def order(number: int) -> dict[str, Any]:
    return {"id": number, "total": b"\x04\xd2", "at": 1_700_000_000_000 + number, "card": "4111", "tags": {"a": number}}


@pytest.fixture
def plain_order() -> Mapping[str, Any]:
    """The schema as it is written by hand: fastavro is to take the raw values."""
    fields = [
        {**field, "type": field["type"]["type"]} if field["name"] in {"total", "at"} else field
        for field in ORDER["fields"]
    ]
    return {**ORDER, "fields": fields}


@pytest.fixture
def properties(schema_registry: ApicurioRegistry) -> dict[str, str | None]:
    return {"value.converter": AVRO, "value.converter.schema.registry.url": schema_registry.url}


@pytest.fixture
def schema_id(schema_registry: ApicurioRegistry, sink: Sink) -> int:
    return schema_registry.register(f"{sink.source}-value", ORDER)


def test_avro_records_reach_the_function_as_json(
    sink: Sink, properties: dict[str, str | None], schema_id: int, plain_order: Mapping[str, Any]
):
    sink.produce([avro(schema_id, plain_order, order(number)) for number in range(50)])
    with sink.running(properties) as task:
        task.wait_committed({0: 50})
    values = [payload["value"] for body in sink.bodies() for payload in body]
    assert values == [
        {"id": number, "total": "BNI=", "at": 1_700_000_000_000 + number, "card": "4111", "tags": {"a": number}}
        for number in range(50)
    ]


def test_avro_goes_through_transforms_fields_and_filters(
    sink: Sink, properties: dict[str, str | None], schema_id: int, plain_order: Mapping[str, Any]
):
    sink.produce([(b"k", avro(schema_id, plain_order, order(number))) for number in range(60)])
    more = {
        "value.converter.decimal.format": "NUMERIC",
        "transforms": "key,one",
        "transforms.key.type": "org.apache.kafka.connect.transforms.ValueToKey",
        "transforms.key.fields": "id",
        "transforms.one.type": "org.apache.kafka.connect.transforms.ExtractField$Key",
        "transforms.one.field": "id",
        "fields.hash": "card",
        "fields.hash.salt": "a salt of sixteen",
        "fields.exclude": "tags,at",
        "aws.lambda.filter.patterns": '[{"value": {"id": [{"numeric": [">=", 30, "<", 55]}]}}]',
    }
    with sink.running(properties | more) as task:
        task.wait_committed({0: 60})
        assert task.task.counters.total().filtered == 35
    payloads = [payload for body in sink.bodies() for payload in body]
    assert [payload["key"] for payload in payloads] == list(range(30, 55))
    assert {tuple(payload["value"]) for payload in payloads} == {("id", "total", "card")}
    assert {payload["value"]["total"] for payload in payloads} == {12.34}
    assert {len(payload["value"]["card"]) for payload in payloads} == {64}
    # All that is wanted fills batches, however much is dropped in between.
    assert [len(body) for body in sink.bodies()] == [20, 5]


def test_exactly_the_poisonous_records_of_a_mixed_topic_are_in_the_dead_letter_topic(
    sink: Sink, properties: dict[str, str | None], schema_id: int, plain_order: Mapping[str, Any]
):
    poison: list[bytes] = [
        b"",
        b"\x00",
        b"\x00\x00\x00\x00",
        b"plain text",
        b'{"id": 1}',
        struct.pack(">bI", 0, 999_999) + b"\x02",
        struct.pack(">bI", 1, schema_id) + b"\x02",
        avro(schema_id, plain_order, order(1))[:-3],
        avro(schema_id, plain_order, order(1)) + b"\x00",
        struct.pack(">bI", 0, schema_id) + b"\xff" * 20,
    ]
    records: list[Any] = []
    expected: list[bytes] = []
    for number in range(1000):
        if number % 37 == 5:
            bad = poison[len(expected) % len(poison)]
            expected.append(bad)
            records.append((b"key-%d" % number, bad, [("trace", b"%d" % number)]))
        else:
            records.append((b"key-%d" % number, avro(schema_id, plain_order, order(number))))
    records[500] = (b"key-500", None)
    sink.produce(records)
    tolerant = {
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": sink.dead_letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
        "aws.lambda.batch.size": "100",
    }
    with sink.running(properties | tolerant) as task:
        task.wait_committed({0: 1000})
    dead = sink.read(sink.dead_letters)
    assert [message.value() for message in dead] == expected
    offsets = [number for number in range(1000) if number % 37 == 5]
    assert [message.key() for message in dead] == [b"key-%d" % offset for offset in offsets]
    for message, offset in zip(dead, offsets, strict=True):
        headers = dict(headers_of(message))
        assert headers["trace"] == b"%d" % offset
        assert headers["__connect.errors.offset"] == b"%d" % offset
        assert headers["__connect.errors.stage"] == b"VALUE_CONVERTER"
    sent = [payload["offset"] for body in sink.bodies() for payload in body]
    assert sorted(sent) == [number for number in range(1000) if number not in set(offsets)]


@pytest.fixture
def gated(schema_registry: ApicurioRegistry) -> Iterator[tuple[Any, list[bool]]]:
    """A gate before the registry that fails while the list holds True."""
    is_down = [True]

    def answer(_: str, __: Mapping[str, str]) -> tuple[int, bytes] | None:
        return (503, b"{}") if is_down[0] else None

    with registry_gate(answer, upstream=schema_registry.url) as gate:
        yield gate, is_down


def test_a_registry_that_is_down_is_waited_for_and_no_record_is_set_aside(
    sink: Sink, gated: tuple[Any, list[bool]], schema_id: int, plain_order: Mapping[str, Any]
):
    gate, is_down = gated
    sink.produce([avro(schema_id, plain_order, order(number)) for number in range(30)])
    tolerant = {
        "value.converter": "avro",
        "value.converter.schema.registry.url": gate.url,
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": sink.dead_letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
    }
    with sink.running(tolerant) as task:
        waiting = task.wait_for(lambda: task.log.events("cannot convert now: trying again"), "the registry is missed")
        assert waiting[0]["error_id"] == "SchemaRegistryUnavailable"
        assert sink.requests() == []
        is_down[0] = False
        task.wait_committed({0: 30})
        assert task.task.counters.total().errant == 0
    assert [payload["value"]["id"] for body in sink.bodies() for payload in body] == list(range(30))
    assert sink.read(sink.dead_letters) == []
    assert json.dumps(task.log.lines).count("4111") == 0
