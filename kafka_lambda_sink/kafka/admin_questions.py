"""An admin client, and how its answers are awaited."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from kafka_lambda_sink.core.errors import KafkaClientError, RetriableKafkaError
from kafka_lambda_sink.kafka.client_config import build_client
from kafka_lambda_sink.kafka.client_events import ClientEvents

T = TypeVar("T")

REQUEST_TIMEOUT: Final = 10.0


class AdminQuestions:
    """One admin client of `client_config.admin_config`. Thread-safe."""

    def __init__(self, config: Mapping[str, Any], *, timeout: float, is_forgetful: bool = True) -> None:
        """`timeout` in seconds, of each request.

        Unless `is_forgetful`, what the client said of one answer explains those after it as well: for who goes on.
        """
        self._events = ClientEvents()
        self._is_forgetful = is_forgetful
        self._timeout = timeout
        self.client: AdminClient = build_client(AdminClient, config, self._events)

    def result(self, answer: Future[T], doing: str) -> T:
        """What was answered. Blocks. Raises as `explain`, and RetriableKafkaError where no answer came."""
        try:
            return answer.result(self._timeout + 1)
        except KafkaException as error:
            raise self.explain(error, doing) from error
        except TimeoutError as error:
            # The process was stopped meanwhile: the client's own time limit had no chance.
            raise RetriableKafkaError(f"{doing}: no answer in time") from error
        finally:
            if self._is_forgetful:
                self._events.clear()

    def explain(self, error: KafkaException, doing: str) -> KafkaClientError:
        """The error to raise for a question that failed."""
        # Nothing else polls an admin client, and why the cluster cannot be reached stands in its error callback.
        self.client.poll(0)
        return self._events.explain(error.args[0], doing)
