"""Avro's types as Connect's schemas, by the rules of Confluent's AvroData.

Source: io.confluent.connect.avro.AvroData (schema-registry 8). Left out is what no JSON without schemas shows:
parameters with documentation, symbols and sizes, and the version that a schema has in its registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from kafka_lambda_sink.converters.avro_schema import (
    Array,
    AvroSchemaError,
    AvroType,
    Enum,
    Fixed,
    MapOf,
    Primitive,
    Record,
    RecordField,
    Union,
    is_null,
)
from kafka_lambda_sink.core.schema import DATE, DECIMAL, SCALE, STRING, TIME, TIMESTAMP, Field, Schema, Struct, Type

#: Name of the struct that a union becomes; its branches are its fields.
UNION: Final = "io.confluent.connect.avro.Union"
#: Of types that Connect's sources did not name.
_UNNAMED: Final = "io.confluent.connect.avro.ConnectDefault"
_MAP_ENTRY: Final = "io.confluent.connect.avro.MapEntry"

_TYPES: Final = {
    "boolean": Type.BOOLEAN,
    "int": Type.INT32,
    "long": Type.INT64,
    "float": Type.FLOAT32,
    "double": Type.FLOAT64,
    "bytes": Type.BYTES,
    "string": Type.STRING,
}
#: By Connect's type and Avro's `logicalType` in small letters; others mean nothing to Connect.
_LOGICAL: Final = {
    (Type.INT32, "date"): DATE,
    (Type.INT32, "time-millis"): TIME,
    (Type.INT64, "timestamp-millis"): TIMESTAMP,
    (Type.BYTES, "decimal"): DECIMAL,
}
_LARGEST_SCALE: Final = 2**31 - 1
_NARROW: Final = {"int8": Type.INT8, "int16": Type.INT16}
_LOGICAL_TYPES: Final = {DATE: Type.INT32, TIME: Type.INT32, TIMESTAMP: Type.INT64, DECIMAL: Type.BYTES}

#: The default that a JSON value is, for a type and its schema; None where it is none.
Default: TypeAlias = Callable[[AvroType, Schema, Any], object]


def other_branch(union: Union) -> tuple[AvroType, int | None] | None:
    """For a union of one type, or of null and one type: the type, and the index of null. None for other unions."""
    if len(union.branches) == 1:
        return union.branches[0], None
    if len(union.branches) == 2:  # noqa: PLR2004 - as the rule says it
        for index in (0, 1):
            if is_null(union.branches[index]):
                return union.branches[1 - index], index
    return None


def is_map_entry(avro: AvroType) -> bool:
    """Whether an array of this is a map whose keys need not be text."""
    if not isinstance(avro, Record):
        return False
    return avro.name == _MAP_ENTRY or avro.props.get("connect.internal.type") == "MapEntry"


class ConnectSchemas:
    """The Connect schemas of one Avro schema's types; each is made once, also that of a type within itself.

    `enhanced` is AvroData's `enhanced.avro.schema.support`: branches of unions are named with their namespace.
    """

    def __init__(self, default: Default, *, enhanced: bool) -> None:
        self._default = default
        self._enhanced = enhanced
        self._made: dict[tuple[int, bool], Schema] = {}
        self._fields: dict[int, tuple[Field, ...] | None] = {}
        #: Schemas of types whose fields are being made.
        self._open: dict[int, list[Schema]] = {}

    def of(self, avro: AvroType, *, is_optional: bool = False) -> Schema:
        """The schema of a type wherever it stands but for defaults of fields. Raises AvroSchemaError."""
        key = (id(avro), is_optional)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(avro, is_optional)
        return made

    def of_field(self, one: RecordField) -> Schema:
        """The schema of a field, with its default."""
        schema = self.of(one.type)
        # AvroData drops the default of a field that is optional by a union of two.
        if not one.has_default or (isinstance(one.type, Union) and other_branch(one.type)):
            return schema
        default = self._default(one.type, schema, one.default)
        return schema if default is None else _with_default(schema, default)

    def branch_name(self, avro: AvroType) -> str:
        """The field that stands for a branch of a union."""
        match avro:
            case Primitive():
                return avro.kind
            case Array():
                return "array"
            case MapOf():
                return "map"
            case Record() | Enum() | Fixed():
                return avro.name if self._enhanced else avro.name.rpartition(".")[2]
        raise AvroSchemaError("has a union within a union")

    def _make(self, avro: AvroType, is_optional: bool) -> Schema:  # noqa: FBT001 - part of the key
        match avro:
            case Primitive() | Fixed() | Enum():
                schema = _scalar(avro, is_optional=is_optional)
            case Array() if is_map_entry(avro.items):
                schema = self._entries(avro, is_optional=is_optional)
            case Array():
                items = self.of(avro.items)
                schema = Schema(type=Type.ARRAY, value_schema=items, is_optional=is_optional, **_extras(avro.props))
            case MapOf():
                values = self.of(avro.values)
                schema = Schema(
                    type=Type.MAP,
                    key_schema=STRING,
                    value_schema=values,
                    is_optional=is_optional,
                    **_extras(avro.props),
                )
            case Record():
                return self._record(avro, is_optional=is_optional)
            case Union():
                return self._union(avro, is_optional=is_optional)
        return self._with_own_default(avro, schema)

    def _with_own_default(self, avro: Primitive | Fixed | Enum | Array | MapOf | Record, schema: Schema) -> Schema:
        own = avro.props.get("connect.default")
        default = None if own is None else self._default(avro, schema, own)
        return schema if default is None else _with_default(schema, default)

    def _entries(self, avro: Array, *, is_optional: bool) -> Schema:
        assert isinstance(avro.items, Record)
        fields = {one.name: one for one in avro.items.fields}
        if fields.keys() != {"key", "value"}:
            raise AvroSchemaError("has a map of entries that are not of a key and a value")
        key = self.of(fields["key"].type)
        if key.type in {Type.ARRAY, Type.MAP}:
            raise AvroSchemaError("has a map whose keys are arrays or maps")
        value = self.of(fields["value"].type)
        extras = _extras(avro.props)
        return Schema(type=Type.MAP, key_schema=key, value_schema=value, is_optional=is_optional, **extras)

    def _record(self, avro: Record, *, is_optional: bool) -> Schema:
        schema = Schema(type=Type.STRUCT, is_optional=is_optional, **_extras(avro.props, avro.name))
        self._made[id(avro), is_optional] = schema
        if id(avro) in self._open:
            self._open[id(avro)].append(schema)
            return schema
        fields = self._fields.get(id(avro))
        if fields is None:
            waiting = self._open[id(avro)] = [schema]
            fields = self._fields[id(avro)] = tuple(Field(one.name, self.of_field(one)) for one in avro.fields)
            del self._open[id(avro)]
            for one in waiting:
                one.tie(fields)
        else:
            schema.tie(fields)
        return self._with_own_default(avro, schema)

    def _union(self, avro: Union, *, is_optional: bool) -> Schema:
        single = other_branch(avro)
        if single is not None:
            other, null_index = single
            return self.of(other, is_optional=is_optional or null_index is not None)
        branches = [branch for branch in avro.branches if not is_null(branch)]
        fields = tuple(Field(self.branch_name(branch), self.of(branch, is_optional=True)) for branch in branches)
        if len({one.name for one in fields}) < len(fields):
            raise AvroSchemaError("has a union with two branches of one name")
        is_optional = is_optional or len(branches) < len(avro.branches)
        return Schema(type=Type.STRUCT, name=UNION, fields=fields, is_optional=is_optional)


def _with_default(schema: Schema, default: object) -> Schema:
    # Of a recursive type, what is within it stays as it is.
    made = replace(schema, default=default)
    if isinstance(default, Struct):
        default.schema = made
    return made


def _scalar(avro: Primitive | Fixed | Enum, *, is_optional: bool) -> Schema:
    props = avro.props
    match avro:
        case Enum():
            return Schema(type=Type.STRING, is_optional=is_optional, **_extras(props, avro.name))
        case Primitive(kind="null"):
            raise AvroSchemaError("has a type that is always null, which Connect does not know")
        case Primitive():
            kind, own_name = _TYPES[avro.kind], ""
        case Fixed():
            kind, own_name = Type.BYTES, avro.name
    logical_type = props.get("logicalType")
    name = _LOGICAL.get((kind, str(logical_type).lower()))
    if kind is Type.INT32 and logical_type is None and "connect.type" in props:
        narrow = _NARROW.get(props["connect.type"])
        if narrow is None:
            raise AvroSchemaError("has a connect.type that is neither int8 nor int16")
        kind = narrow
    if name is None:
        schema = Schema(type=kind, is_optional=is_optional, **_extras(props, own_name))
    else:
        parameters = {SCALE: str(_scale(props))} if name == DECIMAL else {}
        schema = Schema(type=kind, is_optional=is_optional, **_extras(props, "", name, parameters))
    expected = _LOGICAL_TYPES.get(schema.name or "")
    if expected not in {None, schema.type}:
        raise AvroSchemaError(f"names a type of {schema.type} {schema.name}")
    if schema.name == DECIMAL and not -_LARGEST_SCALE <= schema.scale <= _LARGEST_SCALE:
        raise AvroSchemaError("has a decimal of a scale beyond 32 bits")
    return schema


def _scale(props: Mapping[str, Any]) -> int:
    scale = props.get("scale", 0)
    return int(scale) if isinstance(scale, int | float) else 0


def _extras(
    props: Mapping[str, Any],
    own_name: str = "",
    logical: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Name, version, documentation and parameters, as the schema's attributes have them from Connect."""
    name = props.get("connect.name", own_name or None)
    if name is not None and str(name).startswith(_UNNAMED):
        name = None
    version = props.get("connect.version")
    if logical is not None:
        if name not in {None, logical} or version not in {None, 1}:
            raise AvroSchemaError(f"names a {logical} otherwise")
        name, version = logical, 1
    return {
        "name": name,
        "version": version,
        "doc": props.get("connect.doc"),
        "parameters": dict(parameters or {}) | dict(props.get("connect.parameters") or {}),
    }
