"""Descriptors of protobuf to Connect's schemas.

Source: Confluent's ProtobufData. Its parameters (field numbers, numbers of enum values) and versions are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

from kafka_lambda_sink.converters.protobuf_meta import params_of
from kafka_lambda_sink.converters.protobuf_tokens import ProtoSourceError
from kafka_lambda_sink.core.schema import (
    Field,
    Schema,
    Type,
    date_schema,
    decimal_schema,
    time_schema,
    timestamp_schema,
)

_UNION: Final = "io.confluent.connect.protobuf.Union."
_WRAPPERS: Final = {
    "google.protobuf.DoubleValue": Type.FLOAT64,
    "google.protobuf.FloatValue": Type.FLOAT32,
    "google.protobuf.Int64Value": Type.INT64,
    "google.protobuf.UInt64Value": Type.INT64,
    "google.protobuf.Int32Value": Type.INT32,
    "google.protobuf.UInt32Value": Type.INT64,
    "google.protobuf.BoolValue": Type.BOOLEAN,
    "google.protobuf.StringValue": Type.STRING,
    "google.protobuf.BytesValue": Type.BYTES,
}
_LOGICAL: Final = {
    "google.type.Date": date_schema(is_optional=True),
    "google.type.TimeOfDay": time_schema(is_optional=True),
    "google.protobuf.Timestamp": timestamp_schema(is_optional=True),
}
_DECIMAL: Final = "confluent.type.Decimal"

_KINDS: Final = FieldDescriptorProto
_SIGNED_32: Final = frozenset({_KINDS.TYPE_INT32, _KINDS.TYPE_SINT32, _KINDS.TYPE_SFIXED32})
_TYPES: Final = {
    **dict.fromkeys(_SIGNED_32, Type.INT32),
    _KINDS.TYPE_FLOAT: Type.FLOAT32,
    _KINDS.TYPE_DOUBLE: Type.FLOAT64,
    _KINDS.TYPE_BOOL: Type.BOOLEAN,
    _KINDS.TYPE_STRING: Type.STRING,
    _KINDS.TYPE_BYTES: Type.BYTES,
}
_MESSAGES: Final = frozenset({_KINDS.TYPE_MESSAGE, _KINDS.TYPE_GROUP})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtobufForm:
    """ProtobufData's settings that change what comes out, with its defaults."""

    #: `generate.index.for.unions`: whether the field of a oneof has its index at its name's end.
    has_union_index: bool = True
    #: `flatten.unions`: whether the fields of a oneof stand among the others.
    is_flat: bool = False
    #: `int.for.enums`: the number of an enum's value instead of its name.
    has_enum_numbers: bool = False
    #: `wrapper.for.nullables`: whether google.protobuf.Int32Value and its like are values that may be null.
    unwraps: bool = False


class Member(NamedTuple):
    """A field of a message, or a oneof with its fields, in the order in which ProtobufData has them."""

    name: str
    #: One field, or None for a oneof.
    field: Any
    #: Whether the field is null where it is not there.
    is_nullable: bool
    #: The oneof, or None.
    oneof: Any = None


def syntax_of(file: Any) -> str:
    """What a file's descriptor says its syntax is."""
    return str(FileDescriptorProto.FromString(file.serialized_pb).syntax)


def is_message(field: Any) -> bool:
    """Whether values of a field are messages; groups are."""
    return field.type in _MESSAGES


def is_map(field: Any) -> bool:
    """Whether a field is a map."""
    return bool(is_message(field) and field.message_type.GetOptions().map_entry)


def is_wrapper(message: Any) -> bool:
    """Whether a message is one of google's for a single value."""
    return message.full_name in _WRAPPERS


def members(message: Any, form: ProtobufForm) -> Iterator[Member]:
    """What a struct of this message has: oneofs first."""
    proto = DescriptorProto()
    message.CopyToProto(proto)
    is_proto2 = syntax_of(message.file) in {"", "proto2"}
    alone = {one.name for one in proto.field if one.proto3_optional}
    fields = message.fields
    for index, oneof in enumerate(message.oneofs):
        if oneof.fields[0].name in alone:
            continue
        if form.is_flat:
            yield from (Member(one.name, one, is_nullable=True) for one in oneof.fields)
        else:
            yield Member(f"{oneof.name}_{index}" if form.has_union_index else oneof.name, None, True, oneof)
    for one, its_proto in zip(fields, proto.field, strict=True):
        if one.containing_oneof is None or one.name in alone:
            is_optional = its_proto.label == FieldDescriptorProto.LABEL_OPTIONAL
            is_nullable = one.name in alone or (is_optional and (is_proto2 or is_message(one)))
            yield Member(one.name, one, is_nullable)


class ConnectSchemas:
    """Makes the schemas of one file's messages, each message's once."""

    def __init__(self, form: ProtobufForm) -> None:
        self._form = form
        self._made: dict[str, Schema] = {}

    def root(self, message: Any) -> Schema:
        """Of a record's own message. Raises ProtoSourceError."""
        if is_wrapper(message):
            return Schema(type=_WRAPPERS[message.full_name])
        return Schema(type=Type.STRUCT, name=message.name, fields=self._struct(message).fields)

    def _struct(self, message: Any) -> Schema:
        made = self._made.get(message.full_name)
        if made is None:
            made = self._made[message.full_name] = Schema(type=Type.STRUCT, name=message.name, is_optional=True)
            fields = tuple(Field(one.name, self._member(one)) for one in members(message, self._form))
            if len({one.name for one in fields}) < len(fields):
                raise ProtoSourceError(f"has two fields of one name in {message.full_name}, by a oneof's index")
            made.tie(fields)
        return made

    def _member(self, member: Member) -> Schema:
        if member.oneof is None:
            return self._field(member.field)
        fields = tuple(Field(one.name, self._field(one)) for one in member.oneof.fields)
        return Schema(type=Type.STRUCT, name=f"{_UNION}{member.oneof.name}", is_optional=True, fields=fields)

    def _field(self, field: Any) -> Schema:
        if is_map(field):
            key, value = (self._value(one) for one in field.message_type.fields)
            name = field.message_type.name.removesuffix("Entry")
            return Schema(type=Type.MAP, name=name, is_optional=True, key_schema=key, value_schema=value)
        value = self._value(field)
        return Schema(type=Type.ARRAY, is_optional=True, value_schema=value) if field.is_repeated else value

    def _value(self, field: Any) -> Schema:
        if is_message(field):
            return self._message(field)
        if field.type == _KINDS.TYPE_ENUM:
            kind = Type.INT32 if self._form.has_enum_numbers else Type.STRING
            return Schema(type=kind, name=field.enum_type.name, is_optional=True)
        kind = _TYPES.get(field.type, Type.INT64)
        if field.type in _SIGNED_32:
            kind = {"int8": Type.INT8, "int16": Type.INT16}.get(_param(field, "connect.type"), Type.INT32)
        return Schema(type=kind, is_optional=True)

    def _message(self, field: Any) -> Schema:
        message = field.message_type
        if message.full_name in _LOGICAL:
            return _LOGICAL[message.full_name]
        if message.full_name == _DECIMAL:
            scale = _param(field, "scale")
            return decimal_schema(int(scale) if scale.lstrip("-").isdecimal() else 0, is_optional=True)
        if self._form.unwraps and is_wrapper(message):
            return Schema(type=_WRAPPERS[message.full_name], is_optional=True)
        return self._struct(message)


def _param(field: Any, name: str) -> str:
    return params_of(field.GetOptions()).get(name, "")
