"""The process: stopping, rebalances, logs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kafka_lambda_sink.config.declaration import ANY_CASE, LOW, MEDIUM, Declared, Group


class ProcessGroup(Group):
    """How the process stops, gives partitions away, and logs."""

    title: ClassVar[str] = "Process"

    shutdown_timeout_ms: Annotated[int, Declared("medium", unit="ms")] = Field(default=25_000, ge=0, le=3_600_000)
    """How long a stop takes at most, whatever hangs. A quarter of it (0.5 to 3 s) is kept for the last commit and for
    leaving the group; until then, what is in flight is waited for. Keep it a few seconds below the grace period of
    whatever stops the process (Kubernetes: 30 s)."""

    rebalance_drain_timeout_ms: Annotated[int, Declared("low", unit="ms")] = Field(default=30_000, ge=0, le=3_600_000)
    """How long a partition that is given away waits for its batch in flight. Below `max.poll.interval.ms`."""

    on_partition_failed: Annotated[Literal["continue", "exit"], MEDIUM, ANY_CASE] = "continue"
    """What happens when a partition stops: `continue` with the others while one lives, or `exit` with code 4."""

    task_max_fetchers: Annotated[int, Declared("low", unit="consumers")] = Field(default=32, ge=1, le=1000)
    """Most consumers of a task that fetch. Up to as many partitions have one each; of more, all share them. A consumer
    has a connection to each broker that leads one of its partitions, and one more."""

    task_max_threads: Annotated[int, Declared("low", unit="threads")] = Field(default=256, ge=1, le=4096)
    """Most threads that deliver records of partitions that share consumers; a thread is busy while its invocation, or
    its wait for the next attempt, lasts. Raise it where more partitions than that wait for slow functions."""

    memory_max_bytes: Annotated[int, Declared("medium", unit="bytes")] = Field(
        default=268_435_456, ge=16_777_216, le=1_099_511_627_776
    )
    """Most memory for records from their fetch until their outcome, in the whole task. A record counts three times its
    size. Fetches wait when it is used up. The clients' own queues come on top, about 2 MB for each consumer."""

    log_format: Annotated[Literal["json", "console"], LOW, ANY_CASE] = "console"
    """Format of the log lines."""

    log_level: Annotated[Literal["debug", "info", "warning", "error"], LOW, ANY_CASE] = "info"
    """Least important level that is logged."""
