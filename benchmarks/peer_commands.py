"""How each peer is told what to do."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template

from benchmarks import benthos_build
from benchmarks.cell import Cell, Peer

_PIPELINE = Path(__file__).with_name("benthos") / "pipeline.yaml"
_SINK = """\
name={name}
bootstrap.servers={bootstrap}
topics={topic}
aws.lambda.function.name=bench
aws.lambda.region=us-east-1
aws.lambda.endpoint.url={url}
aws.access.key.id=AKIALOCAL
aws.secret.access.key=secret
aws.lambda.batch.size={batch}
behavior.on.error=fail
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where a run takes place."""

    directory: Path
    bootstrap: str
    url: str
    #: A name of this run alone: connector and group are called so.
    name: str
    topic: str
    response_topic: str | None
    #: More lines of the sink's configuration.
    extra: str = ""


def command_of(peer: Peer, cell: Cell, place: Workplace) -> list[str]:
    """The command line of a peer, whose configuration is written. Raises NotBuilt."""
    if peer == "benthos":
        command = _benthos_command(cell, place)
    elif peer == "sink":
        command = [sys.executable, *_sink_command(cell, place)]
    else:
        command = [sys.executable, *_loop_command(cell, place), *(["--unsigned"] if peer == "unsigned" else [])]
    return command if cell.core is None else ["taskset", "--cpu-list", str(cell.core), *command]


def _sink_command(cell: Cell, place: Workplace) -> list[str]:
    text = _SINK.format(name=place.name, bootstrap=place.bootstrap, topic=place.topic, url=place.url, batch=cell.batch)
    text += place.extra
    if place.response_topic:
        text += f"aws.lambda.response.topic={place.response_topic}\n"
    config = place.directory / f"{place.name}.properties"
    config.write_text(text)
    return ["-m", "kafka_lambda_sink", "--config", str(config)]


def _loop_command(cell: Cell, place: Workplace) -> list[str]:
    command = [str(Path(__file__).with_name("boto3_loop.py")), "--bootstrap", place.bootstrap, "--topic", place.topic]
    command += ["--group", place.name, "--url", place.url, "--batch", str(cell.batch)]
    return command + (["--response-topic", place.response_topic] if place.response_topic else [])


def _benthos_command(cell: Cell, place: Workplace) -> list[str]:
    text = Template(_PIPELINE.read_text()).substitute(
        bootstrap=place.bootstrap, topic=place.topic, group=place.name, batch=cell.batch, url=place.url
    )
    pipeline = place.directory / f"{place.name}.yaml"
    pipeline.write_text(text)
    return [str(benthos_build.built()), "-c", str(pipeline)]
