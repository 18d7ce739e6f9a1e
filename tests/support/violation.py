"""One way in which a run broke an invariant."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_lambda_sink.core.record import TopicPartition


@dataclass(frozen=True, slots=True)
class Violation:
    """Which invariant, where, and what was seen."""

    #: `I1` to `I13`.
    invariant: str
    message: str
    tp: TopicPartition | None = None
    offset: int | None = None

    def __str__(self) -> str:
        """`I3 orders-2@17: …`."""
        place = f" {self.tp}" if self.tp else ""
        return f"{self.invariant}{place}{'' if self.offset is None else f'@{self.offset}'}: {self.message}"
