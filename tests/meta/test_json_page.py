"""What docs/json.md shows is what the code writes."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import HEADER_CONVERTER, VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.reading import build_reader
from kafka_lambda_sink.core.schema import Float32, Instant, Schema, Struct
from tests.support.notation import schema_of

PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
TABLE = PAGE[PAGE.index("| type |") : PAGE.index("- Types with other names")]
ROWS = re.findall(r"^\| ([^|`]+?)(?:, `(decimal.format=NUMERIC)`)? \|.*\| `(.*)` \|$", TABLE, re.MULTILINE)

ORDER = schema_of({"type": "struct", "fields": {"id": "int32", "name": "string?"}})
assert ORDER is not None
VALUES: dict[str, tuple[Any, Any]] = {
    "boolean": ("boolean", True),
    "int8, int16, int32": ("int8", -7),
    "int64": ("int64", 2**53 + 1),
    "float32": ("float32", Float32(1.100000023841858)),
    "float64": ("float64", 0.1),
    "string": ("string", "grün"),
    "bytes": ("bytes", b"\0\1"),
    "array": ({"type": "array", "values": "int32"}, [1, 2]),
    "map, keys are strings": ({"type": "map", "keys": "string", "values": "int32"}, {"a": 1}),
    "map, other keys": ({"type": "map", "keys": "int32", "values": "string"}, {1: "a"}),
    "struct": (ORDER, Struct(ORDER, {"id": 1})),
    "Decimal": ("Decimal:2", Decimal("12.30")),
    "Date": ("Date", Instant(1_700_006_400_000)),
    "Time": ("Time", Instant(45_296_789)),
    "Timestamp": ("Timestamp", Instant(1_700_000_000_123)),
}


def test_every_type_is_shown():
    assert {name for name, _, _ in ROWS} == set(VALUES)


@pytest.mark.parametrize(("name", "option", "example"), ROWS)
def test_an_example_is_what_is_written(name: str, option: str, example: str):
    notation, value = VALUES[name]
    schema = notation if isinstance(notation, Schema) else schema_of(notation)
    form = JsonForm(decimal_format="NUMERIC" if option else "BASE64")
    assert msgspec.json.encode(build_embedder(form, VALUE_CONVERTER)(schema, value)).decode() == example


def test_the_header_to_beware_of_is_read_so():
    assert "`10:30` is 10" in PAGE
    assert build_reader("simple", stage=HEADER_CONVERTER, schemas_enable=False)(b"10:30").value == 10
