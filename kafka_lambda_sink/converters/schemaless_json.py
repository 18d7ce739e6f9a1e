"""Data without a schema to JSON."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import isfinite, nan
from typing import Any, TypeAlias

import msgspec

from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.json_numbers import (
    UnwritableError,
    float_writer,
    integer_writer,
    single_writer,
)
from kafka_lambda_sink.converters.unconvertible import converted
from kafka_lambda_sink.core.schema import Float32, Instant, TextFloat

#: A value that is not None to what the encoder of `build_encoder` writes.
Write: TypeAlias = Callable[[Any], object]
#: To JSON. Raises UnwritableError; UnicodeEncodeError for a lone surrogate.
Encode: TypeAlias = Callable[[object], bytes]


def build_encoder(form: JsonForm) -> Encode:
    """The encoder of all that a `Write` hands out, and of Connect's data without a schema but for what `form` forbids.

    A number that was read is written as it was. What JsonConverter refuses without a schema has its one plain form: a
    decimal as a number, an instant as its milliseconds.
    """
    write_single = single_writer(form.nonfinite)

    def hook(value: object) -> object:
        # msgspec asks for what is a subclass of a type that it knows.
        if isinstance(value, TextFloat):
            return msgspec.Raw(value.text)
        if isinstance(value, Instant):
            return int(value)
        if isinstance(value, Float32):
            return write_single(float(value))
        raise UnwritableError(f"a {type(value).__name__} where there is no schema")

    return msgspec.json.Encoder(enc_hook=hook, decimal_format="number").encode


def schemaless_encoder(form: JsonForm) -> Encode:
    """What encodes values without a schema; the cost is that of msgspec for those that nothing has changed."""
    encode, write = build_encoder(form), schemaless_writer(form)
    if form.nonfinite == "string" or form.long == "string":
        return lambda value: encode(write(value))

    def encode_checked(value: object) -> bytes:
        text = encode(value)
        # msgspec makes null of doubles that are not finite, without a word, and NaN of such decimals.
        if (b"null" in text or b"NaN" in text or b"Infinity" in text) and _has_nonfinite(value):
            return encode(write(value))
        return text

    return encode_checked


def _has_nonfinite(value: object) -> bool:
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list):
        for it in value:
            kind = type(it)
            if (kind is dict or kind is list or kind is float or kind is Decimal) and _has_nonfinite(it):
                return True
        return False
    return not value.is_finite() if isinstance(value, Decimal) else isinstance(value, float) and not isfinite(value)


def schemaless_writer(form: JsonForm) -> Write:
    """What `form` makes of values without a schema, however nested. Raises UnwritableError."""
    write_float, write_integer = float_writer(form.nonfinite), integer_writer(form.long)

    def write_map(value: dict[Any, Any]) -> object:
        if not all(type(key) is str for key in value):
            return [[write(key), write(it)] for key, it in value.items()]
        written: dict[str, object] = {}
        name = ""
        try:
            for name, it in value.items():
                written[name] = write(it)
        except UnwritableError as error:
            error.path.insert(0, name)
            raise
        return written

    def write_decimal(value: Decimal) -> object:
        return value if value.is_finite() else write_float(nan if value.is_nan() else float(value))

    writers: dict[type, Write] = {
        dict: write_map,
        float: write_float,
        Decimal: write_decimal,
    }
    if write_integer is not None:
        writers[int] = write_integer

    def write(value: Any) -> object:
        own = writers.get(type(value))
        return value if own is None else own(value)

    writers[list] = lambda value: converted(value, write)
    return write
