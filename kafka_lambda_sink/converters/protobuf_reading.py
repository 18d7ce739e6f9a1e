"""Puts the readers of one message together, towards JSON or towards Connect's data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any, Final, Protocol

from google.protobuf import message_factory

from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.json_logical import logical_writer
from kafka_lambda_sink.converters.json_numbers import float_writer, integer_writer, single_writer
from kafka_lambda_sink.converters.protobuf_connect import (
    ProtobufForm,
    is_map,
    is_message,
    is_wrapper,
    members,
)
from kafka_lambda_sink.converters.protobuf_values import Finish, logical, scalar
from kafka_lambda_sink.converters.unconvertible import UnconvertibleError
from kafka_lambda_sink.core.schema import Float32, Schema, Struct, Type

#: So many types of messages, one within the other, may be near the bound of JSON's depth.
_MANY: Final = 60


class Target(Protocol):
    """What values are turned into."""

    def scalar(self, schema: Schema) -> Finish | None:
        """For Connect's data of a type that is neither struct, array nor map; None where it stays so."""

    def struct(self, schema: Schema) -> Finish | None:
        """For a dict with a value for each field."""

    def map(self, schema: Schema) -> Finish | None:
        """For a dict that was a map."""


class ConnectTarget:
    """Connect's data, as `core.schema` says."""

    def scalar(self, schema: Schema) -> Finish | None:
        """The runtime's own, but singles."""
        return Float32 if schema.type is Type.FLOAT32 else None

    def struct(self, schema: Schema) -> Finish:
        """A Struct."""
        return lambda values: Struct(schema, values)

    def map(self, _schema: Schema) -> None:
        """The dict."""
        return


class JsonTarget:
    """What the encoder writes as JsonConverter writes Connect's data."""

    def __init__(self, form: JsonForm) -> None:
        self._form = form
        self._numbers = {
            Type.FLOAT32: single_writer(form.nonfinite),
            Type.FLOAT64: float_writer(form.nonfinite),
            Type.INT64: integer_writer(form.long),
        }

    def scalar(self, schema: Schema) -> Finish | None:
        """As the schema's name and type and the form say."""
        return logical_writer(schema, self._form.decimal_format) or self._numbers.get(schema.type)

    def struct(self, _schema: Schema) -> None:
        """The dict."""
        return

    def map(self, schema: Schema) -> Finish | None:
        """An object where the keys are text, else an array of arrays of two."""
        assert schema.key_schema is not None
        return None if schema.key_schema.type is Type.STRING else lambda values: list(values.items())


class ProtobufReaders:
    """Makes readers of messages, one for each schema of a struct."""

    def __init__(self, target: Target, form: ProtobufForm) -> None:
        self._target = target
        self._form = form
        #: Where the reader of a struct is, or will be once it is made, by its schema's identity.
        self._slots: dict[int, list[Finish]] = {}
        self._is_recursive = False

    @property
    def may_nest(self) -> bool:
        """Whether messages may be nested deep: one holds itself, or there are very many."""
        return self._is_recursive or len(self._slots) > _MANY

    def root(self, message: Any, schema: Schema) -> Finish:
        """The reader of a record's own message, of its schema by `ConnectSchemas`."""
        return self._unwrapped(message, schema) if is_wrapper(message) else self._message(message, schema)

    def _message(self, message: Any, schema: Schema) -> Finish:
        slot = self._slots.get(id(schema))
        if slot is None:
            slot = self._slots[id(schema)] = []
            slot.append(self._struct(message, schema))
        elif not slot:
            self._is_recursive = True
            return lambda it: slot[0](it)  # noqa: PLW0108 - there is none before it is made
        return slot[0]

    def _struct(self, message: Any, schema: Schema) -> Finish:
        own = message_factory.GetMessageClass(message)
        # Those of the class: a field may have the name of a method, and hides it.
        has, which = own.HasField, own.WhichOneof
        plain: list[str] = []
        others: list[tuple[str, Finish]] = []
        for member, place in zip(members(message, self._form), schema.fields, strict=True):
            if member.oneof is not None:
                others.append((member.name, self._union(member.oneof, place.schema, which)))
                continue
            finish = self._member(member.field, place.schema)
            if finish is None and not member.is_nullable:
                plain.append(member.name)
            else:
                others.append((member.name, _taking(member.name, finish, has if member.is_nullable else None)))
        blank = dict.fromkeys(one.name for one in schema.fields)
        return _struct_reader(blank, plain, others, self._target.struct(schema))

    def _union(self, oneof: Any, schema: Schema, which: Callable[[Any, str], str | None]) -> Finish:
        takes: dict[str, Finish] = {}
        for field, place in zip(oneof.fields, schema.fields, strict=True):
            takes[field.name] = _taking(field.name, self._member(field, place.schema), None)
        blank = dict.fromkeys(takes)
        finish = self._target.struct(schema)
        name_of_oneof = oneof.name

        def read_union(message: Any) -> Any:
            name = which(message, name_of_oneof)
            if name is None:
                return None
            values = blank.copy()
            try:
                values[name] = takes[name](message)
            except UnconvertibleError as error:
                error.path.insert(0, name)
                raise
            return values if finish is None else finish(values)

        return read_union

    def _member(self, field: Any, schema: Schema) -> Finish | None:
        """What makes a member's value of what the runtime has for it."""
        if is_map(field):
            return self._map(field, schema)
        if not field.is_repeated:
            return self._value(field, schema)
        assert schema.value_schema is not None
        finish = self._value(field, schema.value_schema)
        return list if finish is None else _list_reader(finish)

    def _map(self, field: Any, schema: Schema) -> Finish:
        assert schema.key_schema is not None
        assert schema.value_schema is not None
        key, value = field.message_type.fields
        finish_key, finish_value = self._value(key, schema.key_schema), self._value(value, schema.value_schema)
        finish = self._target.map(schema)

        def read_map(entries: Any) -> Any:
            values: dict[Any, Any] = {}
            try:
                for own in _sorted(entries):
                    it = entries[own]
                    name = own if finish_key is None else finish_key(own)
                    values[name] = it if finish_value is None else finish_value(it)
            except UnconvertibleError as error:
                # Keys may be as confidential as values.
                error.path.insert(0, len(values))
                raise
            return values if finish is None else finish(values)

        return read_map

    def _value(self, field: Any, schema: Schema) -> Finish | None:
        """For one value: of a field that is not repeated, or of an array or a map."""
        if not is_message(field):
            return _both(scalar(field, schema), self._target.scalar(schema))
        to_connect = logical(schema)
        if to_connect is not None:
            return _both(to_connect, self._target.scalar(schema))
        if schema.type is not Type.STRUCT:
            return self._unwrapped(field.message_type, schema)
        return self._message(field.message_type, schema)

    def _unwrapped(self, message: Any, schema: Schema) -> Finish:
        finish = self._value(message.fields_by_name["value"], schema)
        return _taking("value", finish, None)


def _both(first: Finish | None, second: Finish | None) -> Finish | None:
    if first is None or second is None:
        return first or second
    return lambda it: second(first(it))


def _taking(name: str, finish: Finish | None, has: Callable[[Any, str], bool] | None) -> Finish:
    """What takes one member of a message; with `has`, None where it is not there."""
    get = attrgetter(name)
    if has is None:
        return get if finish is None else lambda it: finish(get(it))
    if finish is None:
        return lambda it: get(it) if has(it, name) else None
    return lambda it: finish(get(it)) if has(it, name) else None


def _sorted(keys: Iterable[Any]) -> list[Any]:
    """For the runtime's order is another with each process. May raise UnicodeDecodeError too, as the runtime does."""
    try:
        return sorted(keys)
    except TypeError:
        raise UnconvertibleError("a key that is not UTF-8") from None


def _list_reader(finish: Finish) -> Finish:
    def read_list(found: Any) -> list[Any]:
        values: list[Any] = []
        try:
            for it in found:
                values.append(finish(it))  # noqa: PERF401 - its length is the index of what fails
        except UnconvertibleError as error:
            error.path.insert(0, len(values))
            raise
        return values

    return read_list


def _struct_reader(
    blank: dict[str, Any], plain: list[str], others: list[tuple[str, Finish]], finish: Finish | None
) -> Finish:
    # Many at once for the price of one; a single one comes without a tuple.
    get = attrgetter(*plain) if len(plain) > 1 else None
    if len(plain) == 1:
        others = [(plain[0], attrgetter(plain[0])), *others]

    def read_struct(message: Any) -> Any:
        values = blank.copy()
        if get is not None:
            values.update(zip(plain, get(message), strict=True))
        name = ""
        try:
            for name, take in others:
                values[name] = take(message)
        except UnconvertibleError as error:
            error.path.insert(0, name)
            raise
        return values if finish is None else finish(values)

    return read_struct


def is_nested_deeper(value: object, limit: int) -> bool:
    """Whether a value, by whichever target, is written with more than `limit` levels of JSON."""
    level = [value]
    for _ in range(limit):
        level = [inner for it in level for inner in _inner(it) if isinstance(inner, dict | list | Struct)]
        if not level:
            return False
    return True


def _inner(value: object) -> Iterable[object]:
    if isinstance(value, Struct):
        return value.values.values()
    if isinstance(value, dict):
        return value.values() if all(type(key) is str for key in value) else [list(pair) for pair in value.items()]
    return value if isinstance(value, list) else ()
