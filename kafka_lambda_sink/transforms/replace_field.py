"""`ReplaceField`: leaves fields out, and renames them."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator

from kafka_lambda_sink.core.schema import Field, Schema, Struct
from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from kafka_lambda_sink.transforms.catalog import TransformType
from kafka_lambda_sink.transforms.derived_schemas import DerivedSchemas
from kafka_lambda_sink.transforms.java_split import split_pair
from kafka_lambda_sink.transforms.options import CommaList, Options, Truth
from kafka_lambda_sink.transforms.requirement import refused, require_map, require_struct
from kafka_lambda_sink.transforms.struct_building import build_struct, field_reader, struct_schema
from kafka_lambda_sink.transforms.target import Target

_PURPOSE: Final = "field replacement"


def _new_names(renames: tuple[str, ...]) -> dict[str, str]:
    """New names by the old ones. Raises ValueError."""
    names = {}
    for item in renames:
        pair = split_pair(item)
        if len(pair) != 2:  # noqa: PLR2004 - the old and the new name
            raise ValueError(f"`{item}` must be the old name, a colon and the new name")
        names[pair[0]] = pair[1]
    return names


def _valid_renames(renames: tuple[str, ...]) -> tuple[str, ...]:
    _new_names(renames)
    return renames


class ReplaceFieldOptions(Options):
    """Of `ReplaceField`."""

    exclude: CommaList = ()
    """Fields to leave out."""

    include: CommaList = ()
    """Fields to keep, all others being left out; empty: all. `exclude` goes first."""

    renames: Annotated[CommaList, AfterValidator(_valid_renames)] = ()
    """Fields with their new names, `old:new`."""

    replace_null_with_default: Truth = True
    """Whether a null with a default in its schema is replaced by it."""


def _build(options: ReplaceFieldOptions, target: Target | None) -> Transform:
    assert target is not None
    excluded, included = frozenset(options.exclude), frozenset(options.include)
    new_names = _new_names(options.renames)
    old_names = {new: old for old, new in new_names.items()}
    read = field_reader(with_default=options.replace_null_with_default)

    def is_kept(name: str) -> bool:
        return name not in excluded and (not included or name in included)

    def derive(schema: Schema) -> Schema:
        fields = [Field(new_names.get(it.name, it.name), it.schema) for it in schema.fields if is_kept(it.name)]
        for it in fields:
            old_name = old_names.get(it.name, it.name)
            # Connect looks a field up by the name that it was renamed from, even if it never was.
            old = schema.field(old_name)
            if old is None:
                raise refused(f"there is no field `{old_name}`, which is to be renamed to `{it.name}`")
            if (old.schema.type, old.schema.name) != (it.schema.type, it.schema.name):
                raise refused(f"field `{it.name}` would have a value of field `{old_name}`, which is of another type")
        return struct_schema(fields, schema)

    schemas = DerivedSchemas(derive)

    def replaced(struct: Struct) -> Struct:
        schema = schemas.of(struct.schema)
        names = [it.name for it in schema.fields]
        return build_struct(schema, {name: read(struct, old_names.get(name, name)) for name in names})

    def replace_field(record: SinkRecord) -> SinkRecord:
        schema, value = target.of(record)
        if value is None:
            return record
        if schema is None:
            items = require_map(value, _PURPOSE).items()
            return target.updated(record, None, {new_names.get(name, name): it for name, it in items if is_kept(name)})
        struct = replaced(require_struct(value, _PURPOSE))
        return target.updated(record, struct.schema, struct)

    return replace_field


TYPE = TransformType(ReplaceFieldOptions, _build)
