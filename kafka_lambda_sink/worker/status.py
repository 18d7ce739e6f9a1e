"""How the tasks of a worker are, gathered from their processes."""

from __future__ import annotations

from dataclasses import dataclass, field

from kafka_lambda_sink.pipeline.counters import Counters, total
from kafka_lambda_sink.worker.messages import TaskStatus
from kafka_lambda_sink.worker.supervision import Phase


@dataclass(slots=True)
class TaskOverview:
    """One task, through all the processes that it has had."""

    number: int
    phase: Phase
    #: Of the process that runs, or None.
    pid: int | None = None
    #: Processes that it has had, the one that runs among them.
    starts: int = 0
    #: Why the last process has ended by itself, where it could say so; None while one runs.
    failure: str | None = None
    #: What the process that runs said last, or None.
    newest: TaskStatus | None = None
    #: Counts of the processes before it.
    before: Counters = field(default_factory=Counters)

    @property
    def counters(self) -> Counters:
        """Counts of all its processes; up to a second before one was killed is missing."""
        return total([self.before, self.newest.counters]) if self.newest else self.before


@dataclass(frozen=True, slots=True)
class ConnectorOverview:
    """A connector with its tasks, by their numbers."""

    name: str
    tasks: list[TaskOverview]

    @property
    def source_partitions(self) -> int:
        """Partitions of all topics that it reads; 0 where no task has told yet."""
        return max((task.newest.source_partitions for task in self.tasks if task.newest), default=0)

    @property
    def counters(self) -> Counters:
        """The sums of its tasks."""
        return total(task.counters for task in self.tasks)
