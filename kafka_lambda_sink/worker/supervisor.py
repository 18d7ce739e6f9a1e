"""One process that starts the tasks of a worker as processes, and looks after them."""

from __future__ import annotations

import selectors
from collections.abc import Callable, Sequence
from typing import Final

from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.telemetry.line_lock import LineLock
from kafka_lambda_sink.telemetry.logs import get_logger
from kafka_lambda_sink.worker.exit_codes import ExitCode
from kafka_lambda_sink.worker.plan import ConnectorPlan
from kafka_lambda_sink.worker.status import ConnectorOverview, TaskOverview
from kafka_lambda_sink.worker.supervision import Action, GiveUp, Kill, Pause, Phase, Start, Stop, Supervision, TaskKey
from kafka_lambda_sink.worker.task_process import TaskProcess

_log = get_logger(__name__)

#: Seconds after which it looks whether a signal came, a process has ended, or a pause is over.
_TICK: Final = 0.2


class Supervisor:
    """Runs until every task has stopped or failed for good. Loads no client of Kafka or AWS.

    `module` is what a process of a task runs; `draw` draws from [0, 1).
    """

    def __init__(
        self,
        connectors: Sequence[ConnectorPlan],
        *,
        module: str,
        clock: Clock,
        draw: Callable[[], float],
        line_lock: LineLock,
    ) -> None:
        self._plans = {plan.name: plan for plan in connectors}
        self._module = module
        self._clock = clock
        self._line_lock = line_lock
        self._supervision = Supervision(draw)
        self._processes: dict[TaskKey, TaskProcess] = {}
        self._selector = selectors.DefaultSelector()
        self._is_stop_requested = False
        #: Connectors of which it was told that they have more tasks than partitions.
        self._told_idle: set[str] = set()
        #: How everything is, for who wants to know. Belongs to the thread of `run`.
        self.connectors = [
            ConnectorOverview(plan.name, [TaskOverview(number, Phase.STOPPED) for number in range(plan.tasks)])
            for plan in connectors
        ]
        self._overviews = {
            TaskKey(connector.name, task.number): task for connector in self.connectors for task in connector.tasks
        }

    def run(self) -> ExitCode:
        """Start all, and return when all have ended: with what the worst of them has to say."""
        for plan in self._plans.values():
            self._do(self._supervision.start(plan.name, plan.tasks, plan.stop_timeout, self._clock.monotonic()))
        while not self._supervision.is_over:
            self._step()
        self._selector.close()
        for connector in self.connectors:
            _tell_ended(connector)
        return self._supervision.exit_code

    def request_stop(self) -> None:
        """Have every task stop in order. Returns at once; from anywhere."""
        self._is_stop_requested = True

    def kill(self) -> None:
        """End all processes at once; from a signal handler."""
        for process in list(self._processes.values()):
            process.kill()

    def _step(self) -> None:
        for key, _ in self._selector.select(_TICK):
            process: TaskProcess = key.data
            if not process.read():
                self._selector.unregister(process.channel)
        for connector in self.connectors:
            for task in connector.tasks:
                self._look_at(TaskKey(connector.name, task.number), task)
            self._tell_idle(connector)
        now = self._clock.monotonic()
        if self._is_stop_requested:
            self._do(self._supervision.stop(now))
        self._do(self._supervision.tick(now))

    def _look_at(self, key: TaskKey, task: TaskOverview) -> None:
        process = self._processes.get(key)
        if process is not None:
            code = process.exit_code()
            if code is not None:
                process.read()
            task.newest = process.status
            if code is not None:
                self._forget(key)
                self._ended(key, code)
        task.phase = self._supervision.phase(key)

    def _forget(self, key: TaskKey) -> None:
        channel = self._processes.pop(key).channel
        if channel in self._selector.get_map():
            self._selector.unregister(channel)
        channel.close()

    def _ended(self, key: TaskKey, code: int) -> None:
        task = self._overviews[key]
        task.failure = task.newest.failure if task.newest else None
        task.before, task.pid, task.newest = task.counters, None, None
        self._do(self._supervision.ended(key, code, self._clock.monotonic()), code)

    def _do(self, actions: Sequence[Action], code: int | None = None) -> None:
        """`code` is that of the process whose end led to the actions."""
        for action in actions:
            connector, number = action.task
            reason = self._overviews[action.task].failure
            match action:
                case Start(key):
                    self._start(key)
                case Stop(key):
                    self._processes[key].stop()
                case Kill(key):
                    _log.error("the task has not stopped in time: killing it", connector=connector, task=number)
                    self._processes[key].kill()
                case Pause(_, seconds):
                    event = "the task has ended: starting it again after a pause"
                    wait = round(seconds, 2)
                    _log.warning(event, connector=connector, task=number, exit_code=code, wait_s=wait, reason=reason)
                case GiveUp():
                    event = "the task has failed and is not started again"
                    _log.error(event, connector=connector, task=number, exit_code=code, reason=reason)

    def _start(self, key: TaskKey) -> None:
        task = self._overviews[key]
        try:
            process = TaskProcess(self._module, self._plans[key.connector].order(key.number, self._line_lock.fd))
        except OSError as error:
            _log.error("cannot start a process", connector=key.connector, task=key.number, error=str(error))
            self._ended(key, ExitCode.CRASH)
            return
        self._processes[key] = process
        self._selector.register(process.channel, selectors.EVENT_READ, process)
        task.starts += 1
        task.pid, task.failure = process.pid, None
        _log.info("task started", connector=key.connector, task=key.number, pid=process.pid)

    def _tell_idle(self, connector: ConnectorOverview) -> None:
        """Once, when it is known. More processes than partitions do no harm: they wait for one to fail."""
        partitions = connector.source_partitions
        if 0 < partitions < len(connector.tasks) and connector.name not in self._told_idle:
            self._told_idle.add(connector.name)
            _log.info(
                "there are more tasks than partitions: some are idle",
                connector=connector.name,
                tasks=len(connector.tasks),
                partitions=partitions,
            )


def _tell_ended(connector: ConnectorOverview) -> None:
    counters = connector.counters
    _log.info(
        "connector ended",
        connector=connector.name,
        tasks=[task.phase.value for task in connector.tasks],
        starts=sum(task.starts for task in connector.tasks),
        delivered=counters.delivered,
        failed=counters.failed,
        errant=counters.errant,
        filtered=counters.filtered,
    )
