from __future__ import annotations

import base64
import json
import struct
from decimal import Decimal

import msgspec
import pytest

from kafka_lambda_sink.converters.avro import build_avro_converter, build_avro_reader
from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import KEY_CONVERTER, VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.core.errors import RecordError, SchemaRegistryError
from kafka_lambda_sink.core.ports import RegisteredSchema
from kafka_lambda_sink.core.schema import DATE, TIMESTAMP, Instant, Struct, Type, decimal_schema
from tests.support.avro_records import MemoryRegistry, framed, registered, written
from tests.support.golden import Case, cases


def record(name="R", /, **types):
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in types.items()]}


def field(name, kind, **more):
    return {"name": name, "type": kind, **more}


def embedded(embeddable):
    return msgspec.json.encode(embeddable).decode()


def convert(schema, raw, *, form=JsonForm(), stage=VALUE_CONVERTER, enhanced=False, **references):  # noqa: B008 - frozen
    """The JSON, after a look that both ways give the same."""
    known = schema if isinstance(schema, RegisteredSchema) else registered(schema, **references)
    registry = MemoryRegistry(known)
    fast = build_avro_converter(registry, form, stage=stage, enhanced=enhanced)
    read = build_avro_reader(registry, stage=stage, enhanced=enhanced)
    embed = build_embedder(form, stage)
    try:
        text = embedded(fast(raw))
    except RecordError:
        with pytest.raises(RecordError):
            embed(*read(raw))
        raise
    assert embedded(embed(*read(raw))) == text
    return text


def json_of(schema, value, **more):
    return convert(schema, written(schema, value), **more)


def refused(schema, raw, **more):
    with pytest.raises(RecordError) as caught:
        convert(schema, raw, **more)
    assert caught.value.stage == VALUE_CONVERTER
    return str(caught.value)


def b64(data):
    return json.dumps(base64.b64encode(data).decode())


DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}
FIXED_DECIMAL = {"type": "fixed", "name": "D", "size": 8, "logicalType": "decimal", "precision": 18, "scale": 2}
COLOR = {"type": "enum", "name": "a.b.Color", "symbols": ["RED", "GREEN"]}
ENTRY = record("io.confluent.connect.avro.MapEntry", key="int", value="string")


#: Where the copy of AvroData is older than Confluent's own, which gives this.
NEWER = {
    "union of one": '{"a":5}',
    "decimal, fixed": '"BNI="',
    "decimal, fixed, as a number": "12.34",
}
#: What Java refuses for no reason that a user would understand, or puts into the field of another branch.
BETTER = {
    "union of bytes and fixed": '{"u":{"bytes":null,"F":"YWI="}}',
    "union of fixed and bytes": '{"u":{"F":null,"bytes":"YWI="}}',
    "union of int8 and string": '{"u":{"int":5,"string":null}}',
    "map entries, text": '{"ab":2}',
    "default of Connect, record": '{"a":{"x":1}}',
    "default of a union": '{"a":{"string":"x","int":null}}',
}
#: What becomes of a null of a type that has nothing else.
REFUSED = {"null"}


@pytest.mark.parametrize("case", cases("avro"), ids=str)
def test_is_what_java_makes_of_it(case: Case):
    form = JsonForm(
        decimal_format="NUMERIC" if case.config.get("decimal.format") == "NUMERIC" else "BASE64",
        replace_null_with_default=case.config.get("replace.null.with.default") != "false",
    )
    enhanced = case.config.get("enhanced.avro.schema.support") == "true"
    raw = framed(base64.b64decode(case.outcome["base64"]))
    expected = (NEWER | BETTER).get(case.id, "" if case.fails or case.id in REFUSED else case.outcome["json"] or "null")
    if expected:
        text = convert(case.given["schema"], raw, form=form, enhanced=enhanced)
        assert json.loads(text, parse_float=Decimal) == json.loads(expected, parse_float=Decimal)
    else:
        refused(case.given["schema"], raw, form=form, enhanced=enhanced)


class TestScalars:
    @pytest.mark.parametrize(
        ("schema", "value", "text"),
        [
            ("boolean", True, "true"),
            ("int", -(2**31), "-2147483648"),
            ("long", 2**63 - 1, "9223372036854775807"),
            ("float", 0.1, "0.1"),
            ("float", 16777216.0, "16777216.0"),
            ("double", 0.1, "0.1"),
            ("double", 1e300, "1e300"),
            ("string", 'ü"\n', '"ü\\"\\n"'),
            ("bytes", b"\0\xff", '"AP8="'),
            ({"type": "fixed", "name": "F", "size": 3}, b"abc", '"YWJj"'),
            (COLOR, "GREEN", '"GREEN"'),
            ({"type": "string", "logicalType": "uuid"}, "a-b", '"a-b"'),
            ({"type": "int", "logicalType": "date"}, -1, "-1"),
            ({"type": "int", "logicalType": "time-millis"}, 86_400_000, "86400000"),
            ({"type": "long", "logicalType": "time-micros"}, 5, "5"),
            ({"type": "long", "logicalType": "timestamp-millis"}, -5, "-5"),
            ({"type": "long", "logicalType": "timestamp-millis"}, 2**62, str(2**62)),
            ({"type": "long", "logicalType": "timestamp-micros"}, 1_700_000_000_000_000, "1700000000000000"),
            ({"type": "long", "logicalType": "local-timestamp-millis"}, 5, "5"),
            ({"type": "fixed", "name": "F", "size": 12, "logicalType": "duration"}, b"x" * 12, b64(b"x" * 12)),
            ({"type": "fixed", "name": "F", "size": 16, "logicalType": "uuid"}, b"x" * 16, b64(b"x" * 16)),
            ({"type": "int", "connect.type": "int8"}, 200, "-56"),
            ({"type": "int", "connect.type": "int16"}, 40000, "-25536"),
            ({"type": "long", "connect.name": TIMESTAMP, "connect.version": 1}, 5, "5"),
        ],
    )
    def test_are_written_as_connect_writes_them(self, schema, value, text):
        assert json_of(schema, value) == text

    @pytest.mark.parametrize(
        ("unscaled", "minimal"),
        [
            (b"\x04\xd2", b"\x04\xd2"),
            (b"\0\0\x04\xd2", b"\x04\xd2"),
            (b"\0\x80", b"\0\x80"),
            (b"\xff\xff\x80", b"\x80"),
            (b"\xff\x7f", b"\xff\x7f"),
            (b"\0\0", b"\0"),
            (b"\0", b"\0"),
            (b"\xff\xff", b"\xff"),
        ],
    )
    def test_decimals_take_as_few_bytes_as_they_can(self, unscaled, minimal):
        assert json_of(DECIMAL, unscaled) == b64(minimal)
        if len(unscaled) <= 8:
            padded = (b"\xff" if unscaled[0] > 127 else b"\0") * (8 - len(unscaled)) + unscaled
            assert json_of(FIXED_DECIMAL, padded) == b64(minimal)

    @pytest.mark.parametrize(
        ("unscaled", "text"),
        [(1234, "12.34"), (-5, "-0.05"), (10**30 + 1, f"{10**28}.01"), (0, "0.00")],
    )
    def test_decimals_as_numbers_have_every_digit(self, unscaled, text):
        raw = unscaled.to_bytes(16, signed=True)
        assert json_of(DECIMAL, raw, form=JsonForm(decimal_format="NUMERIC")) == text

    @pytest.mark.parametrize("kind", ["float", "double"])
    @pytest.mark.parametrize(
        ("value", "text"), [(float("nan"), '"NaN"'), (float("inf"), '"Infinity"'), (float("-inf"), '"-Infinity"')]
    )
    def test_what_is_not_finite_is_written_as_asked(self, kind, value, text):
        schema = record(a={"type": "array", "items": record("L", price=kind)})
        raw = written(schema, {"a": [{"price": 1.0}, {"price": value}]})
        assert refused(schema, raw).startswith(
            "value.a[1].price cannot be written as JSON: a number that is not finite"
        )
        assert json.loads(convert(schema, raw, form=JsonForm(nonfinite="null")))["a"][1] == {"price": None}
        assert f'"price":{text}' in convert(schema, raw, form=JsonForm(nonfinite="string"))

    @pytest.mark.parametrize(
        ("value", "text"),
        [(2**53 - 1, str(2**53 - 1)), (2**53, f'"{2**53}"'), (-(2**53), f'"-{2**53}"'), (2**63 - 1, f'"{2**63 - 1}"')],
    )
    def test_long_integers_may_be_text(self, value, text):
        assert json_of(record(a="long"), {"a": value}, form=JsonForm(long="string")) == f'{{"a":{text}}}'

    @pytest.mark.parametrize("value", [-1, 86_400_001])
    def test_a_time_of_day_is_within_the_day(self, value):
        schema = {"type": "int", "logicalType": "time-millis"}
        assert "a time of day" in refused(schema, written(schema, value))

    def test_a_decimal_has_a_byte(self):
        assert "a decimal of no bytes" in refused(DECIMAL, framed(b"\0"))


class TestStructures:
    def test_nest(self):
        schema = record(
            a={"type": "array", "items": {"type": "map", "values": record("Inner", x="int", y=["null", "string"])}}
        )
        value = {"a": [{"k": {"x": 1, "y": None}, "ü": {"x": 2, "y": "z"}}, {}]}
        assert json.loads(json_of(schema, value)) == value

    @pytest.mark.parametrize("union", [["null", "string"], ["string", "null"]])
    def test_null_and_one_type_is_optional(self, union):
        assert json_of(record(a=union), {"a": None}) == '{"a":null}'
        assert json_of(record(a=union), {"a": "x"}) == '{"a":"x"}'

    def test_a_union_of_one_type_is_this_type(self):
        assert json_of(record(a=["int"]), {"a": 5}) == '{"a":5}'

    def test_other_unions_have_a_field_for_each_branch(self):
        schema = record(u=["int", "null", "string", COLOR, record("c.D", x="long"), {"type": "array", "items": "int"}])
        nothing = {"int": None, "string": None, "Color": None, "D": None, "array": None}
        for value, branch in ((5, {"int": 5}), ("x", {"string": "x"}), ([1], {"array": [1]})):
            assert json.loads(json_of(schema, {"u": value})) == {"u": nothing | branch}
        assert json.loads(json_of(schema, {"u": ("c.D", {"x": 1})})) == {"u": nothing | {"D": {"x": 1}}}
        assert json_of(schema, {"u": None}) == '{"u":null}'
        # The branch that was written, where other values look the same.
        assert json.loads(convert(schema, framed(b"\x06\x02"))) == {"u": nothing | {"Color": "GREEN"}}

    def test_branches_have_their_whole_names_where_schemas_are_enhanced(self):
        schema = record(u=["int", COLOR, record("c.D", x="long")])
        assert json.loads(convert(schema, framed(b"\x02\x00"), enhanced=True)) == {
            "u": {"int": None, "a.b.Color": "RED", "c.D": None}
        }

    def test_maps_with_other_keys_than_text_are_arrays_of_pairs(self):
        schema = record(m={"type": "array", "items": ENTRY})
        value = {"m": [{"key": 1, "value": "a"}, {"key": 2, "value": "b"}, {"key": 1, "value": "c"}]}
        assert json_of(schema, value) == '{"m":[[1,"c"],[2,"b"]]}'

    def test_maps_with_keys_of_optional_text_are_objects(self):
        entry = record("E", value="int", key=["null", "string"]) | {"connect.internal.type": "MapEntry"}
        value = [{"key": "a", "value": 1}, {"key": None, "value": 2}]
        assert json_of({"type": "array", "items": entry}, value) == '{"a":1,"null":2}'

    def test_maps_may_have_records_for_keys(self):
        entry = record("E", key=record("K", x="int"), value="int") | {"connect.internal.type": "MapEntry"}
        value = [{"key": {"x": 1}, "value": 2}]
        assert json_of({"type": "array", "items": entry}, value) == '[[{"x":1},2]]'

    def test_types_may_hold_themselves(self):
        tree = record("Tree", v="int", left=["null", "Tree"], kids={"type": "array", "items": "Tree"})
        leaf: dict[str, object] = {"v": 3, "left": None, "kids": []}
        value = {"v": 1, "left": leaf, "kids": [leaf, {"v": 2, "left": leaf, "kids": []}]}
        assert json.loads(json_of(tree, value)) == value

    def test_references_are_known_by_name(self):
        schema = record("A", b="x.B", c="x.C")
        b = record("x.B", c="x.C")
        c = record("x.C", v="int")
        whole = record("A", b=record("x.B", c=c), c="x.C")
        value = {"b": {"c": {"v": 1}}, "c": {"v": 2}}
        assert json.loads(convert(schema, written(whole, value), C=c, B=b)) == value

    def test_null_is_null(self):
        registry = MemoryRegistry()
        assert build_avro_converter(registry, JsonForm(), stage=KEY_CONVERTER)(None) is None
        assert build_avro_reader(registry, stage=KEY_CONVERTER)(None) == (None, None)

    def test_a_root_may_be_null(self):
        assert json_of(["null", "int"], None) == "null"


class TestDefaults:
    def with_default(self, kind, default):
        return {"type": "record", "name": "R", "fields": [field("a", kind, default=default)]}

    def test_of_connect_stand_for_null(self):
        schema = record(a=["null", {"type": "string", "connect.default": "x"}])
        assert json_of(schema, {"a": None}) == '{"a":"x"}'
        form = JsonForm(replace_null_with_default=False)
        assert json_of(schema, {"a": None}, form=form) == '{"a":null}'

    def test_of_avro_stand_for_nothing_where_a_field_is_optional(self):
        assert json_of(self.with_default(["string", "null"], "x"), {"a": None}) == '{"a":null}'

    def test_of_avro_stand_for_null_in_other_unions(self):
        schema = self.with_default(["string", "null", "int"], "x")
        assert json.loads(json_of(schema, {"a": None})) == {"a": {"string": "x", "int": None}}

    @pytest.mark.parametrize(
        ("kind", "default", "expected"),
        [
            ("boolean", True, True),
            ("int", 5, 5),
            ("long", 5, 5),
            ("double", 5, 5.0),
            ("float", 0.1, pytest.approx(0.1)),
            ("string", "x", "x"),
            ("bytes", "\u00ff", b"\xff"),
            ({"type": "fixed", "name": "F", "size": 1}, "a", b"a"),
            (COLOR, "RED", "RED"),
            ({"type": "int", "logicalType": "date"}, 1, Instant(86_400_000)),
            ({"type": "array", "items": "int"}, [1], [1]),
            ({"type": "map", "values": "int"}, {"a": 1}, {"a": 1}),
            ("int", "x", None),
            ("int", 2**31, None),
            ("int", True, None),
            ("float", 1e300, None),
            (COLOR, "BLUE", None),
            ({"type": "fixed", "name": "F", "size": 1}, "ab", None),
            (["null", "int"], None, None),
        ],
    )
    def test_are_in_the_schema(self, kind, default, expected):
        schema = self.with_default(kind, default)
        read = build_avro_reader(MemoryRegistry(registered(schema)), stage=VALUE_CONVERTER)
        values = {"int": 0, "long": 0, "double": 0.0, "float": 0.0, "boolean": False, "string": "", "bytes": b""}
        named = {"fixed": b"a", "enum": "RED", "array": [], "map": {}, "int": 0}
        value = None if isinstance(kind, list) else values[kind] if isinstance(kind, str) else named[kind["type"]]
        found = read(written(schema, {"a": value})).schema
        assert found is not None
        assert found.fields[0].schema.default == expected

    def test_of_records_have_all_their_fields(self):
        inner = {
            "type": "record",
            "name": "I",
            "fields": [field("x", "int"), field("y", "string", default="why"), field("z", ["null", "int"])],
        }
        schema = self.with_default(inner, {"x": 1})
        read = build_avro_reader(MemoryRegistry(registered(schema)), stage=VALUE_CONVERTER)
        found = read(written(schema, {"a": {"x": 0, "y": "", "z": None}})).schema
        assert found is not None
        default = found.fields[0].schema.default
        assert isinstance(default, Struct)
        assert default.values == {"x": 1, "y": "why", "z": None}


class TestConnect:
    def read(self, schema, value):
        return build_avro_reader(MemoryRegistry(registered(schema)), stage=VALUE_CONVERTER)(written(schema, value))

    def test_has_connects_schema(self):
        schema, value = self.read(
            record(
                "a.b.R",
                d=DECIMAL,
                t=["null", {"type": "int", "logicalType": "date"}],
                m={"type": "map", "values": "long"},
                e=COLOR,
                i={"type": "int", "connect.type": "int8", "connect.doc": "small", "connect.parameters": {"p": "1"}},
                u=["int", "string"],
            ),
            {"d": b"\x04\xd2", "t": 1, "m": {"k": 2}, "e": "RED", "i": 3, "u": 4},
        )
        assert schema is not None
        assert schema.name == "a.b.R"
        of = {one.name: one.schema for one in schema.fields}
        assert of["d"] == decimal_schema(2)
        assert (of["t"].type, of["t"].name, of["t"].is_optional) == (Type.INT32, DATE, True)
        assert of["m"].key_schema is not None
        assert of["m"].value_schema is not None
        assert (of["m"].key_schema.type, of["m"].value_schema.type) == (Type.STRING, Type.INT64)
        assert (of["e"].type, of["e"].name) == (Type.STRING, "a.b.Color")
        assert (of["i"].type, of["i"].doc, of["i"].parameters) == (Type.INT8, "small", {"p": "1"})
        assert (of["u"].type, of["u"].name) == (Type.STRUCT, "io.confluent.connect.avro.Union")
        assert isinstance(value, Struct)
        assert value.schema is schema
        assert value.get("t") == Instant(86_400_000)
        assert isinstance(value.get("t"), Instant)

    def test_has_one_schema_for_a_type_within_itself(self):
        schema, value = self.read(
            record("Node", v="int", next=["null", "Node"]), {"v": 1, "next": {"v": 2, "next": None}}
        )
        assert schema is not None
        inner = schema.fields[1].schema
        assert inner.is_optional
        assert inner.fields[1].schema is inner
        assert isinstance(value, Struct)
        second = value.get("next")
        assert isinstance(second, Struct)
        assert second.schema is inner

    def test_names_what_connects_sources_did_not_name_by_nothing(self):
        schema, _ = self.read(record("io.confluent.connect.avro.ConnectDefault", a="int"), {"a": 1})
        assert schema is not None
        assert schema.name is None

    def test_takes_the_name_that_connect_gave(self):
        schema, _ = self.read(record("R", a="int") | {"connect.name": "x.Y", "connect.version": 3}, {"a": 1})
        assert schema is not None
        assert (schema.name, schema.version) == ("x.Y", 3)


class TestMalformed:
    SCHEMA = record(a="int", s="string", items={"type": "array", "items": COLOR})
    RAW = written(SCHEMA, {"a": 300, "s": "text", "items": ["RED", "GREEN"]})

    @pytest.mark.parametrize("size", range(5, len(RAW)))
    def test_ends_too_early(self, size):
        message = refused(self.SCHEMA, self.RAW[:size])
        assert "is not Avro of the schema 7: the data ends too early" in message or "room" in message

    def test_goes_on_behind_the_end(self):
        assert refused(self.SCHEMA, self.RAW + b"xy") == (
            f"the value is not Avro of the schema 7: 2 bytes are left over behind it (byte {len(self.RAW)})"
        )

    def test_says_where_it_is(self):
        raw = self.RAW[:-2] + b"\x04\x00"
        assert refused(self.SCHEMA, raw).startswith(
            "value.items[1] is not Avro of the schema 7: an index beyond the symbols of the enum (byte "
        )

    @pytest.mark.parametrize("index", [b"\x01", b"\x04", b"\x80\x80\x01"])
    @pytest.mark.parametrize("union", [["null", "int"], ["int"], ["int", "string"]])
    def test_has_an_index_that_no_branch_has(self, union, index):
        assert "an index beyond the branches" in refused(record(a=union), framed(index + b"\x00"))

    def test_is_no_text(self):
        assert "value.a is not Avro of the schema 7: text that is not UTF-8" in refused(
            record(a="string"), framed(b"\x02\xff")
        )

    @pytest.mark.parametrize("items", ["int", "string", record("E"), {"type": "fixed", "name": "Z", "size": 0}])
    def test_claims_more_items_than_memory_has(self, items):
        claim = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
        assert "more items" in refused({"type": "array", "items": items}, framed(claim))
        assert "more items" in refused({"type": "map", "values": items}, framed(claim))
        negative = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"
        assert "more items" in refused({"type": "array", "items": items}, framed(negative))

    def test_claims_them_in_many_blocks(self):
        block = b"\xa0\x8d\x06"  # 50,000
        schema = {"type": "array", "items": record("E")}
        assert len(json.loads(convert(schema, framed(block * 2 + b"\0")))) == 100_000
        assert "more items" in refused(schema, framed(block * 3 + b"\0"))

    def test_items_may_take_no_bytes(self):
        assert json_of({"type": "array", "items": record("E")}, [{}, {}]) == "[{},{}]"

    def test_blocks_may_tell_their_size(self):
        assert convert({"type": "array", "items": "int"}, framed(b"\x03\x04\x02\x04\x02\x06\x00")) == "[1,2,3]"

    def test_types_within_themselves_have_an_end(self):
        schema = record("Node", next=["null", "Node"])
        deepest = framed(b"\x02" * 199 + b"\x00")
        assert convert(schema, deepest).count("next") == 200
        for levels in (200, 100_000):
            assert "nested deeper than 200 levels" in refused(schema, framed(b"\x02" * levels + b"\x00"))

    def test_lists_within_themselves_have_an_end(self):
        schema = record("Node", kids={"type": "array", "items": "Node"})
        raw = framed(b"\x02" * 80 + b"\x00" * 81)
        assert convert(schema, raw).count("kids") == 81
        assert "nested deeper than 200 levels" in refused(schema, framed(b"\x02" * 5000 + b"\x00" * 5001))


class TestSchemas:
    @pytest.mark.parametrize(
        ("schema", "reason"),
        [
            (RegisteredSchema(7, "AVRO", "{"), "is not JSON"),
            (RegisteredSchema(7, "AVRO", "[" * 100_000), "is nested too deep"),
            (5, "is no Avro schema: a int where a type should be"),
            ("Foo", "uses the type Foo, which it does not define"),
            ({"type": "array"}, "is no Avro schema"),
            ({"type": "fixed", "name": "F", "size": -1}, "is no Avro schema"),
            ("null", "has a type that is always null"),
            (record(a="null"), "has a type that is always null"),
            (record(a=COLOR, b=COLOR), "defines the type a.b.Color twice"),
            (record(a=["int", record("a.X"), record("b.X")]), "has a union with two branches of one name"),
            (record(a=["int", ["string", "null"]]), "has a union within a union"),
            (DECIMAL | {"scale": 10**30}, "has a decimal of a scale beyond 32 bits"),
            (DECIMAL | {"connect.parameters": {"scale": "x"}}, "is no Avro schema"),
            ({"type": "int", "connect.type": "int9"}, "has a connect.type that is neither"),
            ({"type": "int", "connect.name": TIMESTAMP}, "names a type of int32"),
            ({"type": "int", "logicalType": "date", "connect.name": "x"}, f"names a {DATE} otherwise"),
            ({"type": "array", "items": record("E", key="int") | {"connect.internal.type": "MapEntry"}}, "entries"),
        ],
    )
    def test_that_cannot_be_used_refuse_their_records(self, schema, reason):
        message = refused(schema, framed(b"\0"))
        assert message.startswith("the value is written with the schema 7, which ")
        assert reason in message

    def test_nested_too_deep_are_refused(self):
        schema: object = "int"
        for _ in range(300):
            schema = {"type": "array", "items": schema}
        assert "deep" in refused(schema, framed(b"\0"))

    def test_that_use_a_type_in_many_places_stay_small(self):
        schema = record("T0", v="int")
        for level in range(1, 60):
            schema = record(f"T{level}", a=schema, b=f"T{level - 1}", c=["null", f"T{level - 1}"])
        message = refused(schema, framed(b""))
        assert "ends too early" in message

    def test_of_another_kind_are_refused(self):
        registry = MemoryRegistry(RegisteredSchema(7, "PROTOBUF", 'syntax = "proto3";'))
        with pytest.raises(RecordError, match="which is PROTOBUF, not Avro"):
            build_avro_converter(registry, JsonForm(), stage=VALUE_CONVERTER)(framed(b"\0"))

    def test_are_asked_for_once(self):
        registry = MemoryRegistry(registered("int"), registered("Foo", 8))
        converter = build_avro_converter(registry, JsonForm(), stage=VALUE_CONVERTER)
        for _ in range(3):
            converter(framed(b"\x02"))
            with pytest.raises(RecordError):
                converter(framed(b"\x02", 8))
        assert registry.asked == [7, 8]

    def test_that_are_unknown_are_asked_for_again(self):
        registry = MemoryRegistry()
        converter = build_avro_converter(registry, JsonForm(), stage=KEY_CONVERTER)
        with pytest.raises(
            RecordError, match="the key is written with the schema 7, which the registry does not have"
        ) as caught:
            converter(framed(b"\x02"))
        assert caught.value.stage == KEY_CONVERTER
        registry.by_id[7] = registered("int")
        assert embedded(converter(framed(b"\x02"))) == "1"

    def test_that_cannot_be_asked_for_are_no_fault_of_the_record(self):
        registry = MemoryRegistry(registered("int"))
        registry.is_away = True
        converter = build_avro_converter(registry, JsonForm(), stage=VALUE_CONVERTER)
        with pytest.raises(SchemaRegistryError):
            converter(framed(b"\x02"))
        registry.is_away = False
        assert embedded(converter(framed(b"\x02"))) == "1"

    def test_are_not_kept_for_ever(self, monkeypatch):
        monkeypatch.setattr("kafka_lambda_sink.converters.kept._MOST", 2)
        registry = MemoryRegistry(*(registered("int", schema_id) for schema_id in range(4)))
        converter = build_avro_converter(registry, JsonForm(), stage=VALUE_CONVERTER)
        for schema_id in (0, 1, 2, 1, 2, 0):
            converter(framed(b"\x02", schema_id))
        assert registry.asked == [0, 1, 2, 0]


def test_messages_hold_nothing_of_the_record():
    schema = record(m={"type": "map", "values": "double"})
    raw = written(schema, {"m": {"secret-key": float("nan")}})
    assert "secret" not in refused(schema, raw)
    assert "secret" not in refused(record(a="string"), framed(struct.pack("<b", 12) + b"secret\xff"))
