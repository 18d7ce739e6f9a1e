"""The topic that a replay takes its items from, with its cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

from kafka_lambda_sink.config.clients.translation import SecretProperties
from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.contracts.report_reading import read_dead_letter, read_error
from kafka_lambda_sink.core.errors import ConfigError, Problem
from kafka_lambda_sink.core.record import SourceRecord
from kafka_lambda_sink.core.replay_item import ReplayItem

SourceName: TypeAlias = Literal["errors", "dead-letters"]

_KEYS: dict[SourceName, str] = {
    "errors": "aws.lambda.error.topic",
    "dead-letters": "errors.deadletterqueue.topic.name",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySource:
    """Where reports are read, and as whom."""

    topic: str
    #: How to connect to its cluster.
    properties: SecretProperties
    #: Of the replays; never the connector's own.
    group_id: str
    client_id: str
    #: What a report tells. Raises UnreadableReport and ForeignReport.
    read: Callable[[SourceRecord], ReplayItem]


def replay_source(loaded: LoadedConfig, name: SourceName) -> ReplaySource:
    """The error topic, on its cluster, or the dead letter topic, on the source's. Raises ConfigError without one."""
    config, clients = loaded.sink, loaded.clients
    is_errors = name == "errors"
    topic = config.aws_lambda_error_topic if is_errors else config.errors_deadletterqueue_topic_name
    if not topic:
        problem = Problem(
            key=_KEYS[name],
            message="is not set: there is nothing to replay from",
            error_id="missing-key",
            hint="Set it to the topic that the connector has written to, or see --from.",
        )
        raise ConfigError([problem])
    return ReplaySource(
        topic=topic,
        properties=clients.error_admin if is_errors else clients.fetcher,
        group_id=f"{clients.group_id}-replay",
        client_id=f"{config.name}-replay",
        read=read_error if is_errors else partial(read_dead_letter, connector=config.name),
    )
