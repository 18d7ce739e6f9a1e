"""What a Protobuf record costs to convert, beside what google's own JSON costs: microseconds, best of several runs.

python benchmarks/protobuf_cost.py
"""

from __future__ import annotations

import timeit
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from google.protobuf import json_format, message_factory
from rich.console import Console
from rich.table import Table

from kafka_lambda_sink.converters.connect_json import build_embedder
from kafka_lambda_sink.converters.converter import VALUE_CONVERTER
from kafka_lambda_sink.converters.json_form import JsonForm
from kafka_lambda_sink.converters.protobuf import build_protobuf_converter, build_protobuf_reader
from kafka_lambda_sink.converters.protobuf_files import ProtobufFiles
from kafka_lambda_sink.core.ports import RegisteredSchema

REPEATS = 15
HEADER = bytes(6)

ORDER = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
message Order {
  int64 id = 1; string customer = 2; Status status = 3; optional string note = 4; bytes total = 5;
  google.protobuf.Timestamp created = 6; double weight = 7; bool paid = 8; repeated string tags = 9;
  repeated Line lines = 10;
  oneof payment { string card = 11; int64 cash = 12; }
  message Line { string sku = 1; int32 count = 2; double price = 3; }
  enum Status { NEW = 0; PAID = 1; SENT = 2; }
}
"""
ORDER_VALUE = {
    "id": 123456789,
    "customer": "customer-4711",
    "status": "PAID",
    "note": "please ring twice",
    "total": "BNI=",
    "created": "2023-11-14T22:13:20Z",
    "weight": 12.5,
    "paid": True,
    "tags": ["a", "bb", "ccc"],
    "card": "4711",
    "lines": [{"sku": f"sku-{index}", "count": index, "price": index * 1.5} for index in range(3)],
}


def flat(kind: str, count: int) -> str:
    """A schema of so many fields of a kind."""
    return f'syntax = "proto3"; message R {{ {"".join(f"{kind} f{n} = {n + 1};" for n in range(count))} }}'


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "order": (ORDER, ORDER_VALUE),
    "20 texts": (flat("string", 20), {f"f{n}": f"some text {n}" for n in range(20)}),
    "20 texts, a third of them there": (
        flat("optional string", 20), {f"f{n}": f"some text {n}" for n in range(0, 20, 3)}
    ),
    "20 integers": (flat("int64", 20), {f"f{n}": n * 70 for n in range(20)}),
    "20 doubles": (flat("double", 20), {f"f{n}": n / 7 for n in range(20)}),
    "200 integers in an array": (
        'syntax = "proto3"; message R { repeated int32 a = 1; }', {"a": list(range(0, 20000, 100))}
    ),
    "text of 5 kB": (flat("string", 1), {"f0": "x" * 5000}),
}  # fmt: skip


class OneSchema:
    """A registry that has this schema under every id."""

    def __init__(self, text: str) -> None:
        self._registered = RegisteredSchema(0, "PROTOBUF", text)

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
            best[index] = min(best[index], timeit.timeit(run, number=200) / 200 * 1e6)
    return best


def bare(kind: Any, raw: bytes) -> bytes:
    """What anybody would write."""
    message = kind.FromString(raw[len(HEADER) :])
    return msgspec.json.encode(json_format.MessageToDict(message, preserving_proto_field_name=True))


def main() -> None:
    """Print one table."""
    table = Table("record", "bytes", "json_format", "converter", "ratio", "by way of Connect", title="µs a record")
    form = JsonForm()
    for name, (text, value) in CASES.items():
        descriptor = ProtobufFiles(RegisteredSchema(0, "PROTOBUF", text)).message((0,))
        kind = message_factory.GetMessageClass(descriptor)
        raw = HEADER + json_format.ParseDict(value, kind()).SerializeToString()
        registry = OneSchema(text)
        convert = build_protobuf_converter(registry, form, stage=VALUE_CONVERTER)
        read = build_protobuf_reader(registry, stage=VALUE_CONVERTER)
        embed = build_embedder(form, VALUE_CONVERTER)
        assert bytes(convert(raw)) == bytes(embed(*read(raw))), name  # type: ignore[arg-type]
        ours: list[Callable[[], object]] = [
            partial(convert, raw),
            partial(lambda read, embed, raw: embed(*read(raw)), read, embed, raw),
        ]
        cost, fast, slow = microseconds(partial(bare, kind, raw), *ours)
        table.add_row(name, str(len(raw)), f"{cost:.2f}", f"{fast:.2f}", f"{fast / cost:.2f}", f"{slow:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
