from __future__ import annotations

from pathlib import Path

import grpc_tools
import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.type import date_pb2

from kafka_lambda_sink.converters.protobuf_files import name_in_json_as_in_proto
from kafka_lambda_sink.converters.protobuf_meta import params_of
from kafka_lambda_sink.converters.protobuf_source import parse_proto
from kafka_lambda_sink.converters.protobuf_tokens import ProtoSourceError
from tests.support.protobuf_records import compiled

PLACES = [Path(grpc_tools.__path__[0], "_proto"), Path(date_pb2.__file__).parents[2]]
SHIPPED = sorted(
    {str(path.relative_to(place)): path for place in PLACES for path in place.glob("google/**/*.proto")}.items()
)

OWN = """
syntax = "proto2"; package my; import "google/protobuf/descriptor.proto";
message Thing { optional int32 a = 1; optional string b = 2; optional Thing thing = 3; }
extend google.protobuf.FileOptions { optional Thing file = 50000; }
extend google.protobuf.FieldOptions { optional Thing own = 50000; }
extend google.protobuf.OneofOptions { optional Thing oneof = 50000; }
"""
EVERYTHING = """
// A comment; /* and */ "what is none".
syntax = "proto2";  /* another
over two lines */ package a . b.c;
import public "google/protobuf/timestamp.proto";
import 'google/protobuf/any.proto';
import "own.proto";
option java_package = "x.y"; option (my.file).thing = { a: 1 b: "}" };
option optimize_for = SPEED;
;
message Outer {
  option deprecated = true;
  optional int32 a = 1 [default = -0x1F, deprecated = true, (my.own).b = "; }"];
  required .a.b.c.Outer.Inner b = 02;
  repeated Inner.Deep c = 3 [packed = false];
  optional string d = 4 [default = 'a\\tb' "c\\x41", json_name = "DeeDee"];
  optional bytes e = 5 [default = "\\001\\xff\\n"];
  optional double f = 6 [default = -inf]; optional float g = 7 [default = 1.5e3];
  optional bool h = 8 [default = true]; optional Color i = 9 [default = GREEN];
  optional group Grouped = 10 { optional int32 x = 1; message InGroup { optional int32 y = 1; } }
  map<string, Inner> by_name = 11; map < int64 , .a.b.c.Color > byNumber_2 = 12;
  oneof choice { option (my.oneof).a = 1; int32 one = 13; group Two = 14 { optional int32 z = 1; } Inner three = 15; }
  extensions 100 to 199, 1000 to max [verification = UNVERIFIED];
  reserved 50, 60 to 70; reserved "old", "older";
  extend Outer { optional int32 other = 100; }
  message Inner { message Deep { optional google.protobuf.Timestamp at = 1; } optional c.Color color = 1; }
  enum Color { option allow_alias = true; RED = 0; GREEN = 1 [deprecated = true]; VERT = 1; BLACK = -5;
    reserved 7 to 9; }
  optional uint64 message_type = 16; optional sint32 oneofs = 17 [default = 017];
}
extend Outer { optional group Ext = 101 { optional int32 x = 1; } }
service S { option deprecated = true; rpc Do (Outer) returns (stream Outer) { option deprecated = true; } }
enum Color { COLOR_NONE = 0; }
"""
EVERYTHING_ELSE = """
syntax = "proto3";
message A {
  optional int32 x = 1; optional A _x = 2; oneof y { string z = 3; } optional string y_ = 4; int32 plain = 5;
  repeated int32 packed = 6; enum E { Z = 0; } optional E e = 7;
}
"""
EDITION = """
edition = "2023";
package ed;
option features.field_presence = IMPLICIT;
message A {
  int32 implicit = 1; int32 explicit = 2 [features.field_presence = EXPLICIT, default = 5];
  A child = 3 [features.message_encoding = DELIMITED];
  repeated int32 wide = 4 [features.repeated_field_encoding = EXPANDED];
  enum Closed { option features.enum_type = CLOSED; ONE = 1; } Closed closed = 5 [features.field_presence = EXPLICIT];
}
"""


def described(file: FileDescriptorProto, before: list[FileDescriptorProto]):
    """What the runtime understands of each message and enum, by name, apart from extensions and names of no use."""
    pool = DescriptorPool()
    for one in before:
        pool.AddSerializedFile(one.SerializeToString())
    name_in_json_as_in_proto(file.message_type)
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindFileByName(file.name)
    messages, enums = {}, {}
    todo = list(found.message_types_by_name.values())
    enum_types = list(found.enum_types_by_name.values())
    for message in todo:
        todo += message.nested_types
        enum_types += message.enum_types
        messages[message.full_name] = plain(message, DescriptorProto())
    for enum in enum_types:
        enums[enum.full_name] = plain(enum, EnumDescriptorProto())
    return messages, enums


UNUSED = ("nested_type", "enum_type", "extension", "extension_range", "reserved_range", "reserved_name")


def plain(described, proto):
    described.CopyToProto(proto)
    for name in {*UNUSED} & {one.name for one in proto.DESCRIPTOR.fields}:
        proto.ClearField(name)
    proto.DiscardUnknownFields()
    is_enum = isinstance(proto, EnumDescriptorProto)
    for part in proto.value if is_enum else (*proto.field, *proto.oneof_decl):
        # Of values of enums, options are passed over.
        if is_enum or not part.options.ListFields():
            part.ClearField("options")
    return proto


def assert_as_protoc(text: str, name: str = "main.proto") -> None:
    *before, expected = compiled(text, (("own", OWN),)).file
    expected.DiscardUnknownFields()
    # The runtime wants extensions of what it has as foreign messages only.
    for message in [expected, *expected.message_type]:
        del message.extension[:]
    got = parse_proto(text)
    got.name = name
    messages, enums = described(got, before)
    expected_messages, expected_enums = described(expected, before)
    # Groups of extensions are messages that no field is of.
    in_extensions = {it for it in expected_messages if it not in messages and it.split(".")[-1] == "Ext"}
    assert messages == {it: one for it, one in expected_messages.items() if it not in in_extensions}
    assert enums == expected_enums


@pytest.mark.parametrize("text", [EVERYTHING, EVERYTHING_ELSE, EDITION], ids=["proto2", "proto3", "edition"])
def test_says_what_protoc_says(text):
    assert_as_protoc(text)


@pytest.mark.parametrize("path", [path for _, path in SHIPPED], ids=[name for name, _ in SHIPPED])
def test_says_what_protoc_says_of_real_files(path):
    assert_as_protoc(path.read_text())


def test_passes_over_options_whose_escapes_it_does_not_know():
    file = parse_proto('option java_package = "\\d"; message A { optional int32 a = 1 [(my.pattern) = "\\d+\\."]; }')
    assert [one.name for one in file.message_type] == ["A"]


def test_counts_messages_as_they_are_declared():
    """Those of maps and groups come last; those that a text declares as a map's entries stay where they are."""
    text = """
    message A { map<string, int32> m = 1; message B {} optional group G = 2 {} message C {} }
    message D { message EEntry { option map_entry = true; optional string key = 1; optional int32 value = 2; }
      repeated EEntry e = 1; message F {} }
    """
    a, d = parse_proto(text).message_type
    assert [one.name for one in a.nested_type] == ["B", "C", "MEntry", "G"]
    assert [one.name for one in d.nested_type] == ["EEntry", "F"]
    assert d.nested_type[0].options.map_entry


@pytest.mark.parametrize(
    "options",
    [
        '(confluent.field_meta) = {doc: "d", params: [{key: "scale", value: "2"}, {key: "precision", value: "9"}]}',
        '(confluent.field_meta) = { params { key: "scale" value: "2" } params { key: "precision" value: \'9\' } }',
        '(.confluent.field_meta).params = {key: "scale" value: "2"}, (confluent.field_meta).params = PRECISION',
    ],
)
def test_has_the_parameters_of_confluents_option(options):
    options = options.replace("PRECISION", '{key: "precision", value: "9"}')
    (message,) = parse_proto(f"message A {{ optional int32 a = 1 [{options}]; }}").message_type
    assert params_of(message.field[0].options) == {"scale": "2", "precision": "9"}


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('{"type": "record"}', 1, "nothing that a file has begins here"),
        ("message A {", 1, "a name is missing"),
        ("message A { optional int32 a = 1 }", 1, "`;` is missing"),
        ("message A {\n  optional int32 a;\n}", 2, "`=` is missing"),
        ("message A {\n\n  optional int32 a = x;\n}", 3, "a number is missing"),
        ("message A { optional int32 a = 99999999999; }", 1, "a number out of its range"),
        ("message A { optional int32 a = 1.5; }", 1, "an integer is missing"),
        ("message A { optional int32 a = 1 [packed = {}]; }", 1, "an option that is not as protobuf has it"),
        ('syntax = "proto4";', 1, "a syntax that is not known"),
        ('edition = "1999";', 1, "an edition that is not known"),
        ('import "\\xff";', 1, "a text that is not UTF-8"),
        ("\n\x00", 2, "a character that no word begins with"),
        ('message A { optional string a = 1 [default = "', 1, "a character that no word begins with"),
        ('import "\\g";', 1, "an escape that is not known"),
        ("service A {", 1, "it ends too early"),
        ("/* never closed", 1, "a character that no word begins with"),
    ],
)
def test_says_what_cannot_be_read(text, line, reason):
    with pytest.raises(ProtoSourceError) as caught:
        parse_proto(text)
    assert str(caught.value) == f"cannot be read: {reason} (line {line})"
