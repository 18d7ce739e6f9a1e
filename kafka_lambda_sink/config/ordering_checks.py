"""What must hold where a partition has several batches in flight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.model import SinkConfig

_ORDERING: Final = "aws_lambda_ordering"
_BOUNDS: Final = (
    "aws_lambda_max_in_flight",
    "aws_lambda_max_in_flight_task",
    "aws_lambda_max_unfinished_records",
    "aws_lambda_max_unfinished_bytes",
    "aws_lambda_max_unfinished_age_ms",
)


def ordering_errors(config: SinkConfig) -> Iterator[Finding]:
    """What stops the start."""
    if config.aws_lambda_ordering != "partition" and config.is_function_connector:
        message = "a function with a state gets the batches of a partition one after another"
        yield Finding((_ORDERING, "aws_lambda_request_format"), message, "conflict", "Remove it")


def ordering_warnings(config: SinkConfig) -> Iterator[Finding]:
    """What a person should know at the start."""
    if config.aws_lambda_ordering != "partition":
        return
    for attribute in _BOUNDS:
        if getattr(config, attribute) != SinkConfig.model_fields[attribute].default:
            message = "has no effect with aws.lambda.ordering=partition: one batch of a partition is in flight"
            yield Finding((attribute, _ORDERING), message, "no-effect", "Set aws.lambda.ordering=key or unordered")
