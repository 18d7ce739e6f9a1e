"""A peer as a process: its command, and what it takes of the machine. Linux only: the figures come from /proc."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.cell import Cell, Peer

_TICKS = os.sysconf("SC_CLK_TCK")
_FOREIGN = ("AWS_", "KLS_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_STOP_TIMEOUT = 30.0
_SINK = """\
name={name}
bootstrap.servers={bootstrap}
topics={topic}
aws.lambda.function.name=bench
aws.lambda.region=us-east-1
aws.lambda.endpoint.url={url}
aws.access.key.id=AKIALOCAL
aws.secret.access.key=secret
aws.lambda.batch.size={batch}
behavior.on.error=fail
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where a run takes place."""

    directory: Path
    bootstrap: str
    url: str
    #: A name of this run alone: connector and group are called so.
    name: str
    topic: str
    response_topic: str | None
    #: More lines of the sink's configuration.
    extra: str = ""


class PeerProcess:
    """One run of a peer. `with` kills what is left of it."""

    def __init__(self, peer: Peer, cell: Cell, place: Workplace) -> None:
        self._log_file = place.directory / f"{place.name}.log"
        #: The consumer group that it commits for.
        self.group = f"connect-{place.name}" if peer == "sink" else place.name
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
        command = _sink_command(cell, place) if peer == "sink" else _loop_command(cell, place)
        #: When it was started, by the machine's monotonic clock.
        self.started = time.perf_counter()
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command],
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


def _sink_command(cell: Cell, place: Workplace) -> list[str]:
    text = _SINK.format(name=place.name, bootstrap=place.bootstrap, topic=place.topic, url=place.url, batch=cell.batch)
    text += place.extra
    if place.response_topic:
        text += f"aws.lambda.response.topic={place.response_topic}\n"
    config = place.directory / f"{place.name}.properties"
    config.write_text(text)
    return ["-m", "kafka_lambda_sink", "--config", str(config)]


def _loop_command(cell: Cell, place: Workplace) -> list[str]:
    command = [str(Path(__file__).with_name("boto3_loop.py")), "--bootstrap", place.bootstrap, "--topic", place.topic]
    command += ["--group", place.name, "--url", place.url, "--batch", str(cell.batch)]
    return command + (["--response-topic", place.response_topic] if place.response_topic else [])


def _family(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))
