"""Texts of .proto files, as registries hold them, to their descriptors.

Names of types are left as they are written: the runtime's pool resolves them. What does not change how data is read is
passed over: services, extensions, reserved names, and options that are not protobuf's own.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import text_format
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    Edition,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.text_encoding import CUnescape

from kafka_lambda_sink.converters.protobuf_meta import FieldMeta
from kafka_lambda_sink.converters.protobuf_tokens import Tokens, has_known_escapes

#: The one foreign option that counts.
_FIELD_META: Final = "confluent.field_meta"

_SCALARS: Final = {
    name: FieldDescriptorProto.Type.Value(f"TYPE_{name.upper()}")
    for name in (
        "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
        "sfixed64", "bool", "string", "bytes",
    )
}  # fmt: skip
_LABELS: Final = {
    "optional": FieldDescriptorProto.LABEL_OPTIONAL,
    "required": FieldDescriptorProto.LABEL_REQUIRED,
    "repeated": FieldDescriptorProto.LABEL_REPEATED,
}
_FLOATS: Final = frozenset({FieldDescriptorProto.TYPE_DOUBLE, FieldDescriptorProto.TYPE_FLOAT})


def parse_proto(text: str) -> FileDescriptorProto:
    """The descriptor of a .proto file, without its name. Raises ProtoSourceError.

    Messages that maps and groups stand for come after those that the text declares, which message indexes count.
    """
    return _Parser(text).file()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = Tokens(text)
        self._is_proto3 = False

    def file(self) -> FileDescriptorProto:
        file, tokens = FileDescriptorProto(), self._tokens
        self._syntax(file)
        while tokens.ahead.kind != "end":
            if tokens.accept("import"):
                self._import(file)
            elif tokens.accept("package"):
                file.package = self._dotted()
                tokens.expect(";")
            elif tokens.accept("option"):
                self._option(file.options)
                tokens.expect(";")
            elif not self._type(file.message_type, file.enum_type):
                if not (tokens.looks_at("extend") or tokens.looks_at("service") or tokens.looks_at(";")):
                    tokens.refuse("nothing that a file has begins here")
                tokens.skip_block()
        return file

    def _syntax(self, file: FileDescriptorProto) -> None:
        tokens = self._tokens
        if tokens.accept("edition"):
            tokens.expect("=")
            name = f"EDITION_{self._string()}"
            if name not in Edition.keys():  # noqa: SIM118 - no dict
                tokens.refuse("an edition that is not known")
            file.syntax, file.edition = "editions", Edition.Value(name)
            tokens.expect(";")
        elif tokens.accept("syntax"):
            tokens.expect("=")
            syntax = self._string()
            if syntax not in {"proto2", "proto3"}:
                tokens.refuse("a syntax that is not known")
            self._is_proto3 = syntax == "proto3"
            if self._is_proto3:
                file.syntax = syntax
            tokens.expect(";")

    def _import(self, file: FileDescriptorProto) -> None:
        tokens = self._tokens
        is_public, is_option = tokens.accept("public"), tokens.accept("option")
        tokens.accept("weak")
        name = self._string()
        tokens.expect(";")
        if is_option:
            return
        if is_public:
            file.public_dependency.append(len(file.dependency))
        file.dependency.append(name)

    # --- messages ----------------------------------------------------------------------------------------------------

    def _type(self, messages: Any, enums: Any) -> bool:
        """Read a message or an enum, if one begins here."""
        tokens = self._tokens
        for visibility in ("export", "local"):
            if tokens.looks_at(visibility, "message") or tokens.looks_at(visibility, "enum"):
                tokens.accept(visibility)
        if tokens.accept("message"):
            self._message(messages.add(name=tokens.take("name")))
        elif tokens.accept("enum"):
            self._enum(enums.add(name=tokens.take("name")))
        else:
            return False
        return True

    def _message(self, message: DescriptorProto) -> None:
        tokens = self._tokens
        tokens.expect("{")
        made: list[DescriptorProto] = []
        while not tokens.accept("}"):
            if tokens.accept(";") or self._type(message.nested_type, message.enum_type):
                continue
            if tokens.accept("option"):
                self._option(message.options)
                tokens.expect(";")
            elif tokens.accept("oneof"):
                self._oneof(message, made)
            elif any(tokens.looks_at(word) for word in ("extensions", "reserved", "extend")):
                tokens.skip_block()
            else:
                self._field(message, made)
        message.nested_type.extend(made)
        self._synthesize_oneofs(message)

    def _synthesize_oneofs(self, message: DescriptorProto) -> None:
        """As protoc does for fields of proto3 that are `optional`: behind all others, each field its own."""
        taken = {one.name for one in [*message.field, *message.oneof_decl]}
        for field in message.field:
            if field.proto3_optional:
                name = f"_{field.name.removeprefix('_')}"
                while name in taken:
                    name = f"X{name}"
                taken.add(name)
                field.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=name)

    def _oneof(self, message: DescriptorProto, made: list[DescriptorProto]) -> None:
        tokens = self._tokens
        index = len(message.oneof_decl)
        oneof = message.oneof_decl.add(name=tokens.take("name"))
        tokens.expect("{")
        while not tokens.accept("}"):
            if tokens.accept("option"):
                self._option(oneof.options)
                tokens.expect(";")
            elif not tokens.accept(";"):
                self._field(message, made, oneof_index=index)

    def _field(self, message: DescriptorProto, made: list[DescriptorProto], *, oneof_index: int | None = None) -> None:
        tokens = self._tokens
        field = message.field.add(label=FieldDescriptorProto.LABEL_OPTIONAL)
        if oneof_index is not None:
            field.oneof_index = oneof_index
        for word, label in _LABELS.items():
            if tokens.accept(word):
                field.label = label
                field.proto3_optional = self._is_proto3 and word == "optional"
                break
        if not field.proto3_optional:
            field.ClearField("proto3_optional")
        if tokens.accept("group"):
            self._group(field, made)
            return
        entry = DescriptorProto() if tokens.looks_at("map", "<") else None
        if entry is None:
            self._field_type(field)
        else:
            self._map_type(entry)
        field.name = tokens.take("name")
        self._number_and_options(field)
        tokens.expect(";")
        if entry is not None:
            entry.name = "".join(part[:1].upper() + part[1:] for part in field.name.split("_")) + "Entry"
            entry.options.map_entry = True
            field.label, field.type_name = FieldDescriptorProto.LABEL_REPEATED, entry.name
            made.append(entry)

    def _map_type(self, entry: DescriptorProto) -> None:
        tokens = self._tokens
        tokens.expect("map")
        for number, (name, before) in enumerate((("key", "<"), ("value", ",")), 1):
            tokens.expect(before)
            part = entry.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
            self._field_type(part)
        tokens.expect(">")

    def _field_type(self, field: FieldDescriptorProto) -> None:
        name = self._dotted()
        if name in _SCALARS:
            field.type = _SCALARS[name]
        else:
            field.type_name = name

    def _group(self, field: FieldDescriptorProto, made: list[DescriptorProto]) -> None:
        group = DescriptorProto(name=self._tokens.take("name"))
        field.name, field.type = group.name.lower(), FieldDescriptorProto.TYPE_GROUP
        field.type_name = group.name
        self._number_and_options(field)
        self._message(group)
        made.append(group)

    def _number_and_options(self, field: FieldDescriptorProto) -> None:
        tokens = self._tokens
        tokens.expect("=")
        field.number = self._integer(2**29)
        if tokens.accept("["):
            while not tokens.accept("]"):
                if tokens.accept("default"):
                    tokens.expect("=")
                    field.default_value = self._default(field)
                elif tokens.accept("json_name"):
                    tokens.expect("=")
                    self._string()
                else:
                    self._option(field.options)
                if not tokens.looks_at("]"):
                    tokens.expect(",")

    def _default(self, field: FieldDescriptorProto) -> str:
        tokens = self._tokens
        if field.type == FieldDescriptorProto.TYPE_BYTES:
            return "".join(word[1:-1] for word in self._strings())
        if field.type == FieldDescriptorProto.TYPE_STRING:
            return self._string()
        sign = "-" if tokens.accept("-") else ""
        word = tokens.any().text
        if word[0].isdigit() and field.type not in _FLOATS:
            return f"{sign}{self._parsed(word)}"
        return sign + (word.rstrip("fF") if word[0] in "0123456789." else word)

    # --- enums, options, words ---------------------------------------------------------------------------------------

    def _enum(self, enum: EnumDescriptorProto) -> None:
        tokens = self._tokens
        tokens.expect("{")
        while not tokens.accept("}"):
            if tokens.accept(";"):
                continue
            if tokens.accept("option"):
                self._option(enum.options)
                tokens.expect(";")
            elif tokens.looks_at("reserved"):
                tokens.skip_block()
            else:
                value = enum.value.add(name=tokens.take("name"))
                tokens.expect("=")
                value.number = self._integer(2**31)
                if tokens.looks_at("["):
                    tokens.skip_block()
                else:
                    tokens.expect(";")

    def _option(self, options: Any) -> None:
        """`name = value` into the message of options, where it is one that counts."""
        tokens = self._tokens
        path: list[str] = []
        is_meta = is_foreign = False
        while not tokens.accept("="):
            if tokens.accept("("):
                is_meta = not path and self._dotted().removeprefix(".") == _FIELD_META
                is_foreign = not is_meta
                path.append("field_meta")
                tokens.expect(")")
            else:
                path.append(tokens.take("name"))
            tokens.accept(".")
        text = self._value()
        if is_foreign or not has_known_escapes(text):
            return
        for index, name in enumerate(reversed(path)):
            text = f"{name} {{ {text} }}" if index else f"{name}: {text}"
        try:
            if is_meta:
                options.MergeFromString(
                    text_format.Parse(text, FieldMeta(), allow_unknown_field=True).SerializeToString()
                )
            else:
                text_format.Merge(text, options, allow_unknown_field=True)
        except text_format.ParseError:
            tokens.refuse("an option that is not as protobuf has it")

    def _value(self) -> str:
        """An option's value in the text format."""
        tokens = self._tokens
        words, depth = [], 0
        while depth or not any(tokens.looks_at(end) for end in (";", ",", "]")):
            word = tokens.any()
            if word.kind == "symbol":
                depth += {"{": 1, "[": 1, "<": 1, "}": -1, "]": -1, ">": -1}.get(word.text, 0)
            # A sign and its number are one word, and so are the parts of a name.
            words.append(word.text if word.text in {"-", "."} else f"{word.text} ")
        return "".join(words).replace(" .", ".")

    def _dotted(self) -> str:
        tokens = self._tokens
        name = "." if tokens.accept(".") else ""
        name += tokens.take("name")
        while tokens.accept("."):
            name += f".{tokens.take('name')}"
        return name

    def _strings(self) -> list[str]:
        words = [self._tokens.take("string")]
        while self._tokens.ahead.kind == "string":
            words.append(self._tokens.take("string"))
        return words

    def _string(self) -> str:
        words = self._strings()
        if not all(has_known_escapes(word) for word in words):
            self._tokens.refuse("an escape that is not known")
        try:
            return b"".join(CUnescape(word[1:-1]) for word in words).decode()
        except ValueError:
            self._tokens.refuse("a text that is not UTF-8")

    def _integer(self, limit: int) -> int:
        sign = -1 if self._tokens.accept("-") else 1
        number = sign * self._parsed(self._tokens.take("number"))
        if not -limit <= number < limit:
            self._tokens.refuse("a number out of its range")
        return number

    def _parsed(self, word: str) -> int:
        try:
            return int(word, 8 if word.isdigit() and word[0] == "0" else 0)
        except ValueError:
            self._tokens.refuse("an integer is missing")
