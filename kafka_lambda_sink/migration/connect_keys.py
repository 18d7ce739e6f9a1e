"""Keys that every sink connector of Kafka Connect has, and what a file leaves to the worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from kafka_lambda_sink.config.clients.withheld import IGNORED, REFUSED
from kafka_lambda_sink.config.elsewhere import credentials_provider_problem, ignored_reason, not_built
from kafka_lambda_sink.config.keys import PLUGINS, attributes, client_key
from kafka_lambda_sink.migration.migration import Given, Migration, Rule, canonical
from kafka_lambda_sink.migration.references import placeholder, replace

_CREDENTIALS: Final = "aws.credentials.provider.class"
_GROUP: Final = "consumer.override.group.id"


def migrate_keys(migration: Migration, config: Mapping[str, str], rules: Mapping[str, Rule]) -> None:
    """Every key of a connector's file: by a rule of its dialect, else as Connect knows it."""
    for key, value in config.items():
        given = Given(key, replace(value, migration.answers))
        rule = rules.get(key)
        if rule is not None:
            rule.apply(migration, given)
        elif not value.strip():
            migration.drop(key, "it is blank")
        else:
            _carry(migration, given, config)


def ask_for_brokers(migration: Migration) -> None:
    """Connect has them in its worker's file."""
    if "bootstrap.servers" not in migration.settings:
        migration.settings["bootstrap.servers"] = migration.answers.get(
            "bootstrap.servers", placeholder("bootstrap.servers")
        )


def ask_for_the_worker_s(migration: Migration) -> None:
    """What Connect has in its worker's file: brokers, converters."""
    ask_for_brokers(migration)
    for part in ("key", "value"):
        if f"{part}.converter" not in migration.settings:
            default = "string" if part == "key" else "json"
            question = "is not in the file: take it from the worker's, with its settings"
            migration.ask(f"{part}.converter", question, (f"{part}.converter", default))


def take_over(migration: Migration, group: str | None, *, usual: str) -> None:
    """Which group goes on, from whose committed offsets; `usual` is the one that the old connector has had."""
    ours = f"connect-{migration.settings.get('name', migration.title)}"
    named = migration.settings.get(_GROUP)
    if group is not None and group != ours:
        migration.settings[_GROUP] = group
        migration.ask(
            "offsets", f"those of the group {group} are gone on with: stop everything else that is in it first"
        )
    elif named is not None or group is not None or usual == ours:
        migration.ask("offsets", f"those of the group {named or ours} are gone on with: stop the old connector first")
    else:
        question = (
            f"the old one commits as {usual}, this one as {ours}, from its start: --take-over-group carries them over"
        )
        migration.ask("offsets", question, (_GROUP, usual))


def _carry(migration: Migration, given: Given, config: Mapping[str, str]) -> None:
    key = given.name
    client = client_key(key)
    refused = REFUSED.get(client.name) if client else None
    if key == _CREDENTIALS:
        _credentials(migration, given, _names(config))
    elif key in attributes() or key.startswith(PLUGINS):
        migration.put(key, canonical(key), given.value)
    elif (missing := not_built(key, given.text)) is not None:
        migration.ask(key, f"{missing} known and not built yet")
    elif key.startswith("config.providers"):
        migration.drop(key, "what may be read is for the command line, the environment or the worker file to say")
    elif (reason := ignored_reason(key, from_worker=False)) or (reason := IGNORED.get(client.name if client else "")):
        migration.drop(key, reason)
    elif refused is not None and given.text.strip().lower() in refused.harmless:
        migration.drop(key, f"so it is in any case: {refused.reason}")
    elif refused is not None:
        migration.ask(key, f"is refused here: {refused.reason}")
    elif client is not None:
        migration.put(key, key, given.value)
    else:
        migration.drop(key, "unknown here; Connect ignores keys that nobody knows")


def _names(config: Mapping[str, str]) -> Iterable[str]:
    return (canonical(key) for key, value in config.items() if value.strip())


def _credentials(migration: Migration, given: Given, keys: Iterable[str]) -> None:
    problem = credentials_provider_problem(given.text, has_role="aws.role.arn" in keys)
    if problem is None:
        migration.drop(given.name, "the AWS SDK's own chain, or aws.role.arn")
    else:
        question = f"{problem}: use the AWS SDK's own chain, static keys, or a role"
        migration.ask(given.name, question, ("aws.role.arn", placeholder("aws.role.arn")))
