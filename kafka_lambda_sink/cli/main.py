"""The command line."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import click

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.option("--config", type=_FILE, help="The connector's properties file (or JSON, as Connect's REST API takes it).")
@click.option("--worker", type=_FILE, help="What Connect keeps in its worker file: brokers, security, converters.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One property; wins over every file.")
@click.version_option(version("kafka-lambda-sink"), prog_name="kafka-lambda-sink")
@click.pass_context
def command(context: click.Context, config: Path | None, worker: Path | None, overrides: tuple[str, ...]) -> None:
    """Deliver Kafka records to an AWS Lambda function: in order, at least once.

    Without a subcommand, runs the connector of --config until SIGTERM or SIGINT.
    """
    if context.invoked_subcommand is not None:
        return
    if config is None:
        click.echo(context.get_help())
        raise SystemExit(2)
    from kafka_lambda_sink.cli.run import run  # noqa: PLC0415 - `--version` and `--help` need nothing of it

    sys.exit(run(config, worker, parse_overrides(overrides)))


@command.command()
@click.option(
    "--handler", metavar="FILE:FUNCTION", help="A Lambda handler of yours. Default: examples/orders/handler.py."
)
@click.option(
    "--records", default=3000, show_default=True, type=click.IntRange(1, 20_000), help="How many records to produce."
)
def demo(handler: str | None, records: int) -> None:
    """Run the sink on a Kafka and a Lambda inside this process.

    Produces orders over four partitions, some of them poisonous, and delivers them to a handler. Then reads results,
    failures and dead letters back from their topics. Ends with 0 when every record is accounted for.
    """
    from kafka_lambda_sink.cli.demo.run import demo as run_demo  # noqa: PLC0415 - as above

    sys.exit(run_demo(handler, records))


def parse_overrides(overrides: tuple[str, ...]) -> dict[str, str]:
    """`KEY=VALUE` of the command line. Raises click's usage error."""
    parsed = {}
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator or not key:
            raise click.BadParameter(f"{override!r} is not KEY=VALUE", param_hint="--set")
        parsed[key] = value
    return parsed


def main() -> None:
    """Entry point of the console script."""
    command(prog_name="kafka-lambda-sink")
