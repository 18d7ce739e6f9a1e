"""Connect's schemas as its JSON envelopes hold them: JsonConverter.asJsonSchema (Kafka 4.1)."""

from __future__ import annotations

from typing import Any, Final

from kafka_lambda_sink.contracts.formats.sent_record import TASK_PUT, unsendable
from kafka_lambda_sink.contracts.request import encode
from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.kept import keep
from kafka_lambda_sink.core.schema import Schema, Type

#: The two that JSON schemas call otherwise than Connect does.
_NAMES: Final = {Type.FLOAT32: "float", Type.FLOAT64: "double"}
_embed_default = build_embedder(JsonForm(), TASK_PUT)


class SchemaTexts:
    """Writes schemas, each once, by identity."""

    def __init__(self) -> None:
        # With the schema itself, so that its identity stays its own.
        self._kept: dict[int, tuple[Schema, bytes]] = {}

    def of(self, schema: Schema) -> bytes:
        """The JSON of a schema. Raises RecordError for one that holds itself: it has no end."""
        known = self._kept.get(id(schema))
        if known is not None:
            return known[1]
        try:
            text = encode(_node(schema))
        except RecursionError:
            raise unsendable("a schema that holds itself cannot be written into an envelope") from None
        return keep(self._kept, id(schema), (schema, text))[1]


def _node(schema: Schema) -> dict[str, Any]:
    node: dict[str, Any] = {"type": _NAMES.get(schema.type, schema.type.value)}
    match schema.type:
        case Type.ARRAY:
            node["items"] = _within(schema.value_schema)
        case Type.MAP:
            node["keys"] = _within(schema.key_schema)
            node["values"] = _within(schema.value_schema)
        case Type.STRUCT:
            node["fields"] = [{**_node(one.schema), "field": one.name} for one in schema.fields]
    node["optional"] = schema.is_optional
    attributes = {
        "name": schema.name,
        "version": schema.version,
        "doc": schema.doc,
        "parameters": dict(schema.parameters) or None,
        "default": None if schema.default is None else _embed_default(schema, schema.default),
    }
    node.update((name, it) for name, it in attributes.items() if it is not None)
    return node


def _within(schema: Schema | None) -> dict[str, Any] | None:
    return None if schema is None else _node(schema)
