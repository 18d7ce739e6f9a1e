"""The topics that a connector writes, each with its cluster."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_lambda_sink.config.clients.assembly import ClientProperties
from kafka_lambda_sink.config.clients.translation import SecretProperties
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.config.topic_loops import topic_loops
from kafka_lambda_sink.core.errors import Problem

#: Kafka's words for "as the broker is configured".
_BROKER_DEFAULT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTopic:
    """One topic that is written, and where."""

    key: str
    topic: str
    producer: SecretProperties
    admin: SecretProperties
    partitions: int
    replication_factor: int
    #: A topic of this name is read, from brokers of other addresses: a loop if they are of the same cluster.
    may_loop: bool

    def loop(self, source_cluster: str | None, cluster: str | None) -> Problem | None:
        """What is wrong when it lives on the cluster that is read from. Both are cluster ids, None where unknown."""
        if not self.may_loop or source_cluster is None or source_cluster != cluster:
            return None
        servers = self.admin["bootstrap.servers"]
        message = (
            f"`{self.topic}` is among the topics that are read, and {servers} is the cluster that they are read from: "
            "its records would come back for ever"
        )
        hint = "Choose another topic, or the brokers of another cluster"
        return Problem(key=self.key, message=message, error_id="topic-loop", hint=hint)


def report_topics(config: SinkConfig, clients: ClientProperties) -> list[ReportTopic]:
    """The topics that this configuration writes."""
    doubtful = {(loop.key, loop.topic) for loop in topic_loops(config, clients) if not loop.is_certain}
    results = (
        clients.response_producer,
        clients.response_admin,
        config.reporter_result_topic_partitions,
        config.reporter_result_topic_replication_factor,
    )
    settings = {
        "aws.lambda.response.topic": results,
        "aws.lambda.reply.routing.topics": results,
        "aws.lambda.error.topic": (
            clients.error_producer,
            clients.error_admin,
            config.reporter_error_topic_partitions,
            config.reporter_error_topic_replication_factor,
        ),
        "errors.deadletterqueue.topic.name": (
            clients.dead_letter_producer,
            clients.admin,
            _BROKER_DEFAULT,
            config.errors_deadletterqueue_topic_replication_factor,
        ),
    }
    topics = []
    for key, topic in config.report_topics:
        producer, admin, partitions, replication_factor = settings[key]
        topics.append(
            ReportTopic(
                key=key,
                topic=topic,
                producer=producer,
                admin=admin,
                partitions=partitions,
                replication_factor=replication_factor,
                may_loop=(key, topic) in doubtful,
            )
        )
    return topics
