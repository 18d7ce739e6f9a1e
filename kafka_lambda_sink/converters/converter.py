"""The converters of keys and values: what comes from Kafka becomes what stands in the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import msgspec

from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.json_numbers import float_writer, integer_writer, single_writer
from kafka_lambda_sink.converters.json_reading import decode_envelope
from kafka_lambda_sink.converters.json_text import InvalidJsonError, validate_json
from kafka_lambda_sink.converters.primitives import PRIMITIVES, PrimitiveName
from kafka_lambda_sink.converters.unconvertible import UnconvertibleError
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import Schema

#: What msgspec's JSON encoder embeds: a str as a string, bytes as a base64 string, Raw as it is, None as null.
Embeddable: TypeAlias = "str | bytes | float | msgspec.Raw | None"

#: Bytes as Kafka holds them, or None, to what is embedded. Raises RecordError. Pure, for any thread.
Converter: TypeAlias = Callable[[bytes | None], Embeddable]

#: Connect's data to what is embedded. Raises RecordError.
Embedder: TypeAlias = Callable[[Schema | None, object], Embeddable]

ConverterName: TypeAlias = Literal["string", "json", "bytes", "boolean", "short", "integer", "long", "float", "double"]

#: Kafka Connect's names of the stages.
KEY_CONVERTER: Final = "KEY_CONVERTER"
VALUE_CONVERTER: Final = "VALUE_CONVERTER"
HEADER_CONVERTER: Final = "HEADER_CONVERTER"


def name_of_part(stage: str) -> str:
    """What messages call the part of the record that a stage converts: `key`, `value`, `header`."""
    return stage.removesuffix("_CONVERTER").lower()


def build_converter(
    name: ConverterName, *, is_key: bool, schemas_enable: bool, escaped: bool, form: JsonForm | None = None
) -> Converter:
    """The converter of keys or of values.

    - `string`: UTF-8 text, to a JSON string.
    - `bytes`: anything, to a base64 string.
    - `json`: to the JSON value, byte for byte. With `schemas_enable` the bytes must be Connect's envelope
      `{"schema": …, "payload": …}`, and its payload is embedded. With `escaped` (`EscapedJsonKeyValueConverter` of the
      Confluent connector) JSON without a schema becomes a JSON string that holds the JSON text.
    - `boolean`, `short`, `integer`, `long`, `float`, `double`: what Kafka's own serializers write, to a JSON number, or
      true or false. `form` says what becomes of long integers, NaN and the infinities.

    An absent key and a tombstone become null. Raises ValueError for an unknown name.
    """
    where = "key" if is_key else "value"
    stage = KEY_CONVERTER if is_key else VALUE_CONVERTER
    match name:
        case "string":
            return _string_converter(where, stage)
        case "bytes":
            return _pass_bytes
        case "json" if schemas_enable:
            return _enveloped_json_converter(where, stage)
        case "json" if escaped:
            return _escaped_json_converter(where, stage)
        case "json":
            return _json_converter(where, stage)
        case "boolean" | "short" | "integer" | "long" | "float" | "double":
            return _primitive_converter(name, stage, form or JsonForm())
    raise ValueError(f"unknown converter {name!r}")


def _pass_bytes(raw: bytes | None) -> Embeddable:
    # The encoder writes bytes as padded standard base64, as Connect's JSON does.
    return raw


# Closures and not classes: a record passes through two of these, and `__call__` costs three times as much.


def _string_converter(where: str, stage: str) -> Converter:
    def convert(raw: bytes | None) -> Embeddable:
        if raw is None:
            return None
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            reason, at = error.reason, error.start
        raise RecordError(f"the {where} is not UTF-8: {reason} (byte {at})", stage=stage)

    return convert


def _json_converter(where: str, stage: str) -> Converter:
    embed = msgspec.Raw

    def convert(raw: bytes | None) -> Embeddable:
        if raw is None:
            return None
        try:
            validate_json(raw)
        except InvalidJsonError as error:
            raise _not_json(where, stage, error) from None
        return embed(raw)

    return convert


def _escaped_json_converter(where: str, stage: str) -> Converter:
    def convert(raw: bytes | None) -> Embeddable:
        if raw is None:
            return None
        try:
            validate_json(raw)
        except InvalidJsonError as error:
            raise _not_json(where, stage, error) from None
        return raw.decode()

    return convert


def _enveloped_json_converter(where: str, stage: str) -> Converter:
    def convert(raw: bytes | None) -> Embeddable:
        if raw is None:
            return None
        try:
            validate_json(raw)
            return decode_envelope(raw).payload
        except InvalidJsonError as error:
            raise _not_json(where, stage, error) from None
        except msgspec.ValidationError:
            pass
        raise RecordError(
            f'the {where} is not an object of exactly the fields "schema" and "payload" (schemas.enable=true)',
            stage=stage,
        )

    return convert


def _primitive_converter(name: PrimitiveName, stage: str, form: JsonForm) -> Converter:
    read = PRIMITIVES[name].read
    write = {
        "long": integer_writer(form.long),
        "float": single_writer(form.nonfinite),
        "double": float_writer(form.nonfinite),
    }.get(name)

    def convert(raw: bytes | None) -> Embeddable:
        if raw is None:
            return None
        try:
            return read(raw) if write is None else write(read(raw))
        except UnconvertibleError as error:
            reason = str(error)
        raise RecordError(f"the {name_of_part(stage)} cannot be converted: {reason}", stage=stage)

    return convert


def _not_json(where: str, stage: str, error: InvalidJsonError) -> RecordError:
    return RecordError(f"the {where} is not valid JSON: {error}", stage=stage)
