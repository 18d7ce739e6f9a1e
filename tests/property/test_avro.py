"""What goes in comes out, whatever the schema; both ways to JSON are one; no bytes do more than fail."""

from __future__ import annotations

import json
import struct
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_lambda_sink.converters.avro import build_avro_converter, build_avro_reader
from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.core.errors import RecordError
from tests.support.avro_records import MemoryRegistry, framed, registered, written
from tests.support.avro_shapes import Shape, Single, shapes

FORMS = st.builds(
    JsonForm,
    decimal_format=st.sampled_from(["BASE64", "NUMERIC"]),
    nonfinite=st.sampled_from(["error", "null", "string"]),
    long=st.sampled_from(["number", "string"]),
)


def json_text(schema: Any, raw: bytes, form: JsonForm) -> bytes | None:
    """The JSON, the same both ways; None where the record is refused, also both ways."""
    registry = MemoryRegistry(registered(schema))
    fast = build_avro_converter(registry, form, stage=VALUE_CONVERTER)
    read = build_avro_reader(registry, stage=VALUE_CONVERTER)
    embed = build_embedder(form, VALUE_CONVERTER)
    texts: list[bytes | None] = []
    for way in (fast, lambda raw: embed(*read(raw))):
        try:
            texts.append(msgspec.json.encode(way(raw)))
        except RecordError:
            texts.append(None)
    assert texts[0] == texts[1]
    return texts[0]


def assert_same(got: Any, expected: Any) -> None:
    if isinstance(expected, Single):
        assert struct.pack("f", got) == struct.pack("f", expected)
    elif isinstance(expected, dict):
        assert list(got) == list(expected)
        for key, value in expected.items():
            assert_same(got[key], value)
    elif isinstance(expected, list):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    else:
        assert got == expected
        assert type(got) is type(expected)


@given(data=st.data(), shape=shapes())
@settings(max_examples=300)
def test_what_goes_in_comes_out(data, shape: Shape):
    value, expected = data.draw(shape.pairs)
    text = json_text(shape.schema, written(shape.schema, value), JsonForm())
    assert text is not None
    assert_same(json.loads(text), expected)


@given(data=st.data(), shape=shapes(), form=FORMS)
def test_both_ways_are_one_in_every_form(data, shape: Shape, form):
    value, _ = data.draw(shape.pairs)
    assert json_text(shape.schema, written(shape.schema, value), form) is not None


@given(shape=shapes(), garbage=st.binary(max_size=40), form=FORMS)
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(shape: Shape, garbage, form):
    json_text(shape.schema, framed(garbage), form)


@given(data=st.data(), shape=shapes())
def test_changed_bytes_are_read_or_refused(data, shape: Shape):
    value, _ = data.draw(shape.pairs)
    raw = bytearray(written(shape.schema, value))
    if len(raw) > 5:
        raw[data.draw(st.integers(5, len(raw) - 1))] = data.draw(st.integers(0, 255))
    json_text(shape.schema, bytes(raw), JsonForm())


WORDS = [
    "int",
    "long",
    "bytes",
    "string",
    "null",
    "record",
    "array",
    "map",
    "enum",
    "fixed",
    "R",
    "a.R",
    "decimal",
    "date",
]
KEYS = ["type", "name", "namespace", "fields", "items", "values", "symbols", "size", "default", "logicalType", "scale"]
OF_CONNECT = ["connect.type", "connect.name", "connect.version", "connect.parameters", "connect.default"]
SCHEMA_LIKE: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(WORDS) | st.integers() | st.none() | st.booleans() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS + OF_CONNECT), inner, max_size=5)
        | st.builds(lambda more, kind: more | {"type": kind}, st.dictionaries(st.sampled_from(KEYS), inner), inner)
    ),
    max_leaves=12,
)


@given(SCHEMA_LIKE, st.binary(max_size=12))
@settings(max_examples=400)
def test_any_schema_is_used_or_refused(schema, data):
    json_text(schema, framed(data), JsonForm())


@given(shape=shapes(), key=st.sampled_from(KEYS + OF_CONNECT), value=SCHEMA_LIKE, data=st.binary(max_size=12))
@settings(max_examples=300)
def test_any_attribute_is_used_or_refused(shape: Shape, key, value, data):
    schema = shape.schema if isinstance(shape.schema, dict) else {"type": shape.schema}
    json_text(schema | {key: value}, framed(data), JsonForm())


TREE = {
    "type": "record",
    "name": "Tree",
    "fields": [
        {"name": "v", "type": "int"},
        {"name": "kids", "type": {"type": "array", "items": "Tree"}},
        {"name": "other", "type": ["null", "Tree"]},
        {"name": "named", "type": {"type": "map", "values": ["null", "int", "Tree"]}},
    ],
}


LEAVES: st.SearchStrategy[Any] = st.integers(-9, 9).map(lambda v: {"v": v, "kids": [], "other": None, "named": {}})


def _tree(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {
            "v": st.integers(-9, 9),
            "kids": st.lists(inner, max_size=2),
            "other": st.none() | inner,
            "named": st.dictionaries(st.text(max_size=2), st.none() | st.integers(-9, 9) | inner, max_size=2),
        }
    )


def _expected(tree: Any) -> Any:
    return {
        "v": tree["v"],
        "kids": [_expected(kid) for kid in tree["kids"]],
        "other": None if tree["other"] is None else _expected(tree["other"]),
        "named": {
            key: None
            if it is None
            else {"int": it, "Tree": None}
            if isinstance(it, int)
            else {"int": None, "Tree": _expected(it)}
            for key, it in tree["named"].items()
        },
    }


@given(st.recursive(LEAVES, _tree, max_leaves=8))
def test_types_within_themselves_too(tree):
    text = json_text(TREE, written(TREE, tree), JsonForm())
    assert text is not None
    assert_same(json.loads(text), _expected(tree))
