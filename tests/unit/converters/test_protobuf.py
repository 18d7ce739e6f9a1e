from __future__ import annotations

import base64
import json
import struct
from decimal import Decimal

import msgspec
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import KEY_CONVERTER, VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.protobuf import build_protobuf_converter, build_protobuf_reader
from kafka_lambda_sink.converters.protobuf_connect import ProtobufForm
from kafka_lambda_sink.core.errors import RecordError, SchemaRegistryError
from kafka_lambda_sink.core.ports import RegisteredSchema
from kafka_lambda_sink.core.schema import DATE, TIMESTAMP, Float32, Instant, Struct, Type, decimal_schema
from tests.support.avro_records import MemoryRegistry, framed
from tests.support.protobuf_records import compiled, registered, written

FIRST = b"\0"
PLAIN = JsonForm()
PLAIN_PROTOBUF = ProtobufForm()


def proto3(body, *imports):
    return 'syntax = "proto3";' + "".join(f'import "{name}.proto";' for name in imports) + body


def proto2(body):
    return f'syntax = "proto2";{body}'


def convert(known, raw, *, form=PLAIN, protobuf_form=PLAIN_PROTOBUF, stage=VALUE_CONVERTER):
    """The JSON, after a look that both ways give the same."""
    registry = MemoryRegistry(known)
    fast = build_protobuf_converter(registry, form, stage=stage, protobuf_form=protobuf_form)
    read = build_protobuf_reader(registry, stage=stage, protobuf_form=protobuf_form)
    embed = build_embedder(form, stage)
    try:
        text = msgspec.json.encode(fast(raw)).decode()
    except RecordError:
        with pytest.raises(RecordError):
            embed(*read(raw))
        raise
    assert msgspec.json.encode(embed(*read(raw))).decode() == text
    return text


def json_of(text, value, *, message="A", index=FIRST, references=None, **more):
    references = references or {}
    raw = framed(index + written(text, message, value, **references))
    return json.loads(convert(registered(text, **references), raw, **more))


def refused(text, raw, *, references=None, **more):
    with pytest.raises(RecordError) as caught:
        convert(registered(text, **(references or {})), raw, **more)
    assert caught.value.stage == VALUE_CONVERTER
    return str(caught.value)


class TestScalars:
    @pytest.mark.parametrize(
        ("kind", "value", "expected"),
        [
            ("int32", -(2**31), -(2**31)),
            ("sint32", -1, -1),
            ("sfixed32", -1, -1),
            ("uint32", 2**32 - 1, 2**32 - 1),
            ("fixed32", 2**32 - 1, 2**32 - 1),
            ("int64", "-9223372036854775808", -(2**63)),
            ("sint64", "9223372036854775807", 2**63 - 1),
            ("sfixed64", "-1", -1),
            ("uint64", "18446744073709551615", 2**64 - 1),
            ("fixed64", "18446744073709551615", 2**64 - 1),
            ("double", 0.1, 0.1),
            ("float", 0.1, 0.1),
            ("bool", True, True),
            ("string", "ü\n\u0000😀", "ü\n\0😀"),
            ("bytes", "AP8=", "AP8="),
        ],
    )
    def test_are_exact(self, kind, value, expected):
        text = proto3(
            f"message A {{ {kind} a = 1; repeated {kind} b = 2; optional {kind} c = 3; oneof d {{ {kind} e = 4; }} }}"
        )
        found = json_of(text, {"a": value, "b": [value, value], "c": value, "e": value})
        assert found == {"d_0": {"e": expected}, "a": expected, "b": [expected, expected], "c": expected}
        assert {type(it) for it in (found["a"], found["c"], *found["b"])} == {type(expected)}

    def test_are_there_where_proto3_leaves_them_out(self):
        text = proto3(
            "message A { int64 a = 1; string b = 2; bytes c = 3; bool d = 4; double e = 5; float f = 6;"
            " repeated A g = 7; map<string, A> h = 8; E i = 9; optional int32 j = 10; A k = 11; enum E { ZERO = 0; } }"
        )
        expected = {
            "a": 0,
            "b": "",
            "c": "",
            "d": False,
            "e": 0.0,
            "f": 0.0,
            "g": [],
            "h": {},
            "i": "ZERO",
            "j": None,
            "k": None,
        }
        found = json_of(text, {})
        assert found == expected
        assert list(found) == list(expected)

    def test_optional_ones_are_told_from_their_defaults(self):
        assert json_of(proto3("message A { optional int32 a = 1; optional string b = 2; }"), {"a": 0}) == {
            "a": 0,
            "b": None,
        }
        text = proto2("message A { optional int32 a = 1 [default = 5]; optional E b = 2; enum E { X = 1; } }")
        assert json_of(text, {}) == {"a": None, "b": None}

    def test_of_an_edition_are_as_java_has_them(self):
        delimited = "features.message_encoding = DELIMITED"
        text = f'edition = "2023"; message A {{ int32 a = 1 [default = 5]; A b = 2 [{delimited}]; }}'
        assert json_of(text, {"b": {"a": 1}}) == {"a": 5, "b": {"a": 1, "b": None}}

    @pytest.mark.parametrize(("form", "expected"), [("null", [None] * 3), ("string", ["NaN", "Infinity", "-Infinity"])])
    @pytest.mark.parametrize("kind", ["float", "double"])
    def test_that_are_not_finite(self, kind, form, expected):
        text = proto3(f"message A {{ repeated {kind} a = 1; }}")
        value = {"a": ["NaN", "Infinity", "-Infinity"]}
        assert json_of(text, value, form=JsonForm(nonfinite=form)) == {"a": expected}
        assert "value.a[0] cannot be written as JSON: a number that is not finite" in refused(
            text, framed(FIRST + written(text, "A", value))
        )

    def test_long_integers_may_be_texts(self):
        text = proto3("message A { uint64 a = 1; int64 b = 2; map<int64, uint64> c = 3; }")
        value = {"a": 2**64 - 1, "b": 5, "c": {str(-(2**60)): str(2**60)}}
        assert json_of(text, value, form=JsonForm(long="string")) == {
            "a": "18446744073709551615",
            "b": 5,
            "c": [["-1152921504606846976", "1152921504606846976"]],
        }

    def test_may_have_the_types_that_connect_wrote(self):
        text = proto3(
            'message A { int32 a = 1 [(confluent.field_meta) = { params: { key: "connect.type", value: "int8" } }];'
            ' int32 b = 2 [(confluent.field_meta).params = { key: "connect.type" value: "int16" }]; }',
            "confluent/meta",
        )
        assert json_of(text, {"a": 200, "b": 40000}) == {"a": -56, "b": -25536}

    def test_may_have_the_names_of_methods_and_keywords(self):
        names = [
            "HasField",
            "Clear",
            "DESCRIPTOR",
            "from",
            "class",
            "WhichOneof",
            "__init__",
            "FromString",
            "ListFields",
        ]
        fields = "".join(f"optional int32 {name} = {number};" for number, name in enumerate(names, 1))
        text = convert(registered(proto3(f"message A {{ {fields} }}")), framed(FIRST + b"\x08\x01\x10\x01\x18\x01"))
        assert json.loads(text) == {name: 1 if index < 3 else None for index, name in enumerate(names)}


class TestText:
    def test_that_is_not_utf8_is_refused_in_proto3(self):
        assert "UTF-8" in refused(proto3("message A { string a = 1; }"), framed(FIRST + b"\x0a\x01\xff"))

    @pytest.mark.parametrize(
        ("body", "data", "where"),
        [
            ("optional string a = 1;", b"\x0a\x01\xff", "value.a"),
            ("repeated string a = 1;", b"\x0a\x01x\x0a\x01\xff", "value.a[1]"),
            ("map<int32, string> a = 1;", b"\x0a\x05\x08\x01\x12\x01\xff", "value.a[0]"),
        ],
    )
    def test_that_is_not_utf8_is_refused_in_proto2(self, body, data, where):
        message = refused(proto2(f"message A {{ {body} }}"), framed(FIRST + data))
        assert message == f"{where} cannot be written as JSON: text that is not UTF-8"

    @pytest.mark.parametrize("keys", [[b"\xff"], [b"x", b"\xff"], [b"\xff", b"\xfe", b"y"]])
    @pytest.mark.parametrize("kind", ["int32", "A"])
    def test_that_is_not_utf8_is_refused_as_a_key(self, keys, kind):
        text = proto2(f"message A {{ map<string, {kind}> a = 1; }}")
        data = b"".join(b"\x0a\x03\x0a\x01" + key for key in keys)
        assert refused(text, framed(FIRST + data)).endswith(" cannot be written as JSON: a key that is not UTF-8")
        assert json_of(text, {}) == {"a": {}}


class TestEnums:
    TEXT = proto3("message A { E a = 1; repeated E b = 2; enum E { option allow_alias = true; X = 0; Y = 1; Z = 1; } }")

    def test_are_names_the_first_of_several(self):
        assert json_of(self.TEXT, {"a": "Z", "b": ["X", "Y"]}) == {"a": "Y", "b": ["X", "Y"]}

    def test_that_the_schema_does_not_have_are_named_as_in_java(self):
        assert json_of(self.TEXT, {"a": 7, "b": [-1]}) == {
            "a": "UNKNOWN_ENUM_VALUE_E_7",
            "b": ["UNKNOWN_ENUM_VALUE_E_-1"],
        }

    def test_may_be_numbers(self):
        form = ProtobufForm(has_enum_numbers=True)
        assert json_of(self.TEXT, {"a": "Z", "b": [9]}, protobuf_form=form) == {"a": 1, "b": [9]}


class TestOneofs:
    TEXT = proto3(
        "message A { int32 before = 1; oneof first { int32 a = 2; A b = 3; } optional int32 own = 4;"
        " oneof second { string c = 5; } }"
    )

    def test_are_structs_of_which_one_field_is_set(self):
        found = json_of(self.TEXT, {"a": 0})
        assert found == {"first_0": {"a": 0, "b": None}, "second_1": None, "before": 0, "own": None}
        assert list(found) == ["first_0", "second_1", "before", "own"]

    def test_may_be_named_without_their_index(self):
        found = json_of(self.TEXT, {"c": ""}, protobuf_form=ProtobufForm(has_union_index=False))
        assert found == {"first": None, "second": {"c": ""}, "before": 0, "own": None}

    def test_may_be_flat(self):
        found = json_of(self.TEXT, {"c": ""}, protobuf_form=ProtobufForm(is_flat=True))
        assert found == {"a": None, "b": None, "c": "", "before": 0, "own": None}

    def test_that_clash_with_a_field_are_refused(self):
        text = proto3("message A { oneof x { int32 a = 1; } int32 x_0 = 2; }")
        assert "which has two fields of one name in A" in refused(text, framed(FIRST))


class TestMaps:
    def test_are_objects_in_the_order_of_their_keys(self):
        text = proto3("message A { map<string, int32> a = 1; map<string, A> b = 2; }")
        found = json_of(text, {"a": {"z": 1, "a": 2, "m": 3}, "b": {"k": {}}})
        assert list(found["a"].items()) == [("a", 2), ("m", 3), ("z", 1)]
        assert found["b"] == {"k": {"a": {}, "b": {}}}

    @pytest.mark.parametrize(
        ("kind", "value", "expected"),
        [
            ("int32", {"2": "a", "-1": "b"}, [[-1, "b"], [2, "a"]]),
            ("uint64", {"18446744073709551615": "a"}, [[2**64 - 1, "a"]]),
            ("bool", {"true": "a", "false": "b"}, [[False, "b"], [True, "a"]]),
        ],
    )
    def test_of_other_keys_than_text_are_pairs(self, kind, value, expected):
        assert json_of(proto3(f"message A {{ map<{kind}, string> a = 1; }}"), {"a": value}) == {"a": expected}

    def test_say_where_a_value_is_wrong_but_not_its_key(self):
        text = proto3("message A { map<string, double> a = 1; }")
        raw = framed(FIRST + written(text, "A", {"a": {"a": 1, "secret": "NaN"}}))
        assert refused(text, raw).startswith("value.a[1] cannot be written as JSON")


class TestWellKnownTypes:
    def test_of_time_are_connects(self):
        imports = ("google/protobuf/timestamp", "google/type/date", "google/type/timeofday")
        text = proto3(
            "message A { google.protobuf.Timestamp a = 1; google.type.Date b = 2; google.type.TimeOfDay c = 3;"
            " repeated google.type.Date d = 4; map<string, google.protobuf.Timestamp> e = 5; }",
            *imports,
        )
        value = {
            "a": "1969-12-31T23:59:59.999999999Z",
            "b": {"year": 2024, "month": 2, "day": 29},
            "c": {"hours": 23, "minutes": 59, "seconds": 59, "nanos": 999_999_999},
            "d": [{"year": 1970, "month": 1, "day": 1}],
            "e": {"x": "9999-12-31T23:59:59.999Z"},
        }
        expected = {"a": -1, "b": 19782, "c": 86_399_999, "d": [0], "e": {"x": 253_402_300_799_999}}
        assert json_of(text, value) == expected
        assert json_of(text, {}) == {"a": None, "b": None, "c": None, "d": [], "e": {}}
        read = build_protobuf_reader(MemoryRegistry(registered(text)), stage=VALUE_CONVERTER)
        schema, struct_ = read(framed(FIRST + written(text, "A", value)))
        assert schema is not None
        assert isinstance(struct_, Struct)
        assert [schema.fields[index].schema.name for index in (0, 1)] == [TIMESTAMP, DATE]
        assert struct_.get("b") == Instant(19782 * 86_400_000)

    @pytest.mark.parametrize(
        ("kind", "value", "reason"),
        [
            ("google.type.Date", {"year": 2023, "month": 2, "day": 29}, "a date that is none"),
            ("google.type.Date", {"year": 2023, "month": 2}, "a date that is none"),
            ("google.type.Date", {"month": 2, "day": 1}, "a date that is none"),
            ("google.type.TimeOfDay", {"hours": 24}, "a time of day that is none"),
            ("google.type.TimeOfDay", {"seconds": 60}, "a time of day that is none"),
            ("google.type.TimeOfDay", {"nanos": -1}, "a time of day that is none"),
        ],
    )
    def test_out_of_their_range_are_refused(self, kind, value, reason):
        name = "google/type/date" if "Date" in kind else "google/type/timeofday"
        text = proto3(f"message A {{ {kind} a = 1; }}", name)
        assert (
            refused(text, framed(FIRST + written(text, "A", {"a": value})))
            == f"value.a cannot be written as JSON: {reason}"
        )

    @pytest.mark.parametrize("data", [b"\x08\xff\xff\xff\xff\xff\xff\x7f", b"\x10\x80\x94\xeb\xdc\x03"])
    def test_timestamps_out_of_their_range_are_refused(self, data):
        text = proto3("message A { google.protobuf.Timestamp a = 1; }", "google/protobuf/timestamp")
        raw = framed(FIRST + b"\x0a" + bytes([len(data)]) + data)
        assert "a timestamp out of its range" in refused(text, raw)

    WRAPPERS = proto3(
        "message A { google.protobuf.Int64Value a = 1; google.protobuf.StringValue b = 2; "
        " google.protobuf.UInt32Value c = 3; repeated google.protobuf.FloatValue d = 4; }",
        "google/protobuf/wrappers",
    )

    def test_wrappers_are_messages(self):
        found = json_of(self.WRAPPERS, {"a": "7", "b": "", "d": [1.1]})
        assert found == {"a": {"value": 7}, "b": {"value": ""}, "c": None, "d": [{"value": 1.1}]}

    def test_wrappers_may_be_their_values(self):
        found = json_of(self.WRAPPERS, {"a": "7", "b": "", "d": [1.1]}, protobuf_form=ProtobufForm(unwraps=True))
        assert found == {"a": 7, "b": "", "c": None, "d": [1.1]}

    def test_a_wrapper_that_is_the_record_is_its_value(self):
        text = proto3("message StringValue { string value = 1; }").replace(
            "message", "package google.protobuf; message"
        )
        read = build_protobuf_reader(MemoryRegistry(registered(text)), stage=VALUE_CONVERTER)
        schema, value = read(framed(FIRST + b"\x0a\x01x"))
        assert schema is not None
        assert (schema.type, value) == (Type.STRING, "x")
        assert convert(registered(text), framed(FIRST + b"\x0a\x01x")) == '"x"'

    def test_others_are_messages_like_any(self):
        text = proto3(
            "message A { google.protobuf.Struct a = 1; google.protobuf.Duration b = 2; google.protobuf.Any c = 3; }",
            "google/protobuf/struct", "google/protobuf/duration", "google/protobuf/any",
        )  # fmt: skip
        found = json_of(text, {"a": {"x": 1}, "b": "1.5s"})
        kinds = {"null_value": None, "number_value": 1.0, "string_value": None, "bool_value": None}
        assert found["a"] == {"fields": {"x": {"kind_0": {**kinds, "struct_value": None, "list_value": None}}}}
        assert (found["b"], found["c"]) == ({"seconds": 1, "nanos": 500_000_000}, None)


class TestDecimals:
    TEXT = proto3(
        'message A { confluent.type.Decimal a = 1 [(confluent.field_meta) = {params: [{key: "precision", value: "9"},'
        ' {key: "scale", value: "2"}]}]; confluent.type.Decimal b = 2; }',
        "confluent/type/decimal", "confluent/meta",
    )  # fmt: skip

    def value(self, unscaled, scale):
        raw = unscaled.to_bytes(20, "big", signed=True)
        return {"value": base64.b64encode(raw).decode(), "scale": scale}

    def test_are_bytes_or_numbers(self):
        value = {"a": self.value(-1234, 2), "b": self.value(10**40, 0)}
        found = json_of(self.TEXT, value)
        assert int.from_bytes(base64.b64decode(found["a"]), "big", signed=True) == -1234
        raw = framed(FIRST + written(self.TEXT, "A", value))
        text = convert(registered(self.TEXT), raw, form=JsonForm(decimal_format="NUMERIC"))
        assert text == '{"a":-12.34,"b":10000000000000000000000000000000000000000}'
        schema, struct_ = build_protobuf_reader(MemoryRegistry(registered(self.TEXT)), stage=VALUE_CONVERTER)(raw)
        assert schema is not None
        assert isinstance(struct_, Struct)
        assert schema.fields[0].schema == decimal_schema(2, is_optional=True)
        assert struct_.get("a") == Decimal("-12.34")

    def test_of_more_digits_than_the_schema_says_are_numbers_only(self):
        value = {"b": self.value(125, 2)}
        raw = framed(FIRST + written(self.TEXT, "A", value))
        assert "value.b cannot be written as JSON: a decimal with more than the 0 digits" in refused(self.TEXT, raw)
        assert json_of(self.TEXT, value, form=JsonForm(decimal_format="NUMERIC")) == {"a": None, "b": 1.25}

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ({"scale": 2}, "a decimal of no bytes"),
            ({"value": "AQ==", "scale": -(2**31)}, "a decimal of more than 10,000 digits"),
            ({"value": "AQ==", "scale": 2**31 - 1}, "a decimal of more than 10,000 digits"),
            ({"value": base64.b64encode(b"\x01" * 5000).decode()}, "a decimal of more than 10,000 digits"),
        ],
    )
    @pytest.mark.parametrize("decimal_format", ["BASE64", "NUMERIC"])
    def test_that_are_none_are_refused(self, value, reason, decimal_format):
        raw = framed(FIRST + written(self.TEXT, "A", {"b": value}))
        message = refused(self.TEXT, raw, form=JsonForm(decimal_format=decimal_format))
        assert message == f"value.b cannot be written as JSON: {reason}"


class TestMessages:
    NESTED = proto3(
        "message A { message B { int32 x = 1; message C { int32 y = 1; } } map<string, int32> m = 1;"
        " message D { int32 z = 1; } } enum E { Z = 0; } message F { int32 w = 1; }"
    )

    @pytest.mark.parametrize(
        ("index", "message", "field"),
        [
            (b"\x00", "A", "m"),
            (b"\x02\x00", "A", "m"),
            (b"\x02\x02", "F", "w"),
            (b"\x04\x00\x00", "A.B", "x"),
            (b"\x06\x00\x00\x00", "A.B.C", "y"),
            (b"\x04\x00\x02", "A.D", "z"),
        ],
    )
    def test_are_found_by_their_indexes(self, index, message, field):
        value = {field: {"k": 7} if field == "m" else 7}
        assert json_of(self.NESTED, value, message=message, index=index) == value

    @pytest.mark.parametrize("index", [b"\x02\x04", b"\x02\x01", b"\x04\x00\x08", b"\x08\x00\x00\x00\x00"])
    def test_that_the_schema_does_not_have_are_refused(self, index):
        message = refused(self.NESTED, framed(index))
        assert message == "the value is written with the schema 7, which has no message of the record's indexes"

    @pytest.mark.parametrize(
        "index", [b"", b"\x80", b"\x04\x00", b"\x01", b"\xff\xff\xff\xff\xff", b"\xfe\xff\xff\xff\x0f"]
    )
    def test_whose_indexes_end_early_are_refused(self, index):
        assert "indexes" in refused(self.NESTED, framed(index))

    def test_indexes_count_as_the_registered_descriptor_does(self):
        """Python's serializer registers a descriptor, in which entries of maps are messages among the others."""
        (file,) = compiled(self.NESTED).file
        known = RegisteredSchema(7, "PROTOBUF", base64.b64encode(file.SerializeToString()).decode())
        raw = framed(b"\x04\x00\x04" + written(self.NESTED, "A.D", {"z": 7}))
        assert [one.name for one in file.message_type[0].nested_type] == ["B", "MEntry", "D"]
        assert convert(known, raw) == '{"z":7}'

    def test_of_a_file_that_only_imports_are_those_of_the_import(self):
        text = 'syntax = "proto3"; import public "other.proto";'
        other = proto3("message A { int32 a = 1; }")
        raw = framed(FIRST + written(other, "A", {"a": 7}))
        assert convert(registered(text, other=other), raw) == '{"a":7}'

    def test_within_themselves(self):
        text = proto3(
            "message A { int32 v = 1; A next = 2; repeated A all = 3; oneof one { A other = 4; } map<int32, A> m = 5; }"
        )
        leaf: dict[str, object] = {"one_0": None, "v": 0, "next": None, "all": [], "m": []}
        found = json_of(text, {"next": {"v": 1}, "all": [{}], "other": {}, "m": {"1": {}}})
        assert found == {"one_0": {"other": leaf}, "v": 0, "next": {**leaf, "v": 1}, "all": [leaf], "m": [[1, leaf]]}

    def nested(self, levels, number):
        data = b""
        for _ in range(levels):
            size = len(data)
            data = (
                bytes([number << 3 | 2])
                + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7]))
                + data
            )
        return framed(FIRST + data)

    def test_within_themselves_are_bounded(self):
        text = proto3("message A { A next = 1; repeated A all = 2; message Unused { map<int32, A> m = 1; } }")
        assert convert(registered(text), self.nested(90, 1)).count("next") == 91
        assert (
            "too deep" in refused(text, self.nested(2000, 1)).lower()
            or "depth" in refused(text, self.nested(2000, 1)).lower()
        )

    def test_json_is_bounded(self):
        """Pairs of a map take two levels, so that what the runtime still reads is too deep as JSON."""
        text = proto3("message A { repeated A all = 1; }")
        assert convert(registered(text), self.nested(99, 1)).count("all") == 100
        assert refused(text, self.nested(100, 1)) == "the value is nested deeper than 200 levels"

    def test_groups_are_messages(self):
        text = proto2(
            "message A { optional group G = 1 { optional int32 x = 1; }"
            " repeated group H = 2 { optional int32 y = 1; } }"
        )
        assert json_of(text, {"g": {"x": 1}, "h": [{"y": 2}]}) == {"g": {"x": 1}, "h": [{"y": 2}]}

    def test_that_lack_what_is_required_are_refused(self):
        text = proto2("message A { repeated B b = 1; } message B { required int32 x = 1; optional A a = 2; }")
        assert json_of(text, {"b": [{"x": 1}]}) == {"b": [{"x": 1, "a": None}]}
        message = refused(text, framed(FIRST + b"\x0a\x00"))
        assert message == "the value is not Protobuf of the schema 7: it lacks a required field"

    def test_pass_over_fields_that_the_schema_does_not_have(self):
        wide = proto3("message A { int32 a = 1; string b = 2; repeated A c = 3; }")
        narrow = proto3("message A { int32 a = 1; }")
        raw = framed(FIRST + written(wide, "A", {"a": 1, "b": "x", "c": [{}]}))
        assert convert(registered(narrow), raw) == '{"a":1}'

    @pytest.mark.parametrize("data", [b"\x08", b"\x0a\x05abc", b"\xff", b"\x00", b"\x0f", b"\x07\x07"])
    def test_that_are_none_are_refused(self, data):
        message = refused(proto3("message A { int32 a = 1; string b = 2; }"), framed(FIRST + data))
        assert message.startswith("the value is not Protobuf of the schema 7: ")


class TestSchemas:
    def test_may_refer_to_others(self):
        text = proto3("package x; message A { y.B b = 1; .z.C c = 2; }", "b", "c")
        text = text.replace("package x;", "", 1).replace('"proto3";', '"proto3"; package x;', 1)
        references = {
            "c": 'syntax = "proto3"; package z; message C { int32 c = 1; }',
            "b": 'syntax = "proto3"; package y; import "c.proto"; message B { z.C c = 1; }',
        }
        found = json_of(text, {"b": {"c": {"c": 1}}, "c": {"c": 2}}, message="x.A", references=references)
        assert found == {"b": {"c": {"c": 1}}, "c": {"c": 2}}

    def test_may_import_options_that_nobody_has(self):
        text = proto3("message A { string a = 1 [(buf.validate).string.min_len = 1]; }", "buf/validate")
        assert convert(registered(text), framed(FIRST + b"\x0a\x01x")) == '{"a":"x"}'

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (
                'syntax = "proto3"; import "b.proto"; message A { b.C c = 1; }',
                "is not valid: couldn't resolve name 'b.C'",
            ),
            ('syntax = "proto3"; message A { int32 a = 1; int32 b = 1; }', "is not valid: "),
            ("{}", "cannot be read: nothing that a file has begins here (line 1)"),
            ("AAAA", "cannot be read: "),
            ("", "has no message of the record's indexes"),
            ("message A {" * 5000, "is nested too deep"),
            ("message A {" * 100 + "}" * 100, "has messages within each other, more than 32 levels deep"),
            ("ü", "cannot be read: "),
        ],
    )
    def test_that_are_none_are_the_records_fault(self, text, reason):
        message = refused(text, framed(FIRST))
        assert message.startswith(f"the value is written with the schema 7, which {reason}")

    def test_of_another_kind_are_refused(self):
        with pytest.raises(RecordError, match="the schema 7, which is AVRO, not Protobuf"):
            convert(RegisteredSchema(7, "AVRO", '"string"'), framed(FIRST))

    def test_are_read_once(self):
        text = proto3("message A { int32 a = 1; }")
        registry = MemoryRegistry(registered(text))
        for build in (
            build_protobuf_converter(registry, PLAIN, stage=VALUE_CONVERTER),
            build_protobuf_reader(registry, stage=VALUE_CONVERTER),
        ):
            registry.asked.clear()
            for _ in range(3):
                build(framed(FIRST))
                with pytest.raises(RecordError):
                    build(framed(b"\x02\x04"))
            assert registry.asked == [7]

    def test_that_are_absent_are_asked_for_again(self):
        registry = MemoryRegistry()
        convert_ = build_protobuf_converter(registry, PLAIN, stage=KEY_CONVERTER)
        for _ in range(2):
            with pytest.raises(
                RecordError, match="the key is written with the schema 7, which the registry does not have"
            ):
                convert_(framed(FIRST))
        registry.by_id[7] = registered(proto3("message A { int32 a = 1; }"))
        assert convert_(framed(FIRST)) == msgspec.Raw(b'{"a":0}')

    def test_that_cannot_be_asked_for_are_nobodys_fault(self):
        registry = MemoryRegistry(registered(proto3("message A {}")))
        registry.is_away = True
        for build in (
            build_protobuf_converter(registry, PLAIN, stage=VALUE_CONVERTER),
            build_protobuf_reader(registry, stage=VALUE_CONVERTER),
        ):
            with pytest.raises(SchemaRegistryError):
                build(framed(FIRST))

    def test_a_descriptor_in_base64_is_one(self):
        file = FileDescriptorProto(name="x.proto", syntax="proto3")
        file.message_type.add(name="A").field.add(name="a", number=1, type=5)
        known = RegisteredSchema(7, "PROTOBUF", base64.b64encode(file.SerializeToString()).decode())
        assert convert(known, framed(FIRST + b"\x08\x05")) == '{"a":5}'


def test_nothing_is_null():
    registry = MemoryRegistry()
    assert build_protobuf_converter(registry, PLAIN, stage=VALUE_CONVERTER)(None) is None
    assert build_protobuf_reader(registry, stage=VALUE_CONVERTER)(None) == (None, None)


@pytest.mark.parametrize("raw", [b"", b"\0\0\0\0", b'{"a": 1}', b"\1" + bytes(20)])
def test_bytes_that_name_no_schema_are_refused(raw):
    with pytest.raises(RecordError):
        convert(registered(proto3("message A {}")), raw)


def test_singles_are_singles_for_transforms():
    text = proto3("message A { float a = 1; repeated float b = 2; }")
    read = build_protobuf_reader(MemoryRegistry(registered(text)), stage=VALUE_CONVERTER)
    _, value = read(framed(FIRST + written(text, "A", {"a": 0.1, "b": [0.1]})))
    assert isinstance(value, Struct)
    assert type(value.get("a")) is Float32
    assert value.get("b") == [struct.unpack("f", struct.pack("f", 0.1))[0]]
