"""Single numbers and booleans, big-endian, as the serializers in org.apache.kafka.common.serialization write them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from kafka_lambda_sink.converters.unconvertible import UnconvertibleError
from kafka_lambda_sink.core.schema import (
    OPTIONAL_BOOLEAN,
    OPTIONAL_FLOAT32,
    OPTIONAL_FLOAT64,
    OPTIONAL_INT16,
    OPTIONAL_INT32,
    OPTIONAL_INT64,
    Float32,
    Schema,
)

PrimitiveName: TypeAlias = Literal["boolean", "short", "integer", "long", "float", "double"]


@dataclass(frozen=True, slots=True)
class Primitive:
    """One of these types."""

    #: What Connect's converter of the type gives to every value.
    schema: Schema
    #: Raises UnconvertibleError.
    read: Callable[[bytes], bool | int | float]


def _number(name: PrimitiveName, form: str, schema: Schema) -> Primitive:
    layout = struct.Struct(form)
    unpack, size = layout.unpack, layout.size

    def read(raw: bytes) -> float:
        if len(raw) != size:
            raise UnconvertibleError(f"it has {len(raw)} bytes, not the {size} of a {name}")
        number: float = unpack(raw)[0]
        return number

    return Primitive(schema, read)


def _read_boolean(raw: bytes) -> bool:
    if raw in {b"\x00", b"\x01"}:
        return raw == b"\x01"
    raise UnconvertibleError("it is not the one byte, 0 or 1, of a boolean")


_SINGLE: Final = _number("float", ">f", OPTIONAL_FLOAT32)

PRIMITIVES: Final[Mapping[PrimitiveName, Primitive]] = {
    "boolean": Primitive(OPTIONAL_BOOLEAN, _read_boolean),
    "short": _number("short", ">h", OPTIONAL_INT16),
    "integer": _number("integer", ">i", OPTIONAL_INT32),
    "long": _number("long", ">q", OPTIONAL_INT64),
    "float": Primitive(OPTIONAL_FLOAT32, lambda raw: Float32(_SINGLE.read(raw))),
    "double": _number("double", ">d", OPTIONAL_FLOAT64),
}
