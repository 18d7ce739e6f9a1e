"""What must hold between `aws.lambda.reply.routing` and the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.model import SinkConfig

_ROUTING: Final = "aws_lambda_reply_routing"
_TOPICS: Final = "aws_lambda_reply_routing_topics"
_CONTRACT: Final = "aws_lambda_reply_contract"
_TYPE: Final = "aws_lambda_invocation_type"
_WITHOUT_RESULTS: Final = frozenset({"batch-item-failures", "row-errors", "none"})


def routing_errors(config: SinkConfig) -> Iterator[Finding]:
    """What stops the start."""
    if not config.aws_lambda_reply_routing:
        return
    if config.aws_lambda_invocation_type == "async":
        message = "an asynchronous invocation has no reply that could name topics"
        yield Finding((_ROUTING, _TYPE), message, "conflict", "Remove it, or set aws.lambda.invocation.type=sync")
    elif config.aws_lambda_reply_contract in _WITHOUT_RESULTS and not config.own_contract:
        message = f"replies of the contract `{config.aws_lambda_reply_contract}` have no results that could be routed"
        yield Finding((_CONTRACT, _ROUTING), message, "conflict", "Use records, or remove aws.lambda.reply.routing")
    if not (config.aws_lambda_response_topic or config.aws_lambda_reply_routing_topics):
        message = (
            "needs aws.lambda.reply.routing.topics beside it, or aws.lambda.response.topic: results may go nowhere"
        )
        yield Finding((_ROUTING, _TOPICS), message, "missing-key", "Name every topic that replies may name")
    for attribute in ("aws_lambda_error_topic", "errors_deadletterqueue_topic_name"):
        topic = getattr(config, attribute)
        if topic in config.aws_lambda_reply_routing_topics:
            message = f"`{topic}` is the topic of failures: what reads it would take results for them"
            yield Finding((_TOPICS, attribute), message, "conflict", "Choose another topic")


def routing_warnings(config: SinkConfig) -> Iterator[Finding]:
    """What a person should know at the start."""
    if config.aws_lambda_reply_routing_topics and not (config.aws_lambda_reply_routing or config.is_function_connector):
        message = "nothing is written to them without aws.lambda.reply.routing=true"
        yield Finding((_TOPICS, _ROUTING), message, "no-effect")
