"""`kafka-lambda-sink local`: a handler on this machine, as a Lambda function."""

from __future__ import annotations

import signal
import threading

import click

from kafka_lambda_sink.cli.problems import show_failure
from kafka_lambda_sink.core.errors import ConfigError
from kafka_lambda_sink.local.serve import serve
from kafka_lambda_sink.worker.exit_codes import ExitCode


def local(handler: str, *, name: str | None, port: int, host: str, timeout: float, concurrency: int) -> ExitCode:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        serve(handler, port, stop=stop, host=host, name=name, timeout=timeout, concurrency=concurrency, echo=click.echo)
    except ConfigError as error:
        return show_failure(error)
    except OSError as error:
        click.echo(f"error: {host}:{port}: {error.strerror}. Choose another --port, or 0 for any", err=True)
        return ExitCode.CONFIGURATION
    return ExitCode.OK
