"""Kafka triggers in CloudFormation templates, and in those of SAM."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kafka_lambda_sink.migration.event_source import EventSource, flatten
from kafka_lambda_sink.migration.references import placeholder

_MAPPING: Final = "AWS::Lambda::EventSourceMapping"
_ALIAS: Final = "AWS::Lambda::Alias"
_FUNCTIONS: Final = frozenset({"AWS::Lambda::Function", "AWS::Serverless::Function"})
_SAM_EVENTS: Final = frozenset({"MSK", "SelfManagedKafka"})
#: What SAM calls otherwise.
SAM_NAMES: Final = {"Stream": "EventSourceArn", "KafkaBootstrapServers": "BootstrapServers", "KmsKeyArn": "KMSKeyArn"}
_SUB: Final = re.compile(r"\$\{([^{}!][^{}]*)\}")
#: A reference that CloudFormation resolves when it deploys.
_DYNAMIC: Final = re.compile(r"\{\{(resolve:[^{}]*)\}\}")
#: `Ref` of it means that the setting is not there.
_NO_VALUE: Final = "AWS::NoValue"
#: Parameters whose default is a path in the parameter store, not the value.
_STORED: Final = "AWS::SSM::"
_PUBLISHED: Final = "AutoPublishAlias"


class Template:
    """Resolves intrinsic functions as far as the template alone can."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.resources: Mapping[str, Any] = document.get("Resources") or {}
        self._parameters: Mapping[str, Any] = document.get("Parameters") or {}
        self._maps: Mapping[str, Any] = document.get("Mappings") or {}
        self._globals: Mapping[str, Any] = (document.get("Globals") or {}).get("Function") or {}
        #: Parameters whose default was taken.
        self.defaults: dict[str, str] = {}

    def resolve(self, node: Any) -> Any:
        """The value with functions replaced: by what they mean, or by `${NAME}`."""
        if isinstance(node, list):
            return [value for item in node if (value := self.resolve(item)) is not None]
        if isinstance(node, str):
            return _DYNAMIC.sub(lambda found: placeholder(found[1].replace(":", ".")), node)
        if not isinstance(node, Mapping):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            if name == "Ref":
                return None if argument == _NO_VALUE else self._ref(str(argument))
            if str(name).startswith("Fn::"):
                return self._call(name, argument)
        return {key: self.resolve(value) for key, value in node.items()}

    def _ref(self, name: str) -> Any:
        parameter = self._parameters.get(name) or {}
        default = parameter.get("Default")
        if default not in {None, ""} and not str(parameter.get("Type", "")).startswith(_STORED):
            self.defaults[name] = str(default)
            return default
        return self._function(name) or self._alias(name) or placeholder(name)

    def _call(self, name: str, argument: Any) -> Any:
        resolved = self.resolve(argument)
        if name == "Fn::GetAtt":
            parts = resolved.split(".") if isinstance(resolved, str) else [str(part) for part in resolved]
            is_arn = parts[-1] == "Arn"
            return (self._function(parts[0]) if is_arn else None) or placeholder(".".join(parts))
        if name == "Fn::Join" and isinstance(resolved, list) and all(isinstance(item, list) for item in resolved[1:]):
            return str(resolved[0]).join(map(str, resolved[1]))
        if name == "Fn::Split" and isinstance(resolved, list) and isinstance(resolved[1], str):
            return resolved[1].split(str(resolved[0]))
        if name == "Fn::Sub":
            text, given = resolved if isinstance(resolved, list) else (resolved, {})
            return _SUB.sub(lambda found: self._substitute(found[1].strip(), given), str(text))
        steps = resolved if isinstance(resolved, list) else [resolved]
        found = self._found(steps) if name == "Fn::FindInMap" else None
        # All of it: two of them are two references.
        return found if found is not None else placeholder(".".join([name, *map(str, steps)]))

    def _found(self, steps: Sequence[Any]) -> Any:
        found: Any = self._maps
        for step in steps:
            found = found.get(str(step)) if isinstance(found, Mapping) else None
        return found

    def _substitute(self, name: str, given: Mapping[str, Any]) -> str:
        if name in given:
            return str(given[name])
        head, _, attribute = name.partition(".")
        return str(self._call("Fn::GetAtt", [head, attribute]) if attribute else self._ref(name))

    def _function(self, name: str) -> str | None:
        """The name of a function of this template, where it is written down."""
        resource = self.resources.get(name) or {}
        if resource.get("Type") not in _FUNCTIONS:
            return None
        return self.function_of(name)

    def _alias(self, name: str) -> str | None:
        """A function of this template by its alias, where both are written down."""
        resource = self.resources.get(name) or {}
        if resource.get("Type") != _ALIAS:
            return None
        properties = resource.get("Properties") or {}
        return f"{self.resolve(properties.get('FunctionName'))}:{self.resolve(properties.get('Name'))}"

    def trigger_of(self, name: str) -> str:
        """What the events of a function of SAM call: its alias, where it publishes one."""
        own = self.resources[name].get("Properties") or {}
        alias = self.resolve(own.get(_PUBLISHED) or self._globals.get(_PUBLISHED))
        return f"{self.function_of(name)}:{alias}" if alias else self.function_of(name)

    def function_of(self, name: str) -> str:
        """How to call a function of this template."""
        given = (self.resources[name].get("Properties") or {}).get("FunctionName")
        return str(self.resolve(given)) if given is not None else placeholder(f"{name}.Arn")


def event_sources(document: Mapping[str, Any]) -> Iterator[EventSource]:
    """Every Kafka trigger of a template."""
    template = Template(document)
    for name, resource in template.resources.items():
        properties = resource.get("Properties") or {}
        if resource.get("Type") == _MAPPING:
            source = EventSource(name, flatten(template.resolve(properties)))
            if source.is_kafka:
                yield _noted(source, template)
        for title, event in (properties.get("Events") or {}).items() if resource.get("Type") in _FUNCTIONS else ():
            if event.get("Type") in _SAM_EVENTS:
                given = template.resolve(event.get("Properties") or {})
                renamed = {SAM_NAMES.get(key, key): value for key, value in given.items()}
                written = {ours: theirs for theirs, ours in SAM_NAMES.items() if theirs in given}
                settings = {"FunctionName": template.trigger_of(name), **renamed}
                source = EventSource(f"{name}-{title}", flatten(settings, written))
                yield _noted(source, template)


def _noted(source: EventSource, template: Template) -> EventSource:
    source.notes += [(name, f"the parameter's default was taken: {value}") for name, value in template.defaults.items()]
    template.defaults.clear()
    return source
