"""Confluent's self-managed connector, of its first release (`aws.lambda.*`) and of today (`reporter.*`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kafka_lambda_sink.migration.connect_keys import ask_for_the_worker_s, migrate_keys, take_over
from kafka_lambda_sink.migration.migration import Given, Migration, Rule, by_name, drop

_REPORTS: Final = {"response": ("result", "success"), "error": ("error", "error")}
_BLANK_IS_OFF: Final = "blank: none"


def _topic(migration: Migration, given: Given) -> None:
    """Blank is off; `${connector}` is the connector's name."""
    ours = "aws.lambda.error.topic" if ".error." in given.name else "aws.lambda.response.topic"
    migration.put(given.name, ours, given.text.strip().replace("${connector}", migration.title))


#: What has another name here, or none. Every other key is ours by the same name, or known to Connect.
RULES: Final = (
    drop("connector.class", "not needed"),
    Rule("aws.lambda.response.topic", "aws.lambda.response.topic", _BLANK_IS_OFF, _topic),
    Rule("aws.lambda.error.topic", "aws.lambda.error.topic", _BLANK_IS_OFF, _topic),
    Rule("reporter.result.topic.name", "aws.lambda.response.topic", "default `${connector}-success`", _topic),
    Rule("reporter.error.topic.name", "aws.lambda.error.topic", "default `${connector}-error`", _topic),
)


def migrate_confluent(migration: Migration, config: Mapping[str, str], group: str | None) -> Migration:
    """A file that runs here as it is: what it says becomes explicit, in our words."""
    migration.settings["name"] = migration.title
    migrate_keys(migration, config, by_name(RULES))
    if any(key.startswith("reporter.") for key in config):
        _say_the_defaults(migration, config)
    ask_for_the_worker_s(migration)
    take_over(migration, group, usual=f"connect-{migration.title}")
    return migration


def _say_the_defaults(migration: Migration, config: Mapping[str, str]) -> None:
    """Any `reporter.*` key switches both topics on, with names, partitions and replicas of their own."""
    for ours, (theirs, suffix) in _REPORTS.items():
        named = f"reporter.{theirs}.topic.name", f"aws.lambda.{ours}.topic"
        if not any(key in config for key in named):
            migration.put(f"{named[0]} (default)", named[1], f"{migration.title}-{suffix}")
        for what, default in (("partitions", "1"), ("replication.factor", "3")):
            key = f"reporter.{theirs}.topic.{what}"
            is_said = {key, f"aws.lambda.{ours}.{what}"} & migration.settings.keys()
            if migration.settings.get(named[1]) and not is_said:
                migration.put(f"{key} (default)", key, default)
