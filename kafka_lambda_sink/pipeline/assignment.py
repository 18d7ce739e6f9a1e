"""What the coordinator opens for an assigned partition, and what it remembers of one that stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kafka_lambda_sink.core.ports import Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.start import Start
from kafka_lambda_sink.pipeline.progress import PartitionProgress


class Pipeline(Protocol):
    """What the coordinator asks of a partition pipeline; `pipeline.partition` has the real one."""

    @property
    def progress(self) -> PartitionProgress:
        """How far it is."""

    def start(self) -> None:
        """Begin on a thread of its own."""

    def drain(self) -> None:
        """Take no more; give up waiting for a next attempt. Does not block."""

    def abandon(self) -> None:
        """Kill the epoch and a call in flight. Does not block."""

    def join(self, timeout: float) -> bool:
        """Wait for the thread; whether it ended."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One epoch of one partition: what a pipeline is opened for."""

    tp: TopicPartition
    topic_id: str | None
    #: Grows with every opening; results of an older one count for nothing.
    epoch: int
    start: Position | Start


@dataclass(frozen=True, slots=True)
class Stopped:
    """A partition that failed here, remembered across our own epochs."""

    #: What was committed when it was closed. It is tried again once that differs.
    committed: int | None
    error: Exception
