"""The command line. Every command imports what it needs when it is called: the others do not pay for it."""
# ruff: noqa: PLC0415 - for that reason

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import click

from kafka_lambda_sink.cli.options import F, all_sources_of, parse_pairs, run_options, source_options, sources_of


@click.group(
    invoke_without_command=True,
    epilog="Exit codes: 0 clean stop, 1 crash or a service out of reach, 2 wrong configuration, 3 credentials or "
    "permissions refused, 4 every assigned partition is stopped, 128+n ended at once by a second signal n.",
)
@run_options
@click.version_option(version("kafka-lambda-sink"), prog_name="kafka-lambda-sink")
@click.pass_context
def command(context: click.Context, /, configs: tuple[Path, ...], **_: Any) -> None:
    """Deliver Kafka records to an AWS Lambda function: in order, at least once.

    Without a command, runs the connectors of --config until SIGTERM or SIGINT.
    """
    if context.invoked_subcommand is not None:
        return
    if not configs:
        click.echo(context.get_help(), err=True)
        raise SystemExit(2)
    from kafka_lambda_sink.cli.run import run

    sys.exit(run(all_sources_of(context)))


@command.command()
@source_options
@click.option("--offline", "is_offline", is_flag=True, help="Ask no broker and no endpoint: look at the files alone.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def check(context: click.Context, /, output: str, *, is_offline: bool, **_: Any) -> None:
    """Check a configuration, and everything that it names.

    Validates the files; then reaches brokers, topics, the consumer group, permissions and the function (by DryRun:
    nothing is invoked, joined, written or created). Exit codes are those of a start, see `kafka-lambda-sink --help`.
    """
    from kafka_lambda_sink.cli.check import check as run_check

    sys.exit(run_check(sources_of(context), is_offline=is_offline, is_json=output == "json"))


@command.command()
@click.option("--all", "is_whole", is_flag=True, help="Every property, not only those that matter most.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["markdown", "properties"]),
    default="properties",
    show_default=True,
    help="A file to start from, or a table to read.",
)
def reference(output: str, *, is_whole: bool) -> None:
    """Print the properties of a connector, with their defaults."""
    from kafka_lambda_sink.config.reference import render_markdown, render_properties

    render = render_markdown if output == "markdown" else render_properties
    click.echo(render(only_important=not is_whole))


@command.command()
@click.option(
    "--payload",
    default="[]",
    metavar="FILE|-|TEXT",
    help="What to send: a file, - for standard input, or the text itself. Default: [], a batch without records.",
)
@click.option("--topic", help="Whose function to call. Default: the only one.")
@source_options
@click.pass_context
def invoke(context: click.Context, /, payload: str, topic: str | None, **_: Any) -> None:
    """Send one payload to the configured function and show its reply.

    The function runs, and what it does is done. Ends with 0 when it ran without an error, with 1 when it failed.
    """
    from kafka_lambda_sink.cli.invoke import invoke as run_invoke

    sys.exit(run_invoke(sources_of(context), payload, topic))


@command.command()
@source_options
@click.option("--topic", help="Default: the only one of `topics`.")
@click.option("--partition", default=0, show_default=True, type=click.IntRange(0))
@click.option(
    "--offset", default="latest", show_default=True, metavar="N|earliest|latest", help="latest: the last one."
)
@click.option("--json", "is_json", is_flag=True, help="As JSON.")
@click.pass_context
def inspect(
    context: click.Context, /, topic: str | None, partition: int, offset: str, *, is_json: bool, **_: Any
) -> None:
    """Show what becomes of one record: raw, converted, transformed, filtered, and the payload that would be sent.

    Reads it from Kafka; joins no group, commits nothing, invokes nothing. Ends with 0 when the function would get the
    record, with 1 when it is dropped, filtered out or cannot be converted.
    """
    from kafka_lambda_sink.cli.inspect import inspect as run_inspect

    sys.exit(run_inspect(sources_of(context), topic, partition, offset, is_json=is_json))


@command.group()
def offsets() -> None:
    """Show the committed offsets of a connector, or set them."""


def _scope_options(function: F) -> F:
    function = click.option("--json", "is_json", is_flag=True, help="As JSON.")(function)
    several = click.option("--partition", "partitions", multiple=True, type=click.IntRange(0), help="May be repeated.")
    function = several(function)
    return click.option("--topic", help="Default: all that the connector reads.")(function)


@offsets.command()
@source_options
@_scope_options
@click.pass_context
def show(context: click.Context, /, topic: str | None, partitions: tuple[int, ...], *, is_json: bool, **_: Any) -> None:
    """Show committed offsets, the ends of the logs, lag, and who is in the group."""
    from kafka_lambda_sink.cli.offsets import show as run_show

    sys.exit(run_show(sources_of(context), topic, partitions, is_json=is_json))


@offsets.command()
@source_options
@_scope_options
@click.option(
    "--to",
    required=True,
    metavar="WHERE",
    help="earliest, latest, datetime:2026-01-31T08:00:00Z, duration:PT1H (that long ago), offset:N or "
    "by-partition:0=N,1=M. What is outside of the log is moved into it.",
)
@click.option("--execute", is_flag=True, help="Do it. Without it, the plan is shown and nothing changes.")
@click.pass_context
def reset(
    context: click.Context,
    /,
    topic: str | None,
    partitions: tuple[int, ...],
    to: str,
    *,
    execute: bool,
    is_json: bool,
    **_: Any,
) -> None:
    """Set where the connector goes on: first the plan, with --execute the commit.

    Refused while the group has members. Ends with 0, or with 1 where nothing was committed.
    """
    from kafka_lambda_sink.cli.offsets import reset as run_reset

    sys.exit(run_reset(sources_of(context), topic, partitions, to, execute=execute, is_json=is_json))


@command.command()
@source_options
@click.option(
    "--from",
    "name",
    type=click.Choice(["errors", "dead-letters"]),
    default="errors",
    show_default=True,
    help="The topic that says what failed: the error topic or the dead letter topic.",
)
@click.option("--from-time", metavar="RFC3339", help="What was reported since then, e.g. 2026-01-31T08:00:00Z.")
@click.option("--topic", help="Records of this source topic.")
@click.option(
    "--partition", "partitions", multiple=True, type=click.IntRange(0), help="Of the source. May be repeated."
)
@click.option(
    "--error-type", metavar="NAME", help="For example Unhandled, InvalidResponse, or the function's exception."
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Show what would be replayed, and change nothing.")
@click.option("--json", "is_json", is_flag=True, help="As JSON.")
@click.pass_context
def replay(
    context: click.Context,
    /,
    *,
    name: Literal["errors", "dead-letters"],
    from_time: str | None,
    topic: str | None,
    partitions: tuple[int, ...],
    error_type: str | None,
    is_dry: bool,
    is_json: bool,
    **_: Any,
) -> None:
    """Send what failed to the function again: the records that error records or dead letters tell of.

    What succeeds is marked, in a consumer group of its own; what fails again is reported again. A run that was stopped
    or killed is gone on with by the next. The connector may run meanwhile. Ends with 0 when all is delivered, with 1
    when something failed again, is gone from the source, or is left. See docs/replay.md.
    """
    from kafka_lambda_sink.cli.replay import replay as run_replay
    from kafka_lambda_sink.cli.replay import selection_of

    selection = selection_of(topic, partitions, error_type, from_time)
    sys.exit(run_replay(sources_of(context), name, selection, is_dry=is_dry, is_json=is_json))


@command.command()
@click.option(
    "--filter",
    "patterns",
    metavar="PATTERNS|FILE",
    help="As aws.lambda.filter.patterns: JSON, or the name of a file of it. Default: the patterns of --config.",
)
@click.option(
    "--record",
    required=True,
    metavar="FILE|-",
    help="JSON with key, value, headers, topic, partition, offset and timestamp, all optional; - for standard input.",
)
@click.option("--json", "is_json", is_flag=True, help="As JSON, with every decision.")
@source_options
@click.pass_context
def explain(context: click.Context, /, patterns: str | None, record: str, *, is_json: bool, **_: Any) -> None:
    """Say why a record passes a filter, or does not.

    The record is the one that filters see: after converters and transforms. Ends with 0 when it passes, with 1 when it
    is filtered out, with 2 when the patterns, the configuration or the record are invalid.
    """
    from kafka_lambda_sink.cli.explain import explain as run_explain

    if patterns is None and context.params["config"] is None and not context.find_root().params["configs"]:
        raise click.UsageError("Missing option '--filter' or '--config'.")
    sys.exit(run_explain(patterns if patterns is not None else sources_of(context), record, is_json=is_json))


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write. Default: standard output."
)
@click.option("--take-over-group", "group", metavar="NAME", help="Go on with the committed offsets of this group.")
@click.option("--only", metavar="NAME", help="Of a file with several connectors or triggers: this one.")
@click.option(
    "--resolve", "answers", multiple=True, metavar="NAME=VALUE", help="What a reference means. May be given again."
)
@click.option("--json", "is_json", is_flag=True, help="The report as JSON, with the properties in it.")
def migrate(
    file: Path, *, out: Path | None, group: str | None, only: str | None, answers: tuple[str, ...], is_json: bool
) -> None:
    """Write our properties from the file of another connector or trigger.

    Takes Confluent's connector (self-managed, or Cloud's JSON), Nordstrom's, and AWS's event source mapping: JSON of
    the API, CloudFormation, SAM, Serverless Framework, Terraform. A table on standard error tells what was mapped, what
    was dropped, and what needs a decision: that stands in the file as comments. See docs/migration.md.
    """
    from kafka_lambda_sink.cli.migrate import migrate as run_migrate

    sys.exit(
        run_migrate(file, out=out, group=group, only=only, answers=parse_pairs(answers, "--resolve"), is_json=is_json)
    )


@command.command()
@click.option("--handler", required=True, metavar="FILE:FUNCTION", help="For example app.py:lambda_handler.")
@click.option("--name", help="The function's name. Default: the name of its file.")
@click.option("--port", default=9001, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--timeout", default=3.0, show_default=True, type=click.FloatRange(0.1, 900), help="Seconds a call may take."
)
@click.option(
    "--concurrency", default=10, show_default=True, type=click.IntRange(0), help="Calls at a time; more get 429."
)
def local(handler: str, *, name: str | None, port: int, host: str, timeout: float, concurrency: int) -> None:
    """Serve a handler on this machine as a Lambda function.

    Any client of AWS Lambda can call it, and so can a connector whose aws.lambda.endpoint.url names it.
    """
    from kafka_lambda_sink.cli.local import local as run_local

    sys.exit(run_local(handler, name=name, port=port, host=host, timeout=timeout, concurrency=concurrency))


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
    from kafka_lambda_sink.cli.demo.run import demo as run_demo

    sys.exit(run_demo(handler, records))


def main() -> None:
    """Entry point of the console script."""
    command(prog_name="kafka-lambda-sink")
