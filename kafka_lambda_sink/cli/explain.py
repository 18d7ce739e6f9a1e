"""`kafka-lambda-sink explain`: why a record passes `aws.lambda.filter.patterns`, or does not."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from kafka_lambda_sink.cli.options import Sources
from kafka_lambda_sink.cli.problems import show_failure
from kafka_lambda_sink.core.errors import ConfigError
from kafka_lambda_sink.core.schema import TextFloat
from kafka_lambda_sink.core.sink_record import Header, SinkRecord
from kafka_lambda_sink.transforms.filter_explanation import Explanation
from kafka_lambda_sink.transforms.filter_patterns import Filter, compile_filter
from kafka_lambda_sink.transforms.filter_syntax import FilterPatternError
from kafka_lambda_sink.worker.exit_codes import ExitCode

_PARTS: Final = ("key", "value", "headers", "topic", "partition", "offset", "timestamp")
#: How much of a value is shown, and how many elements of an array.
_LONGEST: Final = 100
_MOST: Final = 10
#: Of a configuration without patterns.
_NO_FILTER: Final = Explanation(about="no filter", passes=True)


class RecordFileError(ValueError):
    """The file does not hold a record. The message says why."""


def explain(patterns: str | Sources, record: str, *, is_json: bool) -> ExitCode:
    """Print why. OK for a record that passes, CRASH for one that is filtered out, CONFIGURATION for faulty input.

    `patterns` is their text, the name of a file of it, or a connector's configuration.
    """
    try:
        compiled = _configured(patterns) if isinstance(patterns, Sources) else _compile(patterns)
        given = read_record(_read(record))
        explanation = compiled.explain(given) if compiled else _NO_FILTER
    except ConfigError as error:
        return show_failure(error)
    except FilterPatternError as error:
        return _refuse(*map(str, error.problems))
    except RecordFileError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}")
    if is_json:
        click.echo(json.dumps(explanation.as_json(), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(render(explanation)))
    return ExitCode.OK if explanation.passes else ExitCode.CRASH


def _refuse(*problems: str) -> ExitCode:
    for problem in problems:
        click.echo(f"error: {problem}", err=True)
    return ExitCode.CONFIGURATION


def _compile(patterns: str) -> Filter:
    return compile_filter(patterns if patterns.lstrip()[:1] in {"[", "{"} else _read(patterns))


def _configured(sources: Sources) -> Filter | None:
    loaded = sources.load()
    text = loaded.sink.aws_lambda_filter_patterns
    return compile_filter(text) if text else None


def _read(path: str) -> str:
    try:
        return (sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()).decode()
    except UnicodeDecodeError as error:
        raise RecordFileError(f"{path} is not UTF-8: {error.reason} (byte {error.start})") from None


def read_record(text: str) -> SinkRecord:
    """A record from `{"key", "value", "headers", "topic", "partition", "offset", "timestamp"}`, all optional.

    Headers are an object, or a list of `{"name", "value"}` where a name stands there more than once. Raises
    RecordFileError.
    """
    try:
        parts = json.loads(text, parse_float=TextFloat)
    except (ValueError, RecursionError) as error:
        raise RecordFileError(f"the record is not JSON: {error}") from None
    if not isinstance(parts, dict):
        raise RecordFileError(f"the record is no object: it has {', '.join(_PARTS)}, all optional")
    unknown = parts.keys() - set(_PARTS)
    if unknown:
        raise RecordFileError(f"the record has an unknown {min(unknown)!r}: known are {', '.join(_PARTS)}")
    for name, kind in (("topic", str), ("partition", int), ("offset", int), ("timestamp", int)):
        if name in parts and type(parts[name]) is not kind:
            raise RecordFileError(f"{name} of the record is {'text' if kind is str else 'an integer'}")
    return SinkRecord(
        source=_Given(parts),
        topic=parts.get("topic", ""),
        partition=parts.get("partition", 0),
        key_schema=None,
        key=parts.get("key"),
        value_schema=None,
        value=parts.get("value"),
        timestamp=parts.get("timestamp"),
        headers=tuple(_headers(parts.get("headers"))),
    )


def _headers(given: object) -> Iterator[Header]:
    match given:
        case None:
            return
        case dict():
            for name, value in given.items():
                yield Header(name, None, value)
        case list():
            for one in given:
                match one:
                    case {"name": str(name), "value": value}:
                        yield Header(name, None, value)
                    case _:
                        raise RecordFileError('a header in a list is {"name": …, "value": …}')
        case _:
            raise RecordFileError("headers are an object or a list")


@dataclass(frozen=True, slots=True)
class _Given:
    """A record that never was in Kafka; has what a filter looks at."""

    parts: Mapping[str, Any]

    def topic(self) -> str:
        topic: str = self.parts.get("topic", "")
        return topic

    def partition(self) -> int:
        partition: int = self.parts.get("partition", 0)
        return partition

    def offset(self) -> int:
        offset: int = self.parts.get("offset", 0)
        return offset

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes | None:
        return None

    def timestamp(self) -> tuple[int, int]:
        return (0, -1)

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return None

    def leader_epoch(self) -> int | None:
        return None


def render(explanation: Explanation) -> Iterator[str]:
    """A tree of lines."""
    if explanation is _NO_FILTER:
        yield "no filter: every record passes"
        return
    matching = [one.about for one in explanation.children if one.passes]
    if matching:
        yield f"passes by {', '.join(matching)}"
    else:
        yield "filtered out: no pattern matches"
    for one in explanation.children:
        yield from _lines(one, "  ")


def _lines(one: Explanation, indent: str) -> Iterator[str]:
    yield indent + click.style(*(("✓", "green") if one.passes else ("✗", "red"))) + " " + _sentence(one)
    for child in one.children[:_MOST]:
        yield from _lines(child, f"{indent}  ")
    if len(one.children) > _MOST:
        yield f"{indent}  … {len(one.children) - _MOST} more"


def _sentence(one: Explanation) -> str:
    found = "" if one.found is None else f": {_short(one.found)}"
    if one.wanted is None:
        return one.about + found
    return f"{one.about}{found} {'matches' if one.passes else 'does not match'} {_short(one.wanted)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
