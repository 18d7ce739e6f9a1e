"""Protobuf as protoc and google's runtime have it, apart from what is tested: schemas compiled, messages written."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import confluent_kafka.schema_registry.protobuf  # noqa: F401 - its parts, which schemas import, are found beside it
import grpc_tools
from confluent_kafka.schema_registry.confluent.type import decimal_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.type import date_pb2
from grpc_tools import _protoc_compiler

from kafka_lambda_sink.core.ports import RegisteredSchema

_META = """
syntax = "proto3";
package confluent;
import "google/protobuf/descriptor.proto";
message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }
extend google.protobuf.FieldOptions { Meta field_meta = 1088; }
"""


def registered(text: str, schema_id: int = 7, **references: str) -> RegisteredSchema:
    """A schema in a registry, with references `name` → text of `name.proto`."""
    named = tuple((f"{name}.proto", other) for name, other in references.items())
    return RegisteredSchema(schema_id, "PROTOBUF", text, named)


def written(text: str, message: str, value: Mapping[str, Any], **references: str) -> bytes:
    """A message of this full name, its value as google's JSON has it."""
    return bytes(filled(text, message, value, **references).SerializeToString())


def filled(text: str, message: str, value: Mapping[str, Any], **references: str) -> Any:
    """As `written`, before it is written."""
    made = message_class(text, message, **references)()
    return json_format.ParseDict(value, made)


def message_class(text: str, message: str, **references: str) -> Any:
    """The runtime's class of a message, by protoc."""
    pool = DescriptorPool()
    for file in compiled(text, tuple(references.items())).file:
        pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(message))


@lru_cache(maxsize=256)
def compiled(text: str, references: tuple[tuple[str, str], ...] = ()) -> FileDescriptorSet:
    """What protoc makes of the text, as `main.proto`, after what it imports."""
    with tempfile.TemporaryDirectory(prefix="protoc-") as directory:
        here = Path(directory)
        files = {"main": text, **dict(references), "confluent/meta": _META}
        files["confluent/type/decimal"] = _source_of(decimal_pb2.DESCRIPTOR)
        for name, source in files.items():
            path = here / f"{name}.proto"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        # The files of google/type lie beside their modules.
        places = [here, Path(grpc_tools.__path__[0], "_proto"), Path(date_pb2.__file__).parents[2]]
        arguments = [
            "protoc",
            *(f"-I{place}" for place in places),
            "--include_imports",
            f"--descriptor_set_out={here}/out",
        ]
        status = _protoc_compiler.run_main([it.encode() for it in [*arguments, "main.proto"]])
        assert status == 0, "protoc has written why"
        return FileDescriptorSet.FromString((here / "out").read_bytes())


def _source_of(file: Any) -> str:
    """Of a file with one message of scalars."""
    proto = FileDescriptorProto.FromString(file.serialized_pb)
    kinds = {value.number: value.name.removeprefix("TYPE_").lower() for value in _KINDS.values}
    (message,) = proto.message_type
    fields = "".join(f"{kinds[one.type]} {one.name} = {one.number};" for one in message.field)
    return f'syntax = "proto3"; package {proto.package}; message {message.name} {{ {fields} }}'


_KINDS: Any = FileDescriptorProto.DESCRIPTOR.file.message_types_by_name["FieldDescriptorProto"].enum_types_by_name[
    "Type"
]
