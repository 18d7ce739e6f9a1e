"""Any Avro schemas, values of them as fastavro writes them, and the JSON that must come of them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

#: A value for fastavro, and the JSON that is expected.
Pair: TypeAlias = tuple[Any, Any]


class Single(float):
    """Expected of a float: any number that is this one in single precision."""


@dataclass(frozen=True)
class Shape:
    """A schema with its values."""

    schema: Any
    pairs: SearchStrategy[Pair]
    #: What the branch of a union is called, unless it is a union.
    branch: str = ""
    #: Shapes of one family are told apart by nobody who looks at a Python value only.
    family: str = ""


def _same(strategy: SearchStrategy[Any]) -> SearchStrategy[Pair]:
    return strategy.map(lambda value: (value, value))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _minimal(unscaled: int) -> bytes:
    size = (unscaled if unscaled >= 0 else unscaled + 1).bit_length() // 8 + 1
    return unscaled.to_bytes(size, signed=True)


_INT = st.integers(-(2**31), 2**31 - 1)
_LONG = st.integers(-(2**63), 2**63 - 1)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_BYTES = st.binary(max_size=9)
_UNSCALED = st.integers(-(2**70), 2**70)
_DECIMAL = {"logicalType": "decimal", "precision": 20, "scale": 3}


def _decimal_pair(unscaled: int, size: int) -> Pair:
    return unscaled.to_bytes(size, signed=True), _base64(_minimal(unscaled))


SCALARS = [
    Shape("boolean", _same(st.booleans()), "boolean", "boolean"),
    Shape("int", _same(_INT), "int", "integer"),
    Shape("long", _same(_LONG), "long", "integer"),
    Shape({"type": "int", "logicalType": "date"}, _same(_INT), "int", "integer"),
    Shape({"type": "int", "logicalType": "time-millis"}, _same(st.integers(0, 86_400_000)), "int", "integer"),
    Shape({"type": "long", "logicalType": "timestamp-millis"}, _same(_LONG), "long", "integer"),
    Shape({"type": "long", "logicalType": "timestamp-micros"}, _same(_LONG), "long", "integer"),
    Shape(
        "float",
        st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda it: (it, Single(it))),
        "float",
        "real",
    ),
    Shape("double", _same(st.floats(allow_nan=False, allow_infinity=False)), "double", "real"),
    Shape("string", _same(_TEXT), "string", "text"),
    Shape({"type": "string", "logicalType": "uuid"}, _same(st.uuids().map(str)), "string", "text"),
    Shape("bytes", _BYTES.map(lambda it: (it, _base64(it))), "bytes", "bytes"),
    Shape({"type": "bytes"} | _DECIMAL, _UNSCALED.map(lambda it: _decimal_pair(it, 10)), "bytes", "bytes"),
]


@st.composite
def shapes(draw: DrawFn, levels: int = 3) -> Shape:
    """Any shape, whose root may be any type."""
    numbers = count()
    return draw(_shape(lambda: f"{draw(st.sampled_from(['', 'a.', 'a.b.']))}N{next(numbers)}", levels))


def _shape(name: Callable[[], str], levels: int) -> SearchStrategy[Shape]:
    simple: SearchStrategy[Shape] = st.sampled_from(SCALARS) | _enum(name) | _fixed(name) | _fixed_decimal(name)
    if not levels:
        return simple
    inner = st.deferred(lambda: _shape(name, levels - 1))
    return (
        simple
        | inner.map(_array)
        | inner.map(_map)
        | _record(name, inner)
        | _optional(inner)
        | _union(inner)
        | _entries(name, inner)
    )


@st.composite
def _enum(draw: DrawFn, name: Callable[[], str]) -> Shape:
    symbols = draw(st.lists(st.from_regex(r"[A-Z]{1,3}", fullmatch=True), min_size=1, max_size=4, unique=True))
    full_name = name()
    pairs = _same(st.sampled_from(symbols))
    return Shape({"type": "enum", "name": full_name, "symbols": symbols}, pairs, _simple(full_name), "text")


@st.composite
def _fixed(draw: DrawFn, name: Callable[[], str]) -> Shape:
    size, full_name = draw(st.integers(0, 5)), name()
    pairs = st.binary(min_size=size, max_size=size).map(lambda it: (it, _base64(it)))
    return Shape({"type": "fixed", "name": full_name, "size": size}, pairs, _simple(full_name), "bytes")


@st.composite
def _fixed_decimal(draw: DrawFn, name: Callable[[], str]) -> Shape:
    size, full_name = draw(st.integers(9, 12)), name()
    pairs = (
        _UNSCALED.map(lambda it: _decimal_pair(it, size)) if size > 9 else _LONG.map(lambda it: _decimal_pair(it, 9))
    )
    return Shape({"type": "fixed", "name": full_name, "size": size} | _DECIMAL, pairs, _simple(full_name), "bytes")


def _simple(full_name: str) -> str:
    return full_name.rpartition(".")[2]


def _both(pairs: list[Pair]) -> Pair:
    return [value for value, _ in pairs], [expected for _, expected in pairs]


def _array(item: Shape) -> Shape:
    pairs = st.lists(item.pairs, max_size=3).map(_both)
    return Shape({"type": "array", "items": item.schema}, pairs, "array", "array")


def _map(value: Shape) -> Shape:
    pairs = st.dictionaries(_TEXT, value.pairs, max_size=3).map(
        lambda entries: ({key: it[0] for key, it in entries.items()}, {key: it[1] for key, it in entries.items()})
    )
    return Shape({"type": "map", "values": value.schema}, pairs, "map", "object")


@st.composite
def _record(draw: DrawFn, name: Callable[[], str], inner: SearchStrategy[Shape]) -> Shape:
    full_name = name()
    fields = draw(st.dictionaries(st.from_regex(r"[a-z_]{1,3}", fullmatch=True), inner, max_size=4))
    schema = {
        "type": "record",
        "name": full_name,
        "namespace": "",
        "fields": [{"name": key, "type": shape.schema} for key, shape in fields.items()],
    }
    pairs = st.fixed_dictionaries({key: shape.pairs for key, shape in fields.items()}).map(
        lambda values: ({key: values[key][0] for key in fields}, {key: values[key][1] for key in fields})
    )
    return Shape(schema, pairs, _simple(full_name), "object")


@st.composite
def _optional(draw: DrawFn, inner: SearchStrategy[Shape]) -> Shape:
    shape = draw(inner.filter(lambda it: it.branch))
    branches = draw(st.permutations(["null", shape.schema]))
    return Shape(branches, shape.pairs | st.just((None, None)))


@st.composite
def _union(draw: DrawFn, inner: SearchStrategy[Shape]) -> Shape:
    branches = draw(
        st.lists(inner.filter(lambda it: it.branch), min_size=2, max_size=4, unique_by=lambda it: it.family).filter(
            lambda them: len({it.branch for it in them}) == len(them)
        )
    )
    # fastavro takes the first branch that a value fits; an integer fits a double, and bytes fit an array of integers,
    # or of anything where they are none.
    branches.sort(key=lambda it: it.family in {"real", "array"})
    nothing = dict.fromkeys((it.branch for it in branches), None)
    schemas: list[Any] = [it.schema for it in branches]
    pairs: SearchStrategy[Pair] = st.one_of(
        [
            it.pairs.map(lambda pair, branch=it.branch: (pair[0], nothing | {branch: pair[1]}))  # type: ignore[misc]
            for it in branches
        ]
    )
    if draw(st.booleans()):
        schemas.insert(draw(st.integers(0, len(schemas))), "null")
        pairs |= st.just((None, None))
    return Shape(schemas, pairs)


@st.composite
def _entries(draw: DrawFn, name: Callable[[], str], inner: SearchStrategy[Shape]) -> Shape:
    value = draw(inner)
    schema = {
        "type": "record",
        "name": name(),
        "namespace": "",
        "connect.internal.type": "MapEntry",
        "fields": [{"name": "key", "type": "int"}, {"name": "value", "type": value.schema}],
    }
    pairs = st.dictionaries(_INT, value.pairs, max_size=3).map(
        lambda entries: (
            [{"key": key, "value": it[0]} for key, it in entries.items()],
            [[key, it[1]] for key, it in entries.items()],
        )
    )
    return Shape({"type": "array", "items": schema}, pairs)
