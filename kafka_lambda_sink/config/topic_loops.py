"""Topics that are read and written by the same connector: their records would come back for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from kafka_lambda_sink.config.clients.assembly import ClientProperties
from kafka_lambda_sink.config.model import SinkConfig

_BOOTSTRAP: Final = "bootstrap.servers"


class TopicLoop(NamedTuple):
    """A topic that is written, with a name that is read."""

    #: The key that names it.
    key: str
    topic: str
    #: Whether it is the very topic that is read. Otherwise its brokers have other addresses: of another cluster, where
    #: it is a mirror as others are, or of the same one under other names. Only the clusters can tell.
    is_certain: bool


def topic_loops(config: SinkConfig, clients: ClientProperties) -> Iterator[TopicLoop]:
    """The topics that may loop. A regular expression is held against the names: what it comes to match later, too."""
    producers: dict[str, Mapping[str, str]] = {
        "aws.lambda.response.topic": clients.response_producer,
        "aws.lambda.reply.routing.topics": clients.response_producer,
        "aws.lambda.error.topic": clients.error_producer,
        "errors.deadletterqueue.topic.name": clients.dead_letter_producer,
    }
    for key, topic in config.report_topics:
        if config.selects(topic):
            yield TopicLoop(key, topic, _share_a_broker(clients.fetcher, producers[key]))


def _share_a_broker(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return not _addresses(one).isdisjoint(_addresses(other))


def _addresses(properties: Mapping[str, str]) -> set[str]:
    # Where they are wrong, both are: one problem is enough.
    return set(properties.get(_BOOTSTRAP, "").lower().split(","))
