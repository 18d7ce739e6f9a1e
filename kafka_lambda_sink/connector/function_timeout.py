"""How long to wait for the function's replies: as configured, else as long as the function itself may take."""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from typing import Final

from kafka_lambda_sink.aws_lambda.read_timeout import ReadTimeout
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.background import in_background
from kafka_lambda_sink.core.errors import InvocationError, Problem
from kafka_lambda_sink.core.ports import Clock, FunctionControl
from kafka_lambda_sink.telemetry.logs import get_logger

_log = get_logger(__name__)

#: Lambda's longest timeout, 900 s, and a margin: for when we may not ask for the function's own.
LONGEST: Final = 910.0
#: Seconds beyond the function's own timeout that we wait for its reply: queueing, cold starts, the network.
_MARGIN: Final = 15.0
#: Replies that did not come in time until the function's timeout is asked again: one may be the network's fault.
_MISSED: Final = 2
#: Seconds between two such questions, at least.
_INTERVAL: Final = 300.0


def reply_timeout(config: SinkConfig, function: str, control: FunctionControl, clock: Clock) -> ReadTimeout:
    """What the invokers of a function wait. Asks for its own timeout; blocks for it unless one is configured."""
    configured = config.aws_lambda_socket_timeout
    if configured is None:
        return OwnTimeout(first_timeout(config, function, control), function, control, clock).read_timeout
    if config.aws_lambda_invocation_type == "sync":
        # The start does not wait for an answer that changes nothing.
        in_background(partial(_tell_if_short, config, function, control), "function timeout")
    return ReadTimeout(configured / 1000)


def first_timeout(config: SinkConfig, function: str, control: FunctionControl) -> float:
    """Seconds to wait for a reply: as configured, else the function's own timeout and a margin, else the longest."""
    if config.aws_lambda_socket_timeout is not None:
        return config.aws_lambda_socket_timeout / 1000
    reason = "not allowed"
    try:
        timeout = control.timeout()
        if timeout is not None:
            return timeout + _MARGIN
    except InvocationError as error:
        # The DryRun has passed: what cannot answer this question (an emulator, a proxy) can still be invoked.
        reason = str(error)
    _log.warning(
        "the function's own timeout is not known: waiting up to 910 s for each reply",
        function=function,
        reason=reason,
        hint="Allow lambda:GetFunctionConfiguration, or set aws.lambda.socket.timeout.",
    )
    return LONGEST


def short_timeout(config: SinkConfig, own: float) -> Problem | None:
    """What is wrong with the configured timeout where the function may run for longer, `own` seconds; else None."""
    configured = config.aws_lambda_socket_timeout
    if configured is None or configured / 1000 > own:
        return None
    return Problem(
        key="aws.lambda.socket.timeout",
        message=f"is {configured} ms, but the function may run for {own:g} s: "
        "a batch would be sent again while its first invocation still runs",
        error_id="short-socket-timeout",
        hint="Raise it above the function's timeout, or remove it.",
    )


class OwnTimeout:
    """Follows the function's own timeout, which somebody may raise while we run. Thread-safe.

    It is asked again when replies did not come in time: beside the invocations, and rarely, since the control API of an
    account takes few questions a second and a function that hangs would bring one with every batch.
    """

    def __init__(self, seconds: float, function: str, control: FunctionControl, clock: Clock) -> None:
        #: For the invokers; changes while they run.
        self.read_timeout: Final = ReadTimeout(seconds, self._reply_missed)
        self._function = function
        self._control = control
        self._clock = clock
        self._lock = threading.Lock()
        self._missed = 0
        #: Not asked again before this time.
        self._next = clock.monotonic()

    def _reply_missed(self) -> None:
        """A reply did not come in time. The thread of an invoker."""
        with self._lock:
            self._missed += 1
            now = self._clock.monotonic()
            if self._missed < _MISSED or now < self._next:
                return
            self._missed = 0
            self._next = now + _INTERVAL
        # Where no thread can be had, the invocation that waits for us must not fail for it.
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=self._ask, name="function timeout", daemon=True).start()

    def _ask(self) -> None:
        reason = "not allowed"
        own: float | None = None
        try:
            own = self._control.timeout()
        except InvocationError as error:
            reason = str(error)
        if own is None:
            _log.warning(
                "replies do not come, and the function's own timeout could not be asked again",
                function=self._function,
                reason=reason,
            )
            return
        before, after = self.read_timeout.seconds, own + _MARGIN
        if after == before:
            return
        self.read_timeout.seconds = after
        _log.info(
            "the function's own timeout has changed: replies are waited for accordingly",
            function=self._function,
            function_timeout_s=own,
            before_s=before,
            now_s=after,
        )


def _tell_if_short(config: SinkConfig, function: str, control: FunctionControl) -> None:
    try:
        own = control.timeout()
    except InvocationError:
        return
    problem = None if own is None else short_timeout(config, own)
    if problem is not None:
        _log.warning("configuration", function=function, problem=str(problem), error_id=problem.error_id)
