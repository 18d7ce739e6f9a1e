from __future__ import annotations

import json

import pytest

from kafka_lambda_sink.converters.avro_schema import Array, AvroSchemaError, Enum, Fixed, Primitive, Record, parse_avro


def parsed(schema, *references):
    return parse_avro(json.dumps(schema), [(f"ref{index}", json.dumps(it)) for index, it in enumerate(references)])


def record(name, *types, **more):
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": f"f{n}", "type": it} for n, it in enumerate(types)],
    } | more


def names(avro):
    return [getattr(one.type, "name", None) for one in avro.fields]


class TestNames:
    @pytest.mark.parametrize(
        ("schema", "name"),
        [
            (record("R"), "R"),
            (record("a.b.R"), "a.b.R"),
            (record("R", namespace="a.b"), "a.b.R"),
            (record("c.R", namespace="a.b"), "c.R"),
            (record("R", namespace=""), "R"),
        ],
    )
    def test_are_whole(self, schema, name):
        avro = parsed(schema)
        assert isinstance(avro, Record)
        assert avro.name == name

    def test_are_inherited_by_what_is_within(self):
        inner = record("Inner", {"type": "enum", "name": "E", "symbols": ["A"]}, "E", "a.E")
        other = record("Other", "Inner", namespace="b")
        avro = parsed(record("a.Outer", inner, "Inner", {"type": "fixed", "name": "x.F", "size": 1}, "x.F"))
        assert names(avro) == ["a.Inner", "a.Inner", "x.F", "x.F"]
        with pytest.raises(AvroSchemaError, match="uses the type Inner"):
            parsed(record("a.Outer", inner, other))

    def test_without_a_namespace_are_found_from_within_one(self):
        assert names(parsed(record("a.Outer", "Plain"), record("Plain"))) == ["Plain"]


class TestForms:
    def test_a_type_may_stand_in_an_object(self):
        avro = parsed({"type": {"type": "array", "items": {"type": "string", "avro.java.string": "String"}}})
        assert isinstance(avro, Array)
        assert isinstance(avro.items, Primitive)
        assert avro.items.props["avro.java.string"] == "String"

    def test_a_reference_may_stand_in_an_object(self):
        assert names(parsed(record("R", record("I"), {"type": "I"}))) == ["I", "I"]

    def test_a_type_may_stand_within_itself(self):
        avro = parsed(record("R", ["null", "R"], {"type": "array", "items": "R"}))
        assert isinstance(avro, Record)
        items = avro.fields[1].type
        assert isinstance(items, Array)
        assert items.items is avro

    def test_references_may_refer_to_those_before(self):
        avro = parsed(record("A", "x.B", "x.C"), record("x.C"), record("x.B", "C"))
        assert names(avro) == ["x.B", "x.C"]

    def test_a_reference_may_hold_several_types(self):
        several = [{"type": "enum", "name": "E", "symbols": ["A"]}, {"type": "fixed", "name": "F", "size": 2}]
        avro = parsed(record("A", "E", "F"), several)
        assert isinstance(avro, Record)
        assert [type(one.type) for one in avro.fields] == [Enum, Fixed]

    @pytest.mark.parametrize(
        "schema",
        [
            None,
            True,
            {},
            {"type": None},
            {"name": "R"},
            {"type": "record", "name": "R"},
            {"type": "record", "fields": []},
            {"type": "record", "name": 5, "fields": []},
            {"type": "record", "name": "R", "fields": [{"type": "int"}]},
            {"type": "record", "name": "R", "fields": [{"name": "a"}]},
            {"type": "record", "name": "R", "fields": {"a": "int"}},
            {"type": "map"},
            {"type": "enum", "name": "E"},
            {"type": "enum", "name": "E", "symbols": 5},
            {"type": "fixed", "name": "F"},
            {"type": "fixed", "name": "F", "size": "1"},
            {"type": "fixed", "name": "F", "size": True},
        ],
    )
    def test_others_are_refused(self, schema):
        with pytest.raises(AvroSchemaError, match="is no Avro schema"):
            parsed(schema)
