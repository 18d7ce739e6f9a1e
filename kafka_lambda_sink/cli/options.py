"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from kafka_lambda_sink.config.loading import LoadedConfig

F = TypeVar("F", bound=Callable[..., object])

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_CONFIG = "The connector's properties file (or JSON, as Connect's REST API takes it)."
_WORKER = "What Connect keeps in its worker file: brokers, security, converters."
_SET = "One property; wins over every file and the environment. May be given again."


def source_options(command: F) -> F:
    """Add --config, --worker and --set to a command."""
    return click.option("--config", type=_FILE, help=_CONFIG)(_common_options(command))


def run_options(command: F) -> F:
    """As `source_options`, for the command that takes several --config."""
    several = f"{_CONFIG} May be given again: each connector then has processes of its own."
    return click.option("--config", "configs", multiple=True, type=_FILE, help=several)(_common_options(command))


def _common_options(command: F) -> F:
    command = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help=_SET)(command)
    return click.option("--worker", type=_FILE, help=_WORKER)(command)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a connector's configuration stands."""

    config: Path
    worker: Path | None
    overrides: dict[str, str]

    def load(self) -> LoadedConfig:
        """The configuration. Raises ConfigError."""
        from kafka_lambda_sink.config.loading import load  # noqa: PLC0415 - it takes a while, and --help does without

        return load(self.config, worker=self.worker, overrides=self.overrides)


def sources_of(context: click.Context) -> Sources:
    """What the options say, given before or after the name of a subcommand. Raises click's usage errors."""
    before, after = context.find_root().params, context.params
    given = [after["config"]] if after["config"] else before["configs"]
    if not given:
        raise click.UsageError("Missing option '--config'.", context)
    if len(given) > 1:
        raise click.UsageError("Several '--config' are for running connectors: give one.", context)
    overrides = (*before["overrides"], *after["overrides"])
    return Sources(given[0], after["worker"] or before["worker"], parse_pairs(overrides, "--set"))


def all_sources_of(context: click.Context) -> list[Sources]:
    """What the options of a command with `run_options` say. Raises click's usage errors."""
    given = context.params
    overrides = parse_pairs(given["overrides"], "--set")
    return [Sources(config, given["worker"], overrides) for config in given["configs"]]


def parse_pairs(pairs: tuple[str, ...], option: str) -> dict[str, str]:
    """`KEY=VALUE` by key. Raises click's usage errors."""
    parsed = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint=option)
        parsed[key] = value
    return parsed
