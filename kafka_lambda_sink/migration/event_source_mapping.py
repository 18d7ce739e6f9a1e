"""AWS's own Kafka trigger: what becomes of each of its settings.

Source: https://docs.aws.amazon.com/lambda/latest/dg/kafka-esm-parameters.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from kafka_lambda_sink.migration.access import IAM, ask_for_access
from kafka_lambda_sink.migration.event_source import EventSource, is_container
from kafka_lambda_sink.migration.migration import Given, Migration, Rule, by_name, drop, to, whole_number
from kafka_lambda_sink.migration.references import names_in, placeholder, replace_in

_ATTEMPTS: Final = "aws.lambda.retry.function.errors"
_WINDOW: Final = "aws.lambda.batch.window.ms"
_AGE: Final = "aws.lambda.record.max.age.ms"
_GROUP: Final = "consumer.override.group.id"
_REGION: Final = "Region"
_KAFKA_DESTINATION: Final = "kafka://"
_ARN_REGION: Final = re.compile(r"arn:aws[a-zA-Z-]*:[a-z]+:([a-z]{2,}(?:-[a-z]+)+-\d+):")
_NAME: Final = re.compile(r"(?:.*:function:)?([A-Za-z0-9_-]+)(?::[A-Za-z0-9_$-]+)?")
_MILLISECONDS: Final = 1000
#: Attempts after which a trigger gives a record up that has a destination for it, where it does not say how many.
_MOST_WITH_DESTINATION: Final = 10


def _milliseconds(key: str) -> Any:
    def apply(migration: Migration, given: Given) -> None:
        seconds = whole_number(given.value)
        if seconds is None:
            migration.ask(given.name, "in milliseconds", (key, given.text))
        elif seconds < 0:
            migration.drop(given.name, "-1: no bound, as here without the key")
        else:
            migration.put(given.name, key, seconds * _MILLISECONDS)

    return apply


def _start(migration: Migration, given: Given) -> None:
    known = {"TRIM_HORIZON": "earliest", "LATEST": "latest"}
    position = given.text.strip().upper()
    if position == "AT_TIMESTAMP":
        migration.drop(given.name, "see StartingPositionTimestamp")
    else:
        migration.put(given.name, "auto.offset.reset", known.get(position, given.text))


def _timestamp(migration: Migration, given: Given) -> None:
    at = given.text
    if isinstance(given.value, (int, float)):
        at = datetime.fromtimestamp(given.value, UTC).isoformat()
    question = f"say so before the first start: kafka-lambda-sink offsets reset --to datetime:{at} --execute"
    migration.ask(given.name, question)


def _filters(migration: Migration, given: Given) -> None:
    if not isinstance(given.value, list):
        migration.ask(given.name, "is a reference: write the patterns in", ("aws.lambda.filter.patterns", given.text))
        return
    # The Serverless Framework writes the patterns themselves.
    given_patterns = (each.get("Pattern", each) if isinstance(each, Mapping) else each for each in given.value)
    patterns = [
        {"Pattern": each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)}
        for each in given_patterns
        if each
    ]
    if patterns:
        migration.put(given.name, "aws.lambda.filter.patterns", json.dumps({"Filters": patterns}, ensure_ascii=False))


def _responses(migration: Migration, given: Given) -> None:
    contract = "aws.lambda.reply.contract", "batch-item-failures"
    if names_in(given.text):
        question = f"is a reference, {given.text}: where it says ReportBatchItemFailures"
        migration.ask(given.name, question, contract)
    elif "ReportBatchItemFailures" in given.text:
        migration.put(given.name, *contract)
    else:
        migration.drop(given.name, "it names none")


def _destination(migration: Migration, given: Given) -> None:
    if given.text.startswith(_KAFKA_DESTINATION):
        migration.put(given.name, "aws.lambda.error.topic", given.text.removeprefix(_KAFKA_DESTINATION))
        migration.put(given.name, "behavior.on.error", "log")
    else:
        question = f"failures go to {given.text} there, and to a topic here"
        migration.ask(given.name, question, ("aws.lambda.error.topic", placeholder("error topic")))


def _group(migration: Migration, given: Given) -> None:
    migration.drop(given.name, "see offsets")


def _registry(migration: Migration, given: Given) -> None:
    config = given.value if isinstance(given.value, Mapping) else {}
    uri = config.get("SchemaRegistryURI", placeholder("SCHEMA_REGISTRY_URL"))
    checks = config.get("SchemaValidationConfigs") or [{"Attribute": "VALUE"}]
    parts = [str(check.get("Attribute", "VALUE")).lower() for check in checks]
    proposals = [
        (key, value)
        for part in parts
        for key, value in (
            (f"{part}.converter", "avro"),
            (f"{part}.converter.schema.registry.url", uri),
            (f"{part}.converter.basic.auth.credentials.source", "USER_INFO"),
            (f"{part}.converter.basic.auth.user.info", "${env:SCHEMA_REGISTRY_USER_INFO}"),
        )
    ]
    form = config.get("EventRecordFormat", "JSON")
    question = f"records come as {form} there: name their format (avro, protobuf, jsonschema) and the registry's key"
    migration.ask(given.name, question, *proposals, ("aws.lambda.request.record.format", form))


def _mode(migration: Migration, given: Given) -> None:
    if given.text.strip().upper() == "QUEUE":
        migration.ask(given.name, "a share group has no order and shares partitions; here, records keep their order")
    else:
        migration.drop(given.name, "the only one here")


def _log_level(migration: Migration, given: Given) -> None:
    level = str(given.value.get("SystemLogLevel", "")) if isinstance(given.value, Mapping) else given.text
    migration.put(given.name, "log.level", {"WARN": "warning"}.get(level.upper(), level.lower()))


def _arn(migration: Migration, given: Given) -> None:
    """The brokers of an MSK cluster are not in its ARN."""
    question = f"the addresses of the cluster: aws kafka get-bootstrap-brokers --cluster-arn {given.text}"
    if "bootstrap.servers" not in migration.answers:
        migration.ask(given.name, question)
    value = migration.answers.get("bootstrap.servers", placeholder("bootstrap.servers"))
    migration.put(given.name, "bootstrap.servers", value)
    migration.put(given.name, "aws.lambda.request.event.source.arn", given.text)


#: Why what AWS adds to a mapping is dropped.
STATE: Final = "about the mapping itself"

#: In the order of the documentation's table. `theirs` is the API's name, as `event_source.flatten` has it.
RULES: Final = (
    to("FunctionName", "aws.lambda.function.name"),
    to("FunctionArn", "aws.lambda.function.name"),
    to("Topics", "topics"),
    to("BootstrapServers", "bootstrap.servers"),
    Rule(
        "EventSourceArn",
        "bootstrap.servers, aws.lambda.request.event.source.arn",
        "the addresses are a decision: they are not in the ARN",
        _arn,
    ),
    Rule("ConsumerGroupId", _GROUP, "with `--take-over-group`", _group),
    Rule(
        "StartingPosition",
        "auto.offset.reset",
        "TRIM_HORIZON: `earliest`, LATEST: `latest`; AT_TIMESTAMP is a decision",
        _start,
    ),
    Rule("StartingPositionTimestamp", "", "a decision: `offsets reset --to datetime:…`", _timestamp),
    to("BatchSize", "aws.lambda.batch.size", "not set: 100. A batch is of one partition here"),
    Rule("MaximumBatchingWindowInSeconds", _WINDOW, "not set: 500", _milliseconds(_WINDOW)),
    Rule("Filters", "aws.lambda.filter.patterns", "as they are", _filters),
    to(
        "MaximumRetryAttempts",
        _ATTEMPTS,
        "not set: -1, for ever (10 with a destination); else with `behavior.on.error=log`",
    ),
    Rule("MaximumRecordAgeInSeconds", _AGE, "-1 is dropped", _milliseconds(_AGE)),
    to("BisectBatchOnFunctionError", "aws.lambda.bisect.on.error"),
    Rule(
        "FunctionResponseTypes",
        "aws.lambda.reply.contract",
        "ReportBatchItemFailures: `batch-item-failures`",
        _responses,
    ),
    Rule(
        "OnFailure",
        "aws.lambda.error.topic, behavior.on.error",
        "`kafka://topic`, whose records look otherwise here; queues, SNS and buckets are a decision",
        _destination,
    ),
    Rule(
        "SourceAccessConfigurations",
        "security.protocol, sasl.*, ssl.*",
        "a decision: secrets are not in the file. Subnets and security groups are dropped",
        ask_for_access,
    ),
    Rule("SchemaRegistryConfig", "key.converter.*, value.converter.*", "a decision", _registry),
    Rule("ConsumptionMode", "", "Queue is a decision", _mode),
    Rule("LoggingConfig", "log.level", "", _log_level),
    drop("ProvisionedPollerConfig", "start as many processes as it takes: they share the partitions"),
    drop("Enabled", "a sink delivers while it runs"),
    drop("MetricsConfig", "about metrics of CloudWatch"),
    drop("KMSKeyArn", "it encrypts the mapping's filters"),
    drop("Tags", STATE),
    drop("UUID", STATE),
    drop("State", STATE),
    drop("LastProcessingResult", STATE),
    drop("LastModified", STATE),
    drop("StateTransitionReason", STATE),
    drop("EventSourceMappingArn", STATE),
)
_BY_NAME: Final = by_name(RULES)


def migrate_event_source(migration: Migration, source: EventSource, group: str | None) -> Migration:
    """One trigger, with its defaults; the function gets the event that it got from AWS."""
    settings = {
        name: Given(given.name, replace_in(given.value, migration.answers)) for name, given in source.settings.items()
    }
    source = replace(source, settings=settings)
    migration.settings["name"] = migration.title
    is_msk = "EventSourceArn" in settings
    for name, rule in _BY_NAME.items():
        given = settings.get(name)
        if given is not None:
            rule.apply(migration, given)
    _tell_the_rest(migration, settings)
    _say_the_defaults(migration, settings)
    _region(migration, source)
    migration.put("the event", "aws.lambda.request.format", "aws-msk" if is_msk else "aws-self-managed")
    for part in ("key", "value"):
        migration.put("the event", f"{part}.converter", "bytes")
    if is_msk and "SourceAccessConfigurations" not in settings:
        migration.ask(
            settings["EventSourceArn"].name,
            "if the cluster asks for IAM",
            *IAM,
        )
    for about, question in source.notes:
        migration.ask(about, question)
    _offsets(migration, source, group)
    return migration


def connector_name(source: EventSource) -> str:
    """The function's name, where it is known; else what the file calls the trigger."""
    text = source.text("FunctionName") or source.text("FunctionArn")
    found = _NAME.fullmatch(text)
    name = found[1] if found and not names_in(text) else source.title
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-") or "sink"


def _tell_the_rest(migration: Migration, settings: Mapping[str, Given]) -> None:
    for name, given in settings.items():
        if is_container(name):
            migration.ask(given.name, f"is a reference, {given.text}: write in what it says")
        elif name not in _BY_NAME and name != _REGION:
            migration.drop(given.name, "of no use for Kafka, or unknown")


def _say_the_defaults(migration: Migration, settings: Mapping[str, Given]) -> None:
    """What is in force there without a word, and differs from ours."""
    if "BatchSize" not in settings:
        migration.put("BatchSize (default)", "aws.lambda.batch.size", 100)
    if "MaximumBatchingWindowInSeconds" not in settings:
        migration.put("MaximumBatchingWindowInSeconds (default)", _WINDOW, 500)
    if "MaximumRetryAttempts" not in settings:
        # For ever; but for a trigger that has somewhere to put what fails.
        attempts = _MOST_WITH_DESTINATION if "OnFailure" in settings else -1
        migration.put("MaximumRetryAttempts (default)", _ATTEMPTS, attempts)
    if migration.settings.get(_ATTEMPTS) != "-1" and "behavior.on.error" not in migration.settings:
        migration.put("MaximumRetryAttempts", "behavior.on.error", "log")


def _region(migration: Migration, source: EventSource) -> None:
    """Of any ARN: a trigger, its cluster and its function are in one region."""
    arns = [source.text(name) for name in ("FunctionName", "FunctionArn", "EventSourceArn", "EventSourceMappingArn")]
    found = next((match for match in map(_ARN_REGION.match, arns) if match), None)
    if found is not None:
        migration.put("the ARN", "aws.lambda.region", found[1])
    if source.text(_REGION):
        migration.put(source.settings[_REGION].name, "aws.lambda.region", source.text(_REGION))
    key = "aws.lambda.region"
    if key not in migration.settings and key in migration.answers:
        migration.settings[key] = migration.answers[key]
    elif key not in migration.settings:
        question = f"the function's, unless the environment says it: --resolve '{key}=…'"
        migration.ask(key, question, (key, placeholder(key)))


def _offsets(migration: Migration, source: EventSource, group: str | None) -> None:
    """AWS commits as its own group; ours goes on with its offsets only when it takes its name."""
    theirs = source.text("ConsumerGroupId") or source.text("UUID")
    ours = f"connect-{migration.settings['name']}"
    first = "delete the trigger first, or disable it and wait until it is"
    if group is not None:
        migration.settings[_GROUP] = group
        migration.ask("offsets", f"those of the group {group} are gone on with: {first}")
        return
    question = (
        f"the group {ours} begins at auto.offset.reset; --take-over-group goes on with the trigger's own ({first})"
    )
    migration.ask("offsets", question, (_GROUP, theirs or placeholder("UUID")))
