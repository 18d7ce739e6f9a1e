"""What `check` asks the schema registries of keys and values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Final

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.config.registry_checks import WITH_REGISTRY
from kafka_lambda_sink.connector.asking import Asking
from kafka_lambda_sink.connector.findings import Finding, broken, fine, skipped
from kafka_lambda_sink.connector.schema_registry import open_schema_registry
from kafka_lambda_sink.core.errors import KafkaLambdaSinkError, SchemaRegistryError
from kafka_lambda_sink.core.ports import Clock

#: No registry gives it to a schema: whoever says that there is none has understood, and lets us ask.
_NO_SCHEMA: Final = 0


def registry_askings(loaded: LoadedConfig, clock: Clock) -> list[Asking]:
    """The questions to each registry that a converter needs."""
    return [Asking(_ask(loaded, clock, part), _late(part)) for part in _parts(loaded)]


def offline_registries(loaded: LoadedConfig) -> Iterator[Finding]:
    """The same without asking."""
    for part in _parts(loaded):
        yield skipped("schema-registry", part, "not asked: --offline")


def _parts(loaded: LoadedConfig) -> list[str]:
    return [part for part in ("key", "value") if getattr(loaded.sink, f"{part}_converter") in WITH_REGISTRY]


def _ask(loaded: LoadedConfig, clock: Clock, part: str) -> Iterator[Finding]:
    try:
        with closing(open_schema_registry(loaded, clock, part)) as registry:
            registry.schema(_NO_SCHEMA)
    except KafkaLambdaSinkError as error:
        yield broken("schema-registry", part, error)
        return
    yield fine("schema-registry", part, "answers")


def _late(part: str) -> Finding:
    hint = f"Check {part}.converter.schema.registry.url and the network between"
    return broken("schema-registry", part, SchemaRegistryError("no answer in time", hint=hint))
