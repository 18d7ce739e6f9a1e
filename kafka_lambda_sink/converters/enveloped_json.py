"""JSON with its schema beside it, `{"schema": …, "payload": …}`, to Connect's data."""

from __future__ import annotations

from math import isinf
from typing import Final

import msgspec

from kafka_lambda_sink.converters.json_depth import is_too_deep
from kafka_lambda_sink.converters.json_reading import (
    ReadJson,
    decode_envelope,
    exact_decimal,
    json_reader,
    read_schemaless,
)
from kafka_lambda_sink.converters.json_text import InvalidJsonError, validate_json
from kafka_lambda_sink.converters.kept import keep
from kafka_lambda_sink.converters.payload_reading import PayloadReader, payload_reader
from kafka_lambda_sink.converters.schema_reading import schema_of_json
from kafka_lambda_sink.converters.unconvertible import UnconvertibleError
from kafka_lambda_sink.core.schema import DECIMAL, Schema, Type
from kafka_lambda_sink.core.sink_record import SchemaAndValue


def _double(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(text)
    return number


_read_exactly: Final = json_reader(exact_decimal)
_read_doubles: Final = json_reader(_double)


class EnvelopeReader:
    """Reads envelopes, and remembers the schemas by their text. Pure, for any thread."""

    def __init__(self, *, uses_default: bool) -> None:
        self._uses_default = uses_default
        self._kept: dict[bytes, tuple[ReadJson, PayloadReader] | None] = {}

    def read(self, text: bytes) -> SchemaAndValue:
        """Raises InvalidJsonError, and UnconvertibleError for JSON that is no envelope or not of its schema."""
        schema_text, payload_text = _parts_of(text)
        try:
            readers = self._readers(schema_text)
            if readers is None:
                return SchemaAndValue(None, read_schemaless(payload_text))
            read_json, read_payload = readers
            node = read_json(payload_text)
        except InvalidJsonError:
            # Once more, for the place in the whole text.
            validate_json(text)
            raise
        try:
            return SchemaAndValue(read_payload.schema, read_payload(node))
        except UnconvertibleError as error:
            error.path.insert(0, "payload")
            raise

    def _readers(self, text: bytes) -> tuple[ReadJson, PayloadReader] | None:
        if text in self._kept:
            return self._kept[text]
        try:
            schema = schema_of_json(_read_exactly(text), uses_default=self._uses_default)
        except UnconvertibleError as error:
            error.path.insert(0, "schema")
            raise
        readers = None
        if schema is not None:
            read_json = _read_exactly if _is_finer_than_double(schema) else _read_doubles
            readers = read_json, payload_reader(schema, uses_default=self._uses_default)
        return keep(self._kept, text, readers)


def _parts_of(text: bytes) -> tuple[bytes, bytes]:
    if is_too_deep(text):
        validate_json(text)
    try:
        envelope = decode_envelope(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        validate_json(text)
        reason = 'not an object of exactly the fields "schema" and "payload" (schemas.enable=true)'
        raise UnconvertibleError(reason) from None
    return bytes(envelope.schema), bytes(envelope.payload)


def _is_finer_than_double(schema: Schema) -> bool:
    """Whether a double's digits do not say it all: of decimals, and of what is rounded to singles."""
    parts = [schema.key_schema, schema.value_schema, *(one.schema for one in schema.fields)]
    return (
        schema.name == DECIMAL
        or schema.type is Type.FLOAT32
        or any(_is_finer_than_double(part) for part in parts if part is not None)
    )
