"""Every transform and predicate as Java's own: all the golden tables of these kinds."""

from __future__ import annotations

from typing import Final

import pytest

from kafka_lambda_sink.core.errors import RecordError
from tests.support.golden import GOLDEN, Case, cases
from tests.support.notation import record_form, record_of
from tests.support.transforming import build_predicate, build_transform

#: What we do where we differ on purpose, by table and case; docs/transforms.md says why. A record that comes out is
#: written as what is other in it than in the one that goes in.
DIFFERENT: Final[dict[str, dict[str, str | dict[str, object]]]] = {
    "transform_set_schema_metadata": {
        "without a schema": {},
        "without a schema, a text": {},
    },
    # Java finds these with the first topic that matches.
    "transform_regex_router": {
        "a group that is not there": "refused",
        "a group that is not there, no match": "refused",
        "a name that is not there": "refused",
        "a name that starts with a digit": "refused",
        "a name that does not close": "refused",
        "a name with a sign": "refused",
        "an empty name": "refused",
        "a dollar before a letter": "refused",
        "a dollar at the end": "refused",
        "a backslash at the end": "refused",
        "a broken replacement, no match": "refused",
        "a digit that is not ASCII": "refused",
    },
    # Java finds these with the first record.
    "transform_timestamp_router": {
        "a letter that is none": "refused",
        "a quote that does not close": "refused",
        "a pattern that is none, no timestamp": "refused",
    },
    "transform_date_reading": {
        "yyyy-MM-dd HH:mm:ss z: 2023-11-14 22:13:20 PST": "set aside",
        "YYYY: 0": "set aside",
        "YYYY: -5": "set aside",
        "YYYY: 1": "set aside",
        "G YYYY: BC 44": "set aside",
    },
    # Java stumbles over it.
    "transform_cast_fields": {"spec «:»": "refused"},
    # A number that Java before 19 writes with a digit too many.
    "transform_cast_whole": {
        "float32 1.17549435E-38 to string": {"value_schema": "string", "value": "1.1754944E-38"},
    },
    "transform_flatten": {"big, without a schema": {"value": {"x.big": {"$big": "99999999999999999999"}}}},
    "transform_timestamp_converter": {"int8 without a schema": {"value": 1}},
}


def tables(kind: str) -> list[object]:
    return [
        pytest.param(case, id=f"{path.stem}-{case.id}")
        for path in sorted((GOLDEN / "tables").glob(f"{kind}_*.json"))
        for case in cases(path.stem)
        if case.id not in DIFFERENT.get(path.stem, {})
    ]


@pytest.mark.parametrize("case", tables("transform"))
def test_transforms_as_in_java(case: Case):
    if case.fails_to_configure:
        with pytest.raises(ValueError, match=r"."):
            build_transform(case.class_name, case.config)
        return
    transform = build_transform(case.class_name, case.config)
    if case.fails:
        with pytest.raises(RecordError) as caught:
            transform(case.record)
        assert caught.value.stage == "TRANSFORMATION"
        return
    assert record_form(transform(case.record)) == record_form(case.expected_record)


@pytest.mark.parametrize("case", tables("predicate"))
def test_predicates_as_in_java(case: Case):
    if case.fails_to_configure:
        with pytest.raises(ValueError, match=r"."):
            build_predicate(case.class_name, case.config)
        return
    assert build_predicate(case.class_name, case.config)(case.record) is case.outcome["result"]


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        pytest.param(case, outcomes[case.id], id=f"{table}-{case.id}")
        for table, outcomes in DIFFERENT.items()
        for case in cases(table)
        if case.id in outcomes
    ],
)
def test_where_we_differ_from_java(case: Case, outcome: str | dict[str, object]):
    if outcome == "refused":
        with pytest.raises(ValueError, match=r"."):
            build_transform(case.class_name, case.config)
        return
    transform = build_transform(case.class_name, case.config)
    if outcome == "set aside":
        with pytest.raises(RecordError):
            transform(case.record)
        return
    assert isinstance(outcome, dict)
    expected = case.given["record"] | outcome
    assert record_form(transform(case.record)) == record_form(record_of(expected))


def test_every_difference_is_of_a_case_that_is_there():
    for table, outcomes in DIFFERENT.items():
        assert outcomes.keys() <= {case.id for case in cases(table)}
