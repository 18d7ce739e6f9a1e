"""Kafka triggers in Terraform: `aws_lambda_event_source_mapping`, in HCL or as JSON of `terraform show`."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from kafka_lambda_sink.migration.event_source import EventSource, flatten
from kafka_lambda_sink.migration.migration import Given
from kafka_lambda_sink.migration.references import placeholder

_RESOURCE: Final = "aws_lambda_event_source_mapping"
#: Names that are no snake case of the API's.
_NAMES: Final = {
    "source_access_configuration": "SourceAccessConfigurations",
    "kms_key_arn": "KMSKeyArn",
    "uuid": "UUID",
    "arn": "EventSourceMappingArn",
    "uri": "URI",
    "destination_arn": "Destination",
    "filter": "Filters",
    "schema_registry_uri": "SchemaRegistryURI",
    "schema_validation_config": "SchemaValidationConfigs",
    "access_config": "AccessConfigs",
}
#: What stands in a block.
NESTED_NAMES: Final = {
    "BootstrapServers": "self_managed_event_source",
    "ConsumerGroupId": "consumer_group_id",
    "Filters": "filter_criteria",
    "OnFailure": "destination_config",
    "SchemaRegistryConfig": "schema_registry_config",
}
#: Blocks that may stand several times; of every other one there is one.
_LISTS: Final = frozenset({"SourceAccessConfigurations", "Filters", "SchemaValidationConfigs", "AccessConfigs"})
#: Of Terraform itself; `id` and `tags_all` are what a plan adds.
_META: Final = frozenset({"depends_on", "lifecycle", "provider", "timeouts", "id", "tags_all"})
#: What makes several of one.
_MANY: Final = ("count", "for_each")
_EXPRESSION: Final = re.compile(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}")
_ATTRIBUTE: Final = re.compile(r"aws_lambda_(?P<kind>function|alias)\.(?P<name>[\w-]+)(?:\[[^]]*\])?\.(?P<what>\w+)")
#: What calls a function without saying a version.
_NAMES_OF_FUNCTION: Final = frozenset({"arn", "function_name", "id"})
_HEREDOC: Final = re.compile(r"<<(?P<indented>-?)(?P<end>\w+)\n(?P<text>.*?)\n?\s*(?P=end)\s*", re.DOTALL)
_JSONENCODE: Final = re.compile(r"\$\{\s*jsonencode\((?P<value>.*)\)\s*\}", re.DOTALL)

#: What AWS makes up when the mapping is made.
_COMPUTED: Final = frozenset(
    {"arn", "function_arn", "last_modified", "last_processing_result", "state", "state_transition_reason", "uuid"}
)

#: Text of HCL → its blocks and attributes.
Parse = Callable[[str], Mapping[str, Any]]


# --- JSON of `terraform show` ---


def sources_of_plan(document: Mapping[str, Any]) -> Iterator[EventSource]:
    """Every Kafka trigger of a plan, or of a state."""
    values = document.get("planned_values") or document.get("values") or {}
    unknown = {
        change.get("address"): (change.get("change") or {}).get("after_unknown") or {}
        for change in document.get("resource_changes") or ()
    }
    for resource in _resources(values.get("root_module") or {}):
        if resource.get("type") != _RESOURCE:
            continue
        given = {key: value for key, value in (resource.get("values") or {}).items() if _is_given(value)}
        for key, is_unknown in unknown.get(resource.get("address"), {}).items():
            if is_unknown is True and key not in _META | _COMPUTED:
                given[key] = placeholder(f"{resource.get('address')}.{key}")
        modules = re.findall(r"module\.([\w-]+)", str(resource.get("address")))
        source = _source("-".join([*modules, str(resource.get("name"))]), given)
        if source.is_kafka:
            yield source


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from module.get("resources") or ()
    for child in module.get("child_modules") or ():
        yield from _resources(child)


def _is_given(value: Any) -> bool:
    return value not in ([], {}, "", None)


# --- HCL ---


def sources_of_hcl(document: Mapping[str, Any], parse: Parse) -> Iterator[EventSource]:
    """Every Kafka trigger of a file, as `hcl2` reads it: texts in quotes, expressions in `${…}`."""
    module = _Module(document, parse)
    for name, block in module.resources(_RESOURCE):
        dynamic = {_bare(each): value for part in block.get("dynamic") or () for each, value in part.items()}
        plain = {key: value for key, value in block.items() if key != "dynamic" and not key.startswith("__")}
        source = _source(name, {key: module.value(value) for key, value in plain.items()})
        if source.is_kafka:
            region = module.region() if "provider" not in plain else None
            if region is not None and "Region" not in source.settings:
                source.settings["Region"] = Given("the provider's region", region)
            source.notes += [
                (f"dynamic {each}", "a block made by a rule: write in what comes of it") for each in dynamic
            ]
            source.notes += [(each, "there may be none of it, or several") for each in _MANY if each in plain]
            source.notes += [
                (f"var.{name}", f"its default was taken: {value}") for name, value in module.defaults.items()
            ]
            module.defaults.clear()
            yield source


class _Module:
    """One file, whose expressions are resolved as far as it can by itself."""

    def __init__(self, document: Mapping[str, Any], parse: Parse) -> None:
        self._document = document
        self._parse = parse
        self._variables = {
            _bare(name): body for block in document.get("variable") or () for name, body in block.items()
        }
        self._locals = {name: value for block in document.get("locals") or () for name, value in block.items()}
        #: Variables whose default was taken.
        self.defaults: dict[str, str] = {}

    def resources(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Name and body of each resource of a type."""
        for block in self._document.get("resource") or ():
            for found, named in block.items():
                if _bare(found) == kind:
                    yield from ((_bare(name), body) for name, body in named.items())

    def value(self, node: Any) -> Any:
        """What a node means, with `${NAME}` for what other files say."""
        if isinstance(node, list):
            return [self.value(item) for item in node]
        if isinstance(node, Mapping):
            return {_bare(key): self.value(item) for key, item in node.items() if not str(key).startswith("__")}
        if not isinstance(node, str):
            return node
        encoded = _JSONENCODE.fullmatch(node)
        if encoded is not None:
            return json.dumps(self.value(self._parse(f"x = {encoded['value']}\n")["x"]), ensure_ascii=False)
        whole = _EXPRESSION.fullmatch(node)
        if whole is not None:
            return self._expression(whole[1].strip())
        return _EXPRESSION.sub(lambda found: str(self._expression(found[1].strip())), _unquoted(node))

    def _expression(self, text: str) -> Any:
        root, _, rest = text.partition(".")
        if root == "var" and "default" in self._variables.get(rest, {}):
            default = self.value(self._variables[rest]["default"])
            if default is not None:
                self.defaults[rest] = str(default)
                return default
        if root == "local" and rest in self._locals:
            return self.value(self._locals[rest])
        function = _ATTRIBUTE.fullmatch(text)
        return (self._function(**function.groupdict()) if function is not None else None) or placeholder(text)

    def _function(self, kind: str, name: str, what: str) -> str | None:
        """How to call a function or alias; None where it is in another file, or `what` is something else of it."""
        body = next((body for found, body in self.resources(f"aws_lambda_{kind}") if found == name), {})
        if kind == "alias" and what == "arn" and {"function_name", "name"} <= body.keys():
            return f"{self.value(body['function_name'])}:{self.value(body['name'])}"
        is_named = kind == "function" and what in _NAMES_OF_FUNCTION and "function_name" in body
        return str(self.value(body["function_name"])) if is_named else None

    def region(self) -> Any:
        """Of the provider that resources have where they do not name one, or None."""
        for block in self._document.get("provider") or ():
            for name, body in block.items():
                if _bare(name) == "aws" and "alias" not in body and "region" in body:
                    return self.value(body["region"])
        return None


def _bare(name: Any) -> str:
    return str(name).strip('"')


def _unquoted(text: str) -> str:
    heredoc = _HEREDOC.fullmatch(text.strip('"'))
    if heredoc is not None:
        return textwrap.dedent(heredoc["text"]) if heredoc["indented"] else heredoc["text"]
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    return text


# --- both ---


def _source(name: str, given: Mapping[str, Any]) -> EventSource:
    properties = {key: value for key, value in given.items() if key not in _MANY and _is_given(value)}
    written = {_api_name(key): key for key in properties} | NESTED_NAMES
    return EventSource(name, flatten(_api_form(properties), written))


def _api_form(node: Any) -> Any:
    """As the API has it: its names, and one object where Terraform has a list of one."""
    if not isinstance(node, Mapping):
        return node
    found = {}
    for key, value in node.items():
        name = _api_name(key)
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            items = [_api_form(item) for item in value]
            found[name] = items if name in _LISTS else items[0]
        else:
            found[name] = _api_form(value)
    return found


def _api_name(key: str) -> str:
    if key in _NAMES:
        return _NAMES[key]
    return key if key.isupper() else "".join(part[:1].upper() + part[1:] for part in key.split("_"))


def snake_name(name: str) -> str:
    """What Terraform calls a setting of the API."""
    special = {ours: theirs for theirs, ours in _NAMES.items()}
    return special.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
