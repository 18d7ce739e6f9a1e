"""A record converter that drops what a test says, and cannot convert some records yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kafka_lambda_sink.contracts.request import Conversion, PlainConverter
from kafka_lambda_sink.converters.converter import build_converter
from kafka_lambda_sink.core.errors import SchemaRegistryError
from kafka_lambda_sink.core.record import SourceRecord
from tests.support.records import TP


def plain_converter() -> PlainConverter:
    """String keys and JSON values."""
    key = build_converter("string", is_key=True, schemas_enable=False, escaped=False)
    value = build_converter("json", is_key=False, schemas_enable=False, escaped=False)
    return PlainConverter(TP, key, value)


class PickyConverter:
    """String keys and JSON values."""

    def __init__(self, drops: Collection[int] = (), *, waits_at: int | None = None, waits: int = 1) -> None:
        """`waits_at`: the offset that cannot be converted the first `waits` times."""
        self._plain = plain_converter()
        self._drops = drops
        self._waits_at = waits_at
        self._waits = waits
        #: Every offset that was asked for, in order.
        self.asked: list[int] = []

    def convert(self, records: Sequence[SourceRecord], into: Conversion) -> None:
        for record in records:
            self.asked.append(record.offset())
            if record.offset() == self._waits_at and self._waits:
                self._waits -= 1
                raise SchemaRegistryError("the registry is down")
            if record.offset() in self._drops:
                into.dropped += 1
            else:
                self._plain.convert([record], into)
