"""What a supervisor and the process of a task say to each other: one JSON document a line."""

from __future__ import annotations

from typing import Final

import msgspec

from kafka_lambda_sink.core.state import PipelineState, TaskState
from kafka_lambda_sink.pipeline.counters import Counters

END: Final = b"\n"


class TaskOrder(msgspec.Struct, frozen=True):
    """The first and only line from the supervisor: what the process is to run. What follows is the end of the stream.

    It goes here, because everybody on a machine can read the arguments of its processes.
    """

    #: File names and overrides as the command line gave them.
    config: str
    worker: str | None
    overrides: dict[str, str]
    #: What the supervisor has read in the file: another name or group means that it was changed meanwhile.
    connector: str
    group: str
    number: int
    #: Tasks of the connector.
    of: int
    #: Descriptor of the `LineLock`.
    line_lock: int


class PartitionStatus(msgspec.Struct, frozen=True):
    """One assigned partition."""

    topic: str
    partition: int
    state: PipelineState
    error: str | None = None


class TaskStatus(msgspec.Struct, frozen=True):
    """A line from a task, about once a second, and the last one when it has ended."""

    state: TaskState
    partitions: list[PartitionStatus]
    #: Partitions of all topics that the connector reads, whoever has them; 0 before that is known.
    source_partitions: int
    counters: Counters
    #: Why it has ended by itself.
    failure: str | None = None


_ORDER: Final = msgspec.json.Decoder(TaskOrder)
_STATUS: Final = msgspec.json.Decoder(TaskStatus)
_ENCODER: Final = msgspec.json.Encoder()


def line_of(message: TaskOrder | TaskStatus) -> bytes:
    """Its line, with the end."""
    return _ENCODER.encode(message) + END


def read_order(line: bytes) -> TaskOrder:
    """Raises msgspec.DecodeError."""
    return _ORDER.decode(line)


def read_status(line: bytes) -> TaskStatus:
    """Raises msgspec.DecodeError."""
    return _STATUS.decode(line)
