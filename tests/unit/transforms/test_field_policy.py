"""Fields that are kept, dropped and hashed."""

from __future__ import annotations

import hashlib
import hmac
from decimal import Decimal
from typing import Any

import pytest

from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import (
    INT32,
    OPTIONAL_STRING,
    STRING,
    Field,
    Schema,
    Struct,
    Type,
    decimal_schema,
)
from kafka_lambda_sink.core.sink_record import SchemaAndValue, SinkRecord
from kafka_lambda_sink.transforms.field_paths import parse_path
from kafka_lambda_sink.transforms.field_policy import FieldPolicyError, build_field_policy, drop_tombstones
from kafka_lambda_sink.transforms.target import Target
from tests.support.records import record

SALT = "salt of sixteen!"
CUSTOMER = Schema(type=Type.STRUCT, fields=(Field("name", STRING), Field("card", STRING)))
ITEM = Schema(type=Type.STRUCT, fields=(Field("sku", STRING), Field("price", decimal_schema(2))))
ORDER = Schema(
    type=Type.STRUCT,
    name="Order",
    fields=(
        Field("id", INT32),
        Field("customer", CUSTOMER),
        Field("items", Schema(type=Type.ARRAY, value_schema=ITEM)),
        Field("tags", Schema(type=Type.MAP, key_schema=STRING, value_schema=STRING)),
    ),
)
PLAIN = {
    "id": 7,
    "customer": {"name": "ada", "card": "4111"},
    "items": [{"sku": "a", "price": Decimal("1.20")}, {"sku": "b", "price": Decimal("3.00")}],
    "tags": {"source": "web", "ip": "10.0.0.1"},
}
TYPED = Struct(
    ORDER,
    {
        "id": 7,
        "customer": Struct(CUSTOMER, PLAIN["customer"]),  # type: ignore[arg-type]
        "items": [Struct(ITEM, item) for item in PLAIN["items"]],  # type: ignore[attr-defined]
        "tags": PLAIN["tags"],
    },
)


def hashed(text: str) -> str:
    return hmac.new(SALT.encode(), text.encode(), hashlib.sha256).hexdigest()


def sink_record(value: object, schema: Schema | None = None, key: object = None) -> SinkRecord:
    return SinkRecord(
        source=record(1), topic="orders", partition=3, key_schema=None, key=key, value_schema=schema, value=value,
        timestamp=None,
    )  # fmt: skip


def plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return {one.name: plain(value.values.get(one.name)) for one in value.schema.fields}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {name: plain(item) for name, item in value.items()} if isinstance(value, dict) else value


def cut(
    value: object, schema: Schema | None = None, *, include: str = "", exclude: str = "", hash_: str = ""
) -> SchemaAndValue:
    policy = build_field_policy(include.split(), exclude.split(), hash_.split(), SALT)
    result = policy(sink_record(value, schema))
    assert result is not None
    return SchemaAndValue(result.value_schema, result.value)


CASES = [
    ({"exclude": "customer.card items.price"}, {
        "id": 7, "customer": {"name": "ada"}, "items": [{"sku": "a"}, {"sku": "b"}], "tags": PLAIN["tags"],
    }),
    ({"include": "id customer.name items.sku tags.source"}, {
        "id": 7, "customer": {"name": "ada"}, "items": [{"sku": "a"}, {"sku": "b"}], "tags": {"source": "web"},
    }),
    ({"include": "customer"}, {"customer": PLAIN["customer"]}),
    ({"include": "id.number"}, {}),
    ({"exclude": "*.card customer.nothing nothing.at.all"}, {**PLAIN, "customer": {"name": "ada"}}),
    ({"hash_": "id customer.card tags.ip"}, {
        **PLAIN, "id": hashed("7"), "customer": {"name": "ada", "card": hashed("4111")},
        "tags": {"source": "web", "ip": hashed("10.0.0.1")},
    }),
    ({"hash_": "items.price"}, {
        **PLAIN, "items": [{"sku": "a", "price": hashed("1.20")}, {"sku": "b", "price": hashed("3.00")}],
    }),
    ({"include": "id tags", "exclude": "tags.ip", "hash_": "id"}, {"id": hashed("7"), "tags": {"source": "web"}}),
    ({"exclude": "customer items.* tags.*"}, {"id": 7, "items": [{}, {}], "tags": {}}),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "expected"), CASES)
def test_values_without_a_schema(policy: dict[str, str], expected: object):
    assert cut(PLAIN, None, **policy) == (None, expected)


@pytest.mark.parametrize(("policy", "expected"), CASES)
def test_values_with_a_schema_and_the_schema_with_them(policy: dict[str, str], expected: object):
    schema, value = cut(TYPED, ORDER, **policy)
    assert plain(value) == expected
    assert isinstance(value, Struct)
    assert value.schema is schema
    assert schema.name == "Order"
    assert [one.name for one in schema.fields] == list(plain(value))


def test_a_hashed_field_is_an_optional_string_and_null_stays_null():
    schema = cut(TYPED, ORDER, hash_="id").schema
    assert schema is not None
    assert schema.fields[0].schema == OPTIONAL_STRING
    assert cut({"id": None}, hash_="id").value == {"id": None}
    assert cut({}, hash_="id").value == {}


def test_a_whole_object_is_hashed_whatever_the_order_of_its_fields():
    one = cut({"a": {"x": 1, "y": [True, None]}}, hash_="a").value
    assert one == cut({"a": {"y": [True, None], "x": 1}}, hash_="a").value
    assert one == {"a": hashed('{"x":1,"y":[true,null]}')}


@pytest.mark.parametrize("schema", [None, OPTIONAL_STRING, ORDER])
@pytest.mark.parametrize("policy", [{"include": "id"}, {"exclude": "customer.card"}, {"hash_": "id.number"}])
def test_a_tombstone_stays_one(schema: Schema | None, policy: dict[str, str]):
    assert cut(None, schema, **policy) == (schema, None)


def test_keys_have_paths_of_their_own():
    policy = build_field_policy((), ("key.card", r"value.key", r"a\.b"), (), SALT)
    result = policy(sink_record({"card": 1, "key": 2, "a.b": 3, "a": {"b": 4}}, key={"card": 1, "id": 2}))
    assert result is not None
    assert (result.key, result.value) == ({"id": 2}, {"card": 1, "a": {"b": 4}})


@pytest.mark.parametrize("value", ["text", 7, [1, 2]])
def test_what_has_no_fields_is_not_sent_where_only_some_fields_may_be(value: object):
    if isinstance(value, list):
        assert cut(value, include="id").value == []
        return
    with pytest.raises(RecordError) as caught:
        cut(value, include="id")
    assert caught.value.stage == "TRANSFORMATION"


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a\\"])
def test_what_is_no_path_is_refused(path: str):
    with pytest.raises(FieldPolicyError, match="is not a path") as caught:
        build_field_policy((), (), (path,), SALT)
    assert caught.value.option == "hash"


@pytest.mark.parametrize(
    ("include", "exclude", "hashed", "option", "words"),
    [
        ("", "value.a", "a", "hash", "`a` is within `value.a`"),
        ("", "a", "b a.b.c", "hash", "`a.b.c` is within `a`"),
        ("", "*.b", "a.b", "hash", "`a.b` is within `*.b`"),
        ("a b", "b", "", "include", "`b` is within `b`"),
        ("key.a", "key.*", "", "include", "`key.a` is within `key.*`"),
        ("id", "", "email", "hash", "`email` is not in what fields.include keeps"),
        ("a.b", "", "a.c", "hash", "`a.c` is not in"),
    ],
)
def test_a_path_that_another_leaves_nothing_of_is_refused(
    include: str, exclude: str, hashed: str, option: str, words: str
):
    with pytest.raises(FieldPolicyError) as caught:
        build_field_policy(include.split(), exclude.split(), hashed.split(), SALT)
    assert words in str(caught.value)
    assert caught.value.option == option


@pytest.mark.parametrize(
    ("include", "exclude", "hashed"),
    [("", "a.b", "a"), ("a", "a.b", "a.c"), ("a.b", "", "a"), ("*.b", "", "a.b"), ("id", "key.id", "key.email"),
     ("", "a.*", "*.b.c"), ("a", "b", "")],
)  # fmt: skip
def test_paths_that_leave_something_of_each_other_are_taken(include: str, exclude: str, hashed: str):
    build_field_policy(include.split(), exclude.split(), hashed.split(), SALT)


def test_sides_of_paths():
    assert parse_path("key") == (Target.VALUE, ("key",))
    assert parse_path(r"key\.a") == (Target.VALUE, ("key.a",))
    assert parse_path("key.a") == (Target.KEY, ("a",))
    assert parse_path("value.key") == (Target.VALUE, ("key",))


def test_tombstones_are_dropped():
    assert drop_tombstones(sink_record(None)) is None
    kept = sink_record(0)
    assert drop_tombstones(kept) is kept
