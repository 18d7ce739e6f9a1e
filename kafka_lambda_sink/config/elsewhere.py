"""Keys that Kafka Connect, a Connect worker or another connector knows, and what becomes of them here."""

from __future__ import annotations

import re

#: The Confluent connector's class; Connect takes the simple name too, with or without `Connector`.
CONFLUENT = "io.confluent.connect.aws.lambda.AwsLambdaSinkConnector"
_CONFLUENT_NAMES = frozenset({CONFLUENT, "AwsLambdaSinkConnector", "AwsLambdaSink"})
NORDSTROM = "com.nordstrom.kafka.connect.lambda.LambdaSinkConnector"

_LICENCE = "about the licence of Confluent's connectors; none is needed"
_WORKER = "about a Connect worker, its REST API or its group"

#: Pattern of the whole key → reason. Checked after the properties of ours.
_IGNORED = (
    (r"confluent\.(license|topic)(\..*)?", _LICENCE),
    (r"aws\.lambda\.user\.agent", "internal to Confluent's connector"),
    (r"reporter\.(result|error)\.topic\.(key|value)\.format\.schemas\.cache\.size", "nothing is cached"),
    (r"errors\.retry\.delay\.max\.ms", "the waits grow to 16 seconds"),
    (r"(key|value|header)\.converter\.(?!schema\.registry\.ssl\.).*", "the converter has no such setting"),
    (r"config\.action\.reload", "a configuration is read once, at start"),
    (r"tasks\.max\.enforce|connector\.plugin\.version", "about Connect's own plug-ins"),
    (r"aws\.credentials\.provider\.class", "the AWS SDK's own chain, or aws.role.arn"),
    (r"group\.id", "the group is connect-<name>; consumer.override.group.id changes it"),
)

#: Prefixes (with a dot at the end) and whole keys of a Connect worker.
_IGNORED_IN_WORKER = (
    "access.control.", "admin.listeners", "auto.include.jmx.reporter", "client.", "config.storage.", "confluent.",
    "connect.protocol", "connections.", "connector.client.config.override.policy", "exactly.once.source.support",
    "group.", "header.converter.", "heartbeat.", "inter.worker.", "internal.", "listeners", "metadata.",
    "metric.reporters", "metrics.", "offset.flush.", "offset.storage.", "plugin.", "rebalance.", "receive.",
    "reconnect.", "request.", "response.http.headers.config", "rest.", "retry.", "scheduled.rebalance.max.delay.ms",
    "send.", "session.", "socket.", "status.storage.", "task.shutdown.graceful.timeout.ms", "topic.creation.",
    "topic.tracking.", "worker.",
)  # fmt: skip

#: Settings of converters that would change what the function gets, and are not built: key → value that changes nothing.
_CONVERTER_SHAPES = {
    "flatten.singleton.unions": "true",
    "generalized.sum.type.support": "false",
}
_CONVERTER_KEY = re.compile(r"(?:key|value)\.converter\.(?P<name>.+)")

#: Pattern of the whole key → what is not built.
_NOT_BUILT = ((r"input\.data\.format|authentication\.method", "the format of Confluent Cloud's managed connector is"),)

#: Credential providers of Java whose work the AWS SDK's own chain does, by the simple name of their class.
_DEFAULT_CHAINS = frozenset(
    {
        "DefaultCredentialsProvider",
        "DefaultAWSCredentialsProviderChain",
        "EnvironmentVariableCredentialsProvider",
        "InstanceProfileCredentialsProvider",
        "WebIdentityTokenFileCredentialsProvider",
        "WebIdentityTokenCredentialsProvider",
    }
)
_SDK_PACKAGES = ("com.amazonaws.auth.", "software.amazon.awssdk.auth.credentials.")
#: Providers that assume a role with the keys that are aliases of `aws.role.*`.
_ASSUME_ROLE = frozenset({"awsassumerolecredentialsprovider"})


def is_foreign(connector_class: str | None) -> bool:
    """Whether a file was written for another project's connector, where Connect ignores unknown keys."""
    return bool(connector_class and connector_class.strip())


def connector_class_problem(connector_class: str) -> str | None:
    """Why a class cannot be run here, or None. The whole name counts: two projects share the simple one."""
    name = connector_class.strip()
    if name in _CONFLUENT_NAMES or name == NORDSTROM:
        return None
    if name == "LambdaSink":
        return "the format of Confluent Cloud's managed connector is known and not built yet"
    return f"is another connector than {CONFLUENT}"


def ignored_reason(key: str, *, from_worker: bool) -> str | None:
    """Why a key has no effect here, or None."""
    if from_worker and any(
        key == known or (key.startswith(known) and known[-1] == ".") for known in _IGNORED_IN_WORKER
    ):
        return _WORKER
    return next((reason for pattern, reason in _IGNORED if re.fullmatch(pattern, key)), None)


def not_built(key: str, value: str) -> str | None:
    """What this key with this value would need that is not built yet, as the start of a sentence, or None."""
    of_converter = _CONVERTER_KEY.fullmatch(key)
    harmless = _CONVERTER_SHAPES.get(of_converter["name"]) if of_converter else None
    if harmless is not None:
        return None if value.strip().lower() == harmless else "other shapes of unions are"
    return next((what for pattern, what in _NOT_BUILT if re.fullmatch(pattern, key)), None)


def credentials_provider_problem(provider_class: str, *, has_role: bool) -> str | None:
    """Why a provider class of Java cannot be stood in for, or None."""
    name = provider_class.strip()
    simple = name.rsplit(".", 1)[-1]
    if simple in _DEFAULT_CHAINS and (name == simple or name.startswith(_SDK_PACKAGES)):
        return None
    if simple.lower() in _ASSUME_ROLE and has_role:
        return None
    return "this class of Java cannot be loaded"
