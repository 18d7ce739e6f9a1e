"""Which fields reach the function, and which only as a hash: `fields.include`, `fields.exclude`, `fields.hash`.

Source: Fivetran's data blocking and column hashing (seed 001). It fails closed: what cannot be cut is not sent.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias

from kafka_lambda_sink.core.schema import OPTIONAL_STRING, Field, Schema, Struct, Type
from kafka_lambda_sink.core.sink_record import SchemaAndValue, SinkRecord, Transform
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.field_paths import PathNode, add_paths, below
from kafka_lambda_sink.transforms.requirement import refused
from kafka_lambda_sink.transforms.target import Target


class _Mark(Enum):
    EXCLUDE = "exclude"
    HASH = "hash"
    INCLUDE = "include"


_Nodes: TypeAlias = Sequence[PathNode]
_Hash: TypeAlias = Callable[[object], str | None]
#: Tells what becomes of a field: dropped (None), replaced (a hash), kept (an empty list), or looked into (nodes).
_Decide: TypeAlias = Callable[[_Nodes, str], "_Nodes | _Mark | None"]


def build_field_policy(
    include: Collection[str], exclude: Collection[str], hashed: Collection[str], salt: str
) -> Transform:
    """A transform that keeps only `include` (where not empty), drops `exclude`, and hashes `hashed`.

    A hash is the HMAC-SHA-256 of the value's text under `salt`, in hexadecimal; null stays null. Raises ValueError for
    a path that is none, and for one that is to be both hashed and excluded.
    """
    included: dict[Target, PathNode] = {}
    cut: dict[Target, PathNode] = {}
    add_paths(included, include, _Mark.INCLUDE)
    add_paths(cut, exclude, _Mark.EXCLUDE)
    add_paths(cut, hashed, _Mark.HASH)
    hash_of = _hasher(salt.encode())
    cutters = [
        *((side, _Cutter(root, _kept, hash_of, needs_fields=True)) for side, root in included.items()),
        *((side, _Cutter(root, _left, hash_of, needs_fields=False)) for side, root in cut.items()),
    ]

    def apply(record: SinkRecord) -> SinkRecord:
        for side, cutter in cutters:
            record = side.updated(record, *cutter.cut(side.of(record)))
        return record

    return apply


def drop_tombstones(record: SinkRecord) -> SinkRecord | None:
    """`tombstones=drop`: a transform that drops records without a value."""
    return None if record.value is None else record


def _kept(nodes: _Nodes, name: str) -> _Nodes | _Mark | None:
    found = below(nodes, name)
    if any(node.mark is _Mark.INCLUDE for node in found):
        return ()
    return found or None


def _left(nodes: _Nodes, name: str) -> _Nodes | _Mark | None:
    found = below(nodes, name)
    marks = {node.mark for node in found}
    if _Mark.EXCLUDE in marks:
        return None
    return _Mark.HASH if _Mark.HASH in marks else found


class _Cutter:
    """Applies one set of paths to one side of records."""

    def __init__(self, root: PathNode, decide: _Decide, hash_of: _Hash, *, needs_fields: bool) -> None:
        self._roots = [root]
        self._decide = decide
        self._hash_of = hash_of
        #: What has no fields where the paths say which to keep is dropped with what it has in it.
        self._needs_fields = needs_fields
        self._schemas = DerivedSchemas(lambda schema: self._schema_below(self._roots, schema))

    def cut(self, data: SchemaAndValue) -> SchemaAndValue:
        schema, value = data
        if value is None:
            return data if schema is None else SchemaAndValue(self._schemas.of(schema), None)
        has_fields = isinstance(value, dict | list) if schema is None else _has_fields(schema)
        if self._needs_fields and not has_fields:
            raise refused("fields.include: it has no fields")
        if schema is None:
            return SchemaAndValue(None, self._cut_value(self._roots, value))
        cut_schema = self._schemas.of(schema)
        return SchemaAndValue(cut_schema, self._cut_typed(self._roots, cut_schema, value))

    # --- values without a schema -------------------------------------------------------------------------------------

    def _cut_value(self, nodes: _Nodes, value: object) -> object:
        if isinstance(value, dict):
            return dict(self._cut_items(nodes, value, self._cut_value))
        if isinstance(value, list):
            return [self._cut_value(nodes, item) for item in value if self._may_keep(item)]
        return value

    def _cut_items(
        self, nodes: _Nodes, items: Mapping[Any, object], cut: Callable[[_Nodes, object], object]
    ) -> Iterator[tuple[Any, object]]:
        for name, value in items.items():
            decision = self._decide(nodes, name if isinstance(name, str) else _text(name))
            if decision is None:
                continue
            if isinstance(decision, _Mark):
                yield name, self._hash_of(value)
            elif not decision:
                yield name, value
            elif self._may_keep(value):
                yield name, cut(decision, value)

    def _may_keep(self, value: object) -> bool:
        return not self._needs_fields or value is None or isinstance(value, dict | list | Struct)

    # --- values with one ---------------------------------------------------------------------------------------------

    def _cut_typed(self, nodes: _Nodes, schema: Schema, value: Any) -> object:
        """`schema` is the cut one."""
        if value is None:
            return None
        if schema.type is Type.STRUCT:
            return Struct(schema, dict(self._cut_fields(nodes, schema, value)))
        if schema.type is Type.ARRAY and schema.value_schema is not None:
            items = schema.value_schema
            return [self._cut_typed(nodes, items, item) for item in value]
        if schema.type is Type.MAP and schema.value_schema is not None:
            values = schema.value_schema
            return dict(self._cut_items(nodes, value, lambda below_, item: self._cut_typed(below_, values, item)))
        return value

    def _cut_fields(self, nodes: _Nodes, schema: Schema, value: Struct) -> Iterator[tuple[str, object]]:
        for one in schema.fields:
            decision = self._decide(nodes, one.name)
            if isinstance(decision, _Mark):
                yield one.name, self._hash_of(value.get(one.name))
            elif decision:
                yield one.name, self._cut_typed(decision, one.schema, value.get(one.name))
            else:
                yield one.name, value.values.get(one.name)

    def _schema_below(self, nodes: _Nodes, schema: Schema) -> Schema:
        if schema.type is Type.STRUCT:
            return replace(schema, fields=tuple(self._fields(nodes, schema)), default=None)
        if schema.type is Type.ARRAY and schema.value_schema is not None:
            return replace(schema, value_schema=self._schema_below(nodes, schema.value_schema), default=None)
        if schema.type is Type.MAP and schema.value_schema is not None:
            return replace(schema, value_schema=self._map_values(nodes, schema.value_schema), default=None)
        return schema

    def _fields(self, nodes: _Nodes, schema: Schema) -> Iterator[Field]:
        for one in schema.fields:
            decision = self._decide(nodes, one.name)
            if isinstance(decision, _Mark):
                yield Field(one.name, OPTIONAL_STRING)
            elif decision is None:
                continue
            elif not decision:
                yield one
            elif not self._needs_fields or _has_fields(one.schema):
                yield Field(one.name, self._schema_below(decision, one.schema))

    def _map_values(self, nodes: _Nodes, schema: Schema) -> Schema:
        """The schema of all values of a map: those below named keys may not differ from the others."""
        children = [child for node in nodes for child in node.children.values()]
        if any(child.mark is _Mark.HASH for child in children) and schema.type is not Type.STRING:
            raise refused(f"fields.hash: a map of {schema.type} cannot hold a hash; exclude the key")
        below_all = [child for node in nodes for name, child in node.children.items() if name == "*"]
        if len(below_all) < len(children) and any(child.children for child in children):
            raise refused("fields: the values of a map cannot be cut differently; use *")
        marked = any(child.mark is _Mark.INCLUDE for child in below_all)
        return schema if marked or not below_all else self._schema_below(below_all, schema)


def _has_fields(schema: Schema) -> bool:
    while schema.type is Type.ARRAY and schema.value_schema is not None:
        schema = schema.value_schema
    return schema.type in {Type.STRUCT, Type.MAP}


def _hasher(salt: bytes) -> _Hash:
    def hash_of(value: object) -> str | None:
        return None if value is None else hmac.digest(salt, _text(value).encode("utf-8"), "sha256").hex()

    return hash_of


def _text(value: object) -> str:
    """What is hashed: a text itself, a number as it is written, anything else as JSON with sorted keys."""
    plain = _plain(value)
    if isinstance(plain, str):
        return plain
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, Struct):
        return {one.name: _plain(value.get(one.name)) for one in value.schema.fields}
    if isinstance(value, dict):
        return {name if isinstance(name, str) else _text(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return format(value, "f") if isinstance(value, Decimal) else value
