"""The functions of a connector: one, or by topic several. Opened and checked together, each with its own timeout."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from functools import partial
from typing import NamedTuple

from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.aws_lambda.read_timeout import ReadTimeout
from kafka_lambda_sink.aws_lambda.region_access import RegionAccess
from kafka_lambda_sink.config.function_name import parse_function_name
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.background import in_background
from kafka_lambda_sink.connector.function import check_function, lambda_settings, open_function
from kafka_lambda_sink.connector.function_timeout import reply_timeout
from kafka_lambda_sink.connector.missing_function import MissingFunction
from kafka_lambda_sink.core.circuit import Circuit
from kafka_lambda_sink.core.concurrency import LONGEST_WAIT, ConcurrencyLimit
from kafka_lambda_sink.core.errors import (
    ConfigError,
    ConfigurationInvocationError,
    InvocationAborted,
    KafkaLambdaSinkError,
    Problem,
)
from kafka_lambda_sink.core.ports import Clock, Invoker
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.function_gate import FunctionGate
from kafka_lambda_sink.pipeline.gated_invoker import GatedInvoker
from kafka_lambda_sink.telemetry.logs import get_logger

_log = get_logger(__name__)


class OpenedFunctions(NamedTuple):
    """Clients by the function's name as it is written, and what is wrong with the others."""

    clients: Mapping[str, FunctionClient]
    problems: Sequence[Problem]


def open_functions(config: SinkConfig, clock: Clock) -> OpenedFunctions:
    """The clients of all functions that records may go to. No network IO.

    Those of one region share session and connections, all of them the credentials.
    """
    accesses: dict[str | None, RegionAccess] = {}
    clients: dict[str, FunctionClient] = {}
    problems: list[Problem] = []
    for name in config.functions:
        settings = lambda_settings(config, name)
        try:
            access = accesses.get(settings.region)
            if access is None:
                credentials = next((other.credentials for other in accesses.values()), None)
                access = accesses[settings.region] = RegionAccess(settings, clock, credentials)
            clients[name] = open_function(config, name, clock, access)
        except ConfigError as error:
            problems += error.problems
    # What is wrong with the way there is wrong for each.
    return OpenedFunctions(clients, list(dict.fromkeys(problems)))


class Functions:
    """The functions of a running connector. Thread-safe once `prepare` has returned."""

    def __init__(self, config: SinkConfig, clock: Clock) -> None:
        """No network IO. Raises ConfigError with the problems of all."""
        self._config = config
        self._clock = clock
        self._clients, problems = open_functions(config, clock)
        if problems:
            raise ConfigError(list(problems))
        self._timeouts: dict[str, ReadTimeout] = {}
        #: Shared by all names of a function: its versions and aliases have its concurrency in common.
        self._gates: dict[tuple[str | None, ...], FunctionGate] = {}
        alarms = Alarms(clock)
        for name in self._clients:
            self._gates.setdefault(_identity(config, name), _gate(config, name, clock, alarms))

    @property
    def access(self) -> RegionAccess | None:
        """The way to the first of them; None where there is none yet."""
        return next((client.access for client in self._clients.values()), None)

    def describe(self) -> list[dict[str, str]]:
        """What start lines say of each; no secrets."""
        return [client.describe() for client in self._clients.values()]

    def prepare(self, stop: threading.Event, timeout: float) -> None:
        """Ask by DryRun whether we may invoke them, and for how long they may run. Blocks.

        Several are asked at the same time, and what is wrong with each is logged. Raises as `check_function`, the worst
        of all.
        """
        names = list(self._clients)
        if len(names) == 1:
            self._timeouts[names[0]] = self._prepare(names[0], stop, timeout)
            return
        asked = {name: in_background(partial(self._prepare, name, stop, timeout), f"asking {name}") for name in names}
        wait(asked.values())
        errors = {name: error for name, future in asked.items() if (error := future.exception()) is not None}
        if errors:
            raise _worst(errors)
        self._timeouts = {name: future.result() for name, future in asked.items()}

    def invoker(self, topic: str) -> Invoker:
        """A new invoker of the topic's function, for one thread, behind the function's gate. No IO."""
        name = self._config.function_of(topic)
        if name is None:
            return MissingFunction(topic)
        invoker = self._clients[name].invoker(self._timeouts[name])
        return GatedInvoker(invoker, self._gates[_identity(self._config, name)])

    def trouble(self, topic: str) -> Exception | None:
        """Why the topic's function takes no calls at all (it is paused, or away), where that is so. Any thread."""
        name = self._config.function_of(topic)
        return None if name is None else self._gates[_identity(self._config, name)].trouble

    def _prepare(self, name: str, stop: threading.Event, timeout: float) -> ReadTimeout:
        control = self._clients[name].control()
        check_function(control, name, self._clock, stop, timeout)
        return reply_timeout(self._config, name, control, self._clock)


def _identity(config: SinkConfig, name: str) -> tuple[str | None, ...]:
    parts = parse_function_name(name)
    return config.region_of(name), parts.account, parts.name


def _gate(config: SinkConfig, name: str, clock: Clock, alarms: Alarms) -> FunctionGate:
    most = config.aws_lambda_concurrency
    circuit = Circuit(
        config.aws_lambda_circuit_breaker_failures,
        config.aws_lambda_retry_backoff_ms / 1000,
        min(config.aws_lambda_retry_backoff_max_ms / 1000, LONGEST_WAIT),
    )
    limit = ConcurrencyLimit(None if most == "auto" else most)
    return FunctionGate(name, limit, circuit, clock=clock, alarms=alarms)


def _worst(errors: Mapping[str, BaseException]) -> BaseException:
    for name, error in errors.items():
        if isinstance(error, InvocationAborted):
            return error
        if isinstance(error, KafkaLambdaSinkError):
            _log.error(
                "the check of a function failed",
                function=name, error=str(error), error_id=error.error_id, hint=error.hint,
            )  # fmt: skip
    return max(errors.values(), key=lambda error: isinstance(error, ConfigurationInvocationError))
