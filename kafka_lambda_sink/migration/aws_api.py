"""Kafka triggers as the API of Lambda has them: `aws lambda get-event-source-mapping`, and `list-…`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kafka_lambda_sink.migration.event_source import EventSource, flatten

_LIST: Final = "EventSourceMappings"


def is_event_source_mapping(document: Mapping[str, Any]) -> bool:
    """Whether a document is one of those answers, or the request that makes one."""
    return (
        _LIST in document
        or ({"FunctionArn", "FunctionName"} & document.keys() and "connector.class" not in document) != set()
    )


def event_sources(document: Mapping[str, Any]) -> Iterator[EventSource]:
    """Every Kafka trigger of an answer."""
    for mapping in document.get(_LIST, [document]):
        # What it is beside its settings, is told nowhere else.
        source = EventSource(str(mapping.get("UUID") or "sink"), flatten(mapping))
        if source.is_kafka:
            yield source
