"""A task's end of the line to its supervisor."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from kafka_lambda_sink.core.state import TaskState, task_state
from kafka_lambda_sink.worker.messages import END, PartitionStatus, TaskOrder, TaskStatus, line_of, read_order

if TYPE_CHECKING:
    from kafka_lambda_sink.connector.task import Task
    from kafka_lambda_sink.core.errors import KafkaLambdaSinkError

#: Seconds between two status lines.
_INTERVAL: Final = 1.0
#: Seconds that the last one is waited for.
_LAST: Final = 1.0
_CHUNK: Final = 65_536


class SupervisorLink:
    """Reads the order, tells how the task is, and stops it at the end of the stream.

    The supervisor closes its direction when the task is to stop. When it has died, the system does.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._channel.set_inheritable(False)
        self._has_ended = threading.Event()
        self._thread: threading.Thread | None = None
        #: Whether it has stopped the task.
        self.is_stopping = False

    def receive_order(self) -> TaskOrder | None:
        """Blocks until it is there; None when the supervisor has gone."""
        line = b""
        while not line.endswith(END):
            chunk = self._channel.recv(_CHUNK)
            if not chunk:
                return None
            line += chunk
        return read_order(line)

    def serve(self, task: Task) -> None:
        """Begin to tell about the task and to listen, on a thread of its own."""
        self._thread = threading.Thread(target=self._run, args=(task,), name="supervisor", daemon=True)
        self._thread.start()

    def close(self, task: Task, failure: KafkaLambdaSinkError | None) -> None:
        """Tell how the task has ended."""
        self._has_ended.set()
        if self._thread is not None:
            self._thread.join(_LAST)
            if not self._thread.is_alive():
                self._channel.settimeout(_LAST)
                self._tell(task, failure)
        self._channel.close()

    def _run(self, task: Task) -> None:
        while not self._has_ended.is_set():
            if not self._tell(task):
                self._stop(task.request_stop)
                return
            if self.is_stopping:
                self._has_ended.wait(_INTERVAL)
            elif not self._is_open():
                self._stop(task.request_stop)

    def _stop(self, request_stop: Callable[[], None]) -> None:
        self.is_stopping = True
        request_stop()

    def _tell(self, task: Task, failure: KafkaLambdaSinkError | None = None) -> bool:
        """Whether there is still somebody to tell. A supervisor that is held up is waited for: a task does not mind."""
        try:
            self._channel.sendall(line_of(status_of(task, failure)))
        except OSError:
            return False
        return True

    def _is_open(self) -> bool:
        """Wait for the next status to be due, or for the end of the stream."""
        self._channel.settimeout(_INTERVAL)
        try:
            return bool(self._channel.recv(_CHUNK))
        except TimeoutError:
            return True
        except OSError:
            return False
        finally:
            self._channel.settimeout(None)


def status_of(task: Task, failure: KafkaLambdaSinkError | None) -> TaskStatus:
    """How it is now, or how it has ended. Any thread."""
    states = sorted(task.states().items())
    return TaskStatus(
        state=TaskState.FAILED if failure else task_state(state for _, (state, _) in states),
        partitions=[
            PartitionStatus(tp.topic, tp.partition, state, None if error is None else str(error))
            for tp, (state, error) in states
        ],
        source_partitions=task.source_partitions,
        counters=task.counters.total(),
        failure=None if failure is None else str(failure),
    )
