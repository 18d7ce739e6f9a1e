"""From a configuration's text to entries of the payload."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from kafka_lambda_sink.config import transform_plan
from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.connector.conversion import Conversions
from kafka_lambda_sink.contracts.request import Conversion, PlainConverter, encode
from kafka_lambda_sink.core.errors import RetriableConversionError
from kafka_lambda_sink.core.ports import RegisteredSchema, SchemaRegistry
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.sink_record import SinkRecord
from tests.support.avro_records import MemoryRegistry, framed
from tests.support.config_text import FIVE
from tests.support.records import TP, record
from tests.support.stepped_clock import SteppedClock

#: Of a configuration's further lines, what opens a part's registry, and a clock.
Build: TypeAlias = Callable[..., Conversions]


def no_registry(part: str) -> SchemaRegistry:
    raise AssertionError(part)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def build(
        text: str, open_registry: Callable[[str], SchemaRegistry], clock: SteppedClock | None = None
    ) -> Conversions:
        path = tmp_path / "sink.properties"
        path.write_text(FIVE + text, encoding="utf-8")
        loaded = load(path, environ={})
        return Conversions(loaded.sink, loaded.transforms, clock or SteppedClock(), open_registry)

    return build


@pytest.fixture
def conversions(build: Build) -> Callable[[str], Conversions]:
    return lambda text: build(text, no_registry)


def convert(under_test: Conversions, *records: SourceRecord) -> tuple[list[dict[str, Any]], Conversion]:
    found = Conversion()
    under_test.open(TP).convert(records, found)
    return [entry["payload"] for entry in json.loads(encode(found.entries))], found


@pytest.mark.parametrize(
    "text", ["", "value.converter=long\njson.long=string\n", "errors.tolerance=all\n", "transforms=\ntombstones=pass\n"]
)
def test_without_transforms_and_filters_a_record_goes_the_fast_way(
    conversions: Callable[[str], Conversions], text: str
):
    under_test = conversions(text)
    assert isinstance(under_test.open(TP), PlainConverter)
    assert not under_test.may_drop


@pytest.mark.parametrize("escaped", [False, True])
def test_both_ways_give_the_same_payload(conversions: Callable[[str], Conversions], *, escaped: bool):
    text = "record.converter.class=EscapedJsonKeyValueConverter\n" if escaped else ""
    records = [
        record(1, b'{"a": [1.10, 12345678901234567890123, true, null, "x"]}', b"k"),
        record(2, b'"text"', None),
        record(3, None, b"k", timestamp=(0, -1)),
        record(5, b"1e3", "\u00fc".encode()),
    ]
    fast, long = Conversion(), Conversion()
    under_test = conversions(text)
    under_test.open(TP).convert(records, fast)
    under_test.record_path().convert(records, long)
    bare = [encode(found.entries).replace(b" ", b"") for found in (fast, long)]
    assert json.loads(bare[0]) == json.loads(bare[1])
    assert b"12345678901234567890123" in bare[1]
    assert b"1.10" in bare[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 7),
        ("header.converter=org.apache.kafka.connect.storage.StringConverter\n", "7"),
        ("header.converter=bytes\n", "Nw=="),
    ],
)
def test_headers_are_read_by_their_converter(conversions: Callable[[str], Conversions], text: str, expected: object):
    under_test = conversions("aws.lambda.record.headers=true\n" + text)
    ((payload,), _) = convert(under_test, record(1, b"{}", headers=[("n", b"7")]))
    assert expected in [value for header in payload["headers"] for value in header.values()]


def test_transforms_fields_filters_and_headers_work_together(conversions: Callable[[str], Conversions]):
    under_test = conversions(
        "transforms=key,drop,noise\n"
        "transforms.key.type=org.apache.kafka.connect.transforms.ValueToKey\n"
        "transforms.key.fields=id\n"
        "transforms.drop.type=Filter\n"
        "transforms.drop.predicate=isTest\n"
        "transforms.noise.type=DropHeaders\n"
        "transforms.noise.headers=noise\n"
        "predicates=isTest\n"
        "predicates.isTest.type=HasHeaderKey\n"
        "predicates.isTest.name=test\n"
        "fields.exclude=card\n"
        'aws.lambda.filter.patterns=[{"value": {"price": [{"numeric": [">", 10]}]}}]\n'
        "aws.lambda.record.headers=true\n"
        "tombstones=drop\n"
    )
    headers: list[tuple[str, bytes | None]] = [("trace", b"7"), ("noise", b"x")]
    payloads, found = convert(
        under_test,
        record(1, b'{"id": 7, "price": 20.50, "card": "4111"}', b"old", headers=headers),
        record(2, b'{"id": 8, "price": 5}'),
        record(3, b'{"id": 9, "price": 30}', headers=[("test", b"1")]),
        record(4, b"[]"),
        record(5, b"{"),
    )
    assert [(payload["key"], payload["value"], payload["headers"]) for payload in payloads] == [
        ({"id": 7}, {"id": 7, "price": 20.5}, [{"name": "trace", "value": 7}])
    ]
    assert found.dropped == 2
    assert [(failed.offset(), error.stage) for failed, error in found.failures] == [
        (4, "TRANSFORMATION"), (5, "VALUE_CONVERTER"),
    ]  # fmt: skip
    assert under_test.may_drop


@pytest.mark.parametrize(
    ("converter", "raw", "expected"),
    [
        ("org.apache.kafka.connect.storage.SimpleHeaderConverter", b"7", 7),
        ("org.apache.kafka.connect.storage.StringConverter", b"7", "7"),
        ("org.apache.kafka.connect.json.JsonConverter\nheader.converter.schemas.enable=false", b'{"a":1}', {"a": 1}),
        ("org.apache.kafka.connect.converters.ByteArrayConverter", b"\x00\xff", "AP8="),
        ("org.apache.kafka.connect.converters.BooleanConverter", b"\1", True),
        ("org.apache.kafka.connect.converters.ShortConverter", b"\xff\xfe", -2),
        ("org.apache.kafka.connect.converters.IntegerConverter", b"\0\0\0\5", 5),
        ("org.apache.kafka.connect.converters.LongConverter", b"\x7f" + b"\xff" * 7, 2**63 - 1),
        ("org.apache.kafka.connect.converters.FloatConverter", b"\x3f\x80\0\0", 1.0),
        ("org.apache.kafka.connect.converters.DoubleConverter", b"\x3f\xb9" + b"\x99" * 5 + b"\x9a", 0.1),
    ],
)
def test_headers_are_converted_by_their_own_converter(
    conversions: Callable[[str], Conversions], converter: str, raw: bytes, expected: object
):
    under_test = conversions(f"aws.lambda.record.headers=true\nheader.converter={converter}\n")
    payloads, _ = convert(under_test, record(1, b'"7"', b"7", headers=[("b", raw), ("a", None), ("b", raw)]))
    assert (payloads[0]["key"], payloads[0]["value"]) == ("7", "7")
    values = [("b", expected), ("a", None), ("b", expected)]
    assert payloads[0]["headers"] == [{"name": name, "value": value} for name, value in values]


def test_binary_headers_are_base64_and_those_that_cannot_be_converted_fail_their_record_alone(
    conversions: Callable[[str], Conversions],
):
    text = "aws.lambda.record.headers=true\n"
    ((payload,), _) = convert(conversions(text), record(1, headers=[("a", b"\x00\xff")]))
    assert payload["headers"] == [{"name": "a", "value": "AP8="}]
    text += "header.converter=integer\n"
    payloads, found = convert(conversions(text), record(1, headers=[("a", b"\1")]), record(2))
    assert [(failed.offset(), error.stage) for failed, error in found.failures] == [(1, "HEADER_CONVERTER")]
    assert [payload["offset"] for payload in payloads] == [2]


@pytest.mark.parametrize(("line", "patience"), [("", 0.0), ("errors.retry.timeout=5000\n", 5.0)])
def test_a_transform_that_asks_for_time_has_errors_retry_timeout(
    build: Build, monkeypatch: pytest.MonkeyPatch, line: str, patience: float
):
    def waits(_: SinkRecord) -> SinkRecord:
        raise RetriableConversionError("not yet")

    clock = SteppedClock()
    monkeypatch.setattr(transform_plan, "load_transform", {"waits": lambda _: waits}.get)
    under_test = build(f"transforms=w\ntransforms.w.type=waits\n{line}", no_registry, clock).open(TP)
    if patience:
        for _ in range(2):
            with pytest.raises(RetriableConversionError):
                under_test.convert([record(1)], Conversion())
            clock.step(patience / 2)
    found = Conversion()
    under_test.convert([record(1)], found)
    assert [(failed.offset(), error.stage) for failed, error in found.failures] == [(1, "TRANSFORMATION")]


def test_tombstones_are_dropped_and_counted(conversions: Callable[[str], Conversions]):
    payloads, found = convert(conversions("tombstones=drop\n"), record(1, None, b"k"), record(2, b"1"))
    assert [payload["offset"] for payload in payloads] == [2]
    assert found.dropped == 1


def test_tombstones_pass_and_only_fields_that_are_included_do(conversions: Callable[[str], Conversions]):
    under_test = conversions("tombstones=pass\nfields.include=id,customer.name\n")
    value = b'{"id": 7, "customer": {"name": "ada", "card": "4111"}, "note": "x"}'
    payloads, found = convert(under_test, record(1, None, b"k"), record(2, value, b"k"))
    assert [(each["key"], each["value"]) for each in payloads] == [
        ("k", None), ("k", {"id": 7, "customer": {"name": "ada"}}),
    ]  # fmt: skip
    assert (found.dropped, found.failures) == (0, [])


def test_hashes_are_made_with_the_salt(conversions: Callable[[str], Conversions]):
    values = [
        convert(conversions(f"fields.hash=card\nfields.hash.salt={salt}\n"), record(1, b'{"card": "4111"}'))[0][0][
            "value"
        ]
        for salt in ("one of sixteen or more", "two of sixteen or more")
    ]
    assert values[0] != values[1]
    assert len(values[0]["card"]) == 64


def test_decimals_of_an_envelope_are_numbers_where_they_are_asked_for(conversions: Callable[[str], Conversions]):
    schema = {"type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}}
    value = json.dumps({"schema": schema, "payload": "eA=="}).encode()
    numeric = "value.converter.schemas.enable=true\nvalue.converter.decimal.format=NUMERIC\nvalue.converter=json\n"
    found = Conversion()
    conversions(numeric).open(TP).convert([record(1, value)], found)
    assert b'"value":1.20' in encode(found.entries)
    assert convert(conversions(numeric.replace("NUMERIC", "BASE64")), record(1, value))[0][0]["value"] == "eA=="


def registered(kind: str, text: str) -> MemoryRegistry:
    return MemoryRegistry(RegisteredSchema(7, kind, text))


PROTO = """syntax = "proto3"; import "google/protobuf/wrappers.proto";
message A { oneof one { int32 a = 1; } E e = 2; google.protobuf.Int32Value w = 3; enum E { X = 0; } }"""
PROTOBUF = framed(b"\0\x08\x05\x1a\x02\x08\x09")


@pytest.mark.parametrize(
    ("text", "schema", "raw", "expected"),
    [
        ("protobuf", ("PROTOBUF", PROTO), PROTOBUF, {"one_0": {"a": 5}, "e": "X", "w": {"value": 9}}),
        (
            "protobuf\nvalue.converter.generate.index.for.unions=false\nvalue.converter.int.for.enums=true",
            ("PROTOBUF", PROTO), PROTOBUF, {"one": {"a": 5}, "e": 0, "w": {"value": 9}},
        ),
        (
            "protobuf\nvalue.converter.flatten.unions=true\nvalue.converter.wrapper.for.nullables=true",
            ("PROTOBUF", PROTO), PROTOBUF, {"a": 5, "e": "X", "w": 9},
        ),
        ("jsonschema", ("JSON", '{"maximum": 1}'), framed(b"2"), 2),
        ("avro", ("AVRO", '"int"'), framed(b"\x04"), 2),
    ],
)  # fmt: skip
@pytest.mark.parametrize("escaped", [False, True])
def test_what_has_a_schema_in_a_registry_is_converted(
    build: Build, text: str, schema: tuple[str, str], raw: bytes, expected: object, *, escaped: bool
):
    more = "record.converter.class=EscapedJsonKeyValueConverter\n" if escaped else ""
    settings = f"value.converter={text}\nvalue.converter.schema.registry.url=http://x\n{more}"
    for transforms in ("", "tombstones=drop\n"):
        under_test = build(settings + transforms, lambda _: registered(*schema))
        (payload,), found = convert(under_test, record(1, raw, b"k"))
        assert payload["value"] == expected
        assert not found.failures


@pytest.mark.parametrize("transforms", ["", "tombstones=drop\n"])
def test_json_is_validated_on_request(build: Build, transforms: str):
    settings = "value.converter=jsonschema\nvalue.converter.schema.registry.url=http://x\n" + transforms
    settings += "value.converter.json.fail.invalid.schema=true\n"
    under_test = build(settings, lambda _: registered("JSON", '{"maximum": 1}'))
    (payload,), found = convert(under_test, record(1, framed(b"1")), record(2, framed(b"2")))
    assert payload["value"] == 1
    assert [failed.offset() for failed, _ in found.failures] == [2]


@pytest.mark.parametrize("more", ["", "aws.lambda.record.headers=true\n", "fields.exclude=tenant\n"])
@pytest.mark.parametrize("source", ["key", "header:tenant", "value:tenant"])
def test_a_record_has_the_tenant_that_it_came_with_on_either_way(
    conversions: Callable[[str], Conversions], source: str, more: str
):
    under_test = conversions(f"aws.lambda.tenant.id.from={source}\n{more}")
    item = record(7, b'{"tenant":"blue"}', b"blue", headers=[("tenant", b"blue")])
    payloads, found = convert(under_test, item, record(8, b"{}"))
    assert found.tenants == ["blue"]
    assert [payload["offset"] for payload in payloads] == [7]
    assert [failed.offset() for failed, _ in found.failures] == [8]
