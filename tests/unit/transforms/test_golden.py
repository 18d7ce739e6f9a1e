"""Every transform and predicate as Java's own: all the golden tables of these kinds."""

from __future__ import annotations

from typing import Final

import pytest

from kafka_lambda_sink.core.errors import RecordError
from tests.support.golden import GOLDEN, Case, cases
from tests.support.notation import record_form
from tests.support.transforming import build_predicate, build_transform

#: (table, case) that differ on purpose; docs/transforms.md says why.
DIFFERENT: Final[frozenset[tuple[str, str]]] = frozenset()
#: Tables whose transforms are yet to come.
UNBUILT: Final = frozenset({"transform_cast"})


def tables(kind: str) -> list[object]:
    return [
        pytest.param(case, id=f"{path.stem}-{case.id}")
        for path in sorted((GOLDEN / "tables").glob(f"{kind}_*.json"))
        for case in cases(path.stem)
        if (path.stem, case.id) not in DIFFERENT and path.stem not in UNBUILT
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
