"""The converters of keys, values and headers to Connect's data, for what transforms, filters and headers need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from kafka_lambda_sink.converters.converter import ConverterName, name_of_part
from kafka_lambda_sink.converters.enveloped_json import EnvelopeReader
from kafka_lambda_sink.converters.header_text import parse_header
from kafka_lambda_sink.converters.json_reading import read_schemaless
from kafka_lambda_sink.converters.json_text import InvalidJsonError
from kafka_lambda_sink.converters.primitives import PRIMITIVES
from kafka_lambda_sink.converters.unconvertible import UnconvertibleError, place
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import OPTIONAL_BYTES, OPTIONAL_STRING, Schema
from kafka_lambda_sink.core.sink_record import SchemaAndValue

#: Bytes as Kafka holds them, or None, to Connect's data. Raises RecordError.
Reader: TypeAlias = Callable[[bytes | None], SchemaAndValue]

#: `simple` is Connect's SimpleHeaderConverter.
ReaderName: TypeAlias = ConverterName | Literal["simple"]


def build_reader(
    name: ReaderName, *, stage: str, schemas_enable: bool, replace_null_with_default: bool = True
) -> Reader:
    """The reader of keys, values or headers, whose `stage` is that of its RecordErrors. Pure, for any thread.

    The last two are of `json` alone. Where Connect makes another value of what it cannot convert (U+FFFD of bytes that
    are not UTF-8, 0 of text where the schema says int32), these refuse the record.
    """
    match name:
        case "string":
            return _reader(lambda raw: SchemaAndValue(OPTIONAL_STRING, raw.decode()), OPTIONAL_STRING, stage)
        case "bytes":
            return lambda raw: SchemaAndValue(OPTIONAL_BYTES, raw)
        case "json" if schemas_enable:
            return _reader(EnvelopeReader(uses_default=replace_null_with_default).read, None, stage)
        case "json":
            return _reader(lambda raw: SchemaAndValue(None, read_schemaless(raw)), None, stage)
        case "simple":
            return _reader(parse_header, None, stage)
    primitive = PRIMITIVES[name]
    return _reader(lambda raw: SchemaAndValue(primitive.schema, primitive.read(raw)), primitive.schema, stage)


def _reader(read: Callable[[bytes], SchemaAndValue], null_schema: Schema | None, stage: str) -> Reader:
    part, null = name_of_part(stage), SchemaAndValue(null_schema, None)

    def read_part(raw: bytes | None) -> SchemaAndValue:
        if raw is None:
            return null
        try:
            return read(raw)
        except InvalidJsonError as error:
            message = f"the {part} is not valid JSON: {error}"
        except UnconvertibleError as error:
            message = f"{place(part, error.path)} cannot be converted: {error}"
        except UnicodeDecodeError as error:
            message = f"the {part} is not UTF-8: {error.reason} (byte {error.start})"
        raise RecordError(message, stage=stage)

    return read_part
