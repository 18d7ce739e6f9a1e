from __future__ import annotations

import json
import re

import msgspec
import pytest

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import KEY_CONVERTER, VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.json_schema import build_json_schema_converter, build_json_schema_reader
from kafka_lambda_sink.core.errors import RecordError, SchemaRegistryError
from kafka_lambda_sink.core.ports import RegisteredSchema
from tests.support.avro_records import MemoryRegistry, framed

PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"minimum": 0}}, "required": ["name"]}


def registered(schema, **references):
    return RegisteredSchema(
        7, "JSON", json.dumps(schema), tuple((f"{name}.json", json.dumps(it)) for name, it in references.items())
    )


def convert(known, raw, *, validates=False):
    """The JSON, after a look that both ways give the same."""
    registry = MemoryRegistry(known)
    fast = build_json_schema_converter(registry, stage=VALUE_CONVERTER, validates=validates)
    read = build_json_schema_reader(registry, stage=VALUE_CONVERTER, validates=validates)
    embed = build_embedder(JsonForm(), VALUE_CONVERTER)
    try:
        text = msgspec.json.encode(fast(raw)).decode()
    except RecordError as error:
        with pytest.raises(RecordError, match=f"^{re.escape(str(error))}$"):
            read(raw)
        raise
    assert json.loads(msgspec.json.encode(embed(*read(raw)))) == json.loads(text)
    return text


def refused(known, raw, **more):
    with pytest.raises(RecordError) as caught:
        convert(known, raw, **more)
    assert caught.value.stage == VALUE_CONVERTER
    return str(caught.value)


@pytest.mark.parametrize(
    "text", ['{"name": "x", "a":  [1.0, 1e5, 123456789012345678901234567890]}', '"ü"', "null", "[]", " 1 "]
)
def test_is_embedded_as_it_is(text):
    assert convert(registered({}), framed(text.encode())) == text


def test_nothing_is_null():
    registry = MemoryRegistry()
    assert build_json_schema_converter(registry, stage=VALUE_CONVERTER)(None) is None
    assert build_json_schema_reader(registry, stage=VALUE_CONVERTER)(None) == (None, None)


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b'{"a": "\xff"}', b'"\\ud800"', b"1e999", b"[" * 201 + b"]" * 201])
def test_what_is_no_json_is_refused(text):
    assert refused(registered({}), framed(text)).startswith("the value is not valid JSON: ")


@pytest.mark.parametrize("raw", [b"", b"\0\0\0\0", b'{"a": 1}', b"\1" + bytes(20)])
def test_bytes_that_name_no_schema_are_refused(raw):
    refused(registered({}), raw)


def test_the_schema_must_be_one_of_json():
    known = RegisteredSchema(7, "AVRO", '"string"')
    assert refused(known, framed(b"1")) == "the value is written with the schema 7, which is AVRO, not JSON Schema"


@pytest.mark.parametrize("build", [build_json_schema_converter, build_json_schema_reader])
def test_an_unknown_schema_is_the_records_fault_and_asked_for_again(build):
    registry = MemoryRegistry()
    way = build(registry, stage=KEY_CONVERTER)
    with pytest.raises(RecordError, match="the key is written with the schema 7, which the registry does not have"):
        way(framed(b"1"))
    registry.by_id[7] = registered({})
    for _ in range(2):
        way(framed(b"1"))
    assert registry.asked == [7, 7]


@pytest.mark.parametrize("build", [build_json_schema_converter, build_json_schema_reader])
def test_a_registry_that_is_away_is_nobodys_fault(build):
    registry = MemoryRegistry(registered({}))
    registry.is_away = True
    with pytest.raises(SchemaRegistryError):
        build(registry, stage=VALUE_CONVERTER)(framed(b"1"))


class TestValidation:
    def test_is_done_on_request(self):
        text = '{"name": "x", "age": -1}'
        raw = framed(text.encode())
        assert convert(registered(PERSON), raw) == text
        message = refused(registered(PERSON), raw, validates=True)
        assert message == "value.age does not satisfy `minimum` of the schema 7 (json.fail.invalid.schema)"

    def test_passes_what_fits(self):
        text = '{"name": "x", "age": 1e2, "more": [1, null]}'
        assert convert(registered(PERSON), framed(text.encode()), validates=True) == text

    @pytest.mark.parametrize(
        ("schema", "text", "message"),
        [
            (PERSON, b"{}", "the value does not satisfy `required`"),
            (PERSON, b'{"name": "x", "age": "secret"}', None),
            (PERSON, b'{"name": ["secret"]}', "value.name does not satisfy `type`"),
            ({"items": {"enum": [1]}}, b"[1, 1, 2]", "value[2] does not satisfy `enum`"),
            ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, b'"x"', "the value does not satisfy `oneOf`"),
            ({"additionalProperties": False}, b'{"secret": 1}', "the value does not satisfy `falseSchema`"),
            (
                {"properties": {"a": {}}, "additionalProperties": False},
                b'{"secret": 1}',
                "the value does not satisfy `additionalProperties`",
            ),
            ({"maximum": 10**30}, str(10**30 + 1).encode(), "the value does not satisfy `maximum`"),
            ({"format": "date"}, b'"secret"', "the value does not satisfy `format`"),
            (False, b"1", "the value does not satisfy `falseSchema`"),
        ],
    )
    def test_says_where_and_by_what_but_not_the_value(self, schema, text, message):
        if message is None:
            assert convert(registered(schema), framed(text), validates=True)
            return
        found = refused(registered(schema), framed(text), validates=True)
        assert found == f"{message} of the schema 7 (json.fail.invalid.schema)"

    def test_is_by_draft_7_where_the_schema_does_not_say(self):
        schema = {"definitions": {"a": {"type": "string"}}, "items": [{"type": "integer"}], "additionalItems": False}
        assert "additionalItems" in refused(registered(schema), framed(b"[1, 2]"), validates=True)
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        assert "cannot be used" in refused(registered(schema), framed(b"[1, 2]"), validates=True)

    @pytest.mark.parametrize("own", [{}, {"$id": "https://example.com/schemas/main.json"}, {"$id": "main"}])
    @pytest.mark.parametrize("other", [{}, {"$id": "https://example.com/other.json"}])
    def test_knows_references(self, own, other):
        schema = {**own, "properties": {"a": {"$ref": "other.json#/definitions/A"}}}
        references = {
            "third": {"type": "integer"},
            "other": {**other, "definitions": {"A": {"items": {"$ref": "third.json"}}}},
        }
        known = registered(schema, **references)
        assert convert(known, framed(b'{"a": [1]}'), validates=True)
        assert refused(known, framed(b'{"a": [1, "x"]}'), validates=True).startswith(
            "value.a[1] does not satisfy `type`"
        )

    @pytest.mark.parametrize(
        "schema",
        [
            {"$ref": "absent.json"},
            {"$ref": "http://127.0.0.1:9/x.json"},
            {"$ref": "file:///etc/passwd"},
            {"type": 5},
            [],
            5,
        ],
    )
    def test_by_a_schema_that_cannot_be_used_refuses(self, schema):
        message = refused(registered(schema), framed(b"1"), validates=True)
        assert message.startswith("the value is written with the schema 7, which cannot be used: ")
        assert "\n" not in message

    def test_by_what_is_no_json_refuses(self):
        known = RegisteredSchema(7, "JSON", "{")
        assert "which cannot be used" in refused(known, framed(b"1"), validates=True)
        assert convert(known, framed(b"1")) == "1"

    def test_of_a_costly_pattern_ends(self):
        known = registered({"pattern": "^(?=a)(a|aa)+$"})
        assert refused(known, framed(json.dumps("a" * 5000 + "!").encode()), validates=True)
