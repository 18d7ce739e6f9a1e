"""Where logs begin and end, asked beside the consumers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import IsolationLevel
from confluent_kafka import TopicPartition as ClientPartition
from confluent_kafka.admin import OffsetSpec

from kafka_lambda_sink.core.errors import RetriableKafkaError, UnknownTopicError
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.kafka.admin_questions import REQUEST_TIMEOUT, AdminQuestions

#: How librdkafka says that nobody leads the partition: for one, as it does not exist.
_NOBODY_LEADS: Final = "_NOENT"
# Its type hints lack those of these methods.
_EARLIEST: Final[OffsetSpec] = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: Final[OffsetSpec] = OffsetSpec.latest()  # type: ignore[no-untyped-call]


class LogEnds:
    """An admin client that opens with the first question. Thread-safe.

    A consumer that is polled on another thread never answers this (seen with confluent-kafka 2.16).
    """

    def __init__(self, config: Mapping[str, Any], isolation_level: str) -> None:
        """`config` comes from `client_config.admin_config`."""
        self._config = config
        self._isolation_level = (
            IsolationLevel.READ_UNCOMMITTED if isolation_level == "read_uncommitted" else IsolationLevel.READ_COMMITTED
        )
        self._lock = threading.Lock()
        self._opened: AdminQuestions | None = None

    def earliest(self, tp: TopicPartition) -> int:
        """First offset in the log. Blocks on the broker."""
        return self._ask(tp, _EARLIEST)

    def latest(self, tp: TopicPartition) -> int:
        """Offset after the last visible record: the last stable one under `read_committed`. Blocks on the broker."""
        return self._ask(tp, _LATEST)

    def _ask(self, tp: TopicPartition, end: OffsetSpec) -> int:
        with self._lock:
            if self._opened is None:
                self._opened = AdminQuestions(self._config, timeout=REQUEST_TIMEOUT, is_forgetful=False)
            questions = self._opened
        [answer] = questions.client.list_offsets(
            {ClientPartition(*tp): end}, isolation_level=self._isolation_level, request_timeout=REQUEST_TIMEOUT
        ).values()
        try:
            return int(questions.result(answer, f"asking the ends of the log {tp}").offset)
        except RetriableKafkaError as error:
            if error.code == _NOBODY_LEADS:
                raise UnknownTopicError(str(error), code=error.code) from error
            raise
