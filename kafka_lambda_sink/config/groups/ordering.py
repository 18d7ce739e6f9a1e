"""Which records keep their order, and how many batches are in flight where not all do."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kafka_lambda_sink.config.declaration import ANY_CASE, MEDIUM, Declared, Group


class OrderingGroup(Group):
    """Order, and batches in flight. See docs/throughput.md."""

    title: ClassVar[str] = "Order"

    aws_lambda_ordering: Annotated[Literal["partition", "key", "unordered"], MEDIUM, ANY_CASE] = "partition"
    """What the function sees in order: the records of a `partition`, one batch at a time; those of a `key`, with
    several batches of a partition in flight and never two with the same key; or nothing, `unordered`."""

    aws_lambda_max_in_flight: Annotated[int, Declared("medium", unit="batches")] = Field(default=16, ge=1, le=1000)
    """Batches of a partition in flight with `aws.lambda.ordering=key` or `unordered`."""

    aws_lambda_max_in_flight_task: Annotated[int, Declared("low", unit="batches")] = Field(default=200, ge=1, le=2000)
    """The same of all partitions of a task, each with a thread and a connection of its own."""

    aws_lambda_max_unfinished_records: Annotated[int, Declared("low", unit="records")] = Field(
        default=10_000, ge=1, le=10_000_000
    )
    """Records of a partition that have no outcome, or whose results are not written: no more are taken meanwhile. With
    `key` and `unordered`, as the next two."""

    aws_lambda_max_unfinished_bytes: Annotated[int, Declared("low", unit="bytes")] = Field(
        default=64 * 1024 * 1024, ge=1
    )
    """Bytes of those records that wait to be sent or are in flight, as encoded."""

    aws_lambda_max_unfinished_age_ms: Annotated[int, Declared("low", unit="ms")] = Field(default=300_000, ge=1)
    """Time since the oldest of them was taken from Kafka."""
