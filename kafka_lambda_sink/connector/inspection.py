"""One record, step by step from the topic to the payload, for a person who wants to see what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import msgspec

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.conversion import Conversions
from kafka_lambda_sink.connector.schema_registry import open_schema_registry
from kafka_lambda_sink.contracts.formats.sent_record import SentRecord
from kafka_lambda_sink.contracts.record_path import RecordPath
from kafka_lambda_sink.contracts.request import encode
from kafka_lambda_sink.core.errors import (
    KafkaLambdaSinkError,
    OffsetOutOfRangeError,
    RecordError,
    RetriableConversionError,
)
from kafka_lambda_sink.core.ports import Clock, Position
from kafka_lambda_sink.core.record import SourceRecord, TopicPartition
from kafka_lambda_sink.kafka.client_config import fetcher_config
from kafka_lambda_sink.kafka.fetcher import PartitionFetcher

#: Seconds that a record may take to come, and how long each fetch of them waits.
_PATIENCE: Final = 15.0
_WAIT: Final = 1.0


class NoSuchRecord(KafkaLambdaSinkError):
    """There is no record at this offset."""

    error_id = "NoSuchRecord"


@dataclass(frozen=True, slots=True)
class Step:
    """What a record is after one step."""

    #: `raw`, `converted`, the key of a transform, `filter`, `tenant`, `payload`.
    name: str
    #: What to show, for `msgspec.json`; None where the record got no further.
    shown: Any
    #: What became of it: empty where it went on, else `dropped`, `filtered out`, or why it failed.
    outcome: str = ""


@dataclass(slots=True)
class Inspection:
    """A record's way."""

    tp: TopicPartition
    offset: int
    steps: list[Step] = field(default_factory=list)

    @property
    def is_sent(self) -> bool:
        """Whether the function gets it."""
        return not any(step.outcome for step in self.steps)


def inspect_record(loaded: LoadedConfig, clock: Clock, tp: TopicPartition, at: int | str) -> Inspection:
    """Read one record and follow it. `at`: an offset, `earliest`, or `latest` for the last one. Blocks.

    Joins no group and commits nothing. Raises NoSuchRecord, ConfigError, and what a fetcher raises.
    """
    record = _read(loaded, clock, tp, at)
    conversions = Conversions(loaded.sink, loaded.transforms, clock, partial(open_schema_registry, loaded, clock))
    with closing(conversions):
        path = conversions.record_path(with_headers=True)
        found = Inspection(tp, record.offset(), [Step("raw", _raw(record))])
        try:
            for step in _follow(record, path, conversions):
                found.steps.append(step)
        except RecordError as error:
            found.steps.append(Step(error.stage.lower().replace("_", " "), None, f"failed: {error}"))
        except RetriableConversionError as error:
            found.steps.append(Step("converter", None, f"waits: {error}"))
        return found


def _read(loaded: LoadedConfig, clock: Clock, tp: TopicPartition, at: int | str) -> SourceRecord:
    clients = loaded.clients
    config = fetcher_config(clients.fetcher, group_id=clients.group_id, client_id=loaded.sink.name)
    with closing(PartitionFetcher(tp, config)) as fetcher:
        start = fetcher.earliest() if at == "earliest" else fetcher.latest() - 1 if at == "latest" else int(at)
        fetcher.assign(Position(max(start, 0)))
        deadline = clock.monotonic() + _PATIENCE
        try:
            while clock.monotonic() < deadline:
                records = fetcher.fetch(1, _WAIT, 0.0)
                if records:
                    found = records[0]
                    if isinstance(at, int) and found.offset() != at:
                        message = f"{tp} has no record at offset {at}: the next one is at {found.offset()}"
                        raise NoSuchRecord(message, hint="It was compacted, deleted, or is a transaction's marker.")
                    return found
                if fetcher.position() is not None:
                    break
        except OffsetOutOfRangeError:
            first, end = fetcher.earliest(), fetcher.latest()
            message = f"{tp} has no record at offset {at}: it has {first} to {end - 1}"
            raise NoSuchRecord(message if end > first else f"{tp} is empty") from None
    raise NoSuchRecord(f"{tp} has no record at offset {at} or behind it")


def _follow(source: SourceRecord, path: RecordPath, conversions: Conversions) -> Iterator[Step]:
    read = record = path.read(source)
    yield Step("converted", _shown(path.sent(read, record)))
    for name, transform in conversions.stages():
        result = transform(record)
        if result is None:
            yield Step(name, None, "dropped")
            return
        if result is not record:
            yield Step(name, _shown(path.sent(read, result)))
        else:
            yield Step(name, "unchanged")
        record = result
    if conversions.has_filter:
        if not path.is_wanted(record):
            yield Step("filter", None, "filtered out")
            return
        yield Step("filter", "passes")
    payload = encode([path.entry(path.sent(read, record))])
    tenant_of = conversions.tenant_of()
    if tenant_of is not None:
        yield Step("tenant", tenant_of(source))
    yield Step("payload", msgspec.Raw(payload))


def _raw(record: SourceRecord) -> dict[str, Any]:
    kind, timestamp = record.timestamp()
    return {
        "timestamp": timestamp if kind else None,
        "key": _bytes(record.key()),
        "value": _bytes(record.value()),
        "headers": [{"name": name, "value": _bytes(value)} for name, value in record.headers() or ()],
    }


def _bytes(raw: bytes | None) -> Any:
    """Text where it is text; else base64, said so."""
    if raw is None:
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return {"base64": raw}
    return text if text.isprintable() or text.isspace() or "\n" in text else {"base64": raw}


def _shown(sent: SentRecord) -> dict[str, Any]:
    return {
        "topic": sent.record.topic,
        "timestamp": sent.record.timestamp,
        "key": sent.key,
        "value": sent.value,
        "headers": sent.headers,
    }
