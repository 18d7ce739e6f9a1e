"""Failures as commands print them, on standard error."""

from __future__ import annotations

import click

from kafka_lambda_sink.core.errors import ConfigError, KafkaLambdaSinkError
from kafka_lambda_sink.worker.exit_codes import ExitCode, exit_code


def show_failure(failure: KafkaLambdaSinkError) -> ExitCode:
    """Print what failed, every problem of a configuration on a line of its own; the exit code it means."""
    texts = [str(problem) for problem in failure.problems] if isinstance(failure, ConfigError) else [str(failure)]
    for text in texts:
        click.echo(f"error: {text}", err=True)
    if failure.hint:
        click.echo(f"hint: {failure.hint}", err=True)
    return exit_code(failure)
