"""Any bytes as key or value: they arrive byte for byte, or they are refused; nothing else comes of them."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import msgspec
from hypothesis import example, given

from kafka_lambda_sink.contracts.request import Conversion, PlainConverter, encode
from kafka_lambda_sink.converters.converter import build_converter
from kafka_lambda_sink.converters.json_depth import MAX_DEPTH, is_too_deep
from kafka_lambda_sink.core.errors import RecordError
from tests.support.records import TP, record

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=30,
)
#: With and without what makes a text long and decides how it is validated.
PADDING = st.sampled_from(["", "x" * 500, "see the eel " * 50, "[{" * 300])
SERIALIZED = st.builds(
    lambda value, padding, indent, ascii_: json.dumps([padding, value], indent=indent, ensure_ascii=ascii_),
    JSON,
    PADDING,
    st.sampled_from([None, 1]),
    st.booleans(),
)

#: Alphabets that come near to JSON, and near to its limits.
NEARLY_JSON = st.one_of(
    st.binary(max_size=40),
    st.text(alphabet='[]{}",:\\ue0123456789.-+E \n', max_size=60).map(str.encode),
    st.binary(max_size=20).map(lambda noise: b'{"a":[1,"' + noise + b'"]}'),
    st.builds(
        lambda text, noise, at: text[: at % (len(text) + 1)] + noise + text[at % (len(text) + 1) :],
        SERIALIZED.map(str.encode),
        st.binary(max_size=3),
        st.integers(min_value=0),
    ),
)


def encoded(raw: bytes, *, escaped: bool = False, schemas_enable: bool = False) -> bytes:
    """The whole payload of one record. Raises RecordError."""
    value = build_converter("json", is_key=False, schemas_enable=schemas_enable, escaped=escaped)
    conversion = Conversion()
    PlainConverter(TP, lambda _: None, value).convert([record(7, raw)], conversion)
    for _, error in conversion.failures:
        raise error
    return encode(conversion.entries)


def value_in(payload: bytes) -> Any:
    """Read as strictly as Python can: the reader of the standard library, told to refuse what is not JSON."""
    (entry,) = json.loads(payload.decode(), parse_constant=_refuse)
    assert list(entry["payload"]) == ["timestamp", "topic", "partition", "offset", "key", "value"]
    assert entry["payload"]["offset"] == 7
    return entry["payload"]["value"]


def _refuse(constant: str) -> None:
    raise AssertionError(constant)


@given(SERIALIZED)
def test_any_json_value_arrives_byte_for_byte(text: str):
    raw = text.encode()
    payload = encoded(raw)
    assert payload.endswith(b'"value":' + raw + b"}}]")
    assert value_in(payload) == json.loads(text)
    assert value_in(encoded(raw, escaped=True)) == text


@given(JSON, JSON)
def test_any_enveloped_payload_arrives_byte_for_byte(schema: Any, value: Any):
    text = msgspec.json.encode(value) if value is not None else b"null"
    raw = b'{"schema":' + msgspec.json.encode(schema) + b',"payload":' + text + b"}"
    assert encoded(raw, schemas_enable=True).endswith(b'"value":' + text + b"}}]")


@given(NEARLY_JSON)
@example(b'1}},{"payload":{"topic":"other"')
@example(b'"\\ud800"')
@example(b"[" * 100_000)
def test_any_bytes_are_refused_or_valid(raw: bytes):
    for schemas_enable in (False, True):
        try:
            payload = encoded(raw, schemas_enable=schemas_enable)
        except RecordError:
            continue
        value_in(payload)
        if not schemas_enable:
            assert raw in payload


@given(NEARLY_JSON)
def test_what_the_standard_library_reads_strictly_is_not_refused(raw: bytes):
    try:
        text = raw.decode()
        value = json.loads(text, parse_constant=_raise_value_error)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return
    if text.startswith("\ufeff") or "\\ud" in text.lower() or is_too_deep(raw):
        return
    encoded(raw)


def _raise_value_error(constant: str) -> None:
    raise ValueError(constant)


@given(st.binary())
def test_strings_and_bytes_arrive_whole(raw: bytes):
    text = build_converter("string", is_key=True, schemas_enable=False, escaped=False)
    base64 = build_converter("bytes", is_key=True, schemas_enable=False, escaped=False)
    assert msgspec.json.decode(msgspec.json.encode(base64(raw)), type=bytes) == raw
    try:
        assert json.loads(msgspec.json.encode(text(raw))) == raw.decode()
    except RecordError:
        assert raw.decode(errors="replace").encode() != raw


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(JSON, st.lists(st.sampled_from(["[%s]", '{"[{\\"":%s}', '["\\\\", %s, {}]']), min_size=190, max_size=205))
def test_depth_is_that_of_the_parsed_value(value: Any, wrappings: list[str]):
    text = json.dumps(value)
    for wrapping in wrappings:
        text = wrapping.replace("%s", text)
    assert is_too_deep(text.encode()) == (depth_of(json.loads(text)) > MAX_DEPTH)
