"""A place in a partition's log, as the client takes it."""

from __future__ import annotations

from typing import Final

from confluent_kafka import TopicPartition as ClientPartition

from kafka_lambda_sink.core.record import TopicPartition

#: librdkafka's "unknown"; None is refused.
_NO_EPOCH: Final = -1


def client_position(tp: TopicPartition, offset: int, leader_epoch: int | None, metadata: str = "") -> ClientPartition:
    """For an assignment or a commit."""
    epoch = _NO_EPOCH if leader_epoch is None else leader_epoch
    return ClientPartition(tp.topic, tp.partition, offset, metadata=metadata, leader_epoch=epoch)
