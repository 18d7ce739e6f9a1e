"""Log lines of several processes on one stream: one line at a time."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
from typing import Self, TextIO


class LineLock:
    """A lock between processes that each have its file descriptor.

    A pipe takes no more than 4 KB in one piece (`PIPE_BUF`), and a line may be longer. A record lock belongs to a
    process and ends with it, and is held on a descriptor that was inherited as on any other.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd

    @classmethod
    def create(cls) -> Self:
        """A new one, on a file without a name."""
        # Where the root file system is read-only, there may be no room for a file on a disk.
        create = getattr(os, "memfd_create", None)
        if create is not None:
            return cls(create("lines"))
        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def handler(self, stream: TextIO) -> logging.StreamHandler[TextIO]:
        """A handler that writes under the lock: `open_handler` of `logs.configure`."""
        return _LockedHandler(stream, self.fd)


class _LockedHandler(logging.StreamHandler[TextIO]):
    def __init__(self, stream: TextIO, fd: int) -> None:
        super().__init__(stream)
        self._fd = fd

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's own lock held, which keeps the threads apart."""
        fcntl.lockf(self._fd, fcntl.LOCK_EX)
        try:
            super().emit(record)
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN)
