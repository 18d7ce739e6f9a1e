"""Structured logs: an event and fields, never a sentence with values in it.

Built on the standard library, so that the lines of foreign libraries take the same way, and because all waits for
the import of this module: a few milliseconds, where structlog takes over a hundred.

    log = get_logger(__name__)
    log.warning("invocation failed: trying again", topic="orders", partition=3, request_id=reply.request_id)
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Final, Literal, Protocol, TextIO, TypeAlias

from kafka_lambda_sink.telemetry.log_format import ConsoleFormatter, JsonFormatter

LogFormat: TypeAlias = Literal["json", "console"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]

_PACKAGE: Final = "kafka_lambda_sink"
#: Their DEBUG lines hold requests whole: payloads, signatures, session tokens.
_TELLTALES: Final = ("boto3", "botocore", "urllib3")
#: Faults that a gate remembers before it forgets those that ended.
_MANY_FAULTS: Final = 1000


class Logger:
    """Logs events with fields. Thread-safe. A field that is None is left out; values are cut at 4 KB.

    `exc_info` is an exception whose stack trace is added; give it for bugs, not for faults of the world around.
    """

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: str, /, *, exc_info: BaseException | None = None, **fields: object) -> None:
        """For whoever develops or hunts a fault; may come once a record."""
        self._log(logging.DEBUG, event, exc_info, fields)

    def info(self, event: str, /, *, exc_info: BaseException | None = None, **fields: object) -> None:
        """What an operator may want to know afterwards: never once a record or a batch."""
        self._log(logging.INFO, event, exc_info, fields)

    def warning(self, event: str, /, *, exc_info: BaseException | None = None, **fields: object) -> None:
        """Something failed, and the sink deals with it."""
        self._log(logging.WARNING, event, exc_info, fields)

    def error(self, event: str, /, *, exc_info: BaseException | None = None, **fields: object) -> None:
        """Something failed, and a person has to look at it."""
        self._log(logging.ERROR, event, exc_info, fields)

    def _log(self, level: int, event: str, exc_info: BaseException | None, fields: dict[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, exc_info=exc_info, extra={"fields": fields})


def get_logger(name: str) -> Logger:
    """The logger of a module: `get_logger(__name__)`. May be called before `configure`."""
    return Logger(logging.getLogger(name))


def configure(
    log_format: LogFormat,
    level: LogLevel,
    connector: str | None,
    stream: TextIO | None = None,
    *,
    task: int | None = None,
    open_handler: Callable[[TextIO], logging.StreamHandler[TextIO]] = logging.StreamHandler,
) -> None:
    """Send every log line of the process, foreign libraries' and warnings included, to `stream` (default: stderr).

    `level` is that of our own lines; foreign ones are logged from WARNING on, from INFO on where `level` is debug.
    Several processes that share the stream give `LineLock.handler` as `open_handler`, and each the number of its task.
    Replaces what an earlier call set up. Call it before the first thread starts.
    """
    formatter_class = JsonFormatter if log_format == "json" else ConsoleFormatter
    handler = open_handler(sys.stderr if stream is None else stream)
    handler.setFormatter(formatter_class({"connector": connector, "task": task}))
    handler.addFilter(_keeps_secrets)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if level == "debug" else logging.WARNING)
    logging.getLogger(_PACKAGE).setLevel(level.upper())
    logging.captureWarnings(capture=True)


def _keeps_secrets(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG or record.name.partition(".")[0] not in _TELLTALES


class Monotonic(Protocol):
    """What the gate needs of `core.ports.Clock`."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""


class RateLimited:
    """A gate for a fault that repeats: it is told once an interval, with how often it came in between. Thread-safe."""

    __slots__ = ("_clock", "_faults", "_interval", "_lock")

    def __init__(self, interval: float, clock: Monotonic) -> None:
        #: Seconds.
        self._interval = interval
        self._clock = clock
        #: When each fault was last told, and how often it was held back since.
        self._faults: dict[object, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def admit(self, fault: object) -> int | None:
        """How many times `fault` (hashable, e.g. partition and error code) was held back since it was last told.

        None: it is to be held back now.
        """
        now = self._clock.monotonic()
        with self._lock:
            told, held_back = self._faults.get(fault, (None, 0))
            if told is not None and now - told < self._interval:
                self._faults[fault] = (told, held_back + 1)
                return None
            if len(self._faults) >= _MANY_FAULTS:
                self._forget(now)
            self._faults[fault] = (now, 0)
            return held_back

    def _forget(self, now: float) -> None:
        """Drop the faults that were not told within the interval; what was held back of them is not told any more."""
        self._faults = {fault: state for fault, state in self._faults.items() if now - state[0] < self._interval}
