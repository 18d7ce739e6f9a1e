"""Schemas of a registry to descriptors of messages: a pool of its own for each, with what it imports."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from kafka_lambda_sink.converters.protobuf_source import parse_proto
from kafka_lambda_sink.converters.protobuf_tokens import ProtoSourceError
from kafka_lambda_sink.core.ports import RegisteredSchema

#: Name of the schema's own file in its pool; no import can be named so.
_OWN: Final = "<schema>"
#: Of messages that are declared within each other, as many as protoc takes; the runtime fails at a hundred.
_MOST_LEVELS: Final = 32
#: Files that every schema may import without a reference, by what Confluent's serializers leave out of references.
_BUILT_IN: Final = frozenset(
    f"google/{name}.proto"
    for name in (
        "protobuf/any", "protobuf/api", "protobuf/descriptor", "protobuf/duration", "protobuf/empty",
        "protobuf/field_mask", "protobuf/source_context", "protobuf/struct", "protobuf/timestamp", "protobuf/type",
        "protobuf/wrappers", "type/calendar_period", "type/color", "type/date", "type/datetime", "type/dayofweek",
        "type/decimal", "type/expr", "type/fraction", "type/interval", "type/latlng", "type/localized_text",
        "type/money", "type/month", "type/phone_number", "type/postal_address", "type/quaternion", "type/timeofday",
    )
)  # fmt: skip
#: Confluent's own, declarations only. Its options are no messages of records.
_CONFLUENT: Final = {
    "confluent/type/decimal.proto": (
        'syntax = "proto3"; package confluent.type;'
        "message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }"
    ),
    # What its older clients called it.
    "confluent/types/decimal.proto": 'syntax = "proto3"; import public "confluent/type/decimal.proto";',
    "confluent/type/variant.proto": (
        'syntax = "proto3"; package confluent.type; message Variant { bytes metadata = 1; bytes value = 2; }'
    ),
}


class ProtobufFiles:
    """A schema's own file and all that it needs, for messages to be looked up by their indexes."""

    def __init__(self, registered: RegisteredSchema) -> None:
        """Raises ProtoSourceError."""
        self._pool = DescriptorPool()
        self._references = dict(registered.references)
        self._added: dict[str, FileDescriptorProto] = {}
        self._own = self._add(_OWN, _file(registered.text))

    def message(self, indexes: Sequence[int]) -> Any:
        """The descriptor of the message that these indexes of Confluent's wire format mean; None where there is none.

        A file of nothing but a public import stands for what it imports.
        """
        file = self._own
        while not file.message_type and len(file.public_dependency) == 1:
            file = self._added[file.dependency[file.public_dependency[0]]]
        messages: Any = file.message_type
        path = [file.package] if file.package else []
        for index in indexes:
            if not 0 <= index < len(messages):
                return None
            path.append(messages[index].name)
            messages = messages[index].nested_type
        return self._pool.FindMessageTypeByName(".".join(path))

    def _add(self, name: str, file: FileDescriptorProto) -> FileDescriptorProto:
        self._added[name] = file
        known = [it for it in file.dependency if self._import(it)]
        if len(known) < len(file.dependency):
            # Often those of options only. Where a type is missing, the pool says which.
            public = {file.dependency[index] for index in file.public_dependency}
            del file.dependency[:], file.public_dependency[:], file.weak_dependency[:]
            file.dependency.extend(known)
            file.public_dependency.extend(index for index, it in enumerate(known) if it in public)
        file.name = name
        _require_levels(file.message_type, _MOST_LEVELS)
        name_in_json_as_in_proto(file.message_type)
        try:
            self._pool.AddSerializedFile(file.SerializeToString())
        except TypeError as error:
            where = "" if name == _OWN else f" in {name}"
            raise ProtoSourceError(f"is not valid{where}: {str(error).rpartition(': ')[2]}") from None
        return file

    def _import(self, name: str) -> bool:
        """Add the file of this name; whether there is one."""
        if name not in self._added:
            file = _imported(name, self._references)
            if file is None:
                return False
            self._add(name, file)
        return True


def _require_levels(messages: Sequence[DescriptorProto], left: int) -> None:
    if messages and not left:
        raise ProtoSourceError(f"has messages within each other, more than {_MOST_LEVELS} levels deep")
    for message in messages:
        _require_levels(message.nested_type, left - 1)


def name_in_json_as_in_proto(messages: Iterable[DescriptorProto]) -> None:
    """Give fields names in JSON that cannot clash: ours are not those that protobuf's own JSON would have."""
    for message in messages:
        for field in message.field:
            field.json_name = field.name
        name_in_json_as_in_proto(message.nested_type)


def _imported(name: str, references: Mapping[str, str]) -> FileDescriptorProto | None:
    if name in references:
        return _file(references[name])
    if name in _CONFLUENT:
        return parse_proto(_CONFLUENT[name])
    if name in _BUILT_IN:
        module = import_module(f"{name.removesuffix('.proto').replace('/', '.')}_pb2")
        return FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
    return None


def _file(text: str) -> FileDescriptorProto:
    """Of a .proto source, or of a descriptor in base64, which Python's and Go's serializers register."""
    try:
        return parse_proto(text)
    except ProtoSourceError:
        try:
            return FileDescriptorProto.FromString(base64.b64decode(text, validate=True))
        except (ValueError, DecodeError):
            pass
        raise
