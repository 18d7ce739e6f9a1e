from __future__ import annotations

import base64
import json
import struct
from decimal import Decimal
from typing import Any, Self, get_args

import msgspec
import pytest

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import HEADER_CONVERTER, KEY_CONVERTER, VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import DecimalFormat, JsonForm, LongForm, NonfiniteForm
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import (
    FLOAT64,
    INT64,
    OPTIONAL_STRING,
    Field,
    Float32,
    Instant,
    Schema,
    Struct,
    TextFloat,
    Type,
    date_schema,
    decimal_schema,
)
from tests.support.golden import Case, cases

#: What JsonConverter refuses and this converter need not: nothing is lost in what it writes.
BEYOND_JAVA = {
    "Decimal, too few digits": base64.b64encode((1230).to_bytes(2, "big")).decode(),
    "schemaless decimal": Decimal("1.20"),
    "schemaless integer beyond 64 bits": 2**64,
    "schemaless instant": {"a": 5},
}


def written(schema: Schema | None, value: object, form: JsonForm | None = None) -> str:
    embedded = build_embedder(form or JsonForm(nonfinite="string"), VALUE_CONVERTER)(schema, value)
    return msgspec.json.encode(embedded).decode()


def form_of(case: Case) -> JsonForm:
    decimal_format = case.config.get("decimal.format", "BASE64").upper()
    assert decimal_format in get_args(DecimalFormat)
    return JsonForm(
        decimal_format=decimal_format,  # type: ignore[arg-type]
        nonfinite="string",
        replace_null_with_default=case.config.get("replace.null.with.default") != "false",
    )


def parsed(text: str, number: type = float) -> Any:
    """With the order of fields, integers told from others."""
    return json.loads(text, object_pairs_hook=list, parse_float=lambda it: ("number", number(it)))


class Single(float):
    def __new__(cls, text: str) -> Self:
        return super().__new__(cls, struct.unpack("f", struct.pack("f", float(text)))[0])


@pytest.mark.parametrize("case", cases("json_write"), ids=str)
def test_written_as_json_converter_writes_it(case: Case):
    schema, value = case.data
    if case.id in BEYOND_JAVA:
        assert case.fails
        assert json.loads(written(schema, value), parse_float=Decimal) == BEYOND_JAVA[case.id]
        return
    if case.fails:
        with pytest.raises(RecordError):
            written(schema, value, form_of(case))
        return
    text, expected = written(schema, value, form_of(case)), case.outcome["json"] or "null"
    if "NUMERIC" in case.id:
        assert text == expected
    # The digits of a single may be more than needed in Java 17 (JDK-4511638).
    number = Single if case.id.startswith("float32") else float
    assert repr(parsed(text, number)) == repr(parsed(expected, number))


@pytest.mark.parametrize(
    ("number", "text"), [(float("nan"), "NaN"), (float("inf"), "Infinity"), (float("-inf"), "-Infinity")]
)
@pytest.mark.parametrize("wrap", [float, Float32])
@pytest.mark.parametrize("place", ["schema", "schemaless", "alone"])
def test_what_is_not_finite(number: float, text: str, wrap: type[float], place: str):
    of_type = Schema(type=Type.FLOAT64 if wrap is float else Type.FLOAT32)
    schema, value = {
        "schema": (Schema(type=Type.ARRAY, value_schema=of_type), [wrap(1.5), wrap(number)]),
        "schemaless": (None, [wrap(1.5), wrap(number)]),
        "alone": (of_type, wrap(number)),
    }[place]
    brackets = "{}" if place == "alone" else "[1.5,{}]"
    assert written(schema, value, JsonForm(nonfinite="string")) == brackets.format(f'"{text}"')
    assert written(schema, value, JsonForm(nonfinite="null")) == brackets.format("null")
    with pytest.raises(RecordError, match="not finite"):
        written(schema, value, JsonForm())


@pytest.mark.parametrize("nonfinite", get_args(NonfiniteForm))
@pytest.mark.parametrize("text", ["NaN", "-Infinity"])
def test_a_decimal_that_is_not_finite_never_becomes_text_that_is_no_json(nonfinite: NonfiniteForm, text: str):
    form = JsonForm(nonfinite=nonfinite, decimal_format="NUMERIC")
    with pytest.raises(RecordError, match="not finite"):
        written(decimal_schema(1), Decimal(text), form)
    try:
        json.loads(written(None, [Decimal(text), None], form), parse_constant=pytest.fail)
    except RecordError:
        assert nonfinite == "error"


@pytest.mark.parametrize("schema", [None, INT64, Schema(type=Type.ARRAY, value_schema=INT64)])
@pytest.mark.parametrize("long", get_args(LongForm))
def test_long_integers_keep_every_digit(schema: Schema | None, long: LongForm):
    numbers = [0, 2**53 - 1, -(2**53) + 1, 2**53, -(2**53), 2**63 - 1]
    form = JsonForm(long=long)
    if schema is INT64:
        read = [json.loads(written(schema, number, form)) for number in numbers]
    else:
        read = json.loads(written(schema, numbers, form))
    assert read[:3] == numbers[:3]
    assert read[3:] == (numbers[3:] if long == "number" else [str(number) for number in numbers[3:]])


def test_a_number_that_was_read_is_written_as_it_was():
    value = {"a": TextFloat("1.10"), "b": [TextFloat("1E5"), TextFloat("-0.0")], "c": 10**400}
    assert written(None, value) == '{"a":1.10,"b":[1E5,-0.0],"c":1' + "0" * 400 + "}"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1.1", "1.1"), ("0.1", "0.1"), ("3.4028235E38", "3.4028235e38"), ("1.4E-45", "1.4e-45"), ("-0.0", "-0.0"),
        ("16777216", "16777216.0"), ("0.333333343", "0.33333334"), ("123456.789", "123456.79"),
        ("1E10", "10000000000.0"), ("8.5899735E9", "8589974000.0"), ("1.17549435E-38", "1.1754944e-38"),
        ("1.1754942E-38", "1.1754942e-38"),
    ],
)  # fmt: skip
def test_a_single_has_the_fewest_digits_that_are_this_number(number: str, text: str):
    assert written(Schema(type=Type.FLOAT32), Float32(Single(number))) == text
    assert written(None, [Float32(Single(number))]) == f"[{text}]"
    assert Single(text) == Single(number)


ENDLESS: list[object] = []
ENDLESS.append(ENDLESS)
ORDER = Schema(
    type=Type.STRUCT,
    fields=(
        Field("days", Schema(type=Type.ARRAY, value_schema=date_schema())),
        Field("rates", Schema(type=Type.MAP, key_schema=OPTIONAL_STRING, value_schema=FLOAT64)),
    ),
)


@pytest.mark.parametrize(
    ("stage", "schema", "value", "message"),
    [
        (
            VALUE_CONVERTER,
            ORDER,
            Struct(ORDER, {"days": [Instant(0), Instant(1)], "rates": {}}),
            "value.days[1] cannot be written as JSON: a date with a time of day",
        ),
        (
            KEY_CONVERTER,
            ORDER,
            Struct(ORDER, {"days": [], "rates": {"secret": None}}),
            "key.rates[0] cannot be written as JSON: null, and its schema neither is optional nor has a default",
        ),
        (
            HEADER_CONVERTER,
            date_schema(),
            Instant(7),
            "the header cannot be written as JSON: a date with a time of day",
        ),
        (VALUE_CONVERTER, None, {"a": ["\ud800"]}, "the value cannot be written as JSON: text with a lone surrogate"),
        (VALUE_CONVERTER, None, {"a": [object()]}, "the value cannot be written as JSON: a object where there is no"),
        (VALUE_CONVERTER, FLOAT64, "secret", "the value cannot be written as JSON: a value of another type"),
        (VALUE_CONVERTER, None, [10**5000], "the value cannot be written as JSON: a value of another type"),
        (VALUE_CONVERTER, None, ENDLESS, "the value cannot be written as JSON: a value of another type"),
        (VALUE_CONVERTER, decimal_schema(0), Decimal("1" + "0" * 10_000), "a decimal of more than 10,000 digits"),
        (VALUE_CONVERTER, decimal_schema(10_000), Decimal(1), "a decimal of more than 10,000 digits"),
        (VALUE_CONVERTER, ORDER, {"days": []}, "the value cannot be written as JSON: a value of another type"),
        (
            VALUE_CONVERTER,
            None,
            {"a": [1, {"b": float("nan")}]},
            "value.a[1].b cannot be written as JSON: a number that is not finite",
        ),
        (VALUE_CONVERTER, ORDER, Struct(Schema(type=Type.STRUCT), {}), "a struct of another schema"),
    ],
)
def test_an_error_says_where_and_what(stage: str, schema: Schema | None, value: object, message: str):
    with pytest.raises(RecordError) as caught:
        build_embedder(JsonForm(), stage)(schema, value)
    assert message in str(caught.value)
    assert caught.value.stage == stage
    assert caught.value.__context__ is None


def test_more_schemas_than_are_kept():
    embed = build_embedder(JsonForm(), VALUE_CONVERTER)
    for round_ in range(2):
        for scale in range(1100):
            # A new schema each time, where the last one's identity may be used again.
            schema = decimal_schema(scale)
            assert json.loads(msgspec.json.encode(embed(schema, Decimal((0, (1,), -scale))))) == "AQ==", round_


def test_a_default_that_cannot_be_written_is_the_fault_of_those_who_need_it():
    bad = Schema(type=Type.FLOAT64, default=float("nan"))
    schema = Schema(type=Type.STRUCT, fields=(Field("a", bad),))
    embed = build_embedder(JsonForm(), VALUE_CONVERTER)
    assert msgspec.json.encode(embed(schema, Struct(schema, {"a": 1.5}))) == b'{"a":1.5}'
    with pytest.raises(RecordError, match=r"^value\.a cannot be written as JSON: a number that is not finite"):
        embed(schema, Struct(schema, {}))


def test_a_schema_may_hold_itself():
    node = Schema(type=Type.STRUCT, is_optional=True)
    leaf = Struct(node, {"v": 1.5, "kids": []})
    kids = Schema(type=Type.ARRAY, value_schema=node, default=[leaf])
    node.tie((Field("v", FLOAT64), Field("next", node), Field("kids", kids)))
    value = Struct(node, {"v": 2.5, "next": Struct(node, {"v": 3.5, "kids": [leaf]})})
    plain: dict[str, object] = {"v": 1.5, "next": None, "kids": []}
    assert json.loads(written(node, value)) == {
        "v": 2.5, "next": {"v": 3.5, "next": None, "kids": [plain]}, "kids": [plain],
    }  # fmt: skip
    with pytest.raises(RecordError, match=r"^value\.next\.kids\[0\]\.v cannot be written"):
        written(node, Struct(node, {"v": 1.5, "next": Struct(node, {"v": 1.5, "kids": [Struct(node, {})]})}))
