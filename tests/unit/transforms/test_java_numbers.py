"""Numbers in texts, as Java 19 and later write them: the tables are made by one that is older."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.converters.singles import nearest_single
from kafka_lambda_sink.transforms.java_numbers import double_text, single_text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2e23, "2.0E23"),
        (5e-324, "4.9E-324"),
        (2.2250738585072014e-308, "2.2250738585072014E-308"),
        (-0.0, "-0.0"),
        (0.001, "0.001"),
        (9.999e-4, "9.999E-4"),
        (9999999.0, "9999999.0"),
        (10000000.0, "1.0E7"),
    ],
)
def test_doubles(number: float, text: str):
    assert double_text(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(1.1e10, "1.1E10"), (1.401298464324817e-45, "1.4E-45"), (0.10000000149011612, "0.1"), (16777216.0, "1.6777216E7")],
)
def test_singles(number: float, text: str):
    assert single_text(nearest_single(number)) == text
