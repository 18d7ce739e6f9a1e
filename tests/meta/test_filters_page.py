"""What docs/filters.md shows is a filter."""

import json
import re
from pathlib import Path

import pytest

from kafka_lambda_sink.transforms.filter_conditions import OPERATORS
from kafka_lambda_sink.transforms.filter_patterns import compile_filter

PAGE = (Path(__file__).parents[2] / "docs" / "filters.md").read_text()
ENTRIES = re.findall(
    r"`([^`]+)`", "".join(re.findall(r"^\| (`.*) \| ", PAGE[PAGE.index("## Operators") :], re.MULTILINE))
)
OBJECTS = [entry for entry in ENTRIES if entry.startswith("{") and "$or" not in entry]
RANGES = [entry for entry in ENTRIES if entry.startswith(('["<', '[">'))]


@pytest.mark.parametrize("entry", OBJECTS)
def test_an_entry_of_the_table_of_operators_is_one(entry):
    compile_filter(f'{{"value": {{"field": [{entry}]}}}}')


@pytest.mark.parametrize("entry", RANGES)
def test_a_range_of_the_table_is_one(entry):
    compile_filter(f'{{"value": {{"field": [{{"numeric": {entry}}}]}}}}')


def test_every_operator_is_in_the_table():
    assert {name for entry in OBJECTS for name in json.loads(entry)} >= OPERATORS.keys()


@pytest.mark.parametrize(
    "patterns",
    re.findall(r"^```json\n(.*?)^```|^aws\.lambda\.filter\.patterns=([^\n]*)$", PAGE, re.DOTALL | re.MULTILINE),
)
def test_the_examples_are_patterns(patterns):
    compile_filter("".join(patterns))
