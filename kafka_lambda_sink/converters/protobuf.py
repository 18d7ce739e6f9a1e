"""Protobuf in Confluent's wire format: to JSON in one go, or to Connect's data for transforms.

Both give what Confluent's ProtobufConverter and Connect's JsonConverter give, but: uint64 beyond 2^63 stays what it is,
maps are in the order of their keys, groups are read as messages, and text that is not UTF-8 is refused. Fields that the
schema does not have are passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from google.protobuf import message_factory
from google.protobuf.message import DecodeError

from kafka_lambda_sink.converters.converter import Converter, Embeddable, name_of_part
from kafka_lambda_sink.converters.json_depth import MAX_DEPTH
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.kept import keep
from kafka_lambda_sink.converters.protobuf_connect import ConnectSchemas, ProtobufForm
from kafka_lambda_sink.converters.protobuf_files import ProtobufFiles
from kafka_lambda_sink.converters.protobuf_reading import (
    ConnectTarget,
    JsonTarget,
    ProtobufReaders,
    Target,
    is_nested_deeper,
)
from kafka_lambda_sink.converters.protobuf_tokens import ProtoSourceError
from kafka_lambda_sink.converters.reading import Reader
from kafka_lambda_sink.converters.schemaless_json import build_encoder
from kafka_lambda_sink.converters.unconvertible import UnconvertibleError, place
from kafka_lambda_sink.converters.wire_format import MessageIndexError, message_indexes_of, schema_id_of
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.ports import RegisteredSchema, SchemaRegistry
from kafka_lambda_sink.core.schema import Schema
from kafka_lambda_sink.core.sink_record import SchemaAndValue

#: No JSON nested deeper than MAX_DEPTH comes of fewer bytes.
_SHALLOW: Final = MAX_DEPTH // 2
_DEFAULT: Final = ProtobufForm()


class _Compiled:
    """One message of a schema: how its bytes are read."""

    __slots__ = ("_may_lack", "_parse", "_read", "may_nest", "schema")

    def __init__(self, message: Any, target: Target, form: ProtobufForm) -> None:
        readers = ProtobufReaders(target, form)
        #: Connect's schema.
        self.schema = ConnectSchemas(form).root(message)
        self._parse: Callable[[bytes], Any] = message_factory.GetMessageClass(message).FromString
        self._read = readers.root(message, self.schema)
        self._may_lack = _has_required(message, set())
        #: Whether its messages may be nested deep.
        self.may_nest = readers.may_nest

    def read(self, data: bytes) -> object:
        """The target's value. Raises DecodeError, UnconvertibleError."""
        message = self._parse(data)
        if self._may_lack and not message.IsInitialized():
            raise DecodeError("it lacks a required field")
        return self._read(message)


class _Messages:
    """Finds messages by the id of their schema and their indexes. For any thread."""

    def __init__(self, registry: SchemaRegistry, target: Target, form: ProtobufForm) -> None:
        self._registry = registry
        self._target = target
        self._form = form
        #: With why there is none, as what completes `a schema which …`.
        self._files: dict[int, ProtobufFiles | str] = {}
        self._found: dict[tuple[int, tuple[int, ...]], _Compiled | str] = {}

    def find(self, schema_id: int, indexes: tuple[int, ...]) -> _Compiled:
        """The message. Raises ProtoSourceError where there is none, SchemaRegistryError."""
        found = self._found.get((schema_id, indexes))
        if found is None:
            files = self._files_of(schema_id)
            found = keep(self._found, (schema_id, indexes), self._message_of(files, indexes))
        if isinstance(found, str):
            raise ProtoSourceError(found)
        return found

    def _files_of(self, schema_id: int) -> ProtobufFiles | str:
        files = self._files.get(schema_id)
        if files is None:
            registered = self._registry.schema(schema_id)
            if registered is None:
                # Not kept: somebody may register it yet, and the registry keeps it for a while.
                raise ProtoSourceError("the registry does not have")
            files = keep(self._files, schema_id, _files(registered))
        return files

    def _message_of(self, files: ProtobufFiles | str, indexes: tuple[int, ...]) -> _Compiled | str:
        if isinstance(files, str):
            return files
        message = files.message(indexes)
        if message is None:
            return "has no message of the record's indexes"
        try:
            return _Compiled(message, self._target, self._form)
        except ProtoSourceError as error:
            return str(error)
        except RecursionError:
            return "is nested too deep"


def _files(registered: RegisteredSchema) -> ProtobufFiles | str:
    if registered.kind != "PROTOBUF":
        return f"is {registered.kind}, not Protobuf"
    try:
        return ProtobufFiles(registered)
    except ProtoSourceError as error:
        return str(error)
    except RecursionError:
        return "is nested too deep"


def build_protobuf_converter(
    registry: SchemaRegistry, form: JsonForm, *, stage: str, protobuf_form: ProtobufForm = _DEFAULT
) -> Converter:
    """The converter to JSON. For any thread.

    What it returns raises RecordError, and SchemaRegistryError where the registry could not be asked.
    """
    encode = build_encoder(form)
    decode = _decoder(registry, JsonTarget(form), stage, protobuf_form)

    def convert(raw: bytes | None) -> Embeddable:
        return None if raw is None else msgspec.Raw(encode(decode(raw)[1]))

    return convert


def build_protobuf_reader(registry: SchemaRegistry, *, stage: str, protobuf_form: ProtobufForm = _DEFAULT) -> Reader:
    """As `build_protobuf_converter`, to Connect's data."""
    decode = _decoder(registry, ConnectTarget(), stage, protobuf_form)

    def read(raw: bytes | None) -> SchemaAndValue:
        return SchemaAndValue(None, None) if raw is None else SchemaAndValue(*decode(raw))

    return read


def _decoder(
    registry: SchemaRegistry, target: Target, stage: str, form: ProtobufForm
) -> Callable[[bytes], tuple[Schema, object]]:
    part = name_of_part(stage)
    messages = _Messages(registry, target, form)

    def decode(raw: bytes) -> tuple[Schema, object]:
        schema_id = schema_id_of(raw, stage)
        try:
            indexes, begin = message_indexes_of(raw)
            own = messages.find(schema_id, indexes)
            value = own.read(raw[begin:])
        except (MessageIndexError, ProtoSourceError, DecodeError, UnconvertibleError, UnicodeDecodeError) as error:
            raise RecordError(_explain(error, part, schema_id), stage=stage) from None
        if own.may_nest and len(raw) > _SHALLOW and is_nested_deeper(value, MAX_DEPTH):
            raise RecordError(f"the {part} is nested deeper than {MAX_DEPTH} levels", stage=stage)
        return own.schema, value

    return decode


def _explain(error: Exception, part: str, schema_id: int) -> str:
    if isinstance(error, ProtoSourceError):
        return f"the {part} is written with the schema {schema_id}, which {error}"
    if isinstance(error, UnconvertibleError):
        return f"{place(part, error.path)} cannot be written as JSON: {error}"
    if isinstance(error, UnicodeDecodeError):
        return f"the {part} cannot be written as JSON: a key that is not UTF-8"
    # Behind the name of the message, the runtime says what is wrong with its bytes.
    reason = str(error).rpartition(": ")[2]
    return f"the {part} is not Protobuf of the schema {schema_id}: {reason}"


def _has_required(message: Any, seen: set[str]) -> bool:
    if message.full_name in seen:
        return False
    seen.add(message.full_name)
    return any(
        field.is_required or (field.message_type is not None and _has_required(field.message_type, seen))
        for field in message.fields
    )
