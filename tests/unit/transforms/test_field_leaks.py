"""Where excluded fields could get out, or be kept by mistake: what is sent, as JSON, does not hold them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from traceback import format_exception
from typing import Any

import msgspec
import pytest

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import (
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    Field,
    Float32,
    Schema,
    Struct,
    TextFloat,
    Type,
    decimal_schema,
)
from kafka_lambda_sink.core.sink_record import SinkRecord
from kafka_lambda_sink.transforms.field_hash import hasher, text_of
from kafka_lambda_sink.transforms.field_policy import build_field_policy
from tests.support.records import record

SALT = "salt of sixteen!"
SECRET = "4111"
embed = build_embedder(JsonForm(decimal_format="NUMERIC"), "VALUE_CONVERTER")


def struct(**fields: Schema) -> Schema:
    return Schema(type=Type.STRUCT, fields=tuple(Field(name, schema) for name, schema in fields.items()))


def array(items: Schema | None) -> Schema:
    return Schema(type=Type.ARRAY, value_schema=items)


def mapped(items: Schema | None, keys: Schema | None = STRING) -> Schema:
    return Schema(type=Type.MAP, key_schema=keys, value_schema=items)


def sent(
    value: object, schema: Schema | None = None, /, *, include: str = "", exclude: str = "", hash_: str = ""
) -> Any:
    """The JSON that the function gets."""
    policy = build_field_policy(include.split(), exclude.split(), hash_.split(), SALT)
    result = policy(
        SinkRecord(
            source=record(1), topic="orders", partition=3, key_schema=None, key=None, value_schema=schema, value=value,
            timestamp=None,
        )
    )  # fmt: skip
    assert result is not None
    text = msgspec.json.encode(embed(result.value_schema, result.value)).decode()
    assert SECRET not in text
    return msgspec.json.decode(text)


CARD = struct(name=STRING, card=STRING)
ADA = Struct(CARD, {"name": "ada", "card": SECRET})


# --- defaults --------------------------------------------------------------------------------------------------------


def with_default(schema: Schema, default: object) -> Schema:
    made = replace(schema, default=default)
    if isinstance(default, Struct):
        default.schema = made
    return made


def card_with_default() -> Schema:
    return with_default(CARD, Struct(CARD, {"name": "bob", "card": SECRET}))


def test_a_default_of_the_whole_is_cut():
    assert sent(None, card_with_default(), exclude="card") == {"name": "bob"}
    assert sent(None, card_with_default(), include="name") == {"name": "bob"}
    assert sent(None, card_with_default(), hash_="card")["card"] == hasher(SALT)(SECRET, None)


def test_a_default_without_fields_is_not_sent_where_only_some_fields_may_be():
    with pytest.raises(RecordError):
        sent(None, replace(OPTIONAL_STRING, default=SECRET), include="id")


def test_a_default_of_a_field_is_cut():
    schema = struct(a=card_with_default(), b=INT32)
    assert sent(Struct(schema, {"a": None, "b": 1}), schema, exclude="a.card") == {"a": {"name": "bob"}, "b": 1}
    assert sent(Struct(schema, {"b": 1}), schema, include="a.name") == {"a": {"name": "bob"}}


def test_a_default_of_a_hashed_field_is_hashed():
    schema = struct(card=replace(STRING, default=SECRET))
    assert sent(Struct(schema, {}), schema, hash_="card") == {"card": hasher(SALT)(SECRET, None)}


def test_where_defaults_do_not_stand_for_null_null_stays_null():
    schema = struct(card=replace(OPTIONAL_STRING, default=SECRET), a=replace(card_with_default(), is_optional=True))
    policy = build_field_policy((), ("a.card",), ("card",), SALT)
    result = policy(
        SinkRecord(
            source=record(1), topic="orders", partition=3, key_schema=None, key=None, value_schema=schema,
            value=Struct(schema, {}), timestamp=None,
        )
    )  # fmt: skip
    assert result is not None
    as_it_is = build_embedder(JsonForm(replace_null_with_default=False), "VALUE_CONVERTER")
    assert msgspec.json.encode(as_it_is(result.value_schema, result.value)) == b'{"card":null,"a":null}'


def test_defaults_of_elements_and_of_values_of_maps_are_cut():
    schema = struct(list=array(card_with_default()), map=mapped(card_with_default()))
    value = Struct(schema, {"list": [None, ADA], "map": {"x": None, "y": ADA}})
    expected = {"list": [{"name": "bob"}, {"name": "ada"}], "map": {"x": {"name": "bob"}, "y": {"name": "ada"}}}
    assert sent(value, schema, exclude="list.card map.*.card") == expected


# --- arrays and maps -------------------------------------------------------------------------------------------------


def test_arrays_in_arrays():
    schema = struct(deep=array(array(CARD)))
    value = Struct(schema, {"deep": [[ADA, ADA], []]})
    names = {"deep": [[{"name": "ada"}, {"name": "ada"}], []]}
    assert sent(value, schema, exclude="deep.card") == names
    assert sent(value, schema, include="deep.name") == names
    assert sent({"deep": [[{"name": "ada", "card": SECRET}] * 2, []]}, exclude="deep.card") == names
    assert sent({"deep": [[SECRET, {"name": "ada", "card": SECRET}, [SECRET]]]}, include="deep.name") == {
        "deep": [[{"name": "ada"}, []]]
    }


def test_an_array_without_fields_is_not_sent_where_only_some_fields_may_be():
    schema = struct(items=array(array(STRING)), id=INT32)
    assert sent(Struct(schema, {"items": [[SECRET]], "id": 1}), schema, include="items.sku id") == {"id": 1}
    with pytest.raises(RecordError):
        sent([SECRET], array(STRING), include="id")


@pytest.mark.parametrize("items", [STRING, array(array(INT32))])
def test_values_of_a_map_without_fields_are_not_sent_where_only_some_fields_may_be(items: Schema):
    schema = struct(map=mapped(items), id=INT32)
    value: object = [[int(SECRET)]] if items.value_schema else SECRET
    assert sent(Struct(schema, {"map": {"a": value}, "id": 1}), schema, include="map.*.sku id") == {"map": {}, "id": 1}


def test_maps_in_arrays_in_maps():
    schema = mapped(array(mapped(CARD)))
    value = {"a": [{"b": ADA, "c": ADA}]}
    assert sent(value, schema, exclude="*.*.card") == {"a": [{"b": {"name": "ada"}, "c": {"name": "ada"}}]}
    assert sent(value, schema, include="*.*.name") == {"a": [{"b": {"name": "ada"}, "c": {"name": "ada"}}]}
    assert sent(value, schema, exclude="a *.*.card") == {}


def test_values_of_a_map_that_would_differ_are_not_sent():
    for policy in ({"exclude": "a.card"}, {"include": "a.name b"}, {"include": "b *.name"}):
        with pytest.raises(RecordError, match="cannot be cut one by one"):
            sent({"a": ADA, "b": ADA}, mapped(CARD), **policy)


def test_keys_of_a_map_can_be_dropped_and_kept():
    assert sent({"a": 1, "b": int(SECRET)}, mapped(INT64), exclude="b") == {"a": 1}
    assert sent({"a": 1, "b": int(SECRET)}, mapped(INT64), include="a") == {"a": 1}
    assert sent({1: 1, 2: int(SECRET)}, mapped(INT64, INT32), exclude="2") == [[1, 1]]


def test_a_map_that_cannot_hold_a_hash_is_not_sent():
    schema = struct(counts=mapped(INT32))
    value = Struct(schema, {"counts": {"a": int(SECRET)}})
    with pytest.raises(RecordError, match=r"fields\.hash: value\.counts\.a is in a map of int32, which cannot"):
        sent(value, schema, hash_="counts.a")
    assert sent(value, schema, hash_="counts.*") == {"counts": {"a": hasher(SALT)(SECRET, None)}}


@pytest.mark.parametrize("schema", [array(None), mapped(None), mapped(None, None)])
def test_schemas_that_do_not_say_what_is_in_them(schema: Schema):
    inner = {"name": "ada", "card": SECRET}
    value, expected = ([inner], [{"name": "ada"}]) if schema.type is Type.ARRAY else (inner, {"name": "ada"})
    assert sent(value, schema, exclude="card") == expected
    if schema.type is Type.ARRAY:
        with pytest.raises(RecordError):
            sent(value, schema, include="name")
    else:
        assert sent(value, schema, include="name") == expected


# --- types within themselves, unions ---------------------------------------------------------------------------------


def node_schema() -> Schema:
    schema = Schema(type=Type.STRUCT, name="Node", is_optional=True)
    schema.tie((Field("name", STRING), Field("card", STRING), Field("next", schema), Field("all", array(schema))))
    return schema


def chain_of(schema: Schema, length: int) -> Struct | None:
    if not length:
        return None
    tail = chain_of(schema, length - 1)
    return Struct(schema, {"name": str(length), "card": "0", "next": tail, "all": [tail]})


def test_a_type_within_itself_is_cut_as_deep_as_the_path_says():
    schema = node_schema()
    value = chain_of(schema, 3)
    assert value is not None
    found = sent(value, schema, exclude="card next.card all next.all next.next.all")
    assert found == {"name": "3", "next": {"name": "2", "next": {"name": "1", "card": "0", "next": None}}}
    assert sent(value, schema, include="next.next.name") == {"next": {"next": {"name": "1"}}}
    hashed = sent(value, schema, hash_="all.card")
    assert hashed["all"][0]["card"] == hasher(SALT)("0", None)
    assert hashed["all"][0]["next"]["card"] == "0"


def test_a_union_is_cut_by_its_branches():
    union = Schema(
        type=Type.STRUCT,
        name="io.confluent.connect.avro.Union",
        fields=(Field("Card", replace(CARD, is_optional=True)), Field("string", OPTIONAL_STRING)),
    )
    schema = struct(payment=union)
    paid = Struct(schema, {"payment": Struct(union, {"Card": ADA})})
    assert sent(paid, schema, exclude="payment.Card.card") == {"payment": {"Card": {"name": "ada"}, "string": None}}
    assert sent(paid, schema, exclude="payment.*.card") == {"payment": {"Card": {"name": "ada"}, "string": None}}


# --- what no path can look into --------------------------------------------------------------------------------------

JSON_IN_TEXT = '{"card": "4111"}'


@pytest.mark.parametrize("value", [JSON_IN_TEXT, JSON_IN_TEXT.encode(), [JSON_IN_TEXT]])
def test_a_text_is_not_sent_where_a_field_should_be_cut(value: object):
    for policy in ({"exclude": "card"}, {"hash_": "card"}):
        with pytest.raises(RecordError, match="value is a text or bytes") as caught:
            sent(value, **policy)
        assert caught.value.stage == "TRANSFORMATION"
        assert SECRET not in str(caught.value)
        with pytest.raises(RecordError, match=r"value\.a is a text or bytes"):
            sent({"a": value}, exclude="a.card")


@pytest.mark.parametrize("schema", [STRING, Schema(type=Type.BYTES), array(STRING), mapped(STRING)])
def test_a_typed_text_is_not_sent_where_a_field_should_be_cut(schema: Schema):
    value: dict[Type, object] = {
        Type.STRING: JSON_IN_TEXT,
        Type.BYTES: JSON_IN_TEXT.encode(),
        Type.ARRAY: [JSON_IN_TEXT],
        Type.MAP: {"x": JSON_IN_TEXT},
    }
    whole = struct(a=schema)
    with pytest.raises(RecordError) as caught:
        sent(Struct(whole, {"a": value[schema.type]}), whole, hash_="a.x.card a.card")
    assert SECRET not in str(caught.value)


def test_what_has_no_fields_and_hides_none_is_sent():
    value = {"a": 1, "b": 2.5, "c": None, "d": True, "e": Decimal("1.20"), "f": "x"}
    policy = {"exclude": "a.card b.card c.card d.card e.card *.card"}
    assert sent(value, **policy) == {**value, "e": 1.2}
    schema = struct(a=INT32, e=decimal_schema(2), f=STRING)
    assert sent(Struct(schema, {"a": 1, "e": Decimal("1.20"), "f": "x"}), schema, **policy) == {
        "a": 1, "e": 1.2, "f": "x",
    }  # fmt: skip


@pytest.mark.parametrize("odd", [ADA, {1, 2}, object()])
def test_what_should_not_be_in_a_value_is_not_sent(odd: object):
    for policy in ({"exclude": "*.card"}, {"exclude": "a.card"}, {"hash_": "a.card"}):
        with pytest.raises(RecordError):
            sent({"a": odd}, **policy)
    assert sent({"a": odd, "id": 1}, include="a.name id") == {"id": 1}


def test_a_value_that_is_not_what_its_schema_says_is_not_sent():
    schema = struct(a=CARD)
    for value in ({"a": {"name": "ada"}}, Struct(schema, {"a": {"name": "ada", "card": SECRET}}), SECRET, 7):
        with pytest.raises(RecordError) as caught:
            sent(value, schema, exclude="a.card")
        assert caught.value.stage == "TRANSFORMATION"
        assert SECRET not in "".join(format_exception(caught.value))


def test_values_as_deep_as_json_may_be():
    deep: object = {"card": SECRET}
    for _ in range(98):
        deep = {"a": [deep]}
    assert SECRET not in str(sent({"a": [deep]}, hash_="a"))
    nested: object = {"card": SECRET, "id": 1}
    for _ in range(198):
        nested = [nested]
    assert "id" in str(sent(nested, exclude="card"))


# --- texts of hashes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "schema", "text"),
    [
        ("a", None, "a"),
        (7, None, "7"),
        (True, None, "true"),
        (TextFloat("1.10"), None, "1.10"),
        (1.5, None, "1.5"),
        (float("nan"), None, "NaN"),
        (Float32(0.10000000149011612), None, "0.1"),
        (0.10000000149011612, Schema(type=Type.FLOAT32), "0.1"),
        (0.10000000149011612, Schema(type=Type.FLOAT64), "0.10000000149011612"),
        (Decimal("1.20"), decimal_schema(2), "1.20"),
        (Decimal("1E+999999999"), None, "1E+999999999"),
        (Decimal("9" * 5000), None, "9" * 5000),
        (b"\x00\xff", None, "AP8="),
        ({"b": [1.0, None], "a": "é"}, None, '{"a":"é","b":[1.0,null]}'),
        (ADA, CARD, '{"card":"4111","name":"ada"}'),
        ({1: 0.10000000149011612}, mapped(Schema(type=Type.FLOAT32), INT32), '{"1":0.1}'),
    ],
)
def test_texts_that_are_hashed(value: object, schema: Schema | None, text: str):
    assert text_of(value, schema) == text


def test_a_lone_surrogate_has_a_hash():
    assert len(sent({"a": "\ud800"}, hash_="a")["a"]) == 64
