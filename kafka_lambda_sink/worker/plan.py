"""What a supervisor is to run: the connectors of one command, checked against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.core.errors import ConfigError, Problem
from kafka_lambda_sink.core.task_id import TaskId
from kafka_lambda_sink.worker.messages import TaskOrder


@dataclass(frozen=True, slots=True)
class ConnectorPlan:
    """One connector. The file is read again by each of its processes."""

    name: str
    group: str
    tasks: int
    #: Seconds.
    stop_timeout: float
    config: str
    worker: str | None
    overrides: Mapping[str, str]

    def order(self, number: int, line_lock: int) -> TaskOrder:
        """For the process of one task."""
        return TaskOrder(
            config=self.config,
            worker=self.worker,
            overrides=dict(self.overrides),
            connector=self.name,
            group=self.group,
            number=number,
            of=self.tasks,
            line_lock=line_lock,
        )


def load_all(loads: Iterable[tuple[str, Callable[[], LoadedConfig]]]) -> list[LoadedConfig]:
    """Load the configurations of these files and hold them against each other. Raises ConfigError with all problems."""
    loaded: dict[str, LoadedConfig] = {}
    problems = []
    several = list(loads)
    for file, load in several:
        try:
            loaded[file] = load()
        except ConfigError as error:
            problems += error.problems
    problems += _clashes(loaded)
    if len(several) > len({file for file, _ in several}):
        problems.append(_clash("a file is given twice", "Give each file once; tasks.max is the number of its tasks"))
    if problems:
        # What stands in the worker file or on the command line is told once.
        raise ConfigError(list(dict.fromkeys(problems)))
    return list(loaded.values())


def _clashes(connectors: Mapping[str, LoadedConfig]) -> Iterator[Problem]:
    """Connectors, by their files, that would be one to the brokers: the same group, or the same client ids."""
    groups: dict[str, str] = {}
    clients: dict[str, str] = {}
    for file, loaded in connectors.items():
        tasks = loaded.sink.tasks_max
        names = [TaskId(number, tasks).name(loaded.sink.name) for number in range(tasks)]
        group = loaded.clients.group_id
        taken = next((name for name in names if name in clients), None)
        if taken is not None:
            message = f"{clients[taken]} has the client id {taken}, too"
            yield _clash(message, "Give each connector a name of its own", file)
        elif group in groups:
            message = f"{groups[group]} is in the consumer group {group}, too"
            yield _clash(message, "Give each connector a group of its own", file)
        clients |= dict.fromkeys(names, file)
        groups[group] = file


def _clash(message: str, hint: str, source: str | None = None) -> Problem:
    return Problem(key="name" if source else None, message=message, error_id="conflict", source=source, hint=hint)
