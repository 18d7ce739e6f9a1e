"""Protobuf values and JSON Schema keys, through a real registry and a real broker, to the function."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.avro_records import framed
from tests.support.protobuf_records import written
from tests.support.running_task import Sink
from tests.support.schema_registry import ApicurioRegistry

ORDER = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "line.proto";
message Unused {}
message Order {
  uint64 id = 1; google.protobuf.Timestamp at = 2; map<string, int32> tags = 3; repeated Line lines = 4;
  oneof payment { string card = 5; double cash = 6; }
}
"""
LINE = 'syntax = "proto3"; package shop; message Line { string sku = 1; optional int32 count = 2; }'
KEY = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {"shop": {"type": "string"}},
    "required": ["shop"],
}
#: Of the second message, as `[1]`.
INDEX = b"\x02\x02"


@pytest.fixture
def properties(schema_registry: ApicurioRegistry) -> dict[str, str | None]:
    return {
        "key.converter": "io.confluent.connect.json.JsonSchemaConverter",
        "key.converter.schema.registry.url": schema_registry.url,
        "key.converter.json.fail.invalid.schema": "true",
        "value.converter": "io.confluent.connect.protobuf.ProtobufConverter",
        "value.converter.schema.registry.url": schema_registry.url,
        "value.converter.generate.index.for.unions": "false",
    }


@pytest.fixture
def ids(schema_registry: ApicurioRegistry, sink: Sink) -> tuple[int, int]:
    """Of the keys' and of the values' schemas."""
    schema_registry.register(f"{sink.source}-line", LINE, kind="PROTOBUF")
    references = [("line.proto", f"{sink.source}-line", 1)]
    value = schema_registry.register(f"{sink.source}-value", ORDER, kind="PROTOBUF", references=references)
    return schema_registry.register(f"{sink.source}-key", KEY, kind="JSON"), value


def order(number: int) -> bytes:
    payment: dict[str, Any] = {"card": f"4111-{number}"} if number % 2 else {"cash": number / 4}
    value = {
        "id": str(2**64 - 1 - number),
        "at": "2023-11-14T22:13:20.123Z",
        "tags": {"a": number},
        "lines": [{"sku": "x"}, {"sku": "y", "count": number}],
        **payment,
    }
    return INDEX + written(ORDER, "shop.Order", value, line=LINE)


def expected(number: int) -> dict[str, Any]:
    payment = {"card": f"4111-{number}", "cash": None} if number % 2 else {"card": None, "cash": number / 4}
    return {
        "payment": payment,
        "id": 2**64 - 1 - number,
        "at": 1_700_000_000_123,
        "tags": {"a": number},
        "lines": [{"sku": "x", "count": None}, {"sku": "y", "count": number}],
    }


def test_records_reach_the_function_and_the_poisonous_ones_the_dead_letter_topic(
    sink: Sink, properties: dict[str, str | None], ids: tuple[int, int]
):
    key_id, value_id = ids
    key = framed(b'{"shop": "a"}', key_id)
    poison = [
        (framed(b'{"shop": 1}', key_id), framed(order(1), value_id)),
        (framed(b"{", key_id), framed(order(1), value_id)),
        (framed(b'{"shop": "a"}', 999_999), framed(order(1), value_id)),
        (key, framed(order(1), key_id)),
        (key, framed(order(1)[:-3], value_id)),
        (key, framed(b"\x02\x08", value_id)),
        (key, b"plain text"),
    ]
    records: list[Any] = []
    for number in range(100):
        bad = number % 14 == 5
        records.append(poison[number // 14] if bad else (key, framed(order(number), value_id)))
    sink.produce(records)
    tolerant = {
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": sink.dead_letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
    }
    with sink.running(properties | tolerant) as task:
        task.wait_committed({0: 100})
    dead = sink.read(sink.dead_letters)
    assert [(message.key(), message.value()) for message in dead] == poison
    payloads = [payload for body in sink.bodies() for payload in body]
    assert [payload["value"] for payload in payloads] == [expected(n) for n in range(100) if n % 14 != 5]
    assert {payload["key"]["shop"] for payload in payloads} == {"a"}


def test_records_go_through_transforms_and_filters(sink: Sink, properties: dict[str, str | None], ids: tuple[int, int]):
    key_id, value_id = ids
    sink.produce([(framed(b'{"shop": "a"}', key_id), framed(order(number), value_id)) for number in range(40)])
    more = {
        "transforms": "shop,flat",
        "transforms.shop.type": "org.apache.kafka.connect.transforms.ExtractField$Key",
        "transforms.shop.field": "shop",
        "transforms.flat.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
        "transforms.flat.exclude": "lines,at",
        "aws.lambda.filter.patterns": '[{"value": {"payment": {"card": [{"prefix": "4111-"}]}}}]',
    }
    with sink.running(properties | more) as task:
        task.wait_committed({0: 40})
    payloads = [payload for body in sink.bodies() for payload in body]
    assert [payload["value"]["id"] for payload in payloads] == [2**64 - 1 - number for number in range(1, 40, 2)]
    assert {(payload["key"], *payload["value"]) for payload in payloads} == {("a", "payment", "id", "tags")}
