from __future__ import annotations

import base64

import msgspec
import pytest

from kafka_lambda_sink.converters.converter import ConverterName, build_converter
from kafka_lambda_sink.core.errors import RecordError


def embedded(
    name: ConverterName, raw: bytes | None, *, is_key: bool = False, schemas_enable: bool = False, escaped: bool = False
) -> bytes:
    converter = build_converter(name, is_key=is_key, schemas_enable=schemas_enable, escaped=escaped)
    return msgspec.json.encode(converter(raw))


@pytest.mark.parametrize("name", ["string", "json", "bytes"])
@pytest.mark.parametrize("schemas_enable", [True, False])
@pytest.mark.parametrize("escaped", [True, False])
def test_absent_key_and_tombstone_become_null(name: ConverterName, schemas_enable: bool, escaped: bool):  # noqa: FBT001 - parametrized
    assert embedded(name, None, schemas_enable=schemas_enable, escaped=escaped) == b"null"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", b'""'),
        (b"k1", b'"k1"'),
        ('grün "x"\n\x00'.encode(), '"grün \\"x\\"\\n\\u0000"'.encode()),
    ],
)
def test_string_becomes_a_json_string(raw: bytes, expected: bytes):
    assert embedded("string", raw) == expected
    assert embedded("string", raw, escaped=True) == expected


def test_string_that_is_not_utf8_is_a_record_error_without_its_bytes():
    with pytest.raises(RecordError, match=r"^the key is not UTF-8: invalid start byte \(byte 7\)$") as caught:
        embedded("string", b"secret \xff", is_key=True)
    assert caught.value.stage == "KEY_CONVERTER"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_bytes_become_base64():
    raw = bytes(range(256))
    assert embedded("bytes", raw) == b'"' + base64.b64encode(raw) + b'"'


@pytest.mark.parametrize(
    "raw",
    [b"{}", b'{ "b" : 1.10,\n"a":[1e5, -0, 18446744073709551616] }', b'"x"', b"null", b'{"a":1,"a":2}', b"9" * 5000],
)
def test_json_is_embedded_byte_for_byte(raw: bytes):
    assert embedded("json", raw) == raw


def test_escaped_json_becomes_a_string_that_holds_the_text():
    raw = '{"name": "Ü"}'.encode()
    assert embedded("json", raw, escaped=True) == '"{\\"name\\": \\"Ü\\"}"'.encode()


@pytest.mark.parametrize("escaped", [True, False])
def test_json_with_schema_is_embedded_as_its_payload(escaped: bool):  # noqa: FBT001 - parametrized
    raw = b'{"schema":{"type":"int32"}, "payload": 1.50 }'
    assert embedded("json", raw, schemas_enable=True, escaped=escaped) == b"1.50"
    assert embedded("json", b'{"payload":null,"schema":null}', schemas_enable=True) == b"null"


@pytest.mark.parametrize(
    "raw", [b"1", b"null", b"[]", b"{}", b'{"payload":1}', b'{"schema":null}', b'{"schema":null,"payload":1,"x":2}']
)
def test_json_with_schema_must_be_the_envelope(raw: bytes):
    with pytest.raises(RecordError, match=r'fields "schema" and "payload" \(schemas.enable=true\)') as caught:
        embedded("json", raw, schemas_enable=True)
    assert caught.value.stage == "VALUE_CONVERTER"


@pytest.mark.parametrize(("schemas_enable", "escaped"), [(False, False), (True, False), (False, True)])
def test_invalid_json_is_a_record_error(schemas_enable: bool, escaped: bool):  # noqa: FBT001 - parametrized
    with pytest.raises(RecordError, match=r"^the value is not valid JSON: invalid character \(byte 1\)$") as caught:
        embedded("json", b"[secret", schemas_enable=schemas_enable, escaped=escaped)
    assert caught.value.stage == "VALUE_CONVERTER"


def test_unknown_converter_is_refused():
    with pytest.raises(ValueError, match="unknown converter 'xml'"):
        build_converter("xml", is_key=True, schemas_enable=False, escaped=False)  # type: ignore[arg-type]
