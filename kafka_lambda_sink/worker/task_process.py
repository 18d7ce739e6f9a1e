"""The supervisor's side of one process that runs a task."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kafka_lambda_sink.worker.messages import END, TaskOrder, TaskStatus, line_of, read_status

_CHUNK: Final = 262_144


class TaskProcess:
    """Started by its construction: a new interpreter, never a fork. Raises OSError where the system has no room.

    `module` is run with the connector's name, the task's number and the descriptor of its channel: what may be a secret
    goes through the channel. The process gets our environment and standard error, and a process group of its own: what
    a terminal sends to all is for the supervisor to pass on.
    """

    def __init__(self, module: str, order: TaskOrder) -> None:
        #: To wait on: readable when there is something to `read`.
        self.channel, theirs = socket.socketpair()
        try:
            words = [module, order.connector, str(order.number), str(theirs.fileno())]
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, *_interpreter_options(), "-m", *words],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), order.line_lock),
                process_group=0,
            )
        except BaseException:
            self.channel.close()
            raise
        finally:
            theirs.close()
        # One that is dead already says so by its exit code.
        with contextlib.suppress(OSError):
            self.channel.sendall(line_of(order))
        self.channel.setblocking(False)
        self._unread = b""
        #: The newest one.
        self.status: TaskStatus | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """How it has ended, minus the signal's number where a signal did it; None while it runs."""
        return self._process.poll()

    def read(self) -> bool:
        """Take what it has said. False when it will say nothing more. Does not block."""
        while True:
            try:
                chunk = self.channel.recv(_CHUNK)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not chunk:
                return False
            *lines, self._unread = (self._unread + chunk).split(END)
            if lines:
                self.status = read_status(lines[-1])

    def stop(self) -> None:
        """Ask it to stop in order. It goes on to tell how it is."""
        with contextlib.suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)

    def kill(self) -> None:
        """End it at once. May run in a signal handler."""
        self._process.kill()


def _interpreter_options() -> Sequence[str]:
    """`-m` looks into the working directory first, which has no say where it is not in our own path."""
    return [] if str(Path.cwd()) in sys.path else ["-P"]
