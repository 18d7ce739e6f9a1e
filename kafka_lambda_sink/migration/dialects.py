"""Which dialect a file is written in, and what can be migrated in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from typing import Any, Final, TypeVar

from kafka_lambda_sink.config.elsewhere import NORDSTROM, connector_class_problem
from kafka_lambda_sink.config.properties import parse_json, parse_properties
from kafka_lambda_sink.migration import aws_api, aws_templates, parsers, serverless, terraform
from kafka_lambda_sink.migration.confluent import migrate_confluent
from kafka_lambda_sink.migration.confluent_cloud import migrate_cloud
from kafka_lambda_sink.migration.event_source import EventSource
from kafka_lambda_sink.migration.event_source_mapping import connector_name, migrate_event_source
from kafka_lambda_sink.migration.migration import Migration, MigrationError
from kafka_lambda_sink.migration.nordstrom import migrate_nordstrom

_CLOUD: Final = "LambdaSink"
_YAML: Final = (".yaml", ".yml", ".template")
_KNOWN: Final = (
    "a connector of Kafka Connect (properties or JSON), an AWS event source mapping (JSON of the API), a template of "
    "CloudFormation or SAM, a file of the Serverless Framework, or Terraform (.tf, or JSON of `terraform show`)"
)

T = TypeVar("T")
_Migrate = Callable[[Mapping[str, str], str | None], Migration]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One connector or trigger of a file."""

    title: str
    #: As a person calls it.
    dialect: str
    _migrate: _Migrate

    def migrate(self, answers: Mapping[str, str], group: str | None) -> Migration:
        """It, closed; `answers` to references by name, `group` to take over. Raises MigrationError."""
        return _of_any_shape(lambda: self._migrate(answers, group).finish())


def candidates(name: str, text: str) -> list[Candidate]:
    """All that is in a file called `name`. Raises MigrationError where nothing is."""
    return _of_any_shape(lambda: _candidates(name, text))


def _of_any_shape(read: Callable[[], T]) -> T:
    """A file of others may have anything anywhere: what none of the dialects has is told, and no fault of ours."""
    try:
        return read()
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise MigrationError(f"something in it has another structure than it should: {error}") from error


def _candidates(name: str, text: str) -> list[Candidate]:
    if name.endswith(".tf"):
        found = terraform.sources_of_hcl(parsers.parse_hcl(text), parsers.parse_hcl)
        return _triggers("Terraform", found)
    if text.lstrip().startswith(("{", "[")):
        return _of_json(name, text)
    if name.endswith(_YAML) or text.startswith(("AWSTemplateFormatVersion", "Resources:", "service:", "---")):
        return _of_document(parsers.parse_yaml(text))
    read = parse_properties(text, name)
    return [_connector({setting.key: setting.value for setting in read.settings})]


def _of_json(name: str, text: str) -> list[Candidate]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise MigrationError(f"{name} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise MigrationError(f"{name} is not a JSON object")
    config = document.get("config")
    if "connector.class" in document or isinstance(config, dict):
        read = parse_json(text, name)
        if read.problems:
            raise MigrationError(f"{name}: {read.problems[0].message}")
        return [_connector({setting.key: setting.value for setting in read.settings})]
    return _of_document(document)


def _of_document(document: Any) -> list[Candidate]:
    if not isinstance(document, Mapping):
        raise MigrationError(f"there is nothing in it that can be migrated: it takes {_KNOWN}")
    if "planned_values" in document or "values" in document:
        return _triggers("Terraform", terraform.sources_of_plan(document))
    if "functions" in document:
        return _triggers("Serverless Framework", serverless.event_sources(document))
    if "Resources" in document:
        is_sam = any(str(each.get("Type", "")).startswith("AWS::Serverless") for each in document["Resources"].values())
        return _triggers("SAM" if is_sam else "CloudFormation", aws_templates.event_sources(document))
    if aws_api.is_event_source_mapping(document):
        return _triggers("AWS event source mapping", aws_api.event_sources(document))
    raise MigrationError(f"there is nothing in it that can be migrated: it takes {_KNOWN}")


def _connector(config: dict[str, str]) -> Candidate:
    kind = config.get("connector.class", "").strip()
    title = config.get("name", "").strip() or "sink"
    if kind == _CLOUD:
        dialect, migrate = "Confluent Cloud", migrate_cloud
    elif kind == NORDSTROM:
        dialect, migrate = "Nordstrom", migrate_nordstrom
    elif kind and connector_class_problem(kind) is None:
        is_first = not any(key.startswith("reporter.") for key in config)
        dialect, migrate = f"Confluent{', first release' if is_first else ''}", migrate_confluent
    else:
        raise MigrationError(f"connector.class {kind or 'is missing'}: it takes {_KNOWN}")
    return Candidate(title, dialect, lambda answers, group: migrate(Migration(dialect, title, answers), config, group))


def _triggers(dialect: str, sources: Iterable[EventSource]) -> list[Candidate]:
    found = []
    taken: set[str] = set()
    for source in sources:
        # A group for each: two triggers of a function read different topics.
        numbered = (f"{source.title}-{number}" for number in count(2))
        wanted = chain((connector_name(source), source.title), numbered)
        title = next(name for name in wanted if name not in taken)
        taken.add(title)
        found.append(Candidate(title, dialect, partial(_migrate_trigger, dialect, title, source)))
    if not found:
        raise MigrationError("there is no Kafka trigger in it: a mapping with topics")
    return found


def _migrate_trigger(
    dialect: str, title: str, source: EventSource, answers: Mapping[str, str], group: str | None
) -> Migration:
    return migrate_event_source(Migration(dialect, title, answers), source, group)
