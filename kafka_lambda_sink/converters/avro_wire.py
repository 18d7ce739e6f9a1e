"""Avro's binary encoding, read by functions that are put together once for a schema.

Numbers, texts and bytes are read by fastavro's own functions, in C, which are no public interface of it: a test holds
them to what is asked of them. What they make up is read here: fastavro's whole reader fills memory from a few bytes
that claim many items without bytes, follows a recursive type until the stack ends, and takes negative indexes for ones
from the end.

Source: https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, Final, TypeAlias

from fastavro._read import (  # type: ignore[attr-defined]  # what its interface file leaves out
    ReadError,
    read_boolean,
    read_bytes,
    read_double,
    read_float,
    read_long,
    read_utf8,
)

from kafka_lambda_sink.converters.json_depth import MAX_DEPTH

#: Items that take no bytes, an array may have this many of.
_MOST_EMPTY: Final = 100_000
#: Items whose number need not be held against the bytes that are left.
_FEW: Final = 64

#: What is raised at the end of the data.
ENDS_EARLY: Final = (EOFError, IndexError, ReadError)


class MalformedAvroError(ValueError):
    """Bytes that nobody writes with this schema. The message holds none of them."""


class Cursor(BytesIO):
    """Where one value is being read."""

    #: Levels of recursive types.
    depth = 0


#: Reads one value and goes on behind it. Raises MalformedAvroError, UnicodeDecodeError and what ENDS_EARLY has, with
#: the way to the place in its attribute `path`, from the outside in.
Read: TypeAlias = Callable[[Cursor], Any]
#: What a value is turned into.
Finish: TypeAlias = Callable[[Any], Any]

#: By the name of the type. An int of more than 32 bits is not noticed.
PRIMITIVES: Final[Mapping[str, Read]] = {
    "boolean": read_boolean,
    "int": read_long,
    "long": read_long,
    "float": read_float,
    "double": read_double,
    "bytes": read_bytes,
    "string": read_utf8,
}


def fixed_of(size: int) -> Read:
    """So many bytes."""

    def read_fixed(cursor: Cursor) -> bytes:
        data = cursor.read(size)
        if len(data) < size:
            raise EOFError
        return data

    return read_fixed


def enum_of(symbols: Sequence[str]) -> Read:
    """The symbol of an index."""
    by_index = dict(enumerate(symbols))

    def read_enum(cursor: Cursor) -> str:
        symbol = by_index.get(read_long(cursor))
        if symbol is None:
            raise MalformedAvroError("an index beyond the symbols of the enum")
        return symbol

    return read_enum


def then(read: Read, finish: Finish) -> Read:
    """What is read, turned into something else."""

    def read_and_finish(cursor: Cursor) -> Any:
        return finish(read(cursor))

    return read_and_finish


def optional_of(read: Read, null_index: int, absent: object) -> Read:
    """A union of null and one type."""
    other_index = 1 - null_index

    def read_optional(cursor: Cursor) -> Any:
        index = read_long(cursor)
        if index == other_index:
            return read(cursor)
        if index == null_index:
            return absent
        raise MalformedAvroError("an index beyond the branches of the union")

    return read_optional


def union_of(branches: Sequence[Read]) -> Read:
    """Any other union; each branch reads what stands behind its index."""
    by_index = dict(enumerate(branches))

    def read_union(cursor: Cursor) -> Any:
        read = by_index.get(read_long(cursor))
        if read is None:
            raise MalformedAvroError("an index beyond the branches of the union")
        return read(cursor)

    return read_union


def record_of(fields: Sequence[tuple[str, Read]], finish: Finish | None) -> Read:
    """The fields' values by their names."""

    def read_record(cursor: Cursor) -> Any:
        values = {}
        name = ""
        try:
            for name, read in fields:
                values[name] = read(cursor)
        except Exception as error:
            _trace(error, name)
            raise
        return values if finish is None else finish(values)

    return read_record


def array_of(read: Read, *, takes_bytes: bool, finish: Finish | None = None) -> Read:
    """A list."""

    def read_array(cursor: Cursor) -> Any:
        items: list[Any] = []
        add = items.append
        try:
            while count := _block(cursor, None if takes_bytes else _MOST_EMPTY - len(items)):
                for _ in range(count):
                    add(read(cursor))
        except Exception as error:
            _trace(error, len(items))
            raise
        return items if finish is None else finish(items)

    return read_array


def map_of(read: Read) -> Read:
    """A dict with text for keys."""

    def read_map(cursor: Cursor) -> dict[str, Any]:
        values: dict[str, Any] = {}
        try:
            while count := _block(cursor):
                for _ in range(count):
                    key = read_utf8(cursor)
                    values[key] = read(cursor)
        except Exception as error:
            # Keys may be as confidential as values.
            _trace(error, len(values))
            raise
        return values

    return read_map


def recursive(slot: Mapping[int, Read], begins: int, levels: int) -> Read:
    """The reader that `slot` will hold under 0, whose type first begins at a level, and again so many levels deeper."""
    most = MAX_DEPTH - begins - 1

    def read_deeper(cursor: Cursor) -> Any:
        cursor.depth += levels
        if cursor.depth > most:
            raise MalformedAvroError(f"nested deeper than {MAX_DEPTH} levels")
        value = slot[0](cursor)
        cursor.depth -= levels
        return value

    return read_deeper


def _block(cursor: Cursor, most: int | None = None) -> int:
    """How many follow: up to `most`, or to what the rest has room for where each takes a byte."""
    count: int = read_long(cursor)
    if count < 0:
        # The size of the block in bytes, for who wants to skip it.
        read_long(cursor)
        count = -count
    if count > _FEW or most is not None:
        room = cursor.getbuffer().nbytes - cursor.tell() if most is None else most
        if count > room:
            raise MalformedAvroError("more items than there is room for")
    return count


def _trace(error: Exception, step: str | int) -> None:
    vars(error).setdefault("path", []).insert(0, step)
