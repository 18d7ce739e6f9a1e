"""What goes in comes out, by google's own JSON where its rules are Connect's; both ways are one; bytes only fail."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import msgspec
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.protobuf import build_protobuf_converter, build_protobuf_reader
from kafka_lambda_sink.converters.protobuf_connect import ProtobufForm
from kafka_lambda_sink.core.errors import RecordError
from tests.support.avro_records import MemoryRegistry, framed
from tests.support.protobuf_records import message_class, registered

TEXT = """
syntax = "proto3";
package p;
import "google/protobuf/timestamp.proto";
import "google/type/date.proto";
import "google/type/timeofday.proto";
import "google/protobuf/wrappers.proto";
import "confluent/type/decimal.proto";
enum Color { NONE = 0; RED = 1; GREEN = 2; MINUS = -3; }
message All {
  int32 a = 1; sint32 b = 2; sfixed32 c = 3; uint32 d = 4; fixed32 e = 5;
  int64 f = 6; sint64 g = 7; sfixed64 h = 8; uint64 i = 9; fixed64 j = 10;
  float k = 11; double l = 12; bool m = 13; string n = 14; bytes o = 15; Color p = 16;
  optional int32 q = 17; optional string r = 18; optional bytes s = 19; optional Color t = 20; optional double u = 21;
  repeated int64 ra = 22; repeated string rb = 23; repeated Color rc = 24; repeated bytes rd = 25; repeated All re = 26;
  map<string, int32> ma = 27; map<string, All> mb = 28; map<string, bytes> mc = 29; map<string, Color> md = 30;
  All child = 31;
  oneof one { int32 x = 32; string y = 33; All z = 34; bytes w = 35; }
  oneof two { Color v = 36; double uu = 37; }
}
message Wide {
  map<int64, string> a = 1; map<bool, float> b = 2; map<uint64, Wide> c = 3;
  repeated float d = 4; repeated double e = 5;
  google.protobuf.Timestamp f = 6; google.type.Date g = 7; google.type.TimeOfDay h = 8;
  google.protobuf.FloatValue i = 9; confluent.type.Decimal j = 10;
  repeated google.protobuf.Timestamp k = 11; google.protobuf.UInt64Value l = 12;
  oneof m { google.protobuf.Timestamp n = 13; Wide o = 14; float p = 15; }
}
"""
ALL, WIDE = (message_class(TEXT, name) for name in ("p.All", "p.Wide"))
INDEXES = {"All": b"\0", "Wide": b"\x02\x02"}
REGISTRY = MemoryRegistry(registered(TEXT))
JSON_FORMS = st.builds(
    JsonForm,
    decimal_format=st.sampled_from(["BASE64", "NUMERIC"]),
    nonfinite=st.sampled_from(["error", "null", "string"]),
    long=st.sampled_from(["number", "string"]),
)
PROTOBUF_FORMS = st.builds(
    ProtobufForm,
    has_union_index=st.booleans(),
    is_flat=st.booleans(),
    has_enum_numbers=st.booleans(),
    unwraps=st.booleans(),
)


def json_text(raw: bytes, form: JsonForm, protobuf_form: ProtobufForm) -> bytes | None:
    """The JSON, the same both ways; None where the record is refused, also both ways."""
    fast = build_protobuf_converter(REGISTRY, form, stage=VALUE_CONVERTER, protobuf_form=protobuf_form)
    read = build_protobuf_reader(REGISTRY, stage=VALUE_CONVERTER, protobuf_form=protobuf_form)
    embed = build_embedder(form, VALUE_CONVERTER)
    texts: list[bytes | None] = []
    for way in (fast, lambda raw: embed(*read(raw))):
        try:
            texts.append(msgspec.json.encode(way(raw)))
        except RecordError:
            texts.append(None)
    assert texts[0] == texts[1]
    return texts[0]


def integers(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else st.integers(0, (1 << bits) - 1)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
# Of the smallest, google writes six digits where two say it.
SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
COLORS = st.sampled_from([0, 1, 2, -3])


def messages(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Of All, by the names of its fields; those that are not drawn are not set."""
    small, large = integers(32, signed=True), integers(64, signed=True)
    texts, raws = TEXTS, st.binary(max_size=5)
    fields: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys("abcq", small), **dict.fromkeys("de", integers(32, signed=False)),
        **dict.fromkeys("fgh", large), **dict.fromkeys("ij", integers(64, signed=False)),
        "k": SINGLES, "l": DOUBLES, "u": DOUBLES, "m": st.booleans(), "n": texts, "r": texts, "o": raws, "s": raws,
        "p": COLORS, "t": COLORS, "ra": st.lists(large, max_size=3), "rb": st.lists(texts, max_size=3),
        "rc": st.lists(COLORS, max_size=3), "rd": st.lists(raws, max_size=3), "re": st.lists(inner, max_size=2),
        "ma": st.dictionaries(texts, small, max_size=3), "mb": st.dictionaries(texts, inner, max_size=2),
        "mc": st.dictionaries(texts, raws, max_size=2), "md": st.dictionaries(texts, COLORS, max_size=2),
        "child": inner, "x": small, "y": texts, "z": inner, "w": raws, "v": COLORS, "uu": DOUBLES,
    }  # fmt: skip
    return st.fixed_dictionaries({}, optional=fields).map(_built)


def _built(values: dict[str, Any]) -> Any:
    message = ALL()
    for name, value in values.items():
        if name == "mb":
            for key, it in value.items():
                message.mb[key].CopyFrom(it)
        elif name in {"child", "z"}:
            getattr(message, name).CopyFrom(value)
        elif isinstance(value, dict):
            getattr(message, name).update(value)
        elif isinstance(value, list):
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
    return message


ONEOFS = {"one_0": ("x", "y", "z", "w"), "two_1": ("v", "uu")}
LONGS = set("fghij")


def expected(message: Any) -> dict[str, Any]:
    """By google's JSON: there, 64-bit integers are texts, and what is not set is left out or a default."""
    found = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return _connected(found)


def _connected(found: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, fields in ONEOFS.items():
        made[name] = {it: _value(it, found.get(it)) for it in fields} if any(it in found for it in fields) else None
    for field in ALL.DESCRIPTOR.fields:
        if field.name not in {it for fields in ONEOFS.values() for it in fields}:
            made[field.name] = _value(field.name, found.get(field.name))
    return made


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "ra" or name in LONGS:
        return [int(it) for it in value] if name == "ra" else int(value)
    if name == "mb":
        return {key: _connected(it) for key, it in value.items()}
    if name == "re":
        return [_connected(it) for it in value]
    return _connected(value) if name in {"child", "z"} else value


MESSAGES = st.recursive(messages(st.just(ALL())), messages, max_leaves=4)


@given(MESSAGES)
@settings(max_examples=200)
def test_what_goes_in_comes_out(message):
    text = json_text(framed(INDEXES["All"] + message.SerializeToString()), JsonForm(), ProtobufForm())
    assert text is not None
    found = json.loads(text)
    assert found == expected(message)
    assert list(found) == list(expected(message))
    assert list(found["ma"]) == sorted(found["ma"])


@given(message=MESSAGES, form=JSON_FORMS, protobuf_form=PROTOBUF_FORMS)
def test_both_ways_are_one_in_every_form(message, form, protobuf_form):
    assert json_text(framed(INDEXES["All"] + message.SerializeToString()), form, protobuf_form) is not None


@st.composite
def wide(draw: st.DrawFn, depth: int = 2) -> Any:
    message = WIDE()
    singles, seconds = st.floats(width=32), st.integers(-70_000_000_000, 260_000_000_000)
    message.a.update(draw(st.dictionaries(integers(64, signed=True), TEXTS, max_size=2)))
    message.b.update(draw(st.dictionaries(st.booleans(), singles, max_size=2)))
    message.d.extend(draw(st.lists(singles, max_size=3)))
    message.e.extend(draw(st.lists(st.floats(), max_size=3)))
    for it in draw(st.lists(st.sampled_from("fghijlnop"), max_size=5)):
        match it:
            case "f" | "n":
                getattr(message, it).seconds = draw(seconds)
                getattr(message, it).nanos = draw(st.integers(-5, 1_000_000_005))
            case "g":
                message.g.year, message.g.month = draw(st.integers(-1, 10_001)), draw(st.integers(-1, 14))
                message.g.day = draw(st.integers(-1, 33))
            case "h":
                message.h.hours, message.h.minutes = draw(st.integers(0, 24)), draw(st.integers(0, 60))
            case "i":
                message.i.value = draw(singles)
            case "j":
                message.j.value, message.j.scale = draw(st.binary(max_size=9)), draw(st.integers(-3, 3))
            case "l":
                message.l.value = draw(integers(64, signed=False))
            case "o" if depth:
                message.o.CopyFrom(draw(wide(depth - 1)))
            case "p":
                message.p = draw(singles)
    return message


@given(message=wide(), form=JSON_FORMS, protobuf_form=PROTOBUF_FORMS)
@settings(max_examples=300)
def test_both_ways_are_one_for_all_that_connect_changes(message, form, protobuf_form):
    text = json_text(framed(INDEXES["Wide"] + message.SerializeToString()), form, protobuf_form)
    if text is not None and message.HasField("j") and form.decimal_format == "BASE64":
        unscaled = int.from_bytes(base64.b64decode(json.loads(text)["j"]), "big", signed=True)
        assert unscaled == int.from_bytes(message.j.value, "big", signed=True) * 10**-message.j.scale


@given(
    name=st.sampled_from(["All", "Wide"]), garbage=st.binary(max_size=40), form=JSON_FORMS, protobuf_form=PROTOBUF_FORMS
)
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(name, garbage, form, protobuf_form):
    json_text(framed(INDEXES[name] + garbage), form, protobuf_form)


@given(garbage=st.binary(max_size=12))
def test_any_indexes_are_read_or_refused(garbage):
    json_text(framed(garbage), JsonForm(), ProtobufForm())


@given(data=st.data(), message=MESSAGES)
def test_changed_bytes_are_read_or_refused(data, message):
    raw = bytearray(framed(INDEXES["All"] + message.SerializeToString()))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    json_text(bytes(raw), JsonForm(), ProtobufForm())


KEYWORDS = [
    "message",
    "enum",
    "oneof",
    "map",
    "group",
    "option",
    "optional",
    "repeated",
    "extend",
    "reserved",
    "import",
]
WORDS = st.sampled_from(
    [*KEYWORDS, *"{}[]<>()=;,.\"'-/*\0ü\n\\", "//", "/*", "1", "0x", "9" * 20, "9" * 5000, "int32", "A", "p.All"]
)


@given(data=st.data())
@settings(max_examples=300)
def test_any_schema_is_read_or_the_records_fault(data):
    """Whatever is cut out of a schema and put in its place."""
    source = "\n".join(data.draw(st.permutations(TEXT.splitlines()))) if data.draw(st.booleans()) else TEXT
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(source)))
        end = data.draw(st.integers(begin, min(len(source), begin + 20)))
        source = source[:begin] + " ".join(data.draw(st.lists(WORDS, max_size=3))) + source[end:]
    convert = build_protobuf_converter(MemoryRegistry(registered(source)), JsonForm(), stage=VALUE_CONVERTER)
    with suppress(RecordError):
        json.loads(msgspec.json.encode(convert(framed(INDEXES["All"]))))
