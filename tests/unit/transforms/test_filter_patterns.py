import json
from decimal import Decimal
from typing import Any

import pytest

from kafka_lambda_sink.core.schema import (
    FLOAT32,
    INT64,
    STRING,
    Field,
    Float32,
    Instant,
    Schema,
    Struct,
    TextFloat,
    Type,
    decimal_schema,
    timestamp_schema,
)
from kafka_lambda_sink.core.sink_record import Header, SinkRecord
from kafka_lambda_sink.transforms.filter_patterns import compile_filter
from kafka_lambda_sink.transforms.filter_syntax import FilterPatternError
from tests.support.golden import Case, cases
from tests.support.records import record


def sink_record(value: object = None, key: object = None, **parts: Any) -> SinkRecord:
    parts = {"topic": "orders", "partition": 3, "timestamp": 1_700_000_000_000, **parts}
    return SinkRecord(source=record(42), key_schema=None, key=key, value_schema=None, value=value, **parts)


def passes(pattern: object, value: object = None, **parts: Any) -> bool:
    made = compile_filter(json.dumps([pattern]))
    one = sink_record(value, **parts)
    passing = made(one)
    assert made.explain(one).passes == passing
    return passing


def text(json_or_text: object) -> str:
    return json_or_text if isinstance(json_or_text, str) else json.dumps(json_or_text)


@pytest.mark.parametrize("case", cases("filter"), ids=str)
@pytest.mark.parametrize("of", [json.loads, str, str.encode], ids=["read", "text", "bytes"])
def test_patterns_match_as_in_event_ruler(case: Case, of):
    patterns = f'[{{"value": {text(case.given["pattern"])}}}]'
    if case.fails:
        with pytest.raises(FilterPatternError):
            compile_filter(patterns)
        return
    made = compile_filter(patterns)
    one = sink_record(of(text(case.given["event"])))
    assert made(one) == made.explain(one).passes == case.outcome["result"]


# --- AWS's own examples of Kafka filters -----------------------------------------------------------------------------

DEVICE = {"device_ID": "AB1234", "session": {"start_time": "yyyy-mm-ddThh:mm:ss", "duration": 162}}
BY_PREFIX = {"value": {"device_ID": [{"prefix": "AB"}]}}
NOT_ERROR = {"value": [{"anything-but": ["error"]}]}


@pytest.mark.parametrize("value", [DEVICE, json.dumps(DEVICE), json.dumps(DEVICE).encode()], ids=type)
def test_a_json_value_is_matched_by_its_fields_whatever_the_converter(value):
    assert passes(BY_PREFIX, value)
    assert not passes({"value": {"device_ID": [{"prefix": "CD"}]}}, value)


def test_a_plain_string_is_matched_as_it_is():
    assert passes(NOT_ERROR, "ok")
    assert not passes(NOT_ERROR, "error")


# AWS's table of formats: where value and pattern are of different ones, only the other parts are filtered by.

PART = pytest.mark.parametrize("part", ["value", "key"])
TEXTS = ["ok", "", "[1, ", '{"device_ID": ', '{"a": 1e99999999999999999999}', "[" * 100_000, '"quoted"', b"ok", b"{"]
NO_TEXTS = [b"\xff\xfe", b'{"device_ID": "\xff"}']
OBJECTS = [DEVICE, {}, json.dumps(DEVICE), json.dumps(DEVICE).encode(), "{}", ' \r\n\t{"a": 1}']


def short(value: object) -> str:
    return repr(value)[:30]


def looks_at(pattern: object, part: str, value: object) -> bool:
    """Whether the part is looked at; where it is not, the topic still is."""
    where = {part: pattern}
    given = {part: value}
    assert not passes({**where, "topic": ["x"]}, **given)
    is_met = passes(where, **given)
    assert passes({**where, "topic": ["orders"]}, **given) == is_met
    return not is_met


@PART
@pytest.mark.parametrize("value", [*TEXTS, *NO_TEXTS], ids=short)
def test_a_text_is_not_looked_at_by_a_pattern_of_fields(part, value):
    assert not looks_at({"device_ID": [{"prefix": "AB"}], "session": {"duration": [{"exists": True}]}}, part, value)
    assert not looks_at({"$or": [{"device_ID": ["a"]}, {"device_ID": ["b"]}]}, part, value)


@PART
@pytest.mark.parametrize("value", [*OBJECTS, *NO_TEXTS], ids=short)
@pytest.mark.parametrize("pattern", [["x"], [{"prefix": "x"}], [5], [True], ["x", None], ["x", {"exists": False}]])
def test_an_object_is_not_looked_at_by_a_list(part, value, pattern):
    assert not looks_at(pattern, part, value)


@PART
@pytest.mark.parametrize(
    "value", [[], ["device_ID"], [{"a": 1}], "[1]", b"[]", 5, "5", True, "true", 0.5, None], ids=repr
)
def test_json_that_is_no_object_has_no_such_field(part, value):
    assert looks_at({"device_ID": ["x"]}, part, value)
    assert passes({part: {"device_ID": [{"exists": False}]}}, **{part: value})


@PART
@pytest.mark.parametrize("value", ["ok", b"ok", "[1]", b"[1]", "5", 5, None, [1, "ok"], '"x"'], ids=repr)
def test_a_list_looks_at_everything_but_objects(part, value):
    assert looks_at(["x"], part, value)


@PART
@pytest.mark.parametrize("value", [*TEXTS, *NO_TEXTS, *OBJECTS, 5, None], ids=short)
def test_whether_there_is_a_value_is_always_looked_at(part, value):
    is_null = value is None
    assert passes({part: [None]}, **{part: value}) == is_null
    assert passes({part: [None, {"exists": False}]}, **{part: value}) == is_null
    assert passes({part: [{"exists": True}]}, **{part: value})
    assert not passes({part: [{"exists": False}]}, **{part: value})


def test_bytes_are_the_text_that_they_are_in_utf_8():
    assert passes({"value": ["ö"]}, "ö".encode())
    assert not passes(NOT_ERROR, b"error")


def test_text_that_holds_no_object_is_a_plain_string_to_a_list():
    assert passes({"value": ["[1, 2]"]}, "[1, 2]")
    assert not passes({"value": [5]}, "5")


def test_an_alternative_is_met_by_what_it_does_not_look_at():
    either = {"$or": [{"value": {"a": [1]}}, {"key": ["k"]}]}
    assert passes(either, "text")
    assert not passes(either, {"a": 2}, key="l")


def test_a_pattern_may_ask_for_both_forms():
    both = {"value": [{"anything-but": "no"}], "$or": [{"value": {"a": [1]}}, {"value": {"a": [2]}}]}
    accepted = [passes(both, value) for value in ("yes", "no", {"a": 1}, {"a": 3}, '{"a": 2}', '{"a": 3}', b"\xff")]
    assert accepted == [True, False, True, False, True, False, True]


@pytest.mark.parametrize(
    "form",
    [
        '[{"Pattern": "{\\"value\\": [\\"x\\"]}"}]',
        '{"Filters": [{"Pattern": "{\\"value\\": [\\"x\\"]}"}]}',
        '[{"Pattern": {"value": ["x"]}}]',
        '[{"value": ["x"]}]',
        '{"value": ["x"]}',
        '[{"value": ["z"]}, {"value": ["x"]}]',
    ],
)
def test_the_forms_of_the_property(form):
    made = compile_filter(form)
    assert made(sink_record("x"))
    assert not made(sink_record("y"))


# --- the other parts of a record -------------------------------------------------------------------------------------


HEADERS = [("type", "created"), ("tag", "a"), ("tag", "b"), ("tag", "c"), ("trace", {"id": 7}), ("empty", None)]


@pytest.mark.parametrize(
    "pattern",
    [
        {"key": ["k-1"]},
        {"key": [{"prefix": "k-"}]},
        {"topic": ["orders"]},
        {"partition": [3]},
        {"timestamp": [{"numeric": [">", 1_600_000_000_000]}]},
        {"headers": {"type": ["created"]}},
        {"headers": {"type": ["created"], "none": [{"exists": False}]}},
        {"headers": {"tag": ["a"]}},
        {"headers": {"tag": ["b"]}},
        {"headers": {"tag": ["c"]}},
        {"headers": {"trace": {"id": [7]}}},
        {"headers": {"empty": [None]}},
        {"value": [None]},
        {"$or": [{"key": ["k-2"]}, {"headers": {"type": [{"suffix": "ed"}]}}]},
    ],
    ids=json.dumps,
)
def test_every_part_of_a_record_is_matched(pattern):
    assert passes(pattern, None, key="k-1", headers=tuple(Header(name, None, value) for name, value in HEADERS))
    assert not passes(pattern, 5, key="x", headers=(), topic="t", partition=1, timestamp=1)


@pytest.mark.parametrize(("at", "is_met"), [([42], True), ([{"numeric": [">", 42]}], False)], ids=str)
def test_the_offset_is_matched(at, is_met):
    assert passes({"offset": at}) == is_met


def test_a_json_key_is_matched_by_its_fields():
    assert passes({"key": {"id": [7]}}, key='{"id": 7}')
    assert passes({"key": {"id": [7]}}, key={"id": 7})


def test_the_topic_is_that_of_the_transforms_and_the_offset_that_of_the_source():
    one = sink_record(topic="routed")
    assert compile_filter('{"topic": ["routed"], "offset": [42]}')(one)


def test_a_record_without_timestamp_has_null():
    assert passes({"timestamp": [None]}, timestamp=None)


# --- values that are not from JSON -----------------------------------------------------------------------------------

CUSTOMER = Schema(type=Type.STRUCT, fields=(Field("name", STRING),))
ORDER = Schema(
    type=Type.STRUCT,
    fields=(
        Field("id", INT64),
        Field("state", Schema(type=Type.STRING, is_optional=True, default="open")),
        Field("note", Schema(type=Type.STRING, is_optional=True)),
        Field("price", decimal_schema(2)),
        Field("at", timestamp_schema()),
        Field("weight", FLOAT32),
        Field("digest", Schema(type=Type.BYTES)),
        Field("customers", Schema(type=Type.ARRAY, value_schema=CUSTOMER)),
    ),
)
STRUCT = Struct(
    ORDER,
    {
        "id": 7,
        "price": Decimal("12.50"),
        "at": Instant(1_700_000_000_000),
        "weight": Float32(1.100000023841858),
        "digest": b"\x00\x01",
        "customers": [Struct(CUSTOMER, {"name": "Ada"}), Struct(CUSTOMER, {"name": "Bob"})],
    },
)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": [7]},
        {"state": ["open"]},
        {"note": [None]},
        {"unknown": [{"exists": False}]},
        {"price": [12.5]},
        {"price": [{"numeric": [">", 12.49, "<", 12.51]}]},
        {"at": [{"numeric": ["=", 1_700_000_000_000]}]},
        {"weight": [1.1]},
        {"digest": ["AAE="]},
        {"customers": {"name": ["Bob"]}},
        {"customers": [{"exists": False}]},
    ],
    ids=json.dumps,
)
def test_structs_are_matched_by_what_they_are_in_json(fields):
    assert passes({"value": fields}, STRUCT)


def test_a_struct_is_an_object_to_a_list():
    assert passes(NOT_ERROR, STRUCT)
    assert not passes({"value": [None]}, STRUCT)


@pytest.mark.parametrize(
    "fields",
    [{"id": ["7"]}, {"state": [None]}, {"price": [12.51]}, {"customers": {"name": ["Eve"]}}, {"id": {"x": [1]}}],
    ids=json.dumps,
)
def test_structs_are_not_matched_by_what_they_are_not(fields):
    assert not passes({"value": fields}, STRUCT)


def test_numbers_are_compared_as_they_are_written():
    assert passes({"value": [0.1]}, 0.1)
    assert passes({"value": [0.1]}, TextFloat("0.10"))
    assert not passes({"value": [0.1]}, TextFloat("0.1000000000000000000001"))
    assert not passes({"value": [{"numeric": [">", 9007199254740992]}]}, 9007199254740992)
    assert passes({"value": [{"numeric": [">", 9007199254740992]}]}, 9007199254740993)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), TextFloat("1e999")], ids=repr)
def test_numbers_that_json_has_not_are_equal_to_nothing_but_are_there(value):
    is_text = isinstance(value, TextFloat)
    assert passes({"value": [{"numeric": [">", 0]}]}, value) == is_text
    assert not passes({"value": [0]}, value)
    assert passes({"value": [{"anything-but": [0]}]}, value)
    assert passes({"value": [{"exists": True}]}, value)


@pytest.mark.parametrize("number", ["1e999999999999999999", "1e-999999999999999999", "1" * 4000, "0." + "1" * 9000])
def test_numbers_of_any_size_are_compared_at_once(number):
    assert passes({"value": {"a": [{"numeric": [">", 0]}]}}, f'{{"a": {number}}}')
    assert passes({"value": {"a": [{"anything-but": [5, 0.5]}]}}, f'{{"a": {number}}}')


@pytest.mark.parametrize("condition", [1, {"exists": False}], ids=str)
@pytest.mark.parametrize("in_arrays", [False, True])
def test_patterns_as_deep_as_values_may_be(condition, in_arrays):
    pattern: Any = [condition]
    value: Any = 1
    for level in range(190):
        pattern = {"a": pattern}
        value = [{"a": value}] if in_arrays and level % 2 else {"a": value}
    assert passes({"value": pattern}, value) == (condition == 1)


def test_half_of_a_surrogate_pair_is_a_text_like_others():
    assert passes({"value": [{"prefix": "\ud800"}]}, "\ud800x")


def test_absence_is_looked_for_object_by_object_where_others_demand_something():
    # Here event-ruler's answer depends on which of the names sorts first.
    value = [{"a": 1}, {"b": 1}]
    assert passes({"value": {"a": [{"exists": False}], "b": [1]}}, value)
    assert passes({"value": {"b": [{"exists": False}], "a": [1]}}, value)


def test_a_dot_in_a_name_is_part_of_it():
    assert passes({"value": {"a.b": [1]}}, {"a.b": 1})
    assert not passes({"value": {"a.b": [1]}}, {"a": {"b": 1}})


def test_a_block_of_one_address_is_allowed():
    assert passes({"value": [{"cidr": "10.0.0.7/32"}]}, "10.0.0.7")


def test_a_wildcard_of_many_asterisks_takes_no_longer_than_the_text():
    assert not passes({"value": [{"wildcard": "*a" * 40 + "b"}]}, "a" * 100_000)
