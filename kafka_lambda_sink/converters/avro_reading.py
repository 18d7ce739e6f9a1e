"""Puts the readers of one Avro schema together, towards JSON or towards Connect's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kafka_lambda_sink.converters import avro_wire as wire
from kafka_lambda_sink.converters.avro_connect import is_map_entry, other_branch
from kafka_lambda_sink.converters.avro_schema import (
    Array,
    AvroSchemaError,
    AvroType,
    Enum,
    Fixed,
    MapOf,
    Primitive,
    Record,
    Union,
    is_null,
)
from kafka_lambda_sink.converters.avro_values import to_connect, to_json
from kafka_lambda_sink.converters.avro_wire import Finish, Read
from kafka_lambda_sink.converters.json_depth import MAX_DEPTH
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.core.schema import Schema, Struct, Type


class Target(Protocol):
    """What values are turned into."""

    def scalar(self, schema: Schema) -> Finish | None:
        """For numbers, texts, bytes and booleans as they were read."""

    def struct(self, schema: Schema) -> Finish | None:
        """For a dict with a value for each field."""

    def entries(self, schema: Schema) -> Finish:
        """For the pairs of a map whose keys need not be text."""

    def absent(self, schema: Schema) -> object:
        """Null."""


class ConnectTarget:
    """Connect's data, as `core.schema` says."""

    def scalar(self, schema: Schema) -> Finish | None:
        """As the schema's name and type say."""
        return to_connect(schema)

    def struct(self, schema: Schema) -> Finish:
        """A Struct."""
        return lambda values: Struct(schema, values)

    def entries(self, _schema: Schema) -> Finish:
        """A dict."""
        return dict

    def absent(self, _schema: Schema) -> None:
        """None, whatever the default: who wants it asks the schema."""
        return


class JsonTarget:
    """What the encoder writes as JsonConverter writes Connect's data. `write_null` gives null as a schema writes it."""

    def __init__(self, form: JsonForm, write_null: Callable[[Schema], object]) -> None:
        self._form = form
        self._write_null = write_null

    def scalar(self, schema: Schema) -> Finish | None:
        """As the schema's name and type and the form say."""
        return to_json(schema, self._form)

    def struct(self, _schema: Schema) -> None:
        """The dict."""
        return

    def entries(self, schema: Schema) -> Finish:
        """An object where the keys are text, else an array of arrays of two."""
        assert schema.key_schema is not None
        if schema.key_schema.type is Type.STRING:
            # As Connect writes the key that is null.
            return lambda pairs: {"null" if key is None else key: value for key, value in pairs}
        if schema.key_schema.type is Type.STRUCT:
            return list
        return lambda pairs: list(dict(pairs).items())

    def absent(self, schema: Schema) -> object:
        """Null, or the default."""
        return None if schema.default is None else self._write_null(schema)


class AvroReaders:
    """Makes readers of types, once for each place's schema. Types within themselves are bounded in depth."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._made: dict[int, Read] = {}
        #: Schemas of records that are being made: where the reader will be, and at which level it began.
        self._open: dict[int, tuple[dict[int, Read], int]] = {}
        self._level = 0

    def of(self, avro: AvroType, schema: Schema) -> Read:
        """The reader of a type in a place of this schema. Raises AvroSchemaError."""
        match avro:
            case Primitive() | Fixed() | Enum():
                return self._scalar(avro, schema)
            case Array():
                return self._deeper(lambda: self._array(avro, schema))
            case MapOf():
                return self._deeper(lambda: wire.map_of(self.of(avro.values, _part(schema.value_schema))))
            case Record():
                return self._record(avro, schema)
            case Union():
                return self._union(avro, schema)

    def _deeper(self, make: Callable[[], Read]) -> Read:
        self._level += 1
        if self._level > MAX_DEPTH:
            raise AvroSchemaError(f"is nested deeper than {MAX_DEPTH} levels")
        read = make()
        self._level -= 1
        return read

    def _scalar(self, avro: Primitive | Fixed | Enum, schema: Schema) -> Read:
        match avro:
            case Primitive():
                read = wire.PRIMITIVES[avro.kind]
            case Fixed():
                read = wire.fixed_of(avro.size)
            case Enum():
                read = wire.enum_of(avro.symbols)
        finish = self._target.scalar(schema)
        return read if finish is None else wire.then(read, finish)

    def _array(self, avro: Array, schema: Schema) -> Read:
        takes_bytes = not _is_empty(avro.items)
        value_schema = _part(schema.value_schema)
        if not is_map_entry(avro.items):
            return wire.array_of(self.of(avro.items, value_schema), takes_bytes=takes_bytes)
        assert isinstance(avro.items, Record)
        parts = {"key": _part(schema.key_schema), "value": value_schema}
        fields = [(one.name, self.of(one.type, parts[one.name])) for one in avro.items.fields]
        pair = wire.record_of(fields, lambda entry: (entry["key"], entry["value"]))
        return wire.array_of(pair, takes_bytes=takes_bytes, finish=self._target.entries(schema))

    def _record(self, avro: Record, schema: Schema) -> Read:
        made = self._made.get(id(schema))
        if made is not None:
            return made
        if id(schema) in self._open:
            slot, level = self._open[id(schema)]
            return wire.recursive(slot, level, self._level - level)
        slot = {}
        self._open[id(schema)] = slot, self._level
        finish = self._target.struct(schema)
        places = zip(avro.fields, schema.fields, strict=True)
        made = self._deeper(
            lambda: wire.record_of([(one.name, self.of(one.type, place.schema)) for one, place in places], finish)
        )
        del self._open[id(schema)]
        slot[0] = self._made[id(schema)] = made
        return made

    def _union(self, avro: Union, schema: Schema) -> Read:
        single = other_branch(avro)
        if single is None:
            return self._deeper(lambda: self._branches(avro, schema))
        other, null_index = single
        read = self.of(other, schema)
        if null_index is None:
            return wire.union_of([read])
        return wire.optional_of(read, null_index, self._target.absent(schema))

    def _branches(self, avro: Union, schema: Schema) -> Read:
        finish = self._target.struct(schema)
        others = {one.name: self._target.absent(one.schema) for one in schema.fields}
        absent = self._target.absent(schema)
        places = iter(schema.fields)
        branches: list[Read] = []
        for branch in avro.branches:
            if is_null(branch):
                branches.append(lambda _: absent)
            else:
                place = next(places)
                branches.append(wire.then(self.of(branch, place.schema), _placed(place.name, others, finish)))
        return wire.union_of(branches)


def _part(schema: Schema | None) -> Schema:
    assert schema is not None
    return schema


def _placed(name: str, others: Mapping[str, object], finish: Finish | None) -> Finish:
    def place(value: Any) -> Any:
        values = {**others, name: value}
        return values if finish is None else finish(values)

    return place


def _is_empty(avro: AvroType) -> bool:
    """Whether its values take no bytes."""
    match avro:
        case Fixed():
            return avro.size == 0
        case Record():
            return all(_is_empty(one.type) for one in avro.fields)
    return False
