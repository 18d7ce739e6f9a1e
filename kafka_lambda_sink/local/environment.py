"""One execution environment: a process that speaks the Runtime API."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.local.handler import Invocation, Outcome, exited, response_too_large, timed_out
from kafka_lambda_sink.local.log_pipe import LogPipe
from kafka_lambda_sink.local.runtime_api import Exit, RuntimeApi, State

#: Lambda's bound on the start of an environment; past it the function's own timeout runs.
_INIT_SECONDS = 10.0


class Environment:
    """A runtime process and its API. One invocation at a time; dead once `is_usable` is False."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        variables: Mapping[str, str],
        clock: Clock,
        on_output: Callable[[bytes], None] | None = None,
    ) -> None:
        self._clock = clock
        self._api = RuntimeApi(clock)
        self._log = LogPipe(on_output)
        self._started = clock.monotonic()
        self._is_cold = True
        #: Whether another invocation may be given to it.
        self.is_usable = True
        try:
            self._process = subprocess.Popen(  # noqa: S603  # running the developer's function is what this is for
                list(command),
                cwd=directory,
                env={**variables, "AWS_LAMBDA_RUNTIME_API": self._api.address},
                stdin=subprocess.DEVNULL,
                stdout=self._log.write_end,
                stderr=self._log.write_end,
                start_new_session=True,
            )
        except OSError:
            self._api.close()
            self._log.start()
            self._log.close()
            raise
        self._log.start()
        self._waiter = threading.Thread(target=self._wait, name="local-function-exit", daemon=True)
        self._waiter.start()

    def run(self, invocation: Invocation) -> Outcome | None:
        """The outcome; None when a warm process turned out dead before it took the invocation: take another one.

        A start may take 10 s and then the function's timeout. After a timeout, an exit or a failed start the
        environment is not usable any more.
        """
        was_cold = self._is_cold
        state = self._api.wait_ready(_INIT_SECONDS + invocation.timeout if was_cold else invocation.timeout)
        init_ms = (self._clock.monotonic() - self._started) * 1000 if was_cold else None
        self._is_cold = False
        if state is State.READY:
            self._api.offer(invocation)
            outcome = self._outcome(invocation)
        else:
            self.is_usable = False
            if not was_cold and state is State.EXITED:
                return None
            outcome = self._not_started(invocation, state)
        memory = self._peak_memory_mb()
        return replace(outcome, log=self._log.take() + outcome.log, init_ms=init_ms, max_memory_mb=memory)

    def close(self) -> None:
        """Kill the process and whatever it started."""
        self.is_usable = False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._waiter.join()
        self._api.close()
        self._log.close()

    def _outcome(self, invocation: Invocation) -> Outcome:
        report = self._api.wait_outcome(invocation.timeout)
        match report:
            case None:
                self.is_usable = False
                return timed_out(invocation)
            case Exit(reason=reason):
                self.is_usable = False
                return exited(invocation, reason)
            case outcome:
                # A runtime whose answer was refused as too large ends itself, a moment later.
                self.is_usable = outcome != response_too_large()
                return outcome

    def _not_started(self, invocation: Invocation, state: State) -> Outcome:
        match state:
            case State.INIT_FAILED:
                outcome = self._api.init_outcome
                assert outcome is not None
                return outcome
            case State.EXITED:
                return exited(invocation, self._api.exit_reason)
            case _:
                return timed_out(invocation)

    def _wait(self) -> None:
        code = self._process.wait()
        if code < 0:
            reason = f"signal: {signal.strsignal(-code) or -code}".lower()
        else:
            reason = f"exit status {code}" if code else ""
        self._api.process_exited(reason)

    def _peak_memory_mb(self) -> int | None:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) // 1024
        return None
