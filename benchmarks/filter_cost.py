"""What a record costs in a filter: microseconds, best of several runs.

python benchmarks/filter_cost.py
"""

from __future__ import annotations

import json
import time
import timeit
from functools import partial
from typing import Any, cast

from confluent_kafka import Message

from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.sink_record import SinkRecord
from kafka_lambda_sink.transforms.filter_patterns import compile_filter

ROUNDS = 20_000
REPEATS = 15
ORDER = {
    "type": "order",
    "customer": {"country": "AT", "name": "Ada"},
    "quantity": 3,
    "unit_price": 250,
    "items": [{"sku": "A1", "qty": 1}, {"sku": "B2", "qty": 5}],
}
THREE = {
    "type": ["order", "refund"],
    "customer": {"country": [{"prefix": "A"}]},
    "quantity": [{"numeric": [">", 0, "<=", 5]}],
}
CASES: dict[str, tuple[Any, object]] = {
    "topic": ({"topic": ["orders"]}, ORDER),
    "three fields": ({"value": THREE}, ORDER),
    "three fields, the first fails": ({"value": {**THREE, "type": ["x"]}}, ORDER),
    "three fields of a text": ({"value": THREE}, json.dumps(ORDER)),
    "a text": ({"value": [{"anything-but": ["error"]}]}, "a text that is no JSON"),
    "a text, of one that is an object": ({"value": [{"anything-but": ["error"]}]}, json.dumps(ORDER)),
    "three patterns, the last matches": ([{"topic": ["x"]}, {"value": {"type": ["x"]}}, {"value": THREE}], ORDER),
    "$or of two fields": ({"value": {"$or": [{"type": ["x"]}, {"quantity": [3]}]}}, ORDER),
    "objects of an array": ({"value": {"items": {"sku": ["B2"], "qty": [5]}}}, ORDER),
}


def main() -> None:
    """Print one line a case."""
    source = cast("SourceRecord", Message(topic="orders", partition=3, offset=1))
    for name, (patterns, value) in CASES.items():
        record = SinkRecord(
            source=source,
            topic="orders",
            partition=3,
            key_schema=None,
            key="k",
            value_schema=None,
            value=value,
            timestamp=1,
        )
        run = partial(compile_filter(json.dumps(patterns)), record)
        # CPU time: what else the machine does is not the filter's cost.
        best = min(timeit.repeat(run, number=ROUNDS, repeat=REPEATS, timer=time.process_time))
        print(f"{name:<35} {best / ROUNDS * 1e6:.2f}")


if __name__ == "__main__":
    main()
