"""When tasks are started, asked to stop, killed and given up: events in, actions out. Pure.

    start ──► RUNNING ──ended──► WAITING ──its pause is over──► RUNNING
              RUNNING ──ended, and a restart would change nothing──► FAILED
              RUNNING ──stop──► STOPPING ──ended──► STOPPED; killed where it takes too long

As under Connect, a failed task stays failed, and one failed task says nothing about other connectors.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from kafka_lambda_sink.worker.exit_codes import ExitCode, worst

#: Seconds: the longest pause before the first restart, and before any. Half of each is drawn by lot.
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
#: Seconds after which a task has run well: its next pause is the first one again.
RAN_WELL: Final = 300.0
#: Seconds beyond `shutdown.timeout.ms` that a process may take to end.
STOP_MARGIN: Final = 2.0

#: They hold for every task of the connector: it is wrongly set up, or is not allowed to do its work.
_OF_CONNECTOR: Final = frozenset({ExitCode.CONFIGURATION, ExitCode.AUTHORIZATION})
#: A process that is told to stop before it listens to signals; nothing was in flight.
_STOPPED_EARLY: Final = frozenset({0, -signal.SIGTERM, -signal.SIGINT})


class TaskKey(NamedTuple):
    """A task by the connector's name and its number."""

    connector: str
    number: int


class Phase(Enum):
    """What the process of a task is doing."""

    RUNNING = "RUNNING"
    #: It has ended and is started again after a pause.
    WAITING = "WAITING"
    #: It was asked to stop.
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    #: It has ended and is not started again.
    FAILED = "FAILED"


class Start(NamedTuple):
    """Start a process for the task."""

    task: TaskKey


class Stop(NamedTuple):
    """Ask the process to stop in order."""

    task: TaskKey


class Kill(NamedTuple):
    """End the process at once: it has not stopped in time."""

    task: TaskKey


class Pause(NamedTuple):
    """Nothing to do but to tell: the task is started again in so many seconds."""

    task: TaskKey
    seconds: float


class GiveUp(NamedTuple):
    """Nothing to do but to tell: the task is not started again."""

    task: TaskKey
    code: ExitCode


Action: TypeAlias = Start | Stop | Kill | Pause | GiveUp


@dataclass(slots=True)
class _Task:
    key: TaskKey
    #: Seconds that its process may take to stop.
    stop_timeout: float
    phase: Phase = Phase.STOPPED
    started: float = 0.0
    #: Times that it ended in a row without having run well.
    failures: int = 0
    #: When it is started again, or killed.
    due: float = 0.0
    #: What it adds to the exit code.
    code: ExitCode = ExitCode.OK


class Supervision:
    """The tasks of all connectors. Times are seconds of a monotonic clock; `draw` draws from [0, 1)."""

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._tasks: dict[TaskKey, _Task] = {}
        self._is_stopping = False

    def start(self, connector: str, tasks: int, stop_timeout: float, now: float) -> list[Action]:
        """A connector whose tasks may take `stop_timeout` seconds to stop."""
        made = [_Task(TaskKey(connector, number), stop_timeout + STOP_MARGIN) for number in range(tasks)]
        self._tasks |= {task.key: task for task in made}
        return [_start(task, now) for task in made]

    def ended(self, key: TaskKey, code: int, now: float) -> list[Action]:
        """The process of a task has ended: `code` is minus the signal's number where a signal ended it.

        A clean end that nobody asked for is none: the task is to run.
        """
        task = self._tasks[key]
        if task.phase is Phase.STOPPING:
            task.phase = Phase.STOPPED
            task.code = ExitCode.OK if code in _STOPPED_EARLY else _known(code)
            return []
        known = _known(code)
        if known in _OF_CONNECTOR or known is ExitCode.ALL_PARTITIONS_FAILED:
            task.phase, task.code = Phase.FAILED, known
            others = self._stop_siblings(task, now) if known in _OF_CONNECTOR else []
            return [GiveUp(key, known), *others]
        task.failures = 1 if now - task.started >= RAN_WELL else task.failures + 1
        pause = _pause(task.failures, self._draw())
        task.phase, task.due = Phase.WAITING, now + pause
        return [Pause(key, pause)]

    def tick(self, now: float) -> list[Action]:
        """What has become due."""
        return list(self._due(now))

    def stop(self, now: float) -> list[Action]:
        """Stop everything. Later calls change nothing."""
        return [action for task in self._tasks.values() for action in _stop(task, now)]

    @property
    def is_over(self) -> bool:
        """Whether no process runs, and none will."""
        return not any(task.phase in {Phase.RUNNING, Phase.WAITING, Phase.STOPPING} for task in self._tasks.values())

    @property
    def exit_code(self) -> ExitCode:
        """What the worst of the tasks has to say."""
        return worst(task.code for task in self._tasks.values())

    def phase(self, key: TaskKey) -> Phase:
        """What the process of a task is doing."""
        return self._tasks[key].phase

    def _due(self, now: float) -> Iterator[Action]:
        for task in self._tasks.values():
            if task.due > now:
                continue
            if task.phase is Phase.WAITING:
                yield _start(task, now)
            elif task.phase is Phase.STOPPING:
                # Told once: what does not even heed this is waited for.
                task.due = float("inf")
                yield Kill(task.key)

    def _stop_siblings(self, failed: _Task, now: float) -> list[Action]:
        siblings = [task for task in self._tasks.values() if task.key.connector == failed.key.connector]
        return [action for task in siblings for action in _stop(task, now)]


def _start(task: _Task, now: float) -> Start:
    task.phase, task.started = Phase.RUNNING, now
    return Start(task.key)


def _stop(task: _Task, now: float) -> Iterable[Action]:
    if task.phase is Phase.WAITING:
        task.phase = Phase.STOPPED
    elif task.phase is Phase.RUNNING:
        task.phase, task.due = Phase.STOPPING, now + task.stop_timeout
        yield Stop(task.key)


def _known(code: int) -> ExitCode:
    try:
        return ExitCode(code)
    except ValueError:
        return ExitCode.CRASH


def _pause(failures: int, jitter: float) -> float:
    """Seconds before a restart. Never none: equal jitter, half of the pause stands and half is drawn by lot."""
    # The exponent is capped: a float overflows at 2^1024.
    longest = min(FIRST_PAUSE * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE)
    return longest / 2 * (1 + jitter)
