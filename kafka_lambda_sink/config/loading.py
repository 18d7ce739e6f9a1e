"""From files, environment and command line to a checked configuration, or to the list of everything that is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from kafka_lambda_sink.config.clients.assembly import ClientProperties
from kafka_lambda_sink.config.collecting import Collected, collect
from kafka_lambda_sink.config.environment import environment_settings
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.config.properties import read_settings
from kafka_lambda_sink.config.providers import Providers, UnresolvedError, providers_from
from kafka_lambda_sink.config.resolving import resolve
from kafka_lambda_sink.config.settings import COMMAND_LINE, IgnoredKey, Setting, UsedKey
from kafka_lambda_sink.config.transform_plan import TransformPlan
from kafka_lambda_sink.core.errors import ConfigError, Problem

_UNRESOLVED: Final = "unresolved-reference"
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration that can be run."""

    sink: SinkConfig
    clients: ClientProperties
    transforms: TransformPlan
    #: Keys in force, in the order of their sources.
    used: list[UsedKey]
    #: Keys without effect, each with the reason.
    ignored: list[IgnoredKey]
    #: What a person should know.
    warnings: list[Problem]


def load(
    path: Path,
    *,
    worker: Path | None = None,
    overrides: Mapping[str, str] = _NONE,
    environ: Mapping[str, str] = os.environ,
) -> LoadedConfig:
    """Read and check a connector's configuration. Precedence: command line, environment, this file, worker file.

    `path` is a properties file, or JSON as Connect's REST API takes it; `worker` what Connect keeps in its worker file
    (brokers, security, default converters); `overrides` what the command line says. Reads files and nothing else.
    Raises ConfigError with every problem found.
    """
    connector_file = read_settings(path)
    worker_file = read_settings(worker, from_worker=True) if worker else None
    command_line = [Setting(key=key, value=value, source=COMMAND_LINE) for key, value in overrides.items()]
    trusted = [command_line, environment_settings(environ), worker_file.settings if worker_file else []]
    files = [file for file in (connector_file, worker_file) if file]
    problems = [problem for file in files for problem in file.problems]
    if problems and any(problem.error_id == "unreadable-file" for problem in problems):
        raise ConfigError(problems)
    providers, provider_problems = providers_from(
        [setting for layer in trusted for setting in layer], config_file=path, environ=environ
    )
    layers = [trusted[0], trusted[1], connector_file.settings, trusted[2]]
    expanded = [_expand(layer, providers, provider_problems) for layer in layers]
    collected = collect(expanded)
    collected.problems[:0] = problems + provider_problems
    collected.warnings[:0] = [warning for file in files for warning in file.warnings]
    resolved = resolve(collected, environ)
    if resolved.config is None or collected.problems:
        raise ConfigError(_in_order(collected.problems, layers))
    return LoadedConfig(
        sink=resolved.config,
        clients=resolved.clients,
        transforms=resolved.transforms,
        used=_used(collected, expanded),
        ignored=[
            IgnoredKey(setting.key, reason, setting.source, setting.line)
            for setting, reason in collected.ignored.items()
        ],
        warnings=_in_order(collected.warnings, layers),
    )


def _expand(layer: list[Setting], providers: Providers, problems: list[Problem]) -> list[Setting]:
    expanded = []
    for setting in layer:
        try:
            expanded.append(providers.expand(setting))
        except UnresolvedError as error:
            problems.append(setting.problem(_UNRESOLVED, str(error)))
            expanded.append(setting)
    return expanded


def _used(collected: Collected, layers: list[list[Setting]]) -> list[UsedKey]:
    return [
        UsedKey(setting.key, setting.source, setting.line)
        for layer in layers
        for setting in layer
        if setting not in collected.ignored
    ]


def _in_order(problems: list[Problem], layers: list[list[Setting]]) -> list[Problem]:
    """By source, highest precedence first, then by line; what belongs to no source comes last.

    Of a setting whose reference cannot be resolved nothing else is told: its value is not known.
    """
    sources = list(dict.fromkeys(setting.source for layer in layers for setting in layer))
    rank = {source: number for number, source in enumerate(sources)}
    unresolved = {_place(problem) for problem in problems if problem.error_id == _UNRESOLVED}
    unique = [
        problem
        for problem in dict.fromkeys(problems)
        if problem.error_id == _UNRESOLVED or _place(problem) not in unresolved
    ]
    return sorted(unique, key=lambda problem: (rank.get(problem.source or "", len(rank)), problem.line or 0))


def _place(problem: Problem) -> tuple[str | None, str | None, int | None]:
    return problem.key, problem.source, problem.line
