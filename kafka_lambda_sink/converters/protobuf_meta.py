"""Confluent's option of fields, `confluent.field_meta`, as far as converters look at it.

Source: https://github.com/confluentinc/schema-registry, protobuf-types/src/main/proto/confluent/meta.proto
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

#: Of `field_meta` among the extensions of google.protobuf.FieldOptions, and of `params` in it.
_FIELD_META: Final = 1088
_PARAMS: Final = 2


def _class() -> Any:
    file = FileDescriptorProto(name="meta.proto", package="confluent", syntax="proto3")
    options, meta = file.message_type.add(name="FieldMeta"), file.message_type.add(name="Meta")
    options.field.add(name="field_meta", number=_FIELD_META, type_name=".confluent.Meta")
    meta.field.add(name="params", number=_PARAMS, type_name="ParamsEntry", label=FieldDescriptorProto.LABEL_REPEATED)
    entry = meta.nested_type.add(name="ParamsEntry")
    entry.options.map_entry = True
    for number, name in enumerate(("key", "value"), 1):
        entry.field.add(name=name, number=number, type=FieldDescriptorProto.TYPE_STRING)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("confluent.FieldMeta"))


#: The class of a message that is FieldOptions with nothing but the option.
FieldMeta: Final = _class()


def params_of(options: Any) -> dict[str, str]:
    """The parameters of a field, by its options."""
    raw = options.SerializeToString()
    return dict(FieldMeta.FromString(raw).field_meta.params) if raw else {}
