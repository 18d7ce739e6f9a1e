"""Kafka triggers in files of the Serverless Framework: events `msk` and `kafka`.

Source: https://www.serverless.com/framework/docs/providers/aws/events/kafka
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kafka_lambda_sink.migration.aws_templates import Template
from kafka_lambda_sink.migration.event_source import EventSource, flatten
from kafka_lambda_sink.migration.migration import Given, MigrationError
from kafka_lambda_sink.migration.references import placeholder

_EVENTS: Final = frozenset({"msk", "kafka"})
NAMES: Final = {
    "arn": "EventSourceArn",
    "topic": "Topics",
    "bootstrapServers": "BootstrapServers",
    "batchSize": "BatchSize",
    "maximumBatchingWindow": "MaximumBatchingWindowInSeconds",
    "startingPosition": "StartingPosition",
    "startingPositionTimestamp": "StartingPositionTimestamp",
    "consumerGroupId": "ConsumerGroupId",
    "enabled": "Enabled",
    "filterPatterns": "Filters",
    "functionResponseType": "FunctionResponseTypes",
    "maximumRetryAttempts": "MaximumRetryAttempts",
    "maximumRecordAgeInSeconds": "MaximumRecordAgeInSeconds",
    "provisionedPollerConfig": "ProvisionedPollerConfig",
}
_ACCESS: Final = {
    "vpcSubnet": "VPC_SUBNET",
    "vpcSecurityGroup": "VPC_SECURITY_GROUP",
    "saslPlainAuth": "BASIC_AUTH",
    "saslScram256Auth": "SASL_SCRAM_256_AUTH",
    "saslScram512Auth": "SASL_SCRAM_512_AUTH",
    "saslScram512": "SASL_SCRAM_512_AUTH",
    "clientCertificateTlsAuth": "CLIENT_CERTIFICATE_TLS_AUTH",
    "serverRootCaCertificate": "SERVER_ROOT_CA_CERTIFICATE",
}
#: An innermost variable: `${source, fallback, …}`; what is asked for may stand in it.
_VARIABLE: Final = re.compile(r"\$\{((?:[^{}$\0]|\0\{[^{}]*\})*)\}")
#: Its parts, which may be in quotes.
_PART: Final = re.compile(r"""\s*(?:'([^']*)'|"([^"]*)"|([^,]+))\s*(?:,|$)""")
#: What stands outside of the file: `opt:stage`, `env:X`, `ssm:/path`, `file(other.yml):key`, `cf(region):stack.Output`.
_OUTSIDE: Final = re.compile(r"\w+(?:\([^)]*\))?:.*|file\(.*", re.DOTALL)
#: Variables inside of variables that are resolved at most.
_DEPTH: Final = 20
_UNKNOWN: Final = "\0"


class _Service:
    """A file, whose variables are resolved as far as it can by itself."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        #: Variables whose fallback was taken.
        self.defaults: dict[str, str] = {}

    def resolve(self, node: Any) -> Any:
        """The value with variables replaced: by what they mean, or by `${NAME}`."""
        if isinstance(node, list):
            return [self.resolve(item) for item in node]
        if isinstance(node, Mapping):
            return {key: self.resolve(value) for key, value in node.items()}
        if not isinstance(node, str):
            return node
        whole = _VARIABLE.fullmatch(node)
        if whole is not None:
            value = self._value(whole[1])
            return value if not isinstance(value, str) else self._inside(value)
        return self._inside(node)

    def _inside(self, text: str) -> str:
        for _ in range(_DEPTH):
            found = _VARIABLE.search(text)
            if found is None:
                break
            text = text[: found.start()] + str(self._value(found[1])) + text[found.end() :]
        return text.replace(f"{_UNKNOWN}{{", "${")

    def _value(self, expression: str) -> Any:
        sources = [(single, double, bare.strip()) for single, double, bare in _PART.findall(expression)]
        asked = None
        for single, double, source in sources:
            if not source:
                found: Any = single or double
            elif source.startswith("self:"):
                found = self._own(source.removeprefix("self:"))
            elif source == "sls:stage":
                found = self._stage()
            else:
                # The first part is never a value by itself, and `opt.stage` what was asked for already.
                found = None if asked is None or _OUTSIDE.fullmatch(source) else source
            if found is not None and found != "null":
                if asked is not None:
                    self.defaults[asked] = str(found).replace(f"{_UNKNOWN}{{", "${")
                return found
            asked = asked or source
        return self._asked(asked or expression)

    def _own(self, path: str) -> Any:
        found: Any = self._document
        for step in path.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        return self.resolve(found) if found is not None else None

    def _stage(self) -> Any:
        stage = (self._document.get("provider") or {}).get("stage")
        return self.resolve(stage) if stage else "dev"

    @staticmethod
    def _asked(source: str) -> str:
        return placeholder(source.replace(":", ".")).replace("${", f"{_UNKNOWN}{{")


def event_sources(document: Mapping[str, Any]) -> Iterator[EventSource]:
    """Every Kafka trigger of a service."""
    service = _Service(document)
    template = Template(_merged(document.get("resources")))
    region = service.resolve((document.get("provider") or {}).get("region"))
    for key, function in _merged(document.get("functions"), must=True).items():
        for event in function.get("events") or ():
            for kind in _EVENTS & event.keys() if isinstance(event, Mapping) else ():
                source = EventSource(key, _settings(template.resolve(service.resolve(event[kind]))))
                name = service.resolve(function.get("name") or "${self:service}-${sls:stage}-" + key)
                source.settings["FunctionName"] = Given("the function", name)
                if region:
                    source.settings["Region"] = Given("provider.region", region)
                source.notes += [
                    (variable, f"its fallback was taken: {value}") for variable, value in service.defaults.items()
                ]
                service.defaults.clear()
                yield source


def _merged(node: Any, *, must: bool = False) -> dict[str, Any]:
    """What may stand in a list of parts, of which some are in other files. Raises MigrationError if they `must` not."""
    merged: dict[str, Any] = {}
    for part in node if isinstance(node, list) else [node or {}]:
        if isinstance(part, Mapping):
            for key, value in part.items():
                both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
                merged[key] = {**merged[key], **value} if both else value
        elif must:
            raise MigrationError(
                f"some of it is in another file: {part}", hint="`serverless print` writes all of it: migrate that."
            )
    return merged


def _settings(event: Mapping[str, Any]) -> dict[str, Given]:
    renamed = {NAMES.get(key, key): value for key, value in event.items() if key not in _ACCESS}
    access = [
        {"Type": _ACCESS.get(kind, kind), "URI": uri}
        for kind, uris in _accesses(event)
        for uri in (uris if isinstance(uris, list) else [uris])
    ]
    renamed.pop("accessConfigurations", None)
    if access:
        renamed["SourceAccessConfigurations"] = access
    written = {ours: theirs for theirs, ours in NAMES.items() if theirs in event}
    return flatten(renamed, written | {"SourceAccessConfigurations": "accessConfigurations"})


def _accesses(event: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from (event.get("accessConfigurations") or {}).items()
    yield from ((kind, uris) for kind, uris in event.items() if kind in _ACCESS)
