from __future__ import annotations

import pytest

from kafka_lambda_sink.converters.converter import HEADER_CONVERTER
from kafka_lambda_sink.converters.header_text import parse_header
from kafka_lambda_sink.converters.reading import build_reader
from kafka_lambda_sink.core.schema import BYTES, STRING
from kafka_lambda_sink.core.sink_record import SchemaAndValue
from tests.support.golden import Case, cases
from tests.support.notation import form, schema_form

read = build_reader("simple", stage=HEADER_CONVERTER, schemas_enable=False)


#: Maps whose keys are arrays or maps, or equal in Python alone; times that no day has.
STRINGS = {'{1: "a", true: "b"}', "{[1]: 2}", "{{}: 2}", "25:61:61.999Z"}
#: Connect takes the last element's schema for all, which makes a value that its own JsonConverter cannot write.
WITHOUT_COMMON_SCHEMA = {
    "[[1], [300]]", '[[1], ["a"]]', '{"a": [1], "b": ["x"]}', "[2020-01-02, 12:34:56.789Z]",
    "[123456789012345678901, 1e400]",
}  # fmt: skip


@pytest.mark.parametrize("case", [it for it in cases("header") if it.id != "not UTF-8"], ids=str)
def test_a_header_is_what_simple_header_converter_makes_of_it(case: Case):
    schema, value = read(case.raw)
    if case.id in STRINGS:
        assert (schema, value) == (STRING, case.given["text"])
        return
    expected = case.expected_data
    if case.id in WITHOUT_COMMON_SCHEMA:
        assert schema is not None
        assert schema.value_schema is None
        assert form(value, schema) == form(expected.value, schema)
        return
    assert schema_form(schema) == schema_form(expected.schema)
    assert form(value, schema) == form(expected.value, expected.schema)


def test_a_header_that_is_no_text_is_its_bytes():
    assert read(b"\xff\x00") == SchemaAndValue(BYTES, b"\xff\x00")


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000])
def test_brackets_nested_without_end_are_bytes(raw: bytes):
    assert parse_header(raw) == SchemaAndValue(BYTES, raw)


@pytest.mark.parametrize("text", ["1" * 300_000, "-1." + "1" * 300_000, "1E" + "0" * 300_000])
def test_a_number_without_end_is_a_string(text: str):
    assert parse_header(text.encode()) == SchemaAndValue(STRING, text)
