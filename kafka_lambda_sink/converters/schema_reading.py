"""Schemas as they stand in JSON envelopes: JsonConverter.asConnectSchema (Kafka 4.1)."""

from __future__ import annotations

from typing import Any, Final

from kafka_lambda_sink.converters.payload_reading import payload_reader
from kafka_lambda_sink.converters.unconvertible import UnconvertibleError
from kafka_lambda_sink.core.schema import Field, Schema, Type

_TYPES: Final = {
    **{type_.value: type_ for type_ in Type},
    # The two that JSON schemas call otherwise than Connect does.
    "float": Type.FLOAT32,
    "double": Type.FLOAT64,
}
_CALLED_OTHERWISE: Final = frozenset({"float32", "float64"})


def schema_of_json(node: Any, *, uses_default: bool) -> Schema | None:
    """The schema that a parsed JSON value is, None for null. Numbers with a fraction must be Decimal.

    Raises UnconvertibleError.
    """
    if node is None:
        return None
    kind = node.get("type") if isinstance(node, dict) else None
    if not isinstance(kind, str) or kind not in _TYPES or kind in _CALLED_OTHERWISE:
        raise UnconvertibleError('no "type", or one that Connect has not')
    attributes: dict[str, Any] = {
        "type": _TYPES[kind],
        "is_optional": node.get("optional") is True,
        "name": _only(str, node.get("name")),
        "version": _only(int, node.get("version")),
        "doc": _only(str, node.get("doc")),
        "parameters": _parameters(node.get("parameters")),
        **_parts(_TYPES[kind], node, uses_default=uses_default),
    }
    schema = Schema(**attributes)
    if "default" not in node:
        return schema
    if schema.type is Type.STRUCT:
        # It would be of another schema than its own. SchemaBuilder refuses it as well.
        raise UnconvertibleError("a struct with a default")
    return Schema(**attributes, default=payload_reader(schema, uses_default=uses_default)(node["default"]))


def _only(kind: type, node: Any) -> Any:
    return node if type(node) is kind else None


def _parameters(node: Any) -> dict[str, str]:
    if not isinstance(node, dict):
        return {}
    if not all(isinstance(it, str) for it in node.values()):
        raise UnconvertibleError("parameters that are no strings")
    return node


def _parts(kind: Type, node: dict[str, Any], *, uses_default: bool) -> dict[str, Any]:
    def part(name: str) -> Schema:
        schema = schema_of_json(node.get(name), uses_default=uses_default)
        if schema is None:
            raise UnconvertibleError(f'no "{name}" in the schema of an {kind}')
        return schema

    match kind:
        case Type.ARRAY:
            return {"value_schema": part("items")}
        case Type.MAP:
            return {"key_schema": part("keys"), "value_schema": part("values")}
        case Type.STRUCT:
            return {"fields": _fields(node.get("fields"), uses_default=uses_default)}
    return {}


def _fields(node: Any, *, uses_default: bool) -> tuple[Field, ...]:
    if not isinstance(node, list):
        raise UnconvertibleError('no "fields" in the schema of a struct')
    fields: dict[str, Field] = {}
    for it in node:
        name = it.get("field") if isinstance(it, dict) else None
        schema = schema_of_json(it, uses_default=uses_default)
        if not isinstance(name, str) or schema is None or name in fields:
            raise UnconvertibleError('a field of a struct without a name ("field"), or with one for the second time')
        fields[name] = Field(name, schema)
    return tuple(fields.values())
