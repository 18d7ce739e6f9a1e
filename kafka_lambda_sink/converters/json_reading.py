"""JSON text to Python values, with every digit of its numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from kafka_lambda_sink.converters.json_depth import is_too_deep
from kafka_lambda_sink.converters.json_text import validate_json
from kafka_lambda_sink.core.schema import TextFloat

#: One JSON text to its value. Raises InvalidJsonError by the rules of `validate_json`.
ReadJson: TypeAlias = Callable[[bytes], Any]

_INFINITY: Final = float("inf")
_new_float = float.__new__


class Envelope(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What Connect's JsonConverter writes and requires when `schemas.enable` is true: these two fields, no others."""

    schema: msgspec.Raw
    payload: msgspec.Raw


#: Raises msgspec.ValidationError for JSON that is no envelope.
decode_envelope: Final = msgspec.json.Decoder(Envelope).decode


def text_float(text: str) -> TextFloat:
    """As TextFloat itself, in half the time. Raises ValueError for a number beyond a double."""
    number = _new_float(TextFloat, text)
    if not -_INFINITY < number < _INFINITY:
        raise ValueError(text)
    number.text = text.encode()
    return number


def exact_decimal(text: str) -> Decimal:
    """A number with a fraction or an exponent as it is written. Raises ValueError for one beyond a double."""
    text_float(text)
    return Decimal(text)


def json_reader(float_hook: Callable[[str], object]) -> ReadJson:
    """Reads as Python does, with what `float_hook` makes of numbers with a fraction or an exponent.

    Integers of any length are exact: beyond the 4,300 digits that Python has a limit for, they are a Decimal.
    """
    decode = msgspec.json.Decoder(float_hook=float_hook).decode

    def read(text: bytes) -> Any:
        if is_too_deep(text):
            validate_json(text)
        try:
            return decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # It knows what to call the fault, and raises for all of them but one: an integer too long for Python.
            validate_json(text)
        return json.loads(text, parse_float=float_hook, parse_int=_integer)

    return read


def _integer(text: str) -> int | Decimal:
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


#: JSON without a schema: numbers with a fraction or an exponent are TextFloat.
read_schemaless: Final = json_reader(text_float)
