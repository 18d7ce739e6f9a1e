"""A topic that `topics.regex` matches and that has no function."""

from __future__ import annotations

from typing import Final

from kafka_lambda_sink.core.errors import PartitionStopped, Problem
from kafka_lambda_sink.core.ports import CallContext, InvokeReply
from kafka_lambda_sink.telemetry.logs import get_logger

_log = get_logger(__name__)

_HINT: Final = (
    "Add the topic to aws.lambda.topic2function.map, or set aws.lambda.function.name for all topics that it does not "
    "name, then start again."
)


def missing_function(topic: str) -> Problem:
    """What is wrong with the topic."""
    message = f"the topic {topic} has no function: its partitions stop at their first record"
    return Problem(key="aws.lambda.topic2function.map", message=message, error_id="missing-function", hint=_HINT)


class MissingFunction:
    """Stands in the place of an invoker, and stops the partition at its first record.

    Not before: the pipeline has to find and commit where it starts, or what arrives until there is a function would be
    skipped under `auto.offset.reset=latest`.
    """

    def __init__(self, topic: str) -> None:
        self._topic = topic
        problem = missing_function(topic)
        _log.warning(problem.message, topic=topic, error_id=problem.error_id, hint=problem.hint)

    def invoke(self, payload: bytes, call: CallContext | None = None) -> InvokeReply:  # noqa: ARG002 - nothing is sent
        """Raise PartitionStopped."""
        raise PartitionStopped(f"the topic {self._topic} has no function", hint=_HINT)

    def halt(self) -> None:
        """No call waits for its turn."""

    def abort(self) -> None:
        """Nothing is in flight."""

    def close(self) -> None:
        """Nothing to close."""
