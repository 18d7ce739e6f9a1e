"""Schemas, values and records in the notation of the golden tables (tests/golden/README.md); Notation.java's twin."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

from confluent_kafka import Message

from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.schema import (
    Field,
    Float32,
    Instant,
    Schema,
    Struct,
    Type,
    date_schema,
    decimal_schema,
    time_schema,
    timestamp_schema,
)
from kafka_lambda_sink.core.sink_record import Header, SinkRecord

_NAMED = {"Date": date_schema, "Time": time_schema, "Timestamp": timestamp_schema}


def schema_of(node: Any) -> Schema | None:
    """The schema that `node` stands for."""
    if node is None:
        return None
    if isinstance(node, str):
        return _short(node.removesuffix("?"), is_optional=node.endswith("?"))
    plain = Schema(
        type=Type(node["type"]),
        is_optional=node.get("optional", False),
        name=node.get("name"),
        version=node.get("version"),
        doc=node.get("doc"),
        parameters=node.get("parameters", {}),
        fields=tuple(Field(name, _schema(it)) for name, it in node.get("fields", {}).items()),
        key_schema=schema_of(node.get("keys")),
        value_schema=schema_of(node.get("values")),
    )
    default = value_of(node.get("default"), plain)
    attributes = {it: getattr(plain, it) for it in Schema.__slots__ if it not in {"default", "_by_name"}}
    return plain if default is None else Schema(**attributes, default=default)


def _schema(node: Any) -> Schema:
    schema = schema_of(node)
    assert schema is not None
    return schema


def _short(name: str, *, is_optional: bool) -> Schema:
    if name in _NAMED:
        return _NAMED[name](is_optional=is_optional)
    if name.startswith("Decimal:"):
        return decimal_schema(int(name.removeprefix("Decimal:")), is_optional=is_optional)
    return Schema(type=Type(name), is_optional=is_optional)


def value_of(node: Any, schema: Schema | None) -> object:
    """The value that `node` stands for under `schema`."""
    match node:
        case None | bool() | str():
            return node
        case int() | float():
            return _number(node, schema)
        case list():
            return [value_of(it, schema and schema.value_schema) for it in node]
    ((tag, content),) = node.items() if len(node) == 1 else [("", None)]
    if tag.startswith("$"):
        return _tagged(tag, content, schema)
    if schema is not None and schema.type is Type.STRUCT:
        return Struct(schema, {it.name: value_of(node.get(it.name), it.schema) for it in schema.fields})
    return {key: value_of(it, schema and schema.value_schema) for key, it in node.items()}


def _number(node: float, schema: Schema | None) -> object:
    if schema is not None and schema.type is Type.FLOAT32:
        return Float32(_single(float(node)))
    return float(node) if schema is not None and schema.type is Type.FLOAT64 else node


def _single(number: float) -> float:
    single: float = struct.unpack("f", struct.pack("f", number))[0]
    return single


def _tagged(tag: str, content: Any, schema: Schema | None) -> object:
    if tag == "$map":
        keys, values = (schema.key_schema, schema.value_schema) if schema else (None, None)
        return {value_of(key, keys): value_of(it, values) for key, it in content}
    return _TAGS[tag](content)


_TAGS: dict[str, Callable[[Any], object]] = {
    "$int8": int,
    "$int16": int,
    "$int32": int,
    "$int64": int,
    "$big": int,
    "$float32": lambda it: Float32(_single(float(it))),
    "$float64": float,
    "$decimal": Decimal,
    "$bytes": base64.b64decode,
    "$instant": Instant,
}


def record_of(node: Mapping[str, Any]) -> SinkRecord:
    """The record that `node` stands for, with the tables' own defaults."""
    topic, partition = node.get("topic", "topic"), node.get("partition", 0)
    timestamp = node.get("timestamp", 1_700_000_000_000)
    key_schema, value_schema = schema_of(node.get("key_schema")), schema_of(node.get("value_schema"))
    return SinkRecord(
        source=cast("SourceRecord", Message(topic=topic, partition=partition, offset=node.get("offset", 0))),
        topic=topic,
        partition=partition,
        key_schema=key_schema,
        key=value_of(node.get("key"), key_schema),
        value_schema=value_schema,
        value=value_of(node.get("value"), value_schema),
        timestamp=timestamp,
        headers=tuple(
            Header(it["name"], schema_of(it.get("schema")), value_of(it.get("value"), schema_of(it.get("schema"))))
            for it in node.get("headers", [])
        ),
    )


# --- forms that are equal only if everything is ----------------------------------------------------------------------


def schema_form(schema: Schema | None) -> Any:
    """Everything that a schema says, for comparing: True is not 1 in it."""
    if schema is None:
        return None
    return {
        "type": schema.type.value,
        "optional": schema.is_optional,
        "name": schema.name,
        "version": schema.version,
        "doc": schema.doc,
        "parameters": dict(schema.parameters),
        "fields": [(it.name, schema_form(it.schema)) for it in schema.fields],
        "keys": schema_form(schema.key_schema),
        "values": schema_form(schema.value_schema),
        "default": _default_form(schema),
    }


def _default_form(schema: Schema) -> Any:
    default = schema.default
    if isinstance(default, Struct):
        # Its own schema is the one without the default, or the one before a transform gave it another name.
        return {it.name: form(default.values.get(it.name), it.schema) for it in schema.fields}
    return form(default, schema)


def form(value: object, schema: Schema | None) -> Any:
    """A value, for comparing: types count, the order of maps does not; a single without a schema is no double."""
    match value:
        case list():
            return [form(it, schema and schema.value_schema) for it in value]
        case dict():
            keys, values = (schema.key_schema, schema.value_schema) if schema else (None, None)
            return {repr(form(key, keys)): form(it, values) for key, it in value.items()}
        case Struct():
            assert schema is not None
            assert schema_form(value.schema) == schema_form(schema)
            assert value.values.keys() <= {it.name for it in schema.fields}
            return {"$struct": {it.name: form(value.values.get(it.name), it.schema) for it in schema.fields}}
        case float():
            is_single = schema.type is Type.FLOAT32 if schema else isinstance(value, Float32)
            return {"$float32" if is_single else "$float64": float.__repr__(value)}
    return _FORMS[type(value)](value)


_FORMS: dict[type, Callable[[Any], Any]] = {
    type(None): lambda it: it,
    str: lambda it: it,
    int: lambda it: it,
    bool: lambda it: {"$boolean": it},
    bytes: lambda it: {"$bytes": base64.b64encode(it).decode()},
    Decimal: lambda it: {"$decimal": str(it)},
    Instant: lambda it: {"$instant": int(it)},
}


def record_form(record: SinkRecord | None) -> Any:
    """What transforms can change of a record, for comparing."""
    if record is None:
        return None
    return {
        "topic": record.topic,
        "partition": record.partition,
        "timestamp": record.timestamp,
        "key_schema": schema_form(record.key_schema),
        "key": form(record.key, record.key_schema),
        "value_schema": schema_form(record.value_schema),
        "value": form(record.value, record.value_schema),
        "headers": [(it.name, schema_form(it.schema), form(it.value, it.schema)) for it in record.headers],
    }
