"""The log of a process: its standard output and error, read as they come."""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable

_READ = 64 * 1024
#: More than the tail that Lambda returns; a function that prints without end must not fill our memory.
_KEPT_BYTES = 256 * 1024


class LogPipe:
    """A pipe whose write end a process gets. A thread empties it, so that the process never waits for us."""

    def __init__(self, on_output: Callable[[bytes], None] | None) -> None:
        self._on_output = on_output
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._wake_read, self._wake_write = os.pipe()
        self._lock = threading.Lock()
        self._kept = b""
        self._is_open = True
        self._thread = threading.Thread(target=self._loop, name="local-function-log", daemon=True)

    def start(self) -> None:
        """Read from now on; the process must have its copy of the write end by now."""
        os.close(self.write_end)
        self._thread.start()

    def take(self) -> bytes:
        """What was written since the last call, with everything that is in the pipe now."""
        with self._lock:
            self._drain()
            taken, self._kept = self._kept, b""
        return taken

    def close(self) -> None:
        """Stop reading, even if a grandchild still holds the write end."""
        os.write(self._wake_write, b"x")
        self._thread.join()
        with self._lock:
            self._drain()
            os.close(self._read_end)
            self._is_open = False
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _loop(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._read_end, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if self._wake_read in ready:
                    return
                with self._lock:
                    at_end = self._drain()
                if at_end:
                    selector.unregister(self._read_end)

    def _drain(self) -> bool:
        """Take what the pipe holds; whether its end was met."""
        while self._is_open:
            try:
                data = os.read(self._read_end, _READ)
            except BlockingIOError:
                return False
            if not data:
                return True
            self._kept = (self._kept + data)[-_KEPT_BYTES:]
            if self._on_output is not None:
                self._on_output(data)
        return True
