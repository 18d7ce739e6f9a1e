"""`kafka-lambda-sink replay`: what failed goes through the function again."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Final

import click
from rich.console import Console

from kafka_lambda_sink.cli.options import Sources
from kafka_lambda_sink.cli.problems import show_failure
from kafka_lambda_sink.cli.replay_screen import ReplayView, plan_document, show_plan, show_summary, summary_document
from kafka_lambda_sink.cli.signals import Signals
from kafka_lambda_sink.connector.replay import Replay
from kafka_lambda_sink.connector.replay_source import SourceName
from kafka_lambda_sink.core.errors import InvocationAborted, KafkaLambdaSinkError
from kafka_lambda_sink.core.replay_item import Selection
from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.telemetry.logs import configure
from kafka_lambda_sink.worker.exit_codes import ExitCode

_EXAMPLE: Final = "2026-01-31T08:00:00Z"
#: Seconds beyond a stop's own deadline after which the process ends in any case.
_GRACE: Final = 0.5


def selection_of(
    topic: str | None, partitions: Collection[int], error_type: str | None, from_time: str | None
) -> Selection:
    """What the options say. Raises click's usage errors."""
    return Selection(
        topic=topic,
        partitions=frozenset(partitions),
        error_type=error_type,
        since=None if from_time is None else _milliseconds(from_time),
    )


def replay(sources: Sources, name: SourceName, selection: Selection, *, is_dry: bool, is_json: bool) -> ExitCode:
    """Replay, or with `is_dry` show what would be. OK only when all that is selected is delivered."""
    try:
        loaded = sources.load()
        configure("console", "error", None)
        with Replay(loaded, SystemClock(), name, selection) as run:
            Signals(partial(_stop, run, loaded.sink.shutdown_timeout_ms / 1000))
            return _show_plan(run, is_json=is_json) if is_dry else _run(run, is_json=is_json)
    except InvocationAborted:
        return ExitCode.CRASH
    except KafkaLambdaSinkError as error:
        return show_failure(error)


def _stop(run: Replay, timeout: float) -> None:
    """A question that brokers leave unanswered takes its time, however short a stop is to be."""
    run.request_stop()
    watch = threading.Timer(timeout + _GRACE, _give_up)
    watch.daemon = True
    watch.start()


def _give_up() -> None:
    click.echo("error: no answer until the end of shutdown.timeout.ms: the next run goes on from the marks", err=True)
    os._exit(ExitCode.CRASH)


def _show_plan(run: Replay, *, is_json: bool) -> ExitCode:
    items = run.plan()
    if is_json:
        click.echo(plan_document(run, items))
    else:
        show_plan(Console(), run, items)
    return ExitCode.OK


def _run(run: Replay, *, is_json: bool) -> ExitCode:
    failure: KafkaLambdaSinkError | None = None
    with ReplayView(Console(stderr=True), run, SystemClock()) as view:
        # From here on standard error is the view's: lines of the log go above the bar.
        configure("console", "warning", None)
        try:
            run.run(view.tell, view.update)
        except KafkaLambdaSinkError as error:
            failure = error
    if is_json:
        click.echo(summary_document(run))
    elif failure is None or run.summary.handled:
        show_summary(run)
    if failure is not None:
        return show_failure(failure)
    return ExitCode.OK if run.summary.is_clean else ExitCode.CRASH


def _milliseconds(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not of the form {_EXAMPLE}", param_hint="--from-time") from None
    if at.tzinfo is None:
        raise click.BadParameter(f"{text!r} has no time zone: {_EXAMPLE}", param_hint="--from-time")
    return int(at.timestamp() * 1000)
