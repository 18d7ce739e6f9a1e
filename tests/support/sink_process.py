"""The command, `kafka-lambda-sink --config …`, as a process that tests kill, stop and listen to."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.observation import read_log
from tests.support.waiting import wait_until

#: Settings of whoever runs the tests that would reach the connector.
_FOREIGN = ("AWS_", "KLS_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


def now_ms() -> int:
    """Milliseconds since the epoch, as the endpoint's journal and the broker count them."""
    return time.time_ns() // 1_000_000


class SinkProcess:
    """One run of the command. `with` kills what is left of it. Start it from the main thread."""

    def __init__(
        self, directory: Path, properties: Mapping[str, str], *more: Mapping[str, str], name: str = "sink"
    ) -> None:
        """`more` are the properties of other connectors of the same command."""
        #: Where its standard error goes.
        self.log_file = directory / f"{name}.log"
        configs = []
        for number, each in enumerate([properties, *more]):
            config = directory / f"{name}{number or ''}.properties"
            config.write_text("".join(f"{key}={value}\n" for key, value in each.items()))
            configs += ["--config", str(config)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
        # A sink must not outlive a test run that was killed.
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        command = [*tied, sys.executable, "-m", "kafka_lambda_sink", *configs]
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment | {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(directory)},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill9()

    @property
    def rc(self) -> int | None:
        """How it ended, minus the number of the signal if by one; None while it runs."""
        return self._process.poll()

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._process.pid

    @property
    def resident_mb(self) -> float:
        """Resident memory now."""
        return self._status("VmRSS") / 1024

    @property
    def threads(self) -> int:
        """Threads now, those of the clients among them."""
        return self._status("Threads")

    @property
    def descriptors(self) -> int:
        """Open files and sockets now."""
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def kill9(self) -> int:
        """SIGKILL, and wait for the end; when it was sent, in milliseconds since the epoch."""
        at = now_ms()
        if self.rc is None:
            self._process.kill()
        self._process.wait(10)
        return at

    def sigterm(self) -> int:
        """SIGTERM; when it was sent."""
        return self.signal(signal.SIGTERM)

    def sigstop(self) -> int:
        """SIGSTOP: it does nothing more, its connections stay; when it was sent."""
        return self.signal(signal.SIGSTOP)

    def sigcont(self) -> int:
        """SIGCONT; when it was sent."""
        return self.signal(signal.SIGCONT)

    def wait(self, timeout: float) -> int:
        """Wait for the end within `timeout` seconds; the exit code."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s:\n{self.output()[-4000:]}") from None

    def stop(self, timeout: float = 20.0) -> None:
        """SIGTERM, and exit code 0 within `timeout` seconds."""
        self.sigterm()
        code = self.wait(timeout)
        assert code == 0, f"exit code {code}:\n{self.output()[-4000:]}"

    def output(self) -> str:
        """All that it has printed."""
        return self.log_file.read_text(errors="replace")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        return [line for line in read_log(self.output()) if line["event"] == name]

    def wait_for_log(self, event: str, timeout: float = 20.0, *, times: int = 1) -> dict[str, Any]:
        """The `times`-th log line of an event, once it is there. Fails at once when the process ends without it."""

        def found() -> dict[str, Any] | None:
            ended = self.rc is not None
            lines = self.events(event)
            if len(lines) >= times:
                return lines[times - 1]
            assert not ended, f"ended with {self.rc} without {event!r}:\n{self.output()[-4000:]}"
            return None

        return wait_until(found, timeout, what=f"log line {event!r} of {self.log_file.name}", every=0.05)

    def signal(self, number: int) -> int:
        """Any signal; when it was sent."""
        at = now_ms()
        self._process.send_signal(number)
        return at

    def _status(self, name: str) -> int:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1])
