"""Whatever the value: excluded fields are gone, included ones are all there is, hashed ones are not to be read.

A text where a path goes on is not sent at all; what has a schema is cut as the JSON that it is sent as.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.core.errors import RecordError
from kafka_lambda_sink.core.schema import STRING, Field, Schema, Struct, Type, decimal_schema
from kafka_lambda_sink.core.sink_record import SinkRecord
from kafka_lambda_sink.transforms.field_policy import build_field_policy
from tests.support.records import record

embed = build_embedder(JsonForm(decimal_format="NUMERIC"), VALUE_CONVERTER)

NAMES = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
OBJECTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=20,
).filter(lambda value: isinstance(value, dict))
PATHS = st.sets(st.lists(NAMES, min_size=1, max_size=3).map(".".join), min_size=1, max_size=4).map(sorted)


def applied(
    value: object,
    include: Sequence[str],
    exclude: Sequence[str],
    hashed: Sequence[str],
    schema: Schema | None = None,
) -> Any:
    """The value that is left; with a schema, as the JSON that is sent."""
    result = build_field_policy(include, exclude, hashed, "salt")(
        SinkRecord(
            source=record(1), topic="orders", partition=3, key_schema=None, key=None, value_schema=schema, value=value,
            timestamp=None,
        )
    )  # fmt: skip
    assert result is not None
    return result.value if schema is None else as_sent(result.value_schema, result.value)


def as_sent(schema: Schema | None, value: object) -> Any:
    return json.loads(msgspec.json.encode(embed(schema, value)))


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every scalar, and the names down to it; elements of arrays have no name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def covered(path: tuple[str, ...], paths: Sequence[str]) -> bool:
    return any(path[: len(one.split("."))] == tuple(one.split(".")) for one in paths)


def hides(value: object, paths: Sequence[str]) -> bool:
    """Whether there is a text where a path goes on."""
    ends = {tuple(one.split(".")) for one in paths}
    ways = {end[:length] for end in ends for length in range(len(end))}
    return any(isinstance(leaf, str) and path in ways and not covered(path, paths) for path, leaf in leaves(value))


@given(OBJECTS, PATHS)
def test_texts_are_not_sent_where_a_path_goes_on(value: Any, paths: list[str]):
    for exclude, hashed in ((paths, ()), ((), paths)):
        if hides(value, paths):
            with pytest.raises(RecordError):
                applied(value, (), exclude, hashed)
        else:
            applied(value, (), exclude, hashed)


@given(OBJECTS, PATHS)
def test_excluded_fields_are_gone_and_nothing_else_is(value: Any, paths: list[str]):
    assume(not hides(value, paths))
    expected = [leaf for leaf in leaves(value) if not covered(leaf[0], paths)]
    assert list(leaves(applied(value, (), paths, ()))) == expected


@given(OBJECTS, PATHS)
def test_nothing_but_included_fields_is_left(value: Any, paths: list[str]):
    expected = [leaf for leaf in leaves(value) if covered(leaf[0], paths)]
    found = [leaf for leaf in leaves(applied(value, paths, (), ())) if covered(leaf[0], paths) or leaf[1] is not None]
    assert found == expected


@given(OBJECTS, PATHS)
def test_hashed_fields_cannot_be_read_and_are_the_same_each_time(value: Any, paths: list[str]):
    assume(not hides(value, paths))
    once = applied(value, (), (), paths)
    assert once == applied(json.loads(json.dumps(value)), (), (), paths)
    for path, leaf in leaves(once):
        if covered(path, paths) and leaf is not None:
            assert isinstance(leaf, str)
            assert len(leaf) == 64
    untouched = [leaf for leaf in leaves(value) if not covered(leaf[0], paths)]
    assert [leaf for leaf in leaves(once) if not covered(leaf[0], paths)] == untouched


# --- with a schema ---------------------------------------------------------------------------------------------------

WILD_PATHS = st.sets(
    st.lists(NAMES | st.just("*"), min_size=1, max_size=3).map(".".join), min_size=1, max_size=3
).map(sorted)  # fmt: skip


SIMPLE: dict[Type, st.SearchStrategy[object]] = {
    Type.STRING: st.text(max_size=3),
    Type.INT32: st.integers(0, 999),
    Type.BOOLEAN: st.booleans(),
    Type.BYTES: st.integers(0, 999).map(lambda it: Decimal(it).scaleb(-2)),
}


@st.composite
def schemas(draw: st.DrawFn, depth: int = 3) -> Schema:
    """Of structs, maps and arrays within each other, optional or not, with and without defaults."""
    simple = [STRING, Schema(type=Type.INT32), Schema(type=Type.BOOLEAN), decimal_schema(2)]
    kind = draw(st.sampled_from(["simple", "struct", "struct", "array", "map"] if depth else ["simple"]))
    match kind:
        case "struct":
            names = draw(st.lists(NAMES, unique=True, max_size=3))
            made = Schema(type=Type.STRUCT, fields=tuple(Field(name, draw(schemas(depth - 1))) for name in names))
        case "array":
            made = Schema(type=Type.ARRAY, value_schema=draw(schemas(depth - 1)))
        case "map":
            made = Schema(type=Type.MAP, key_schema=STRING, value_schema=draw(schemas(depth - 1)))
        case _:
            made = draw(st.sampled_from(simple))
    made = replace(made, is_optional=draw(st.booleans()))
    if draw(st.integers(0, 3)):
        return made
    default = draw(values(replace(made, is_optional=False)))
    made = replace(made, default=default)
    if isinstance(default, Struct):
        default.schema = made
    return made


@st.composite
def values(draw: st.DrawFn, schema: Schema) -> Any:
    if (schema.is_optional or schema.default is not None) and draw(st.booleans()):
        return None
    item = schema.value_schema
    if schema.type is Type.STRUCT:
        return Struct(schema, {one.name: draw(values(one.schema)) for one in schema.fields})
    if item is not None:
        several = (
            st.lists(values(item), max_size=2) if schema.type is Type.ARRAY else st.dictionaries(NAMES, values(item))
        )
        return draw(several)
    return draw(SIMPLE[schema.type])


TYPED = schemas().flatmap(lambda schema: st.tuples(st.just(schema), values(schema)))


def known(value: object) -> list[tuple[tuple[str, ...], object]]:
    """The leaves that are not null."""
    return [leaf for leaf in leaves(value) if leaf[1] is not None]


@given(TYPED, WILD_PATHS)
def test_what_has_a_schema_is_cut_as_the_json_that_it_is_sent_as(data: tuple[Schema, Any], paths: list[str]):
    schema, value = data
    try:
        found = applied(value, (), paths, (), schema)
    except RecordError:
        # Told by the schema, without a look at the value.
        return
    assert found == applied(as_sent(schema, value), (), paths, ())


@given(TYPED, WILD_PATHS)
def test_of_what_has_a_schema_as_much_is_kept_as_of_the_json(data: tuple[Schema, Any], paths: list[str]):
    schema, value = data
    try:
        found = applied(value, paths, (), (), schema)
    except RecordError:
        return
    assert known(found) == known(applied(as_sent(schema, value), paths, (), ()))


@given(TYPED, WILD_PATHS)
def test_what_has_a_schema_is_hashed_where_the_json_would_be(data: tuple[Schema, Any], paths: list[str]):
    schema, value = data
    try:
        found = applied(value, (), (), paths, schema)
    except RecordError:
        return
    expected = applied(as_sent(schema, value), (), (), paths)
    assert [path for path, _ in leaves(found)] == [path for path, _ in leaves(expected)]
    kept = [(path, leaf) for path, leaf in leaves(expected) if not (isinstance(leaf, str) and len(leaf) == 64)]
    assert [leaf for leaf in leaves(found) if leaf in kept] == kept
