"""Structs and their schemas made anew, checked as Connect's SchemaBuilder and `Struct.put` check them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kafka_lambda_sink.core.schema import Field, Schema, Struct, Type
from kafka_lambda_sink.transforms.requirement import refused


def field_reader(*, with_default: bool) -> Callable[[Struct, str], object]:
    """What reads a field: with its default where it is null, or as it is (`replace.null.with.default`)."""
    return Struct.get if with_default else lambda struct, name: struct.values.get(name)


def struct_schema(fields: Iterable[Field], like: Schema | None = None, *, is_optional: bool = False) -> Schema:
    """A STRUCT with the name, version, doc and parameters of `like`, and without its default. Raises RecordError."""
    fields = tuple(fields)
    names = set()
    for field in fields:
        if not field.name:
            raise refused("a field of a schema needs a name")
        if field.name in names:
            raise refused(f"there would be two fields `{field.name}`")
        names.add(field.name)
    if like is None:
        return Schema(type=Type.STRUCT, fields=fields, is_optional=is_optional)
    return Schema(
        type=Type.STRUCT,
        fields=fields,
        is_optional=is_optional,
        name=like.name,
        version=like.version,
        doc=like.doc,
        parameters=like.parameters,
    )


def require_fields(schema: Schema) -> tuple[Field, ...]:
    """The fields of a STRUCT. Raises RecordError for a schema that has none."""
    if schema.type is not Type.STRUCT:
        raise refused(f"only a struct has fields, not {schema.type}")
    return schema.fields


def build_struct(schema: Schema, values: Mapping[str, object]) -> Struct:
    """Raises RecordError for a null in a field that is not optional, even in one with a default, as Java does."""
    for name, value in values.items():
        if value is None:
            field = schema.field(name)
            if field is not None and not field.schema.is_optional:
                raise refused(f"field `{name}` is null and not optional")
    return Struct(schema, values)
