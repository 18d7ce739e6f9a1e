"""Whatever the value: excluded fields are gone, included ones are all there is, hashed ones are not to be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kafka_lambda_sink.core.sink_record import SinkRecord
from kafka_lambda_sink.transforms.field_policy import build_field_policy
from tests.support.records import record

NAMES = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
OBJECTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=20,
).filter(lambda value: isinstance(value, dict))
PATHS = st.sets(st.lists(NAMES, min_size=1, max_size=3).map(".".join), min_size=1, max_size=4).map(sorted)


def applied(value: object, include: Sequence[str], exclude: Sequence[str], hashed: Sequence[str]) -> Any:
    result = build_field_policy(include, exclude, hashed, "salt")(
        SinkRecord(
            source=record(1), topic="orders", partition=3, key_schema=None, key=None, value_schema=None, value=value,
            timestamp=None,
        )
    )  # fmt: skip
    assert result is not None
    return result.value


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


@given(OBJECTS, PATHS)
def test_excluded_fields_are_gone_and_nothing_else_is(value: Any, paths: list[str]):
    expected = [leaf for leaf in leaves(value) if not covered(leaf[0], paths)]
    assert list(leaves(applied(value, (), paths, ()))) == expected


@given(OBJECTS, PATHS)
def test_nothing_but_included_fields_is_left(value: Any, paths: list[str]):
    expected = [leaf for leaf in leaves(value) if covered(leaf[0], paths)]
    found = [leaf for leaf in leaves(applied(value, paths, (), ())) if covered(leaf[0], paths) or leaf[1] is not None]
    assert found == expected


@given(OBJECTS, PATHS)
def test_hashed_fields_cannot_be_read_and_are_the_same_each_time(value: Any, paths: list[str]):
    once = applied(value, (), (), paths)
    assert once == applied(json.loads(json.dumps(value)), (), (), paths)
    for path, leaf in leaves(once):
        if covered(path, paths) and leaf is not None:
            assert isinstance(leaf, str)
            assert len(leaf) == 64
    untouched = [leaf for leaf in leaves(value) if not covered(leaf[0], paths)]
    assert [leaf for leaf in leaves(once) if not covered(leaf[0], paths)] == untouched
