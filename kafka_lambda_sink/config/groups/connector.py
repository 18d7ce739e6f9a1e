"""What is read, under which name, from which cluster."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from kafka_lambda_sink.config.bootstrap import normal_bootstrap_servers
from kafka_lambda_sink.config.declaration import ANY_CASE, HIGH, LOW, MEDIUM, CommaList, Declared, Group
from kafka_lambda_sink.config.topic_selection import checked_topic_names, checked_topics_regex

#: What to do where the group has no committed offset, or one that is not in the log any more.
AutoOffsetReset = Literal["earliest", "latest", "error"]


def _java_none_is_error(value: Any) -> Any:
    return "error" if value == "none" else value


class ConnectorGroup(Group):
    """The connector itself."""

    title: ClassVar[str] = "Connector"

    name: Annotated[str, HIGH, StringConstraints(strip_whitespace=True, min_length=1, max_length=240)]
    """Name of the connector. Its consumer group is `connect-<name>`, as under Kafka Connect, so that the committed
    offsets of a Connect deployment are taken over."""

    connector_class: Annotated[str | None, LOW] = None
    """Class name of the connector the file was written for. Not needed. The Confluent connector's is accepted, and so
    is Nordstrom's; a key unknown in such a file is then a warning, as Connect ignores it there."""

    bootstrap_servers: Annotated[str, HIGH, AfterValidator(normal_bootstrap_servers)]
    """Brokers of the source cluster: `host:port` with commas between. Connect has it in the worker file."""

    topics: Annotated[CommaList, HIGH, AfterValidator(checked_topic_names)] = ()
    """Topics to read, with commas between. Either this or `topics.regex`."""

    topics_regex: Annotated[str | None, MEDIUM, AfterValidator(checked_topics_regex)] = None
    """Java regular expression; topics whose whole name matches are read. Either this or `topics`."""

    tasks_max: Annotated[int, Declared("low", unit="tasks")] = Field(default=1, ge=1)
    """Tasks to run on this machine: more than 1 are processes under a supervisor, members of one group. Tasks beyond
    the number of partitions are idle."""

    auto_offset_reset: Annotated[
        AutoOffsetReset,
        Declared("high", aliases=("consumer.override.auto.offset.reset",)),
        BeforeValidator(_java_none_is_error),
        ANY_CASE,
    ] = "earliest"
    """Where to start when the group has no committed offset or it is out of range: at the `earliest` record, at the
    `latest`, or stop the partition with an `error` (Java's `none`)."""
