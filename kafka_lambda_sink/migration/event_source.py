"""A Kafka trigger of AWS Lambda, whatever it was written in: its settings by the names of the API."""

from __future__ import annotations

from collections.abc import Mapping
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
_CONTAINERS: Final = {path[0] for path in _NESTED}


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
    """The settings of an API call or a template: what is nested gets a name of its own.

    `written` has the name in the file of each setting that is called otherwise there.
    """
    names = written or {}
    found = {
        key: Given(names.get(key, key), value)
        for key, value in properties.items()
        if key not in _CONTAINERS and value is not None
    }
    for path, name in _NESTED.items():
        value: Any = properties
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None:
            found[name] = Given(names.get(name, ".".join(path)), value)
    return found
