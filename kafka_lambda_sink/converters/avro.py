"""Avro in Confluent's wire format: to JSON in one go, or to Connect's data for transforms.

Both give what Confluent's AvroConverter and Connect's JsonConverter give, but where Java guesses the branch of a union
by the value's class: here it is the one that was written. What is left over behind the data is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from kafka_lambda_sink.converters.avro_anything import is_anything, unwrapped
from kafka_lambda_sink.converters.avro_connect import ConnectSchemas
from kafka_lambda_sink.converters.avro_reading import AvroReaders, ConnectTarget, JsonTarget, Target
from kafka_lambda_sink.converters.avro_schema import AvroSchemaError, parse_avro
from kafka_lambda_sink.converters.avro_values import default_of
from kafka_lambda_sink.converters.avro_wire import ENDS_EARLY, Cursor, MalformedAvroError, Read, then
from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import Converter, Embeddable, name_of_part
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.kept import keep
from kafka_lambda_sink.converters.reading import Reader
from kafka_lambda_sink.converters.schemaless_json import build_encoder
from kafka_lambda_sink.converters.unconvertible import UnconvertibleError, place
from kafka_lambda_sink.converters.wire_format import HEADER_SIZE, schema_id_of
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.ports import RegisteredSchema, SchemaRegistry
from kafka_lambda_sink.core.schema import Schema
from kafka_lambda_sink.core.sink_record import SchemaAndValue

_Compiled: TypeAlias = "tuple[Schema | None, Read]"


def build_avro_converter(registry: SchemaRegistry, form: JsonForm, *, stage: str, enhanced: bool = False) -> Converter:
    """The converter to JSON. `enhanced` is AvroData's `enhanced.avro.schema.support`. For any thread.

    What it returns raises RecordError, and SchemaRegistryError where the registry could not be asked.
    """
    embed = build_embedder(form, stage)
    encode = build_encoder(form)
    target = JsonTarget(form, lambda schema: embed(schema, None))
    decode = _decoder(registry, target, stage, enhanced=enhanced)

    def convert(raw: bytes | None) -> Embeddable:
        return None if raw is None else msgspec.Raw(encode(decode(raw)[1]))

    return convert


def build_avro_reader(registry: SchemaRegistry, *, stage: str, enhanced: bool = False) -> Reader:
    """As `build_avro_converter`, to Connect's data."""
    decode = _decoder(registry, ConnectTarget(), stage, enhanced=enhanced)

    def read(raw: bytes | None) -> SchemaAndValue:
        return SchemaAndValue(None, None) if raw is None else SchemaAndValue(*decode(raw))

    return read


def _decoder(
    registry: SchemaRegistry, target: Target, stage: str, *, enhanced: bool
) -> Callable[[bytes], tuple[Schema | None, object]]:
    part = name_of_part(stage)
    kept: dict[int, _Compiled | str] = {}

    def compiled(schema_id: int) -> _Compiled | str:
        registered = registry.schema(schema_id)
        if registered is None:
            # Not kept: somebody may register it yet, and the registry keeps it for a while.
            return f"the {part} is written with the schema {schema_id}, which the registry does not have"
        return keep(kept, schema_id, _compile(registered, target, part, enhanced=enhanced))

    def decode(raw: bytes) -> tuple[Schema | None, object]:
        schema_id = schema_id_of(raw, stage)
        found = kept.get(schema_id) or compiled(schema_id)
        if isinstance(found, str):
            raise RecordError(found, stage=stage)
        schema, read = found
        cursor = Cursor(raw)
        cursor.seek(HEADER_SIZE)
        try:
            value = read(cursor)
        except (*ENDS_EARLY, ValueError, RecursionError) as error:
            raise RecordError(_explain(error, part, schema_id, cursor.tell()), stage=stage) from None
        if cursor.tell() < len(raw):
            left = f"{len(raw) - cursor.tell()} bytes are left over behind it (byte {cursor.tell()})"
            raise RecordError(f"the {part} is not Avro of the schema {schema_id}: {left}", stage=stage)
        return schema, value

    return decode


def _explain(error: Exception, part: str, schema_id: int, at: int) -> str:
    where = place(part, getattr(error, "path", ()))
    if isinstance(error, UnconvertibleError):
        return f"{where} cannot be written as JSON: {error}"
    if isinstance(error, MalformedAvroError):
        reason = str(error)
    elif isinstance(error, UnicodeDecodeError):
        reason = "text that is not UTF-8"
    elif isinstance(error, RecursionError):
        reason = "nested too deep"
    else:
        reason = "the data ends too early"
    return f"{where} is not Avro of the schema {schema_id}: {reason} (byte {at})"


def _compile(registered: RegisteredSchema, target: Target, part: str, *, enhanced: bool) -> _Compiled | str:
    """The schema with its reader, or why there is none."""
    if registered.kind != "AVRO":
        return f"the {part} is written with the schema {registered.schema_id}, which is {registered.kind}, not Avro"
    try:
        avro = parse_avro(registered.text, registered.references)
        schema = ConnectSchemas(default_of, enhanced=enhanced).of(avro)
        read = AvroReaders(target).of(avro, schema)
        return (None, then(read, unwrapped)) if is_anything(avro) else (schema, read)
    except AvroSchemaError as error:
        reason = str(error)
    except RecursionError:
        reason = "is nested too deep"
    except (TypeError, ValueError, OverflowError) as error:
        # An attribute of another type than it must be.
        reason = f"is no Avro schema: {error}"
    return f"the {part} is written with the schema {registered.schema_id}, which {reason}"
