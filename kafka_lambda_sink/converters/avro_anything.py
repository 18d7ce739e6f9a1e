"""Data without a schema, as Connect's sources write it in Avro: a record with a field for each type there is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kafka_lambda_sink.converters.avro_schema import AvroType, Record
from kafka_lambda_sink.converters.avro_wire import MalformedAvroError
from kafka_lambda_sink.core.schema import Struct


def is_anything(avro: AvroType) -> bool:
    """Whether values of this have no schema to Connect. Only at the root: elsewhere it is a record as any other."""
    return isinstance(avro, Record) and avro.name == "io.confluent.connect.avro.Anything"


def unwrapped(value: Any) -> object:
    """What the record, as a Struct or a dict, stands for. A map with other keys than text is a list of pairs."""
    fields = value.values if isinstance(value, Struct) else value
    # The one field that is not null.
    kind, content = next(((name, it) for name, it in fields.items() if it is not None), ("", None))
    match kind, content:
        case "array", list():
            return [unwrapped(it) for it in content]
        case "map", dict():
            return _map(content.items())
        case "map", list():
            return _map(content)
    return content


def _map(pairs: Iterable[tuple[Any, Any]]) -> object:
    try:
        entries = {unwrapped(key): unwrapped(it) for key, it in pairs}
    except TypeError:
        raise MalformedAvroError("a map whose keys are arrays or maps") from None
    # As JsonConverter writes it.
    return entries if all(isinstance(key, str) for key in entries) else [list(pair) for pair in entries.items()]
