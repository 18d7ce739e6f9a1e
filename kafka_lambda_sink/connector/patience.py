"""Questions that commands ask a cluster until it answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from kafka_lambda_sink.core.errors import InvocationAborted, RetriableKafkaError
from kafka_lambda_sink.core.ports import Clock

T = TypeVar("T")

#: Seconds that a question may go unanswered (a coordinator that is being elected), and between two attempts.
_PATIENCE: Final = 15.0
_PAUSE: Final = 0.5


def patiently(ask: Callable[[], T], clock: Clock, stop: threading.Event | None = None) -> T:
    """Ask until there is an answer. A new cluster first has to elect who coordinates a group.

    Raises RetriableKafkaError when none came in time, and at once what waiting does not end; InvocationAborted once
    `stop` is set.
    """
    deadline = clock.monotonic() + _PATIENCE
    pause = stop or threading.Event()
    while True:
        try:
            return ask()
        except RetriableKafkaError as error:
            failure = error
        if clock.monotonic() > deadline:
            raise failure
        if pause.wait(_PAUSE):
            raise InvocationAborted from failure
