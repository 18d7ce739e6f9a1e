"""Records as the consumer hands them out."""

from __future__ import annotations

from typing import Final, cast

from confluent_kafka import Message

from kafka_lambda_sink.core.record import SourceRecord, TopicPartition

#: What `record` belongs to.
TP: Final = TopicPartition("orders", 3)


def record(
    offset: int,
    value: bytes | None = b"{}",
    key: bytes | None = None,
    *,
    timestamp: tuple[int, int] = (1, 1_700_000_000_000),
    headers: list[tuple[str, bytes | None]] | None = None,
) -> SourceRecord:
    """A real Message of `orders-3`."""
    message = Message(
        topic=TP.topic,
        partition=TP.partition,
        offset=offset,
        key=key,
        value=value,
        timestamp=timestamp,
        # A copy: the stubs want a list that may hold str.
        headers=None if headers is None else list(headers),
    )
    # The stubs allow for messages that carry an error and then have neither offset nor topic.
    return cast("SourceRecord", message)
