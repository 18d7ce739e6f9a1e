"""`kafka-lambda-sink inspect`: what becomes of one record, step by step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from kafka_lambda_sink.cli.options import Sources
from kafka_lambda_sink.cli.problems import show_failure
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.inspection import Inspection, inspect_record
from kafka_lambda_sink.core.errors import KafkaLambdaSinkError
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.telemetry.logs import configure
from kafka_lambda_sink.worker.exit_codes import ExitCode

_NAMED = ("earliest", "latest")


def inspect(sources: Sources, topic: str | None, partition: int, offset: str, *, is_json: bool) -> ExitCode:
    """Read, follow, print. CRASH for a record that is not sent, and for one that cannot be read."""
    if not offset.isdecimal() and offset not in _NAMED:
        raise click.UsageError("--offset is a number, earliest or latest")
    try:
        loaded = sources.load()
        tp = TopicPartition(topic or _only_topic(loaded.sink), partition)
        configure("console", "error", None)
        found = inspect_record(loaded, SystemClock(), tp, int(offset) if offset.isdecimal() else offset)
    except KafkaLambdaSinkError as error:
        return show_failure(error)
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_as_json(found))))
    else:
        click.echo("\n".join(render(found)))
    return ExitCode.OK if found.is_sent else ExitCode.CRASH


def _only_topic(config: SinkConfig) -> str:
    if len(config.topics) == 1:
        return config.topics[0]
    raise click.UsageError("--topic is required: the connector reads more than one")


def _as_json(found: Inspection) -> dict[str, Any]:
    return {
        "topic": found.tp.topic,
        "partition": found.tp.partition,
        "offset": found.offset,
        "sent": found.is_sent,
        "steps": [{"name": step.name, "outcome": step.outcome, "shown": step.shown} for step in found.steps],
    }


def render(found: Inspection) -> Iterator[str]:
    """The steps as text, each with what the record is after it."""
    yield f"{found.tp} offset {found.offset}"
    for step in found.steps:
        yield ""
        if step.outcome:
            yield f"{step.name}: {step.outcome}"
        elif isinstance(step.shown, str):
            yield f"{step.name}: {step.shown}"
        else:
            yield step.name
            yield from (f"  {line}" for line in _pretty(step.shown))
    yield ""
    yield "The function gets it." if found.is_sent else "The function does not get it."


def _pretty(shown: Any) -> list[str]:
    encoded = msgspec.json.encode(shown)
    if isinstance(shown, dict):
        return [f"{name:<9} {json.dumps(value, ensure_ascii=False)}" for name, value in json.loads(encoded).items()]
    return [encoded.decode()]
