"""Headers to Connect's data: SimpleHeaderConverter and `Values.parseString` (Kafka Connect 4.1)."""

from __future__ import annotations

import re
from decimal import Decimal
from math import isinf
from typing import Any, Final

from kafka_lambda_sink.converters.decimals import MOST_DIGITS
from kafka_lambda_sink.converters.header_merging import MalformedError, Merger, aligned
from kafka_lambda_sink.converters.header_tokens import Tokens, has_delimiter, trim
from kafka_lambda_sink.converters.singles import nearest_single
from kafka_lambda_sink.converters.temporal_text import parse_temporal
from kafka_lambda_sink.core.schema import (
    BOOLEAN,
    BYTES,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    Schema,
    Type,
    decimal_schema,
)
from kafka_lambda_sink.core.sink_record import SchemaAndValue

_NULL: Final = SchemaAndValue(None, None)
_LITERALS: Final = {
    "null": _NULL,
    "true": SchemaAndValue(BOOLEAN, value=True),
    "false": SchemaAndValue(BOOLEAN, value=False),
}
#: What `new BigDecimal` reads.
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?(\d+))?")
#: Digits of a long, and of the exponents that Java reads.
_LONG_DIGITS: Final = 19
_EXPONENT_DIGITS: Final = 9
_INTEGERS: Final = ((INT8, 2**7), (INT16, 2**15), (INT32, 2**31), (INT64, 2**63))
#: How many tokens a time or a timestamp has after its first: each colon is one.
_REST_OF_TIME: Final = 4


def parse_header(raw: bytes) -> SchemaAndValue:
    """A header's value, its type guessed from its text; bytes where it is no UTF-8 (Connect puts U+FFFD in it)."""
    try:
        return parse_text(raw.decode())
    except (UnicodeDecodeError, RecursionError):
        # Brackets that are nested too deep overflow Java's stack as well; Connect goes on with the bytes then.
        return SchemaAndValue(BYTES, raw)


def parse_text(text: str) -> SchemaAndValue:
    """`Values.parseString`."""
    if not text:
        return SchemaAndValue(STRING, text)
    token = trim(text)
    if text[0].isalpha() or not token:
        # What begins with a letter is a literal or a string.
        return _LITERALS.get(token) or SchemaAndValue(STRING, text)
    if has_delimiter(text):
        return _Parser(text).parse(is_embedded=False)
    return _LITERALS.get(token) or _date_or_number(token) or SchemaAndValue(STRING, text)


def _date_or_number(token: str) -> SchemaAndValue | None:
    is_digit = token[0].isdecimal()
    found = parse_temporal(token) if is_digit else None
    return found or (_number(token) if is_digit or token[0] in "+-" else None)


class _Parser:
    """`Values.ValueParser`."""

    def __init__(self, text: str) -> None:
        self._tokens = Tokens(text)

    def parse(self, *, is_embedded: bool) -> SchemaAndValue:
        tokens = self._tokens
        if not tokens.has_next():
            return _NULL
        if is_embedded and tokens.skip('"'):
            return self._quoted()
        data = self._literal(is_embedded=is_embedded) or self._collection()
        if data is not None:
            return data
        token = tokens.take()
        if not trim(token):
            return SchemaAndValue(STRING, token)
        return self._scalar(trim(token), is_embedded=is_embedded)

    def _collection(self) -> SchemaAndValue | None:
        start = self._tokens.mark()
        try:
            if self._tokens.skip("["):
                return self._array()
            if self._tokens.skip("{"):
                return self._map()
        except MalformedError:
            self._tokens.rewind(start)
        return None

    def _literal(self, *, is_embedded: bool) -> SchemaAndValue | None:
        tokens = self._tokens
        start = tokens.mark()
        name = tokens.peek()
        if name in _LITERALS:
            tokens.skip(name)
            # Alone, only a whole text is a literal.
            if is_embedded or not tokens.has_next():
                return _LITERALS[name]
        tokens.rewind(start)
        return None

    def _scalar(self, token: str, *, is_embedded: bool) -> SchemaAndValue:
        data = self._time(token) if token[0].isdecimal() else None
        data = data or _date_or_number(token)
        if is_embedded:
            if data is None:
                raise MalformedError
            return data
        return SchemaAndValue(STRING, self._tokens.text) if data is None or data.schema is STRING else data

    def _time(self, token: str) -> SchemaAndValue | None:
        start = self._tokens.mark()
        rest = self._tokens.take_text(_REST_OF_TIME)
        found = None if rest is None else parse_temporal(token + rest)
        if found is None:
            self._tokens.rewind(start)
        return found

    def _quoted(self) -> SchemaAndValue:
        parts = []
        while self._tokens.has_next() and not self._tokens.skip('"'):
            parts.append(self._tokens.take())
        text = "".join(parts)
        return parse_temporal(text) or SchemaAndValue(STRING, text)

    def _array(self) -> SchemaAndValue:
        tokens, merger = self._tokens, Merger()
        elements: list[object] = []
        while tokens.has_next():
            if tokens.skip("]"):
                if merger.schema is not None:
                    elements = [aligned(merger.schema, it) for it in elements]
                return SchemaAndValue(Schema(type=Type.ARRAY, value_schema=merger.schema), elements)
            if tokens.skip(","):
                raise MalformedError
            element = self.parse(is_embedded=True)
            merger.add(element)
            elements.append(element.value)
            before = tokens.mark()
            if tokens.skip("]"):
                tokens.rewind(before)
            elif not tokens.skip(","):
                raise MalformedError
        raise MalformedError

    def _map(self) -> SchemaAndValue:
        tokens, keys, values = self._tokens, Merger(), Merger()
        entries: dict[Any, object] = {}
        types: dict[Any, type] = {}
        while tokens.has_next():
            if tokens.skip("}"):
                return _aligned_map(entries, keys.schema, values.schema)
            if tokens.skip(","):
                raise MalformedError
            key = self.parse(is_embedded=True)
            if key.value is None or not tokens.skip(":"):
                raise MalformedError
            value = self.parse(is_embedded=True)
            # Keys that are arrays or maps, or equal to Python alone (1 and true), make no map here.
            if isinstance(key.value, list | dict) or types.setdefault(key.value, type(key.value)) is not type(
                key.value
            ):
                raise MalformedError
            entries[key.value] = value.value
            tokens.skip(",")
            keys.add(key)
            values.add(value)
        raise MalformedError


def _aligned_map(entries: dict[Any, object], keys: Schema | None, values: Schema | None) -> SchemaAndValue:
    if keys is None:
        return SchemaAndValue(Schema(type=Type.MAP), entries)
    entries = {aligned(keys, key): it if values is None else aligned(values, it) for key, it in entries.items()}
    return SchemaAndValue(Schema(type=Type.MAP, key_schema=keys, value_schema=values), entries)


def _number(token: str) -> SchemaAndValue | None:
    """The narrowest of Connect's types; a fraction is a single wherever that is finite, whatever digits it costs."""
    found = _NUMBER.fullmatch(token) if len(token) <= MOST_DIGITS else None
    if found is None or len((found[1] or "").lstrip("0")) > _EXPONENT_DIGITS:
        return None
    number = Decimal(token)
    # Of a zero this is only its exponent.
    if (not number or number.adjusted() < _LONG_DIGITS) and number == number.to_integral_value():
        integer = int(number)
        for schema, limit in _INTEGERS:
            if -limit <= integer < limit:
                return SchemaAndValue(schema, integer)
    scale = -int(number.as_tuple().exponent)
    if scale:
        for schema, rounded in ((FLOAT32, nearest_single(number)), (FLOAT64, float(number))):
            if not isinf(rounded):
                return SchemaAndValue(schema, rounded)
    return SchemaAndValue(decimal_schema(scale), number)
