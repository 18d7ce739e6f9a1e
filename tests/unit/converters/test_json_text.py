from __future__ import annotations

import pytest

from kafka_lambda_sink.converters.json_depth import MAX_DEPTH, is_too_deep
from kafka_lambda_sink.converters.json_text import InvalidJsonError, validate_json

#: Below, decoded whole; above, checked in passes, by numbers or by prose.
PADDINGS = [b"", b'"' + b"x" * 2000 + b'"', b'"' + b"see the eel " * 200 + b'"']


def in_array(element: bytes, padding: bytes) -> bytes:
    return b"[" + padding + b", " + element + b"]" if padding else element


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(
    "text",
    [
        b"1e308",
        b"1E-999",
        b"0e999",
        b'"1e400"',
        b'"\\"1e400"',
        b'"a1e400", "\\\\", 2',
        b"1" * 5000,
        '"\\ud83d\\ude00 ü"'.encode(),
        b'{"":{}}',
    ],
)
def test_valid_json_passes(text: bytes, padding: bytes):
    if b", 2" in text:
        text = b"[" + text + b"]"
    validate_json(in_array(text, padding))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"NaN", "invalid character"),
        (b"-Infinity", "invalid character"),
        (b"1 2", "trailing|expected"),
        (b"01", "invalid number"),
        (b"[1,]", "trailing comma"),
        (b"'a'", "invalid character"),
        (b'"\x00"', "invalid character"),
        (b'"\\ud800"', "surrogate"),
        (b'"\\udc00x"', "surrogate"),
        (b'"\xff"', "not UTF-8: invalid start byte"),
        (b'{"\xc0\x80":1}', "not UTF-8: invalid start byte"),
        (b'"\xed\xa0\x80"', "not UTF-8: invalid continuation byte"),
        (b"1e400", "beyond the range of a double"),
        (b"-1E+0400", "beyond the range of a double"),
        (b'{"a":"\\"","b":[1.5e999]}', "beyond the range of a double"),
        (b"[" * 1500 + b"]" * 1500, "nested deeper than 200"),
        (b'{"a":' * 100_000, "nested deeper than 200"),
    ],
)
def test_what_is_not_strict_json_is_refused(text: bytes, reason: str, padding: bytes):
    with pytest.raises(InvalidJsonError, match=reason):
        validate_json(in_array(text, padding))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "^it is empty$"),
        (b" ", "ends too early"),
        (b'{"a":', r"ends too early \(byte 5\)"),
        (b"\xef\xbb\xbf{}", "^it starts with a byte order mark"),
        (b"\xff\xfe{\x00}\x00", "invalid character"),
        (b"[1e400, x]", "invalid character"),
        (b'[1e400, "\xff"]', "not UTF-8"),
        (b'{"a":"\xe4"}', r"byte 6"),
        (b'["1e400", 1e400]', r"^the number at byte 10 is"),
    ],
)
def test_the_message_says_what_and_where(text: bytes, reason: str):
    with pytest.raises(InvalidJsonError, match=reason):
        validate_json(text)


def nested(depth: int, opening: bytes, closing: bytes, core: bytes = b"") -> bytes:
    return opening * depth + core + closing * depth


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"k":', b"}"), (b'[{"":', b"}]"), (b"[1,", b"]")])
def test_depth_is_exact_for_valid_json(opening: bytes, closing: bytes):
    levels = opening.count(b"[") + opening.count(b"{") - opening.count(b"]")
    at_limit = nested(MAX_DEPTH // levels, opening, closing, b"1")
    assert not is_too_deep(at_limit)
    validate_json(at_limit)
    assert is_too_deep(b"[" + at_limit + b"]")


def test_many_flat_brackets_are_not_deep():
    assert not is_too_deep(b"[" + b"{}," * 10_000 + b"{}]")
    assert not is_too_deep(b"[" + b'{"a":[1,{"b":[]}]},' * 1000 + b"{}]")


@pytest.mark.parametrize(
    "string", [b'"' + b"[" * 1000 + b'"', b'"\\"' + b"{" * 1000 + b'\\\\"', b'"\\\\\\"' + b"[" * 1000 + b'"']
)
def test_brackets_in_strings_do_not_count(string: bytes):
    assert not is_too_deep(b'{"a":' + string + b"}")
    assert is_too_deep(b"[" + string + b"," + nested(MAX_DEPTH, b"[", b"]") + b"]")


def test_unbalanced_brackets_never_pass_as_shallow():
    assert is_too_deep(b"[" * 5000)
    assert is_too_deep(b"]" * 10 + b"[" * 5000)
    assert is_too_deep(b'"' + b"[" * 300 + b'" ' + b"[" * 5000)
