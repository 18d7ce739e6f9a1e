from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from kafka_lambda_sink.core.errors import RetriableKafkaError
from kafka_lambda_sink.kafka.access import ClusterAccess
from kafka_lambda_sink.kafka.client_config import admin_config


class SilentAdmin:
    """An admin client whose own time limit does not strike: so it is when the process was stopped for a while."""

    def describe_cluster(self, **_: Any) -> Future[Any]:
        return Future()

    def describe_topics(self, *_: Any, **__: Any) -> dict[str, Future[Any]]:
        return {"orders": Future()}

    def create_topics(self, *_: Any, **__: Any) -> dict[str, Future[Any]]:
        return {"orders": Future()}

    def describe_consumer_groups(self, *_: Any, **__: Any) -> dict[str, Future[Any]]:
        return {"connect-orders": Future()}


def test_a_question_without_any_answer_is_one_to_ask_again():
    access = ClusterAccess(admin_config({"bootstrap.servers": "127.0.0.1:1"}, client_id="test"), timeout=-0.99)
    access._admin = SilentAdmin()  # type: ignore[assignment]
    with pytest.raises(RetriableKafkaError, match="reaching the brokers: no answer in time"):
        access.brokers()
    for error in (
        access.topics(["orders"])["orders"].error,
        access.group("connect-orders").error,
        access.refuses_topic("orders", 1, 1),
    ):
        assert type(error) is RetriableKafkaError
        assert "no answer in time" in str(error)
