"""`TopicNameMatches` as Java's own."""

from __future__ import annotations

import pytest

from tests.support.golden import Case, cases
from tests.support.transforming import build_predicate


@pytest.mark.parametrize("case", cases("predicate_topic_name_matches"), ids=str)
def test_topic_name_matches_as_in_java(case: Case):
    if case.fails_to_configure:
        with pytest.raises(ValueError, match=r"."):
            build_predicate(case.class_name, case.config)
        return
    assert build_predicate(case.class_name, case.config)(case.record) is case.outcome["result"]
