"""Runs a function as Lambda does: in processes of its own, behind the Runtime API, reused and replaced."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kafka_lambda_sink.core.errors import ConfigError, Problem
from kafka_lambda_sink.core.ports import Clock
from kafka_lambda_sink.local.clock import SystemClock
from kafka_lambda_sink.local.environment import Environment
from kafka_lambda_sink.local.handler import Invocation, Outcome, exited, not_executable


@dataclass(frozen=True, slots=True)
class HandlerFile:
    """A Python file and the function in it that handles events."""

    path: Path
    function: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `FILE:FUNC`, e.g. `app.py:lambda_handler`. Raises ConfigError."""
        file, colon, function = text.rpartition(":")
        path = Path(file).resolve()
        if not colon or not function.isidentifier() or path.suffix != ".py":
            message, hint = f"'{text}' is not FILE.py:FUNCTION", "For example app.py:lambda_handler."
        elif not path.is_file():
            message, hint = f"there is no file {path}", "Check the path."
        else:
            return cls(path, function)
        raise ConfigError([Problem(key="handler", message=message, error_id="invalid-handler", hint=hint)])

    @property
    def name(self) -> str:
        """As Lambda's `_HANDLER` has it: `app.lambda_handler`."""
        return f"{self.path.stem}.{self.function}"


class RuntimeHandler:
    """Keeps the execution environments of a function: one process each, as many as invocations at a time.

    Without a `command`, AWS's runtime client for Python (`awslambdaric`) runs `handler`; any other command that speaks
    the Runtime API is started in `directory`, with `handler` as its `_HANDLER`. `variables` are set on top of ours.
    `on_output` gets what the processes write, from several threads.

    Raises ConfigError where `awslambdaric` is needed and not installed.
    """

    def __init__(
        self,
        handler: HandlerFile | str,
        *,
        command: Sequence[str] | None = None,
        directory: Path | None = None,
        variables: Mapping[str, str] | None = None,
        on_output: Callable[[bytes], None] | None = None,
        clock: Clock | None = None,
    ) -> None:
        if isinstance(handler, HandlerFile):
            directory = directory or handler.path.parent
            handler = handler.name
        if command is None and importlib.util.find_spec("awslambdaric") is None:
            message, hint = "AWS's runtime client is not installed", "pip install 'kafka-lambda-sink[local]'"
            raise ConfigError([Problem(key=None, message=message, error_id="missing-runtime-client", hint=hint)])
        self._handler = handler
        self._command = list(command or (sys.executable, "-m", "awslambdaric", handler))
        self._directory = directory or Path.cwd()
        self._variables = dict(variables or {})
        self._on_output = on_output
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._idle: dict[str, list[Environment]] = {}
        self._all: set[Environment] = set()
        self._closed = threading.Event()

    def __str__(self) -> str:
        """`Handler` of GetFunctionConfiguration."""
        return self._handler

    def run(self, invocation: Invocation) -> Outcome:
        """Execute in an idle environment, or in a new one."""
        while True:
            try:
                environment = self._acquire(invocation)
            except OSError as error:
                return not_executable(invocation, self._command[0], (error.strerror or str(error)).lower())
            if environment is None:
                return exited(invocation, "")
            outcome = environment.run(invocation)
            self._release(environment, invocation.version)
            if outcome is not None:
                return outcome

    def close(self) -> None:
        """Kill every environment."""
        with self._lock:
            self._closed.set()
            environments = list(self._all)
            self._all.clear()
            self._idle.clear()
        for environment in environments:
            environment.close()

    def _acquire(self, invocation: Invocation) -> Environment | None:
        with self._lock:
            if self._closed.is_set():
                return None
            idle = self._idle.get(invocation.version)
            if idle:
                return idle.pop()
        environment = Environment(
            self._command,
            directory=self._directory,
            variables=self._environment_variables(invocation),
            clock=self._clock,
            on_output=self._on_output,
        )
        with self._lock:
            if not self._closed.is_set():
                self._all.add(environment)
                return environment
        environment.close()
        return None

    def _release(self, environment: Environment, version: str) -> None:
        with self._lock:
            is_ours = environment in self._all
            if is_ours and environment.is_usable and not self._closed.is_set():
                self._idle.setdefault(version, []).append(environment)
                return
            self._all.discard(environment)
        if is_ours:
            environment.close()

    def _environment_variables(self, invocation: Invocation) -> dict[str, str]:
        """Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, reserved variables."""
        region = invocation.function_arn.split(":")[3]
        python = ".".join(platform.python_version_tuple()[:2])
        return {
            **os.environ,
            "_HANDLER": self._handler,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{python}",
            "AWS_LAMBDA_FUNCTION_NAME": invocation.function_name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(invocation.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": invocation.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{invocation.function_name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"local/[{invocation.version}]",
            "LAMBDA_TASK_ROOT": str(self._directory),
            "TZ": ":UTC",
            **self._variables,
        }
