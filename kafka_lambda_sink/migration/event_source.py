"""A Kafka trigger of AWS Lambda, whatever it was written in: its settings by the names of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kafka_lambda_sink.migration.migration import Given

#: Settings of the API that have others inside, with the names that these have here.
_NESTED: Final = {
    ("SelfManagedEventSource", "Endpoints", "KAFKA_BOOTSTRAP_SERVERS"): "BootstrapServers",
    ("SelfManagedEventSource", "Endpoints", "KafkaBootstrapServers"): "BootstrapServers",
    ("SelfManagedKafkaEventSourceConfig", "ConsumerGroupId"): "ConsumerGroupId",
    ("AmazonManagedKafkaEventSourceConfig", "ConsumerGroupId"): "ConsumerGroupId",
    ("SelfManagedKafkaEventSourceConfig", "SchemaRegistryConfig"): "SchemaRegistryConfig",
    ("AmazonManagedKafkaEventSourceConfig", "SchemaRegistryConfig"): "SchemaRegistryConfig",
    ("SelfManagedKafkaEventSourceConfig", "ConsumptionMode"): "ConsumptionMode",
    ("FilterCriteria", "Filters"): "Filters",
    ("DestinationConfig", "OnFailure", "Destination"): "OnFailure",
}
_CONTAINERS: Final = {path[:depth] for path in _NESTED for depth in range(1, len(path))}


@dataclass(slots=True)
class EventSource:
    """One trigger."""

    #: Its name in the file, or else its function's.
    title: str
    #: By the name of the API, flat: see `flatten`.
    settings: dict[str, Given] = field(default_factory=dict)
    #: What reading it took for granted, to be told.
    notes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_kafka(self) -> bool:
        """Whether it reads topics: mappings of queues and streams look alike."""
        return "Topics" in self.settings or "BootstrapServers" in self.settings

    def text(self, name: str) -> str:
        """A setting as text, empty where there is none."""
        given = self.settings.get(name)
        return given.text if given is not None and given.value is not None else ""


def flatten(properties: Mapping[str, Any], written: Mapping[str, str] | None = None) -> dict[str, Given]:
    """The settings of an API call or a template: what is nested gets a name of its own, what is not known its path.

    `written` has the name in the file of each setting that is called otherwise there.
    """
    names = written or {}
    found: dict[str, Given] = {}
    for path, value in _leaves(properties, ()):
        name = _NESTED.get(path) or ".".join(path)
        first = names.get(path[0], path[0])
        found[name] = Given(names.get(name) or ".".join((first, *path[1:])), value)
    return found


def is_container(name: str) -> bool:
    """Whether a setting of `flatten` is one that has others inside, and was not looked into: it is a reference."""
    return tuple(name.split(".")) in _CONTAINERS


def _leaves(node: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in node.items():
        path = (*above, str(key))
        if path in _CONTAINERS and isinstance(value, Mapping):
            yield from _leaves(value, path)
        elif value is not None:
            yield path, value
