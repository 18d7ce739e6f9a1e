"""Connect's data model: schemas, and what Python values stand for what.

Source: org.apache.kafka.connect.data (Kafka 4.1). A value without a schema is whatever JSON is: None, bool, int, float,
str, list, dict with str keys, and besides bytes, Decimal, `Instant` and `Float32`, which only transforms make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self


class Type(StrEnum):
    """Connect's types by `Schema.Type.getName()`, each with the Python values that it takes."""

    INT8 = "int8"  # int
    INT16 = "int16"  # int
    INT32 = "int32"  # int; Instant under DATE and TIME
    INT64 = "int64"  # int; Instant under TIMESTAMP
    FLOAT32 = "float32"  # float that a single holds, perhaps a Float32
    FLOAT64 = "float64"  # float
    BOOLEAN = "boolean"  # bool
    STRING = "string"  # str
    BYTES = "bytes"  # bytes; decimal.Decimal of exactly the schema's scale under DECIMAL
    ARRAY = "array"  # list
    MAP = "map"  # dict, keys of any hashable kind
    STRUCT = "struct"  # Struct


# Names of Connect's logical types.
DECIMAL: Final = "org.apache.kafka.connect.data.Decimal"  # parameter `scale`
DATE: Final = "org.apache.kafka.connect.data.Date"  # INT32, days
TIME: Final = "org.apache.kafka.connect.data.Time"  # INT32, milliseconds of the day
TIMESTAMP: Final = "org.apache.kafka.connect.data.Timestamp"  # INT64, milliseconds

#: Name of the parameter of DECIMAL.
SCALE: Final = "scale"


class Instant(int):
    """Milliseconds since the epoch, `java.util.Date`: of DATE (midnight UTC), TIME (on 1970-01-01), TIMESTAMP."""

    __slots__ = ()


class Float32(float):
    """A single-precision number, already rounded to one: written with the fewest digits that give it back."""

    __slots__ = ()


class TextFloat(float):
    """A number that was read from JSON with a fraction or an exponent; written as it was read unless it is changed."""

    __slots__ = ("text",)

    text: bytes

    def __new__(cls, text: str) -> Self:
        """Of the text of a JSON number."""
        number = super().__new__(cls, text)
        number.text = text.encode()
        return number


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a STRUCT."""

    name: str
    schema: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A schema. Compared by what it says; not hashable: caches go by identity, for schemas are parsed once."""

    __hash__ = None  # type: ignore[assignment]  # a default may be a list

    type: Type
    is_optional: bool = False
    #: Taken for None, in a struct's field and at the root; None where there is no default.
    default: object = None
    name: str | None = None
    version: int | None = None
    doc: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    #: Of a STRUCT, in order.
    fields: tuple[Field, ...] = ()
    #: Of a MAP.
    key_schema: Schema | None = None
    #: Of an ARRAY and of a MAP.
    value_schema: Schema | None = None
    _by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the fields."""
        object.__setattr__(self, "_by_name", {one.name: one for one in self.fields})

    def tie(self, fields: tuple[Field, ...]) -> None:
        """Give a STRUCT its fields after it was made, as a type within itself needs. For its maker only."""
        object.__setattr__(self, "fields", fields)
        self.__post_init__()

    def field(self, name: str) -> Field | None:
        """The field of this name, or None."""
        return self._by_name.get(name)

    @property
    def scale(self) -> int:
        """Digits after the point, of a DECIMAL."""
        return int(self.parameters.get(SCALE, "0"))


class Struct:
    """A value of a STRUCT schema. Read-only by agreement: transforms make new ones."""

    __slots__ = ("schema", "values")

    def __init__(self, schema: Schema, values: Mapping[str, object]) -> None:
        """`values` by field name, those of absent fields left out or None."""
        self.schema = schema
        self.values = values

    def get(self, name: str) -> object:
        """The value of a field; its schema's default where the value is None, as Java's `Struct.get`."""
        value = self.values.get(name)
        if value is None:
            one = self.schema.field(name)
            return None if one is None else one.schema.default
        return value

    def __eq__(self, other: object) -> bool:
        """Same schema, same values, an absent one being None."""
        if not isinstance(other, Struct):
            return NotImplemented
        names = [one.name for one in self.schema.fields]
        return self.schema == other.schema and all(self.values.get(it) == other.values.get(it) for it in names)

    def __hash__(self) -> int:
        """Of the names alone, so that a struct may be the key of a map."""
        return hash(tuple(one.name for one in self.schema.fields))

    def __repr__(self) -> str:
        """`Struct{'id': 1, …}`, without the schema."""
        return f"Struct{dict(self.values)!r}"


INT8: Final = Schema(type=Type.INT8)
INT16: Final = Schema(type=Type.INT16)
INT32: Final = Schema(type=Type.INT32)
INT64: Final = Schema(type=Type.INT64)
FLOAT32: Final = Schema(type=Type.FLOAT32)
FLOAT64: Final = Schema(type=Type.FLOAT64)
BOOLEAN: Final = Schema(type=Type.BOOLEAN)
STRING: Final = Schema(type=Type.STRING)
BYTES: Final = Schema(type=Type.BYTES)
OPTIONAL_INT8: Final = Schema(type=Type.INT8, is_optional=True)
OPTIONAL_INT16: Final = Schema(type=Type.INT16, is_optional=True)
OPTIONAL_INT32: Final = Schema(type=Type.INT32, is_optional=True)
OPTIONAL_INT64: Final = Schema(type=Type.INT64, is_optional=True)
OPTIONAL_FLOAT32: Final = Schema(type=Type.FLOAT32, is_optional=True)
OPTIONAL_FLOAT64: Final = Schema(type=Type.FLOAT64, is_optional=True)
OPTIONAL_BOOLEAN: Final = Schema(type=Type.BOOLEAN, is_optional=True)
OPTIONAL_STRING: Final = Schema(type=Type.STRING, is_optional=True)
OPTIONAL_BYTES: Final = Schema(type=Type.BYTES, is_optional=True)


def decimal_schema(scale: int, *, is_optional: bool = False) -> Schema:
    """Connect's Decimal."""
    return Schema(type=Type.BYTES, name=DECIMAL, version=1, parameters={SCALE: str(scale)}, is_optional=is_optional)


def date_schema(*, is_optional: bool = False) -> Schema:
    """Connect's Date."""
    return Schema(type=Type.INT32, name=DATE, version=1, is_optional=is_optional)


def time_schema(*, is_optional: bool = False) -> Schema:
    """Connect's Time."""
    return Schema(type=Type.INT32, name=TIME, version=1, is_optional=is_optional)


def timestamp_schema(*, is_optional: bool = False) -> Schema:
    """Connect's Timestamp."""
    return Schema(type=Type.INT64, name=TIMESTAMP, version=1, is_optional=is_optional)
