"""What a record costs on its way through encoding and reply checking: microseconds, best of several runs.

python benchmarks/encode_cost.py
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from confluent_kafka import Message
from rich.console import Console
from rich.table import Table

from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.reply import ReplyChecker
from kafka_lambda_sink.contracts.report_format import ReportFormat
from kafka_lambda_sink.contracts.reports import ResultReports
from kafka_lambda_sink.contracts.request import PlainConverter
from kafka_lambda_sink.converters.converter import build_converter
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition

TP = TopicPartition("orders", 3)
WORDS = "seventeen elephants observe every excellent element near the river"
REPEATS = 15


def prose(size: int) -> bytes:
    """A few fields, the last of them text of any length."""
    fields = {"id": 123456, "uuid": "3f0e12ab-5555-4e0e-9e10-0123456789ab", "amount": 12.5, "text": ""}
    missing = max(0, size - len(json.dumps(fields)))
    fields["text"] = (WORDS * (missing // len(WORDS) + 1))[:missing]
    return json.dumps(fields, separators=(",", ":")).encode()


def numbers(size: int) -> bytes:
    """Many small objects of numbers."""
    rows = [{"a": index / 7, "b": index} for index in range(size // 28)]
    return json.dumps({"rows": rows}, separators=(",", ":")).encode()


def records_of(value: bytes, count: int) -> Sequence[SourceRecord]:
    """Messages as the consumer hands them out."""
    messages = [
        Message(topic=TP.topic, partition=TP.partition, offset=1000 + index, key=b"key-%d" % index, value=value,
                timestamp=(1, 1_700_000_000_000 + index))
        for index in range(count)
    ]  # fmt: skip
    return cast("Sequence[SourceRecord]", messages)


def reply_to(records: Sequence[SourceRecord]) -> bytes:
    """What a Python function returns: with the spaces that `json.dumps` writes."""
    entries = [
        {
            "timestamp": record.timestamp()[1],
            "topic": TP.topic,
            "partition": TP.partition,
            "offset": record.offset(),
            "result": {"ok": True, "id": 123456, "text": "accepted for delivery"},
        }
        for record in records
    ]
    return json.dumps([{"payload": entry} for entry in entries]).encode()


def microseconds(run: Callable[[], object], count: int) -> float:
    """Per record."""
    number = max(1, 20_000 // count // 50)
    return min(timeit.repeat(run, number=number, repeat=REPEATS)) / number / count * 1e6


def _drain(assembler: BatchAssembler, records: Sequence[SourceRecord]) -> None:
    for _ in assembler.batches(records):
        pass


def main() -> None:
    """Print one table."""
    key = build_converter("string", is_key=True, schemas_enable=False, escaped=False)
    value = build_converter("json", is_key=False, schemas_enable=False, escaped=False)
    assembler = BatchAssembler(PlainConverter(TP, key, value), BatchLimits(500, 6_000_000, 6_291_456))
    checker = ReplyChecker(TP)
    results = ResultReports("results", ReportFormat())
    table = Table("batch", "value", "bytes", "encode", "reply check", "result reports", title="microseconds a record")
    for count in (50, 500):
        for kind in (prose, numbers):
            for size in (200, 1000, 10_000):
                records = records_of(kind(size), count)
                batch = next(assembler.batches(records))
                assert isinstance(batch, Batch)
                reply = reply_to(batch.records)
                texts = checker.check(reply, batch)
                costs = (
                    microseconds(partial(_drain, assembler, records), count),
                    microseconds(partial(checker.check, reply, batch), count),
                    microseconds(partial(results.of, batch, texts), count),
                )
                table.add_row(
                    str(batch.count),
                    kind.__name__,
                    str(len(records[0].value() or b"")),
                    *(f"{cost:.2f}" for cost in costs),
                )
    Console().print(table)


if __name__ == "__main__":
    main()
