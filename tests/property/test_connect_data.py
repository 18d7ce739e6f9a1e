"""Connect's data in and out: what is read comes out as it went in, and what is written is JSON that reads the same."""

from __future__ import annotations

import json
import struct
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import assume, example, given

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import HEADER_CONVERTER, VALUE_CONVERTER, Embeddable
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.json_text import InvalidJsonError, validate_json
from kafka_lambda_sink.converters.reading import build_reader
from kafka_lambda_sink.converters.singles import nearest_single, shortest_single
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import (
    DATE,
    DECIMAL,
    TIME,
    TIMESTAMP,
    Float32,
    Instant,
    Schema,
    Struct,
    Type,
)
from tests.support.notation import form, schema_of

read_json = build_reader("json", stage=VALUE_CONVERTER, schemas_enable=False)
read_enveloped = build_reader("json", stage=VALUE_CONVERTER, schemas_enable=True)
read_header = build_reader("simple", stage=HEADER_CONVERTER, schemas_enable=False)
embed = build_embedder(JsonForm(), VALUE_CONVERTER)
embed_numeric = build_embedder(JsonForm(decimal_format="NUMERIC"), VALUE_CONVERTER)


def text_of(embedded: Embeddable) -> str:
    return msgspec.json.encode(embedded).decode()


# --- without a schema ------------------------------------------------------------------------------------------------

NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
#: JSON texts without white space and with no two ways to write them but for the digits of numbers.
TEXTS = st.recursive(
    st.sampled_from(["null", "true", "false"]) | NUMBERS | st.text().map(lambda it: msgspec.json.encode(it).decode()),
    lambda inner: (
        st.lists(inner).map(lambda it: f"[{','.join(it)}]")
        | st.dictionaries(st.text(), inner).map(
            lambda it: "{" + ",".join(f"{msgspec.json.encode(key).decode()}:{one}" for key, one in it.items()) + "}"
        )
    ),
    max_leaves=20,
)


@given(TEXTS)
def test_json_without_a_schema_comes_out_byte_for_byte(text: str):
    # An integer has no negative zero.
    assume("-0" not in text)
    assert text_of(embed(*read_json(text.encode()))) == text


@given(TEXTS, st.sampled_from([None, 1, "\t"]))
def test_white_space_and_escapes_are_all_that_reading_takes_away(text: str, indent: Any):
    spaced = json.dumps(json.loads(text, parse_float=Decimal), indent=indent, default=float)
    out = text_of(embed(*read_json(spaced.encode())))
    assert json.loads(out) == json.loads(spaced)


@given(st.binary(max_size=30) | TEXTS.map(str.encode))
@example(b"[" * 150 + b"]" * 150)
@example(b'{"a":1e999}')
@example(b"\xef\xbb\xbf1")
def test_the_reader_takes_what_the_fast_path_takes(raw: bytes):
    try:
        validate_json(raw)
    except InvalidJsonError:
        with pytest.raises(RecordError):
            read_json(raw)
        return
    read_json(raw)


# --- with a schema ---------------------------------------------------------------------------------------------------

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
INTEGERS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
DAY_MS = 86_400_000


NAMES = [it.value for it in Type if it not in {Type.ARRAY, Type.MAP, Type.STRUCT}]
NAMES += ["Date", "Time", "Timestamp", "Decimal:-3", "Decimal:0", "Decimal:2", "Decimal:20"]
#: Schemas in the notation of the golden tables, whose representations are short.
SCALARS = st.sampled_from(NAMES)
MORE: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"optional": True}, {"name": "a.B", "version": 2, "parameters": {"a": "b"}}]
)
ANY = st.recursive(
    st.sampled_from([*NAMES, *(f"{name}?" for name in NAMES)]),
    lambda inner: (
        st.builds(lambda it, more: {"type": "array", "values": it, **more}, inner, MORE)
        | st.builds(lambda key, it, more: {"type": "map", "keys": key, "values": it, **more}, SCALARS, inner, MORE)
        | st.builds(
            lambda it, more: {"type": "struct", "fields": it, **more},
            st.dictionaries(st.text(max_size=5), inner, max_size=4),
            MORE,
        )
    ),
    max_leaves=8,
)


def schema_from(notation: Any) -> Schema:
    schema = schema_of(notation)
    assert schema is not None
    return schema


def scalars(schema: Schema) -> st.SearchStrategy[Any]:
    if schema.name == DECIMAL:
        return st.integers().map(lambda it: Decimal(it).scaleb(-schema.scale, _EXACT))
    if schema.name == DATE:
        return st.integers(-(2**31), 2**31 - 1).map(lambda it: Instant(it * DAY_MS))
    if schema.name == TIME:
        return st.integers(0, DAY_MS).map(Instant)
    if schema.name == TIMESTAMP:
        return st.integers(-(2**63), 2**63 - 1).map(Instant)
    if schema.type in INTEGERS:
        limit = 2 ** (INTEGERS[schema.type] - 1)
        return st.integers(-limit, limit - 1)
    return {
        Type.FLOAT32: st.floats(width=32, allow_nan=False, allow_infinity=False).map(Float32),
        Type.FLOAT64: st.floats(allow_nan=False, allow_infinity=False),
        Type.BOOLEAN: st.booleans(),
        Type.STRING: st.text(),
        Type.BYTES: st.binary(),
    }[schema.type]


def values(schema: Schema) -> st.SearchStrategy[Any]:
    match schema.type:
        case Type.ARRAY:
            assert schema.value_schema is not None
            found: st.SearchStrategy[Any] = st.lists(values(schema.value_schema), max_size=4)
        case Type.MAP:
            assert schema.key_schema is not None
            assert schema.value_schema is not None
            found = st.dictionaries(values(schema.key_schema), values(schema.value_schema), max_size=4)
        case Type.STRUCT:
            fields = {one.name: values(one.schema) for one in schema.fields}
            found = st.fixed_dictionaries(fields).map(lambda it: Struct(schema, it))
        case _:
            found = scalars(schema)
    return st.none() | found if schema.is_optional else found


def schema_json(schema: Schema) -> dict[str, Any]:
    """JsonConverter.asJsonSchema."""
    names = {Type.FLOAT32: "float", Type.FLOAT64: "double"}
    found: dict[str, Any] = {"type": names.get(schema.type, schema.type.value), "optional": schema.is_optional}
    found |= {"name": schema.name, "version": schema.version, "parameters": dict(schema.parameters)}
    match schema.type:
        case Type.ARRAY:
            assert schema.value_schema is not None
            found["items"] = schema_json(schema.value_schema)
        case Type.MAP:
            assert schema.key_schema is not None
            assert schema.value_schema is not None
            found |= {"keys": schema_json(schema.key_schema), "values": schema_json(schema.value_schema)}
        case Type.STRUCT:
            found["fields"] = [{**schema_json(one.schema), "field": one.name} for one in schema.fields]
    return found


@given(ANY.map(schema_from).flatmap(lambda it: st.tuples(st.just(it), values(it))), st.booleans())
def test_what_is_written_with_a_schema_reads_the_same(data: tuple[Schema, Any], is_numeric: bool):  # noqa: FBT001 - given
    schema, value = data
    text = text_of((embed_numeric if is_numeric else embed)(schema, value))
    json.loads(text, parse_constant=pytest.fail)
    read = read_enveloped(f'{{"schema":{json.dumps(schema_json(schema))},"payload":{text}}}'.encode())
    assert read.schema == schema
    assert form(read.value, read.schema) == form(value, schema)


# --- singles and headers ---------------------------------------------------------------------------------------------


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_digits_of_a_single_are_that_single(number: float):
    shortest = shortest_single(number)
    assert nearest_single(shortest) == nearest_single(Decimal(repr(shortest))) == number
    assert len(Decimal(repr(shortest)).normalize().as_tuple().digits) <= 9


@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False)
    | st.builds(lambda digits, places: digits / 10**places, st.integers(-(10**7), 10**7), st.integers(0, 9))
)
@example(-0.0)
@example(99.99995)
@example(2.0**-126)
def test_no_fewer_digits_are_that_single(number: float):
    single = nearest_single(number)
    least = 6 if abs(single) >= 2.0**-126 else 2
    texts = (f"{single:.{digits}g}" for digits in range(least, 10))
    expected = next(text for text in texts if nearest_single(float(text)) == single)
    assert repr(shortest_single(single)) == repr(float(expected))


@given(st.integers(1, 0x7F7FFFFE), st.integers(-10, 10), st.sampled_from([0, 20, 60]))
def test_a_number_near_the_middle_of_two_singles_goes_to_the_nearer(bits: int, tilt: int, digits: int):
    low, high = (Fraction(struct.unpack("f", struct.pack("i", it))[0]) for it in (bits, bits + 1))
    exact = (low + high) / 2 + Fraction(tilt, 10**digits) * (high - low) / 100
    # A binary fraction has as many decimal digits as binary ones.
    scale = exact.denominator.bit_length() + 70
    number = Decimal(exact.numerator * 10**scale // exact.denominator).scaleb(-scale, context=_EXACT)
    nearest = Fraction(float(nearest_single(number)))
    other = low if nearest == high else high
    assert abs(nearest - Fraction(number)) <= abs(other - Fraction(number))


@given(
    st.binary(max_size=20)
    | st.text(alphabet='019-+.:eE[]{}," \\aZT', max_size=30).map(str.encode)
    | st.lists(
        st.sampled_from(
            [
                "[",
                "]",
                "{",
                "}",
                ",",
                ":",
                '"a"',
                "1",
                "300",
                "1.5",
                "1e39",
                "1e400",
                "true",
                "null",
                "2020-01-02",
                "12:34:56.789Z",
            ]
        )
    ).map(lambda it: "".join(it).encode())
)
def test_any_header_can_be_read_and_written(raw: bytes):
    json.loads(text_of(build_embedder(JsonForm(), HEADER_CONVERTER)(*read_header(raw))), parse_constant=pytest.fail)
