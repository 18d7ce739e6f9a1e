"""`python -m kafka_lambda_sink.cli.task_process NAME TASK FD`: one task of a supervised connector.

Started by `worker.supervisor`, which says on the channel FD what is to be run; NAME and TASK are for those who list
processes.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from kafka_lambda_sink.cli.options import Sources
from kafka_lambda_sink.cli.problems import show_failure
from kafka_lambda_sink.cli.run import run_task
from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.core.errors import ConfigError, Problem
from kafka_lambda_sink.core.task_id import TaskId
from kafka_lambda_sink.telemetry.line_lock import LineLock
from kafka_lambda_sink.telemetry.logs import configure
from kafka_lambda_sink.worker.exit_codes import ExitCode
from kafka_lambda_sink.worker.messages import TaskOrder
from kafka_lambda_sink.worker.supervisor_link import SupervisorLink


def main(descriptor: int) -> ExitCode:
    """Run the task; how it ended."""
    link = SupervisorLink(socket.socket(fileno=descriptor))
    order = link.receive_order()
    if order is None:
        return ExitCode.OK
    try:
        loaded = _load(order)
    except ConfigError as error:
        return show_failure(error)
    sink = loaded.sink
    open_handler = LineLock(order.line_lock).handler
    configure(sink.log_format, sink.log_level, sink.name, task=order.number, open_handler=open_handler)
    return run_task(loaded, TaskId(order.number, order.of), link)


def _load(order: TaskOrder) -> LoadedConfig:
    """Raises ConfigError, also where the file has become that of another connector."""
    worker = None if order.worker is None else Path(order.worker)
    loaded = Sources(Path(order.config), worker, order.overrides).load()
    if (loaded.sink.name, loaded.clients.group_id) != (order.connector, order.group):
        message = f"was {order.connector}, of the group {order.group}, when the other processes were started"
        hint = "Restart the whole command to take over what has changed"
        raise ConfigError([Problem(key="name", message=message, error_id="conflict", source=order.config, hint=hint)])
    return loaded


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[-1])))
