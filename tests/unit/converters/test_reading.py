"""Readers against Kafka Connect's converters, and where they part from them on purpose."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import KEY_CONVERTER, VALUE_CONVERTER, ConverterName, build_converter
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.reading import build_reader
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import TextFloat
from kafka_lambda_sink.core.sink_record import SchemaAndValue
from tests.support.golden import Case, cases
from tests.support.notation import form, schema_form

#: What Connect makes something else of: 0, false, null, a wrapped number, the beginning of a text, U+FFFD. Here the
#: record is refused.
FALSIFIED = {
    "int32 of a string", "int32 of a fraction", "int8 too large", "int16 too small", "int32 too large",
    "int64 too large", "int32 of a boolean", "int32 of an object", "boolean of a number", "boolean of a string",
    "string of a number", "string of an object", "double of a string", "float too large", "bytes of a number",
    "array of a number", "array of an object", "default of another type", "default out of range",
    "", "007", "[007]", "5 6", "{} x", "\ufeff1", "1E400", '"\\ud800"',
    "string, not UTF-8",
}  # fmt: skip
#: What Connect cannot hold and Python can, by name of the case.
EXACT: dict[str, Any] = {
    "9223372036854775808": 9223372036854775808,
    "123456789012345678901234567890": 123456789012345678901234567890,
    "-0.0": {"$float64": "-0.0"},
    "double NaN as written": {"$float64": "nan"},
}
CONVERTERS: dict[str, ConverterName] = {
    "org.apache.kafka.connect.converters.BooleanConverter": "boolean",
    "org.apache.kafka.connect.converters.ShortConverter": "short",
    "org.apache.kafka.connect.converters.IntegerConverter": "integer",
    "org.apache.kafka.connect.converters.LongConverter": "long",
    "org.apache.kafka.connect.converters.FloatConverter": "float",
    "org.apache.kafka.connect.converters.DoubleConverter": "double",
    "org.apache.kafka.connect.storage.StringConverter": "string",
    "org.apache.kafka.connect.converters.ByteArrayConverter": "bytes",
}


def read(case: Case) -> SchemaAndValue:
    return build_reader(
        CONVERTERS[case.class_name] if "class" in case.given else "json",
        stage=VALUE_CONVERTER,
        schemas_enable=case.config.get("schemas.enable") == "true",
        replace_null_with_default=case.config.get("replace.null.with.default") != "false",
    )(case.raw)


@pytest.mark.parametrize(
    "case", [*cases("json_read"), *cases("json_read_enveloped"), *cases("convert_primitives")], ids=str
)
def test_read_as_connect_reads_it(case: Case):
    if case.fails or case.id in FALSIFIED:
        with pytest.raises(RecordError) as caught:
            read(case)
        assert caught.value.stage == VALUE_CONVERTER
        assert caught.value.__context__ is None
        return
    schema, value = read(case)
    expected = case.expected_data
    assert schema_form(schema) == schema_form(expected.schema)
    assert form(value, schema) == EXACT.get(case.id, form(expected.value, expected.schema))


@pytest.mark.parametrize("case", cases("convert_primitives"), ids=str)
@pytest.mark.parametrize("nonfinite", ["error", "string"])
def test_the_fast_path_writes_what_the_record_path_writes(case: Case, nonfinite: Any):
    json_form = JsonForm(nonfinite=nonfinite, long="string")
    name = CONVERTERS[case.class_name]
    fast = build_converter(name, is_key=True, schemas_enable=False, escaped=False, form=json_form)
    reader = build_reader(name, stage=KEY_CONVERTER, schemas_enable=False)
    embed = build_embedder(json_form, KEY_CONVERTER)
    try:
        expected = msgspec.json.encode(embed(*reader(case.raw)))
    except RecordError:
        with pytest.raises(RecordError) as caught:
            fast(case.raw)
        assert caught.value.stage == KEY_CONVERTER
        return
    assert msgspec.json.encode(fast(case.raw)) == expected


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("json", b'{"secret', r"^the value is not valid JSON: it ends too early \(byte 8\)"),
        ("string", b"secret\xff", r"^the value is not UTF-8: invalid start byte \(byte 6\)$"),
        ("integer", b"\1", r"^the value cannot be converted: it has 1 bytes, not the 4 of a integer$"),
        ("boolean", b"\7", r"^the value cannot be converted: it is not the one byte, 0 or 1, of a boolean$"),
    ],
)
def test_an_error_says_what_is_wrong(name: ConverterName, raw: bytes, message: str):
    with pytest.raises(RecordError, match=message):
        build_reader(name, stage=VALUE_CONVERTER, schemas_enable=False)(raw)


MAP = b'{"type":"map","keys":{"type":"string"},"values":{"type":"int32"}}'
ORDER = b'{"type":"struct","fields":[{"field":"lines","type":"array","items":%s}]}' % MAP


@pytest.mark.parametrize(
    ("envelope", "message"),
    [
        (
            b'{"schema":%s,"payload":{"lines":[{},{"secret":1,"b":"secret"}]}}',
            r"^value\.payload\.lines\[1\]\[1\] cannot be converted: not an integer$",
        ),
        (b'{"schema":%s,"payload":{}}', r"^value\.payload\.lines cannot be converted: null or missing, and its"),
        (b'{"schema":{"type":"secret"},"payload":{}}', '^value.schema cannot be converted: no "type", or one that'),
        (b'{"payload":{}}', '^the value cannot be converted: not an object of exactly the fields "schema" and "pay'),
        (
            b'{"schema":%s,"payload":{"lines":"\xff"}}',
            r"^the value is not valid JSON: it is not UTF-8: invalid start byte \(byte 1\d\d\)",
        ),
        (b'{"schema":%s,"payload":' + b"[" * 500, "^the value is not valid JSON: it is nested deeper"),
    ],
)
def test_an_error_in_an_envelope_says_where(envelope: bytes, message: str):
    with pytest.raises(RecordError, match=message):
        build_reader("json", stage=VALUE_CONVERTER, schemas_enable=True)(envelope.replace(b"%s", ORDER))


def test_a_schema_is_parsed_once_and_a_thousand_are_kept():
    reader = build_reader("json", stage=VALUE_CONVERTER, schemas_enable=True)

    def read_version(version: int) -> SchemaAndValue:
        return reader(b'{"schema":{"type":"int32","version":%d},"payload":5}' % version)

    first = read_version(0).schema
    assert read_version(0).schema is first
    for version in range(1, 1001):
        assert read_version(version).schema is read_version(version).schema
    assert read_version(0).schema == first
    assert read_version(0).schema is not first


@pytest.mark.parametrize("text", ["1" + "0" * 5000, "[1.5," + "9" * 5000 + "]", '{"a":-' + "7" * 4301 + "}"])
def test_integers_of_any_length_come_out_as_they_went_in(text: str):
    data = build_reader("json", stage=VALUE_CONVERTER, schemas_enable=False)(text.encode())
    embedded = build_embedder(JsonForm(), VALUE_CONVERTER)(*data)
    assert msgspec.json.encode(embedded) == text.encode()
    enveloped = build_reader("json", stage=VALUE_CONVERTER, schemas_enable=True)
    with pytest.raises(RecordError):
        enveloped(b'{"schema":{"type":"int64"},"payload":%s}' % text.encode())


def test_a_number_without_a_schema_keeps_its_text():
    _, value = build_reader("json", stage=VALUE_CONVERTER, schemas_enable=False)(b"[1.10]")
    assert isinstance(value, list)
    assert type(value[0]) is TextFloat
    assert value[0] == 1.1


def test_every_name_has_a_reader_and_a_converter():
    for name in get_args(ConverterName):
        assert build_reader(name, stage=KEY_CONVERTER, schemas_enable=False)(None).value is None
        assert build_converter(name, is_key=True, schemas_enable=False, escaped=False)(None) is None


DECIMAL = b'{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}'


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("schema", "payload", "message"),
    [
        (b'{"type":"int32"}', b"9" * 1_000_000, "not an integer"),
        (b'{"type":"double"}', b"9" * 1_000_000, "beyond the range of a double"),
        (b'{"type":"double"}', b"9" * 400, "beyond the range of a double"),
        (b'{"type":"float"}', b"9" * 400, "beyond the range of a double"),
        (DECIMAL, b'"%s"' % (b"f" * 1_000_000), "more than 4,096 bytes"),
    ],
)
def test_a_number_of_a_million_digits_is_refused_at_once(schema: bytes, payload: bytes, message: str):
    reader = build_reader("json", stage=VALUE_CONVERTER, schemas_enable=True)
    with pytest.raises(RecordError, match=message):
        reader(b'{"schema":%s,"payload":%s}' % (schema, payload))
