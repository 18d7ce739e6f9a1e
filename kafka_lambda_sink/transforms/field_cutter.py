"""Takes fields out of keys and values, and out of their schemas with their defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias

from kafka_lambda_sink.core.schema import DECIMAL, OPTIONAL_STRING, Field, Schema, Struct, Type
from kafka_lambda_sink.core.sink_record import SchemaAndValue
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.field_hash import Hash, text_of
from kafka_lambda_sink.transforms.field_paths import PathNode, below
from kafka_lambda_sink.transforms.requirement import refused


class Mark(Enum):
    """What a path asks for."""

    EXCLUDE = "exclude"
    HASH = "hash"
    INCLUDE = "include"


_Nodes: TypeAlias = Sequence[PathNode]
#: Tells what becomes of a field: dropped (None), replaced (a hash), kept (an empty list), or looked into (nodes).
Decide: TypeAlias = Callable[[_Nodes, str], "_Nodes | Mark | None"]
#: The same, with all that is below.
_Decision: TypeAlias = "Level | tuple[()] | Mark | None"


class Level:
    """What becomes of the fields of one level, decided once for all records."""

    __slots__ = ("_named", "nodes", "others")

    def __init__(self, nodes: _Nodes, decide: Decide) -> None:
        #: The paths that lead here and go on.
        self.nodes = nodes

        def decision(name: str) -> _Decision:
            decided = decide(nodes, name)
            if decided is None or isinstance(decided, Mark):
                return decided
            return Level(decided, decide) if decided else ()

        self._named = {name: decision(name) for node in nodes for name in node.children}
        #: What becomes of fields that no path names; in paths no name is empty.
        self.others = decision("")

    def of(self, name: str) -> _Decision:
        """What becomes of a field."""
        return self._named.get(name, self.others)

    def refuse_text(self) -> None:
        """A text where a path goes on may hold what the path says, say as JSON. `*` alone says nothing of a text."""
        named = next((node for node in self.nodes if not node.is_any), None)
        if named is not None:
            raise refused(f"fields: {named.path} is a text or bytes, in which no field can be cut")


def kept(nodes: _Nodes, name: str) -> _Nodes | Mark | None:
    """Of `fields.include`."""
    found = below(nodes, name)
    if any(node.mark is Mark.INCLUDE for node in found):
        return ()
    return found or None


def left(nodes: _Nodes, name: str) -> _Nodes | Mark | None:
    """Of `fields.exclude` and `fields.hash`."""
    found = below(nodes, name)
    marks = {node.mark for node in found}
    if Mark.EXCLUDE in marks:
        return None
    return Mark.HASH if Mark.HASH in marks else found


class Cutter:
    """Applies one set of paths to one side of records."""

    def __init__(self, root: PathNode, decide: Decide, hash_of: Hash, *, needs_fields: bool) -> None:
        self._root = Level([root], decide)
        self._hash_of = hash_of
        #: What has no fields where the paths say which to keep is dropped with what it has in it.
        self._needs_fields = needs_fields
        self._schemas = DerivedSchemas(lambda schema: self._schema_below(self._root, schema))

    def cut(self, data: SchemaAndValue) -> SchemaAndValue:
        """The data without what the paths take away. Raises RecordError where that cannot be told."""
        schema, value = data
        if value is None and (schema is None or schema.default is None):
            return data
        has_fields = isinstance(value, dict | list) if schema is None else _has_fields(schema)
        if self._needs_fields and not has_fields:
            raise refused(f"fields.include: the {self._root.nodes[0].path} has no fields")
        if schema is None:
            return SchemaAndValue(None, self._cut_value(self._root, value))
        cut_schema = self._schemas.of(schema)
        return SchemaAndValue(cut_schema, self._cut_typed(self._root, schema, cut_schema, value))

    # --- values without a schema -------------------------------------------------------------------------------------

    def _cut_value(self, level: Level, value: object) -> object:
        if isinstance(value, dict):
            return dict(self._cut_items(level, value, self._cut_value, self._may_keep))
        if isinstance(value, list):
            return [self._cut_value(level, item) for item in value if self._may_keep(item)]
        if value is None or isinstance(value, int | float | Decimal):
            return value
        if not isinstance(value, str | bytes):
            raise refused(f"fields: {level.nodes[0].path} is a {type(value).__name__}, which cannot be cut")
        level.refuse_text()
        return value

    def _cut_items(
        self,
        level: Level,
        items: Mapping[Any, object],
        cut: Callable[[Level, object], object],
        may_keep: Callable[[object], bool],
        schema: Schema | None = None,
    ) -> Iterator[tuple[Any, object]]:
        """`schema` is that of the items."""
        for name, value in items.items():
            decision = level.of(name if isinstance(name, str) else text_of(name, None))
            if decision is None:
                continue
            if isinstance(decision, Mark):
                yield name, self._hash_of(value, schema)
            elif not decision:
                yield name, value
            elif may_keep(value):
                yield name, cut(decision, value)

    def _may_keep(self, value: object) -> bool:
        return not self._needs_fields or value is None or isinstance(value, dict | list)

    # --- values with one ---------------------------------------------------------------------------------------------

    def _cut_typed(self, level: Level, before: Schema, after: Schema, value: Any) -> object:
        """`after` is what `_schema_below` made of `before`. Null stays null: defaults are cut by themselves."""
        if value is None:
            return None
        if before.type is Type.STRUCT:
            return Struct(after, dict(self._cut_fields(level, before, after, value)))
        if before.type not in {Type.ARRAY, Type.MAP}:
            return value
        item, cut_item = before.value_schema, after.value_schema
        if item is None or cut_item is None:
            return self._cut_value(level, value)

        def cut(below_: Level, it: object) -> object:
            return self._cut_typed(below_, item, cut_item, it)

        if before.type is Type.ARRAY:
            return [cut(level, it) for it in value]
        may_keep = not self._needs_fields or _has_fields(item)
        return dict(self._cut_items(level, value, cut, lambda _: may_keep, item))

    def _cut_fields(self, level: Level, before: Schema, after: Schema, value: Struct) -> Iterator[tuple[str, object]]:
        for one in after.fields:
            name, it = one.name, value.values.get(one.name)
            decision, field = level.of(name), before.field(name)
            if field is None or decision is None:
                raise KeyError(name)
            if isinstance(decision, Mark):
                yield name, self._hash_of(it, field.schema)
            else:
                yield name, self._cut_typed(decision, field.schema, one.schema, it) if decision else it

    # --- schemas -----------------------------------------------------------------------------------------------------

    def _schema_below(self, level: Level, schema: Schema) -> Schema:
        made = self._without_default(level, schema)
        if schema.default is None:
            return made
        default = self._cut_typed(level, schema, made, schema.default)
        made = replace(made, default=default)
        if isinstance(default, Struct):
            default.schema = made
        return made

    def _without_default(self, level: Level, schema: Schema) -> Schema:
        match schema.type:
            case Type.STRUCT:
                return replace(schema, fields=tuple(self._fields(level, schema)), default=None)
            case Type.ARRAY | Type.MAP:
                item = schema.value_schema
                if item is not None:
                    item = self._schema_below(level, item) if schema.type is Type.ARRAY else self._item(level, item)
                return replace(schema, value_schema=item, default=None)
            case Type.STRING | Type.BYTES if schema.name != DECIMAL:
                level.refuse_text()
        return schema

    def _fields(self, level: Level, schema: Schema) -> Iterator[Field]:
        for one in schema.fields:
            decision = level.of(one.name)
            if isinstance(decision, Mark):
                yield Field(one.name, self._hashed(one.schema))
            elif decision is None:
                continue
            elif not decision:
                yield one
            elif not self._needs_fields or _has_fields(one.schema):
                yield Field(one.name, self._schema_below(decision, one.schema))

    def _item(self, level: Level, schema: Schema) -> Schema:
        """The schema of all values of a map: those of named keys may not differ from the others."""
        if level.others is Mark.HASH:
            return self._hashed(schema)
        for child in (child for node in level.nodes for child in node.children.values() if not child.is_any):
            if child.mark is Mark.HASH and schema.type is not Type.STRING:
                raise refused(f"fields.hash: {child.path} is in a map of {schema.type}, which cannot hold a hash")
            if child.mark is None or (child.mark is Mark.INCLUDE and level.others is not None):
                raise refused(f"fields: {child.path} is in a map, whose values cannot be cut one by one; use *")
        if isinstance(level.others, Level) and (not self._needs_fields or _has_fields(schema)):
            return self._schema_below(level.others, schema)
        return schema

    def _hashed(self, schema: Schema) -> Schema:
        if schema.default is None:
            return OPTIONAL_STRING
        return replace(OPTIONAL_STRING, default=self._hash_of(schema.default, schema))


def _has_fields(schema: Schema) -> bool:
    while schema.type is Type.ARRAY and schema.value_schema is not None:
        schema = schema.value_schema
    return schema.type in {Type.STRUCT, Type.MAP}
