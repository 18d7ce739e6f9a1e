"""Whether bytes are strict JSON, so that they may be passed on as they are."""

from __future__ import annotations

import re
from math import isinf
from typing import Final

import msgspec

from kafka_lambda_sink.converters.json_depth import MAX_DEPTH, is_too_deep

#: A text is validated by decoding it whole, which finds every fault in one pass, or by a pass that builds no objects
#: and searches for what that one misses. Decoding pays for each value, the searches for each letter e; which is cheaper
#: is guessed from the letters e in a sample. Up to this many bytes even the guess costs more than it saves.
_SMALL: Final = 192
_SAMPLE: Final = 128
_PROSE: Final = 4

_decode = msgspec.json.Decoder().decode
_check_structure = msgspec.json.Decoder(msgspec.Raw).decode

#: A number can only leave the range of a double by an exponent of three digits.
#: Two patterns, for a pattern that begins with a literal is searched for ten times faster.
_has_large_exponent = re.compile(rb"e\+?[0-9]{3}").search
_has_large_exponent_in_capitals = re.compile(rb"E\+?[0-9]{3}").search
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_NUMBER_WITH_EXPONENT: Final = re.compile(rb"-?[0-9][0-9.]*[eE]\+?[0-9]+")


class InvalidJsonError(ValueError):
    """The bytes are not the JSON that a function's parser would read unaltered. The message holds none of them."""


def validate_json(text: bytes) -> None:
    """Check that `text` is one JSON value by RFC 8259, in UTF-8, without byte order mark, at most MAX_DEPTH deep.

    Refused besides: lone surrogates (no Unicode text holds them) and numbers with an exponent beyond a double (parsers
    make infinity of them). Accepted as they are: integers of any length, duplicate keys, white space around the value.
    Raises InvalidJsonError.
    """
    if is_too_deep(text):
        raise InvalidJsonError(f"it is nested deeper than {MAX_DEPTH} levels")
    try:
        if len(text) <= _SMALL or text.count(b"e", 0, _SAMPLE) >= _PROSE:
            _decode(text)
            return
        _check_structure(text)
        if not text.isascii():
            text.decode()
        if _has_large_exponent(text) or _has_large_exponent_in_capitals(text):
            _validate_numbers(text)
    except msgspec.ValidationError:
        # The structure up to the number is sound: what is refused is a number that Python cannot hold.
        _validate_numbers(text)
    except msgspec.DecodeError as error:
        raise InvalidJsonError(_explain(text, str(error))) from None
    except UnicodeDecodeError:
        raise InvalidJsonError(_explain_utf8(text)) from None


def _validate_numbers(text: bytes) -> None:
    """Find the number beyond a double. A long integer, refused by Python alone, is none."""
    try:
        _check_structure(text)
        text.decode()
    except msgspec.DecodeError as error:
        raise InvalidJsonError(_explain(text, str(error))) from None
    except UnicodeDecodeError:
        raise InvalidJsonError(_explain_utf8(text)) from None
    # Strings are replaced by as many blanks, so that positions stay.
    bare = _STRING.sub(lambda match: b" " * len(match[0]), text)
    for match in _NUMBER_WITH_EXPONENT.finditer(bare):
        if isinf(float(match[0])):
            raise InvalidJsonError(f"the number at byte {match.start()} is beyond the range of a double")


def _explain(text: bytes, reason: str) -> str:
    if not text:
        return "it is empty"
    if text.startswith(b"\xef\xbb\xbf"):
        return "it starts with a byte order mark (byte 0)"
    if "truncated" in reason:
        return f"it ends too early (byte {len(text)}), or has a lone surrogate before its end"
    return reason.removeprefix("JSON is malformed: ")


def _explain_utf8(text: bytes) -> str:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return f"it is not UTF-8: {error.reason} (byte {error.start})"
    return "it is not UTF-8"
