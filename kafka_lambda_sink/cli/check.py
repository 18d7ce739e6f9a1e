"""`kafka-lambda-sink check`: is this configuration right, and is everything there that it names."""

from __future__ import annotations

import json
import logging
import signal
import sys
from contextlib import nullcontext

import click
from rich.console import Console

from kafka_lambda_sink.cli.check_report import CheckReport
from kafka_lambda_sink.cli.check_table import show_report
from kafka_lambda_sink.cli.options import Sources
from kafka_lambda_sink.connector.findings import of_problem
from kafka_lambda_sink.core.errors import ConfigError
from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.worker.exit_codes import ExitCode


def check(sources: Sources, *, is_offline: bool, is_json: bool) -> ExitCode:
    """Look, print, and tell how a start would end."""
    # Nothing here is half done when it is ended at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    console = Console()
    report = _look(sources, is_offline=is_offline)
    if is_json:
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        show_report(console, report)
    return report.exit_code


def _look(sources: Sources, *, is_offline: bool) -> CheckReport:
    try:
        loaded = sources.load()
    except ConfigError as error:
        return CheckReport([of_problem("configuration", sources.config.name, problem) for problem in error.problems])
    # What the clients log while they try is told by the findings.
    logging.disable()
    from kafka_lambda_sink.connector.checks import check_connector  # noqa: PLC0415 - a wrong file is told without it

    waiting = Console(stderr=True)
    with waiting.status("asking …") if sys.stderr.isatty() and not is_offline else nullcontext():
        findings = list(check_connector(loaded, SystemClock(), is_offline=is_offline))
    return CheckReport(findings, loaded.used, loaded.ignored)
