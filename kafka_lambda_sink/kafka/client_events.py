"""What a client says beside the results of its calls: log lines, and errors that belong to no record."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

from confluent_kafka import KafkaError

from kafka_lambda_sink.core.errors import FatalKafkaError, KafkaAuthorizationError, KafkaClientError
from kafka_lambda_sink.kafka.errors import client_error

#: librdkafka's own lines. They wait in the client until its owner polls it: a fetcher inside a long call is silent.
LOGGER_NAME: Final = "kafka_lambda_sink.kafka.librdkafka"
_QUIET_SECONDS: Final = 60.0
_MOST_KEYS: Final = 500
_NUMBERS: Final = re.compile(r"\d+")


class RepeatFilter(logging.Filter):
    """Lets one of many equal lines pass a minute: a client without a broker writes several a second.

    Lines that differ only in their numbers (clients, times, ports) are equal.
    """

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line passes."""
        key = _NUMBERS.sub("#", record.getMessage())
        last = self._passed.get(key)
        if last is not None and 0 <= record.created - last < _QUIET_SECONDS:
            return False
        if len(self._passed) >= _MOST_KEYS:
            self._passed.clear()
        self._passed[key] = record.created
        return True


logging.getLogger(LOGGER_NAME).addFilter(RepeatFilter())


class ClientEvents:
    """The callbacks of one client, served on the thread that polls it."""

    def __init__(self) -> None:
        self._last: KafkaClientError | None = None

    def config(self) -> dict[str, Any]:
        """The part of the client's configuration that leads here."""
        return {"logger": logging.getLogger(LOGGER_NAME), "error_cb": self._on_error}

    def clear(self) -> None:
        """Forget what came so far: the client has just worked."""
        self._last = None

    def take_grave(self) -> KafkaClientError | None:
        """The last error if waiting does not end it (fatal, or refused credentials), once."""
        last = self._last
        if isinstance(last, (FatalKafkaError, KafkaAuthorizationError)):
            self._last = None
            return last
        return None

    def explain(self, error: KafkaError, doing: str) -> KafkaClientError:
        """Our exception for a call that failed.

        A call on a cluster that refuses the credentials just times out; the reason comes by this way only.
        """
        grave = self.take_grave()
        if grave is not None:
            return type(grave)(f"{doing}: {grave}", code=grave.code, hint=grave.hint)
        failed = client_error(error, doing)
        if self._last is None:
            return failed
        return type(failed)(f"{failed}; the client's last error: {self._last}", code=failed.code, hint=failed.hint)

    def _on_error(self, error: KafkaError) -> None:
        # A later "all brokers are down" must not hide why they are.
        if error.code() == KafkaError._ALL_BROKERS_DOWN and self._last is not None:  # noqa: SLF001 - its public name
            return
        self._last = client_error(error, "the client reports")
