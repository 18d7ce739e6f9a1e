"""Connect's data to JSON as Connect's JsonConverter writes it with schemas.enable=false (Kafka 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

from kafka_lambda_sink.converters.converter import Embeddable, Embedder, name_of_part
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.json_logical import logical_writer
from kafka_lambda_sink.converters.json_numbers import UnwritableError, float_writer, integer_writer, single_writer
from kafka_lambda_sink.converters.kept import keep
from kafka_lambda_sink.converters.schemaless_json import (
    Write,
    build_encoder,
    schemaless_encoder,
    schemaless_writer,
)
from kafka_lambda_sink.converters.unconvertible import converted, place
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import Schema, Struct, Type


def build_embedder(form: JsonForm, stage: str) -> Embedder:
    """What writes keys, values or headers; `stage` is that of its RecordErrors.

    Data must be as `core.schema` says. Writers are made once for each schema, by identity. Where a decimal lacks zeros
    at its end to have its schema's scale it gets them; JsonConverter refuses the record. Pure, for any thread.
    """
    encode, encode_schemaless = build_encoder(form), schemaless_encoder(form)
    # With the schema itself, so that its identity stays its own.
    kept: dict[int, tuple[Schema, _Slot]] = {}
    part = name_of_part(stage)

    def slot_of(schema: Schema) -> _Slot:
        known = kept.get(id(schema))
        if known is not None:
            return known[1]
        return keep(kept, id(schema), (schema, _Compiler(form).slot(schema)))[1]

    def embed(schema: Schema | None, value: object) -> Embeddable:
        try:
            if schema is None:
                return None if value is None else msgspec.Raw(encode_schemaless(value))
            return msgspec.Raw(encode(slot_of(schema)(value)))
        except UnwritableError as error:
            reason, path = str(error), error.path
        except UnicodeEncodeError:
            reason, path = "text with a lone surrogate, which is no Unicode", []
        except (TypeError, AttributeError, ValueError, ArithmeticError, RecursionError):
            # Only a transform can have made it: what is read is what its schema says.
            reason, path = "a value of another type than its schema's, or one without end", []
        raise RecordError(f"{place(part, path)} cannot be written as JSON: {reason}", stage=stage)

    return embed


@dataclass(frozen=True, slots=True)
class _Slot:
    """How what stands in one place is written."""

    #: None for values that are written as they are.
    write: Write | None
    #: What null becomes, called each time, for it may raise UnwritableError; None where null stays null.
    absent: Callable[[], object] | None

    def __call__(self, value: Any) -> object:
        if value is None:
            return None if self.absent is None else self.absent()
        return value if self.write is None else self.write(value)

    @property
    def is_plain(self) -> bool:
        """Whether nothing is done to any value, null included."""
        return self.write is None and self.absent is None


def _refuse_null() -> NoReturn:
    raise UnwritableError("null, and its schema neither is optional nor has a default")


class _Compiler:
    """Makes the writer of one schema, which may hold itself: JsonConverter.convertToJson unrolled."""

    def __init__(self, form: JsonForm) -> None:
        self._form = form
        self._scalars: dict[Type, Write | None] = {
            Type.INT64: integer_writer(form.long),
            Type.FLOAT32: single_writer(form.nonfinite),
            Type.FLOAT64: float_writer(form.nonfinite),
        }
        self._schemaless = _Slot(schemaless_writer(form), None)
        #: Of structs whose fields are being compiled.
        self._open: dict[int, Write] = {}

    def slot(self, schema: Schema | None) -> _Slot:
        if schema is None:
            # Of a list or map of nothing but nulls, as headers have them.
            return self._schemaless
        write, default = self._writer(schema), schema.default
        if default is not None and self._form.replace_null_with_default:
            return _Slot(write, lambda: default if write is None else write(default))
        return _Slot(write, None if schema.is_optional else _refuse_null)

    def _writer(self, schema: Schema) -> Write | None:
        logical = logical_writer(schema, self._form.decimal_format)
        if logical is not None:
            return logical
        match schema.type:
            case Type.STRUCT:
                return self._struct(schema)
            case Type.ARRAY:
                return _array_writer(self.slot(schema.value_schema))
            case Type.MAP:
                return self._map(schema)
        return self._scalars.get(schema.type)

    def _map(self, schema: Schema) -> Write | None:
        if schema.key_schema is None:
            return self._schemaless.write
        build = _object_writer if schema.key_schema.type is Type.STRING else _pairs_writer
        return build(self.slot(schema.key_schema), self.slot(schema.value_schema))

    def _struct(self, schema: Schema) -> Write:
        if id(schema) in self._open:
            return self._open[id(schema)]
        fields: list[tuple[str, Write | None, Callable[[], object] | None]] = []

        def write_struct(value: Struct) -> object:
            if value.schema is not schema and value.schema != schema:
                raise UnwritableError("a struct of another schema")
            get = value.values.get
            written: dict[str, object] = {}
            name = ""
            try:
                for name, write, absent in fields:
                    it = get(name)
                    if it is None:
                        written[name] = None if absent is None else absent()
                    else:
                        written[name] = it if write is None else write(it)
            except UnwritableError as error:
                error.path.insert(0, name)
                raise
            return written

        self._open[id(schema)] = write_struct
        for one in schema.fields:
            slot = self.slot(one.schema)
            fields.append((one.name, slot.write, slot.absent))
        del self._open[id(schema)]
        return write_struct


def _array_writer(slot: _Slot) -> Write | None:
    if slot.is_plain:
        return None
    if slot.write is not None:
        return lambda value: converted(value, slot)
    return lambda value: converted(value, slot) if None in value else value


def _object_writer(key_slot: _Slot, slot: _Slot) -> Write:
    is_plain = slot.is_plain

    def write_object(value: dict[str | None, Any]) -> object:
        if is_plain and None not in value:
            return value
        written: dict[object, object] = {}
        index = -1
        try:
            for key, it in value.items():
                index += 1
                name = key_slot(key)
                # Connect writes an optional key that is null by this name.
                written["null" if name is None else name] = slot(it)
        except UnwritableError as error:
            # Keys may be as confidential as values.
            error.path.insert(0, index)
            raise
        return written

    return write_object


def _pairs_writer(key_slot: _Slot, slot: _Slot) -> Write:
    def write_pair(pair: tuple[Any, Any]) -> object:
        return [key_slot(pair[0]), slot(pair[1])]

    return lambda value: converted(value.items(), write_pair)
