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

    log_format: Annotated[Literal["json", "console"], LOW, ANY_CASE] = "console"
    """Format of the log lines."""

    log_level: Annotated[Literal["debug", "info", "warning", "error"], LOW, ANY_CASE] = "info"
    """Least important level that is logged."""
