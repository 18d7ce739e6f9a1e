"""Avro schemas as they are written, parsed into types. Reading is by the writer's schema: nothing is resolved.

Source: https://avro.apache.org/docs/1.12.0/specification/
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

_PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


class AvroSchemaError(ValueError):
    """A schema that cannot be used. The message may follow `a schema that`."""


@dataclass(slots=True, eq=False)
class Primitive:
    """A type without parts; `kind` is its name."""

    kind: str
    #: The attributes of the schema's object, `logicalType` among them; of every type but unions.
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Fixed:
    """So many bytes."""

    name: str
    size: int
    props: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Enum:
    """One of the symbols."""

    name: str
    symbols: tuple[str, ...]
    props: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Array:
    """Items of one type."""

    items: AvroType
    props: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class MapOf:
    """Values of one type, by name."""

    values: AvroType
    props: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class RecordField:
    """A field; `default` is what JSON holds, meaningless unless `has_default`."""

    name: str
    type: AvroType
    has_default: bool
    default: Any


@dataclass(slots=True, eq=False)
class Record:
    """Named fields in order. May be reached again from its own fields."""

    name: str
    props: Mapping[str, Any]
    fields: tuple[RecordField, ...] = ()


@dataclass(slots=True, eq=False)
class Union:
    """One of the branches."""

    branches: tuple[AvroType, ...]


AvroType: TypeAlias = Primitive | Fixed | Enum | Array | MapOf | Record | Union


def is_null(avro: AvroType) -> bool:
    """Whether it is the type null."""
    return isinstance(avro, Primitive) and avro.kind == "null"


def parse_avro(text: str, references: Sequence[tuple[str, str]] = ()) -> AvroType:
    """The type that a schema's text says. `references` are (name, text), each before what refers to it.

    Raises AvroSchemaError.
    """
    names: dict[str, AvroType] = {}
    try:
        for _, other in references:
            _parse(json.loads(other), "", names)
        return _parse(json.loads(text), "", names)
    except json.JSONDecodeError:
        raise AvroSchemaError("is not JSON") from None
    except RecursionError:
        raise AvroSchemaError("is nested too deep") from None
    except (KeyError, TypeError) as error:
        raise AvroSchemaError(f"is no Avro schema: {error}") from None


def _parse(schema: Any, space: str, names: dict[str, AvroType]) -> AvroType:
    match schema:
        case str():
            return _named(schema, space, names, {})
        case list():
            return Union(tuple(_parse(branch, space, names) for branch in schema))
        case {"type": str(kind)}:
            return _of_kind(kind, schema, space, names)
        case {"type": inner}:
            return _parse(inner, space, names)
    raise TypeError(f"a {type(schema).__name__} where a type should be")


def _of_kind(kind: str, schema: dict[str, Any], space: str, names: dict[str, AvroType]) -> AvroType:
    match kind:
        case "array":
            return Array(_parse(schema["items"], space, names), schema)
        case "map":
            return MapOf(_parse(schema["values"], space, names), schema)
        case "enum":
            return _define(Enum(_full_name(schema, space), tuple(schema["symbols"]), schema), names)
        case "fixed":
            return _define(Fixed(_full_name(schema, space), _size(schema["size"]), schema), names)
        case "record" | "error":
            return _record(schema, space, names)
    return _named(kind, space, names, schema)


def _named(name: str, space: str, names: Mapping[str, AvroType], props: Mapping[str, Any]) -> AvroType:
    if name in _PRIMITIVES:
        return Primitive(name, props)
    found = names.get(f"{space}.{name}") if space and "." not in name else None
    found = found or names.get(name)
    if found is None:
        raise AvroSchemaError(f"uses the type {name}, which it does not define")
    return found


def _record(schema: dict[str, Any], space: str, names: dict[str, AvroType]) -> Record:
    record = Record(_full_name(schema, space), schema)
    _define(record, names)
    inside = record.name.rpartition(".")[0]
    record.fields = tuple(
        RecordField(one["name"], _parse(one["type"], inside, names), "default" in one, one.get("default"))
        for one in schema["fields"]
    )
    return record


def _define(avro: Record | Enum | Fixed, names: dict[str, AvroType]) -> AvroType:
    if avro.name in names:
        raise AvroSchemaError(f"defines the type {avro.name} twice")
    names[avro.name] = avro
    return avro


def _full_name(schema: Mapping[str, Any], space: str) -> str:
    name = schema["name"]
    if not isinstance(name, str):
        raise TypeError("a name that is no text")
    if "." in name:
        return name
    space = schema.get("namespace", space)
    return f"{space}.{name}" if space else name


def _size(size: Any) -> int:
    if type(size) is not int or size < 0:
        raise TypeError("a size that is no number of bytes")
    return size
