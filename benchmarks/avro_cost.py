"""What an Avro record costs to convert, beside bare fastavro and msgspec: microseconds, best of several runs.

python benchmarks/avro_cost.py
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

import fastavro
import msgspec
from rich.console import Console
from rich.table import Table

from kafka_lambda_sink.converters.avro import build_avro_converter, build_avro_reader
from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.core.ports import RegisteredSchema

REPEATS = 25
HEADER = bytes(5)


def record(name: str, **types: Any) -> dict[str, Any]:
    """A record's schema."""
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in types.items()]}


def optional(kind: Any) -> list[Any]:
    """A union with null."""
    return ["null", kind]


LINE = record("Line", sku="string", count="int", price="double")
ORDER = record(
    "Order",
    id="long",
    customer="string",
    status={"type": "enum", "name": "Status", "symbols": ["NEW", "PAID", "SENT"]},
    note=optional("string"),
    total="bytes",
    created="long",
    weight="double",
    paid="boolean",
    tags={"type": "array", "items": "string"},
    lines={"type": "array", "items": LINE},
)
ORDER_VALUE = {
    "id": 123456789,
    "customer": "customer-4711",
    "status": "PAID",
    "note": "please ring twice",
    "total": b"\x04\xd2",
    "created": 1_700_000_000_000,
    "weight": 12.5,
    "paid": True,
    "tags": ["a", "bb", "ccc"],
    "lines": [{"sku": f"sku-{index}", "count": index, "price": index * 1.5} for index in range(3)],
}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "order": (ORDER, ORDER_VALUE),
    "row of a table": (
        record("Row", **{f"text{n}": optional("string") for n in range(20)}, **{f"n{n}": "int" for n in range(10)}),
        {f"text{n}": None if n % 3 else f"some text {n}" for n in range(20)} | {f"n{n}": n * 70 for n in range(10)},
    ),
    "20 doubles": (record("R", **{f"d{n}": "double" for n in range(20)}), {f"d{n}": n / 7 for n in range(20)}),
    "20 timestamps": (
        record("R", **{f"t{n}": "long" for n in range(20)}),
        {f"t{n}": 1_700_000_000_000 + n for n in range(20)},
    ),
    "5 singles": (record("R", **{f"f{n}": "float" for n in range(5)}), {f"f{n}": n / 8 for n in range(5)}),
    "200 ints in an array": (
        record("R", a={"type": "array", "items": "int"}),
        {"a": list(range(0, 20000, 100))},
    ),
    "text of 5 kB": (record("R", a="string"), {"a": "x" * 5000}),
}


class OneSchema:
    """A registry that has this schema under every id."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._registered = RegisteredSchema(0, "AVRO", json.dumps(schema))

    def schema(self, _schema_id: int) -> RegisteredSchema:
        """The schema."""
        return self._registered

    def close(self) -> None:
        """Nothing to close."""


def microseconds(*runs: Callable[[], object]) -> list[float]:
    """Of each, taking turns, so that what else the machine does hits all alike."""
    best = [float("inf")] * len(runs)
    for _ in range(REPEATS):
        for index, run in enumerate(runs):
            best[index] = min(best[index], timeit.timeit(run, number=300) / 300 * 1e6)
    return best


def bare(schema: Any, raw: bytes) -> bytes:
    """What anybody would write."""
    return msgspec.json.encode(fastavro.schemaless_reader(BytesIO(raw[5:]), schema))


def main() -> None:
    """Print one table."""
    table = Table(
        "record", "bytes", "fastavro + msgspec", "converter", "ratio", "by way of Connect", title="µs a record"
    )
    form = JsonForm()
    for name, (schema, value) in CASES.items():
        parsed = fastavro.parse_schema(schema)
        body = BytesIO()
        fastavro.schemaless_writer(body, parsed, value)
        raw = HEADER + body.getvalue()
        convert = build_avro_converter(OneSchema(schema), form, stage=VALUE_CONVERTER)
        read = build_avro_reader(OneSchema(schema), stage=VALUE_CONVERTER)
        embed = build_embedder(form, VALUE_CONVERTER)
        assert bytes(convert(raw)) == bare(parsed, raw), name  # type: ignore[arg-type]
        ours = [partial(convert, raw), partial(lambda read, embed, raw: embed(*read(raw)), read, embed, raw)]
        cost, fast, slow = microseconds(partial(bare, parsed, raw), *ours)
        table.add_row(name, str(len(raw)), f"{cost:.2f}", f"{fast:.2f}", f"{fast / cost:.2f}", f"{slow:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
