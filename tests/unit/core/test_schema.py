"""Connect's data model."""

from __future__ import annotations

from kafka_lambda_sink.core.schema import (
    OPTIONAL_STRING,
    STRING,
    Field,
    Schema,
    Struct,
    TextFloat,
    Type,
    decimal_schema,
)

_ORDER = Schema(
    type=Type.STRUCT,
    fields=(
        Field("id", STRING),
        Field("status", Schema(type=Type.STRING, is_optional=True, default="new")),
        Field("note", OPTIONAL_STRING),
    ),
)


def test_a_struct_gives_the_default_for_an_absent_field_and_for_none():
    assert Struct(_ORDER, {"id": "a"}).get("status") == "new"
    assert Struct(_ORDER, {"id": "a", "status": None}).get("status") == "new"
    assert Struct(_ORDER, {"id": "a", "status": "paid"}).get("status") == "paid"
    assert Struct(_ORDER, {"id": "a"}).get("note") is None
    assert Struct(_ORDER, {"id": "a"}).get("unknown") is None


def test_structs_are_equal_by_schema_and_values():
    assert Struct(_ORDER, {"id": "a"}) == Struct(_ORDER, {"id": "a", "note": None})
    assert Struct(_ORDER, {"id": "a"}) != Struct(_ORDER, {"id": "b"})
    assert Struct(_ORDER, {"id": "a"}) != Struct(Schema(type=Type.STRUCT, fields=(Field("id", STRING),)), {"id": "a"})
    assert len({Struct(_ORDER, {"id": "a"}), Struct(_ORDER, {"id": "a", "note": None})}) == 1


def test_schemas_are_equal_by_what_they_say():
    assert decimal_schema(2) == decimal_schema(2)
    assert decimal_schema(2) != decimal_schema(3)
    assert decimal_schema(2).scale == 2


def test_a_float_from_text_keeps_the_text():
    number = TextFloat("1.10")
    assert number == 1.1
    assert number.text == b"1.10"
