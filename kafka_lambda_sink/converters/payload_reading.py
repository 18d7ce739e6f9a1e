"""JSON with a schema to Connect's data: JsonConverter.convertToConnect (Kafka 4.1), but for what that one falsifies."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import inf, isinf
from typing import Any, Final, TypeAlias

from kafka_lambda_sink.converters.decimals import from_bytes
from kafka_lambda_sink.converters.singles import nearest_single
from kafka_lambda_sink.converters.unconvertible import UnconvertibleError, converted
from kafka_lambda_sink.core.java_calendar import DAY_MS
from kafka_lambda_sink.core.schema import (
    DATE,
    DECIMAL,
    TIME,
    TIMESTAMP,
    Float32,
    Instant,
    Schema,
    Struct,
    Type,
)

#: A parsed JSON value that is not null to Connect's. Raises UnconvertibleError.
Read: TypeAlias = Callable[[Any], object]

#: How JsonConverter writes them, though it reads 0 of them.
_NONFINITE: Final = frozenset({"NaN", "Infinity", "-Infinity"})
_LARGEST: Final = {Type.INT8: 2**7, Type.INT16: 2**15, Type.INT32: 2**31, Type.INT64: 2**63}


@dataclass(frozen=True, slots=True)
class PayloadReader:
    """Reads what stands in one place. Made once for a schema.

    The JSON must be of the schema's type. JsonConverter makes 0, false or null of what is not, cuts fractions off and
    wraps integers that are too large; here these are refused.
    """

    schema: Schema
    read: Read
    #: Whether a null is the schema's default.
    uses_default: bool

    def __call__(self, node: Any) -> object:
        """Raises UnconvertibleError."""
        return self.absent() if node is None else self.read(node)

    def absent(self) -> object:
        """What null is. Raises UnconvertibleError."""
        if self.schema.default is not None and self.uses_default:
            return self.schema.default
        if self.schema.is_optional:
            return None
        raise UnconvertibleError("null or missing, and its schema neither is optional nor has a default")


def payload_reader(schema: Schema, *, uses_default: bool) -> PayloadReader:
    """The reader of payloads of `schema`, whose numbers are int, float, or Decimal where they have a fraction."""
    return PayloadReader(schema, _read(schema, uses_default=uses_default), uses_default)


def _read(schema: Schema, *, uses_default: bool) -> Read:
    def slot(inner: Schema | None) -> PayloadReader:
        if inner is None:
            raise UnconvertibleError("its schema has no type for what it holds")
        return payload_reader(inner, uses_default=uses_default)

    logical = _decimal_reader(schema.scale) if schema.name == DECIMAL else _INSTANTS.get(schema.name)
    if logical is not None:
        return logical
    match schema.type:
        case Type.ARRAY:
            return _array_reader(slot(schema.value_schema))
        case Type.MAP:
            build = _object_reader if schema.key_schema and schema.key_schema.type is Type.STRING else _pairs_reader
            return build(slot(schema.key_schema), slot(schema.value_schema))
        case Type.STRUCT:
            return _struct_reader(schema, [(one.name, slot(one.schema)) for one in schema.fields])
    scalar = _SCALARS.get(schema.type)
    return scalar or _integer_reader(_LARGEST[schema.type])


def _of_type(kind: type, name: str) -> Read:
    def read(node: Any) -> object:
        if type(node) is not kind:
            raise UnconvertibleError(f"not {name}")
        return node

    return read


def _integer(node: Any, limit: int) -> int:
    if type(node) is int:
        number = node
    elif isinstance(node, float | Decimal) and -2 * limit < node < 2 * limit and node == (whole := int(node)):
        # What is far beyond the limit is not converted: a million digits take half a minute.
        number = whole
    else:
        raise UnconvertibleError("not an integer")
    if not -limit <= number < limit:
        raise UnconvertibleError("an integer beyond the range of its schema's type")
    return number


def _integer_reader(limit: int) -> Read:
    def read(node: Any) -> int:
        return node if type(node) is int and -limit <= node < limit else _integer(node, limit)

    return read


def _double(node: Any) -> float:
    if type(node) is float:
        return node
    if type(node) is str and node in _NONFINITE:
        return float(node)
    if type(node) is bool or not isinstance(node, int | float | Decimal):
        raise UnconvertibleError("not a number")
    try:
        number = float(node)
    except OverflowError:
        number = inf
    if isinf(number):
        raise UnconvertibleError("a number beyond the range of a double")
    return number


def _single(node: Any) -> Float32:
    single = nearest_single(node if isinstance(node, Decimal) else _double(node))
    if isinf(single) and not isinstance(node, str):
        raise UnconvertibleError("a number beyond the range of a float32")
    return single


def _bytes(node: Any) -> bytes:
    if type(node) is not str:
        raise UnconvertibleError("not a string of base64")
    try:
        return binascii.a2b_base64(node, strict_mode=True)
    except ValueError:
        raise UnconvertibleError("not base64") from None


_SCALARS: Final[dict[Type, Read]] = {
    Type.BOOLEAN: _of_type(bool, "a boolean"),
    Type.STRING: _of_type(str, "a string"),
    Type.FLOAT32: _single,
    Type.FLOAT64: _double,
    Type.BYTES: _bytes,
}


def _decimal_reader(scale: int) -> Read:
    def read(node: Any) -> Decimal:
        if isinstance(node, str):
            return from_bytes(_bytes(node), scale)
        if type(node) is bool or not isinstance(node, int | Decimal):
            raise UnconvertibleError("neither a number nor a string of base64")
        return Decimal(node)

    return read


def _date(node: Any) -> Instant:
    return Instant(_integer(node, 2**31) * DAY_MS)


def _time(node: Any) -> Instant:
    milliseconds = _integer(node, 2**31)
    if not 0 <= milliseconds <= DAY_MS:
        raise UnconvertibleError("a time of day below zero or beyond 24 hours")
    return Instant(milliseconds)


def _timestamp(node: Any) -> Instant:
    return Instant(_integer(node, 2**63))


_INSTANTS: Final[dict[str | None, Read]] = {DATE: _date, TIME: _time, TIMESTAMP: _timestamp}


def _array_reader(item: PayloadReader) -> Read:
    return lambda node: _items(node, item)


def _items(node: Any, read: Callable[[Any], object]) -> list[object]:
    if type(node) is not list:
        raise UnconvertibleError("not an array")
    return converted(node, read)


def _object_reader(_: PayloadReader, value: PayloadReader) -> Read:
    def read(node: Any) -> dict[str, object]:
        if type(node) is not dict:
            raise UnconvertibleError("not an object, as maps with keys of strings are written")
        return dict(zip(node, converted(node.values(), value), strict=True))

    return read


def _pairs_reader(key: PayloadReader, value: PayloadReader) -> Read:
    def read_pair(pair: Any) -> tuple[object, object]:
        if type(pair) is not list or len(pair) != 2:  # noqa: PLR2004 - what a pair is
            raise UnconvertibleError("not a pair, as maps with keys other than strings are written")
        return key(pair[0]), value(pair[1])

    def read(node: Any) -> dict[Any, object]:
        try:
            return dict(_items(node, read_pair))  # type: ignore[arg-type]
        except TypeError:
            raise UnconvertibleError("a map with arrays or maps for keys") from None

    return read


def _struct_reader(schema: Schema, fields: Sequence[tuple[str, PayloadReader]]) -> Read:
    def read(node: Any) -> Struct:
        if type(node) is not dict:
            raise UnconvertibleError("not an object, as structs are written")
        get = node.get
        name = ""
        values: dict[str, object] = {}
        try:
            for name, field in fields:
                it = get(name)
                values[name] = field.absent() if it is None else field.read(it)
        except UnconvertibleError as error:
            error.path.insert(0, name)
            raise
        return Struct(schema, values)

    return read
