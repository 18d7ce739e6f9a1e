"""Confluent Cloud's managed connector, `LambdaSink`, as its API and console export it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kafka_lambda_sink.migration.connect_keys import ask_for_brokers, migrate_keys, take_over
from kafka_lambda_sink.migration.migration import Given, Migration, Rule, by_name, drop, to
from kafka_lambda_sink.migration.references import placeholder

#: `input.data.format`: our converter, and whether it asks a schema registry.
_FORMATS: Final = {
    "AVRO": ("avro", True),
    "JSON_SR": ("jsonschema", True),
    "PROTOBUF": ("protobuf", True),
    "JSON": ("json", False),
    "BYTES": ("bytes", False),
    "STRING": ("string", False),
}
_SERVICE: Final = "about the managed service"
_MASK: Final = "*"
#: Ids of connectors begin with it; people know those rather than the group's name.
_ID: Final = "lcc-"
_JAAS: Final = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="${env:KAFKA_API_KEY}" password="${env:KAFKA_API_SECRET}";'
)


def _data_format(migration: Migration, given: Given) -> None:
    part = "key" if ".key." in given.name else "value"
    converter, has_registry = _FORMATS.get(given.text.strip().upper(), (given.text, False))
    if has_registry:
        migration.ask(
            given.name,
            f"{part}s are read by the converter {converter}, with the schema registry of the environment",
            (f"{part}.converter", converter),
            (f"{part}.converter.schema.registry.url", placeholder("SCHEMA_REGISTRY_URL")),
            (f"{part}.converter.basic.auth.credentials.source", "USER_INFO"),
            (f"{part}.converter.basic.auth.user.info", "${env:SCHEMA_REGISTRY_USER_INFO}"),
        )
        return
    migration.put(given.name, f"{part}.converter", converter)
    if converter == "json":
        migration.put(given.name, f"{part}.converter.schemas.enable", "false")


def _secret(migration: Migration, given: Given) -> None:
    """Exports have asterisks in the place of secrets."""
    if given.text.strip().strip(_MASK):
        migration.put(given.name, given.name, given.text)
    else:
        variable = given.name.upper().replace(".", "_")
        migration.ask(given.name, "the export hides it", (given.name, f"${{env:{variable}}}"))


def _brokers(migration: Migration, given: Given) -> None:
    migration.ask(
        given.name,
        "how this connector proves who it is, to the cluster that the managed one runs beside",
        ("security.protocol", "SASL_SSL"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.jaas.config", _JAAS),
    )


RULES: Final = (
    drop("connector.class", "not needed"),
    Rule(
        "input.data.format", "value.converter", "with a schema registry a decision: its address and key", _data_format
    ),
    Rule("input.key.format", "key.converter", "not set: `bytes`, as there", _data_format),
    Rule("kafka.auth.mode", "security.protocol, sasl.mechanism, sasl.jaas.config", "a decision", _brokers),
    drop("kafka.api.key", "see kafka.auth.mode"),
    drop("kafka.api.secret", "see kafka.auth.mode"),
    drop("kafka.service.account.id", "see kafka.auth.mode"),
    drop("kafka.endpoint", "see bootstrap.servers"),
    drop("kafka.region", _SERVICE),
    drop("kafka.dedicated", _SERVICE),
    drop("cloud.environment", _SERVICE),
    drop("cloud.provider", _SERVICE),
    drop("schema.context.name", "contexts are a part of the registry's address"),
    drop("authentication.method", "follows from the keys or the role that are named"),
    drop("provider.integration.id", "see customer.aws.iam.role.arn"),
    to("customer.aws.iam.role.arn", "aws.role.arn", "its trust policy has to name who assumes it from now on"),
    to("external.id", "aws.role.external.id"),
    Rule("aws.access.key.id", "aws.access.key.id", "hidden in exports: a decision then", _secret),
    Rule("aws.secret.access.key", "aws.secret.access.key", "as above", _secret),
    drop("auto.restart.on.user.error", "a stopped partition is tried again by a restart"),
    to("max.poll.interval.ms", "consumer.override.max.poll.interval.ms"),
    drop("max.poll.records", "what a poll returns is no batch here"),
)

_DEFAULTS: Final = {
    "input.key.format": "BYTES",
    "behavior.on.error": "log",
    "kafka.auth.mode": "KAFKA_API_KEY",
}


def migrate_cloud(migration: Migration, config: Mapping[str, str], group: str | None) -> Migration:
    """An export of the managed connector, with its defaults."""
    migration.settings["name"] = migration.title
    explicit = {**config, **{key: default for key, default in _DEFAULTS.items() if not config.get(key, "").strip()}}
    migrate_keys(migration, explicit, by_name(RULES))
    if group is not None and group.startswith(_ID):
        group = f"connect-{group}"
    connector_id = (group or "").removeprefix("connect-") or placeholder("connector-id")
    migration.ask(
        "topics of the managed connector",
        "it writes to topics of fixed names, results, failures and dead letters: go on with them, or not",
        ("aws.lambda.response.topic", f"success-{connector_id}"),
        ("aws.lambda.error.topic", f"error-{connector_id}"),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", f"dlq-{connector_id}"),
    )
    ask_for_brokers(migration)
    take_over(migration, group, usual=f"connect-{connector_id}")
    return migration
