"""The Python half of the notation, against outcomes of the Java half; the tests of the tables show the rest."""

from decimal import Decimal

import pytest

from kafka_lambda_sink.core.schema import INT32, OPTIONAL_STRING, Float32, Instant, Struct, Type, decimal_schema
from tests.support.golden import cases
from tests.support.notation import form, record_form, schema_form, schema_of, value_of


def test_a_schema_with_everything_is_read():
    node = {
        "type": "struct",
        "optional": True,
        "name": "Order",
        "version": 2,
        "doc": "d",
        "parameters": {"a": "b"},
        "fields": {
            "id": "int32",
            "name": {"type": "string", "optional": True, "default": "x"},
            "price": "Decimal:2",
            "tags": {"type": "map", "keys": "int32", "values": {"type": "array", "values": "string?"}},
        },
    }
    schema = schema_of(node)
    assert schema is not None
    assert (schema.type, schema.is_optional, schema.name, schema.version) == (Type.STRUCT, True, "Order", 2)
    assert [it.name for it in schema.fields] == ["id", "name", "price", "tags"]
    assert schema.fields[0].schema == INT32
    assert schema.fields[1].schema.default == "x"
    assert schema.fields[2].schema == decimal_schema(2)
    tags = schema.fields[3].schema
    assert tags.key_schema == INT32
    assert tags.value_schema is not None
    assert tags.value_schema.value_schema == OPTIONAL_STRING
    value = value_of({"id": 1, "price": {"$decimal": "1.20"}, "tags": {"$map": [[1, ["x"]]]}}, schema)
    assert value == Struct(schema, {"id": 1, "price": Decimal("1.20"), "tags": {1: ["x"]}})


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, True), (1, 1.0), (0.0, -0.0), (1, Instant(1)), (Decimal("1.0"), Decimal("1.00")), (1.5, Float32(1.5))],
)
def test_what_differs_has_another_form(one: object, other: object):
    assert form(one, None) != form(other, None)
    assert form({"a": [one]}, None) != form({"a": [other]}, None)
    assert form(one, None) == form(one, None)


def test_schemas_differ_by_a_default():
    assert schema_form(schema_of("int32")) != schema_form(schema_of({"type": "int32", "default": 0}))
    assert schema_form(schema_of("Date?")) != schema_form(schema_of("Date"))


def test_a_record_is_read_with_the_defaults_of_the_java_half():
    by_id = {case.id: case for case in cases("transform_cast")}
    expected = by_id["struct"].expected_record
    assert expected is not None
    assert (expected.topic, expected.partition, expected.timestamp) == ("topic", 0, 1_700_000_000_000)
    assert expected.value == Struct(expected.value_schema, {"id": "7", "name": "x"})  # type: ignore[arg-type]
    assert record_form(by_id["struct"].record) != record_form(expected)
    assert by_id["unknown type"].fails_to_configure
