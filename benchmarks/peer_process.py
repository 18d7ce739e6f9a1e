"""A peer as a process: its command, and what it takes of the machine. Linux only: the figures come from /proc."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.cell import Cell, Peer
from benchmarks.peer_commands import Workplace, command_of

_TICKS = os.sysconf("SC_CLK_TCK")
_FOREIGN = ("AWS_", "KLS_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_STOP_TIMEOUT = 30.0


class PeerProcess:
    """One run of a peer. `with` kills what is left of it. Raises NotBuilt where it is Benthos and cannot be had."""

    def __init__(self, peer: Peer, cell: Cell, place: Workplace) -> None:
        self._log_file = place.directory / f"{place.name}.log"
        #: The consumer group that it commits for.
        self.group = f"connect-{place.name}" if peer == "sink" else place.name
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
        command = command_of(peer, cell, place)
        #: When it was started, by the machine's monotonic clock.
        self.started = time.perf_counter()
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment | {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(place.directory)},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return self._process.poll() is not None

    @property
    def cpu_seconds(self) -> float:
        """User and system time until now, of its children too."""
        total = 0
        for pid in _family(self._process.pid):
            times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
            total += sum(map(int, times))
        return total / _TICKS

    def status(self, key: str) -> int:
        """A number of /proc/PID/status, summed over its children: VmRSS and VmHWM in kB, Threads."""
        return sum(
            int(line.split()[1])
            for pid in _family(self._process.pid)
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith(f"{key}:")
        )

    def connections(self, port: int) -> int:
        """Connections of the process itself to a port of this machine."""
        process = Path(f"/proc/{self._process.pid}")
        mine = {str(it.readlink()) for it in (process / "fd").iterdir() if it.is_symlink()}
        remote = f":{port:04X}"
        rows = [line.split() for name in ("tcp", "tcp6") for line in (process / "net" / name).read_text().splitlines()]
        return sum(row[2].endswith(remote) and f"socket:[{row[9]}]" in mine for row in rows)

    def stop(self) -> str:
        """SIGTERM, and wait for the end; what was wrong with it, or empty."""
        self._process.terminate()
        try:
            code = self._process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            return f"did not stop within {_STOP_TIMEOUT:g} s"
        return f"ended with {code}" if code else ""

    def last_lines(self) -> str:
        """The end of what it has printed."""
        return self._log_file.read_text(errors="replace")[-2000:]


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))
