"""AWS's event; tests/contract/test_powertools.py reads it with AWS's own library."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from kafka_lambda_sink.contracts.formats.aws_event import build_aws_msk, build_aws_self_managed
from kafka_lambda_sink.contracts.formats.aws_parts import RegistryPart
from kafka_lambda_sink.core.schema import OPTIONAL_STRING, STRING
from kafka_lambda_sink.core.sink_record import Header, SchemaAndValue, SinkRecord
from tests.support.formatting import error_of, part_of, request_of
from tests.support.records import record

SELF_MANAGED = build_aws_self_managed(bootstrap_servers="b1:9092,b2:9092")
ARN = "arn:aws:kafka:eu-west-1:123456789012:cluster/orders/abc-1"


def b64(text: bytes) -> str:
    return base64.b64encode(text).decode()


#: A stand-in for what a registry's converter reads: JSON behind Confluent's prefix.
REGISTRY_VALUE = part_of(
    lambda raw: SchemaAndValue(None, None if raw is None else json.loads(raw[5:])), "VALUE_CONVERTER"
)
PREFIX = b"\x00\x00\x00\x04\xd2"


def test_the_event_of_a_self_managed_cluster():
    sent = record(41, b'{"id": 1}', b"k1", headers=[("trace", b"ab"), ("trace", b"\xff")])
    assert request_of(SELF_MANAGED, sent) == {
        "eventSource": "SelfManagedKafka",
        "bootstrapServers": "b1:9092,b2:9092",
        "records": {
            "orders-3": [
                {
                    "topic": "orders",
                    "partition": 3,
                    "offset": 41,
                    "timestamp": 1_700_000_000_000,
                    "timestampType": "CREATE_TIME",
                    "key": "azE=",
                    "value": b64(b'{"id": 1}'),
                    # Java's bytes have signs.
                    "headers": [{"trace": [97, 98]}, {"trace": [-1]}],
                }
            ]
        },
    }


def test_the_event_of_msk_and_older_spellings():
    event = request_of(build_aws_msk(bootstrap_servers="b:9098", event_source_arn=ARN), record(1))
    assert list(event) == ["eventSource", "eventSourceArn", "bootstrapServers", "records"]
    assert (event["eventSource"], event["eventSourceArn"]) == ("aws:kafka", ARN)
    older = build_aws_self_managed(bootstrap_servers="b", event_source="aws:SelfManagedKafka")
    assert request_of(older, record(1))["eventSource"] == "aws:SelfManagedKafka"


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ((1, 5), ("CREATE_TIME", 5)),
        ((2, 5), ("LOG_APPEND_TIME", 5)),
        ((0, -1), ("NO_TIMESTAMP_TYPE", -1)),
        ((1, 0), ("CREATE_TIME", 0)),
    ],
)
def test_timestamps_and_what_is_absent(timestamp: tuple[int, int], expected: tuple[str, int]):
    event = request_of(SELF_MANAGED, record(1, None, None, timestamp=timestamp, headers=[("none", None)]))
    (sent,) = event["records"]["orders-3"]
    assert (sent["timestampType"], sent["timestamp"]) == expected
    assert sent["key"] is sent["value"] is None
    assert sent["headers"] == [{"none": []}]


def test_bytes_that_no_transform_touched_are_kafkas_own_whatever_their_converter_reads():
    raw = b'{ "price" : 1.10 }'
    event = request_of(SELF_MANAGED, record(1, raw, b"k"), transform=lambda it: replace(it, key="other"))
    (sent,) = event["records"]["orders-3"]
    assert base64.b64decode(sent["value"]) == raw
    assert base64.b64decode(sent["key"]) == b"other"


@pytest.mark.parametrize(
    ("schema", "value", "written"),
    [
        (None, {"a": 1}, b'{"a":1}'),
        # Text without a schema was JSON; with one it was text.
        (None, "x", b'"x"'),
        (STRING, "x", b"x"),
        (OPTIONAL_STRING, None, None),
        (None, None, None),
        (None, b"\xff", b"\xff"),
    ],
)
def test_what_a_transform_made(schema: object, value: object, written: bytes | None):
    def change(it: SinkRecord) -> SinkRecord:
        return replace(it, value_schema=schema, value=value)  # type: ignore[arg-type]

    (sent,) = request_of(SELF_MANAGED, record(1, b"[]"), transform=change)["records"]["orders-3"]
    assert sent["value"] == (None if written is None else b64(written))


def test_headers_that_a_transform_made():
    headers = (
        Header("a", STRING, "ü"),
        Header("b", None, {"n": 1}),
        Header("c", None, None),
        Header("d", None, b"\x80"),
    )
    event = request_of(SELF_MANAGED, record(1), transform=lambda it: replace(it, headers=headers))
    (sent,) = event["records"]["orders-3"]
    assert sent["headers"] == [{"a": [-61, -68]}, {"b": list(b'{"n":1}')}, {"c": []}, {"d": [-128]}]


def test_with_a_registry_the_value_is_json_and_its_schema_is_named():
    request_format = build_aws_self_managed(bootstrap_servers="b", value=RegistryPart("AVRO"))
    (sent,) = request_of(request_format, record(1, PREFIX + b'{ "id": 1 }', b"k"), value=REGISTRY_VALUE)["records"][
        "orders-3"
    ]
    assert base64.b64decode(sent["value"]) == b'{"id":1}'
    assert sent["valueSchemaMetadata"] == {"dataFormat": "JSON", "schemaId": "1234"}
    assert "keySchemaMetadata" not in sent


def test_source_mode_sends_what_the_producer_wrote_without_the_registrys_prefix():
    request_format = build_aws_self_managed(bootstrap_servers="b", value=RegistryPart("PROTOBUF", "SOURCE"))
    raw = PREFIX + b'{ "id": 1 }'
    (sent,) = request_of(request_format, record(1, raw), value=REGISTRY_VALUE)["records"]["orders-3"]
    assert base64.b64decode(sent["value"]) == b'{ "id": 1 }'
    assert sent["valueSchemaMetadata"] == {"dataFormat": "PROTOBUF", "schemaId": "1234"}
    changed = error_of(request_format, record(1, raw), value=REGISTRY_VALUE, transform=lambda it: replace(it, value=1))
    assert "a transform has changed the value" in str(changed)


@pytest.mark.parametrize("mode", ["JSON", "SOURCE"])
def test_a_tombstone_has_no_schema(mode: str):
    part = RegistryPart("AVRO", mode)  # type: ignore[arg-type]
    request_format = build_aws_self_managed(bootstrap_servers="b", value=part)
    (sent,) = request_of(request_format, record(1, None), value=REGISTRY_VALUE)["records"]["orders-3"]
    assert sent["value"] is None
    assert "valueSchemaMetadata" not in sent
