"""The salted hash that is sent in the place of a field."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import TypeAlias

from kafka_lambda_sink.converters.singles import shortest_single
from kafka_lambda_sink.core.schema import Float32, Schema, Struct, TextFloat, Type

#: The hash of a value of a schema (None where it has none); null stays null.
Hash: TypeAlias = Callable[[object, Schema | None], str | None]


def hasher(salt: str) -> Hash:
    """HMAC-SHA-256 of a value's text under the salt, in hexadecimal."""
    secret = salt.encode()

    def hash_of(value: object, schema: Schema | None) -> str | None:
        if value is None:
            return None
        # A lone surrogate is no Unicode, but a hash can be made of it.
        return hmac.digest(secret, text_of(value, schema).encode(errors="surrogatepass"), "sha256").hex()

    return hash_of


def text_of(value: object, schema: Schema | None) -> str:
    """What is hashed: a text itself, a number by its digits, bytes in base64, anything else as JSON with sorted keys.

    Numbers and texts of one look have one text, whatever their schemas are. Times are counted in milliseconds.
    """
    if isinstance(value, TextFloat):
        return value.text.decode()
    plain = _plain(value, schema)
    if isinstance(plain, str):
        return plain
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: object, schema: Schema | None) -> object:
    if isinstance(value, Struct):
        return {one.name: _plain(value.get(one.name), one.schema) for one in value.schema.fields}
    if isinstance(value, dict):
        keys, values = (schema.key_schema, schema.value_schema) if schema else (None, None)
        return {
            name if isinstance(name, str) else text_of(name, keys): _plain(it, values) for name, it in value.items()
        }
    if isinstance(value, list):
        return [_plain(item, schema and schema.value_schema) for item in value]
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, float) and isfinite(value):
        is_single = schema.type is Type.FLOAT32 if schema else isinstance(value, Float32)
        return shortest_single(value) if is_single else value
    # Not in digits alone, which a large exponent would make gigabytes of.
    return str(value) if isinstance(value, Decimal) else value
