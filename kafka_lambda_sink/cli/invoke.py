"""`kafka-lambda-sink invoke`: one payload to the configured function, and everything that comes back."""

from __future__ import annotations

import base64
import json
import signal
import sys
from pathlib import Path

import click

from kafka_lambda_sink.cli.options import Sources
from kafka_lambda_sink.cli.problems import show_failure
from kafka_lambda_sink.connector.one_call import call_once
from kafka_lambda_sink.core.errors import KafkaLambdaSinkError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.pipeline.clock import SystemClock
from kafka_lambda_sink.telemetry.logs import configure
from kafka_lambda_sink.worker.exit_codes import ExitCode

_ACCEPTED = 202


def invoke(sources: Sources, payload: str, topic: str | None) -> ExitCode:
    """Call and print. CRASH when the function failed or could not be reached."""
    # A call that hangs is ended at once: nothing of ours is half done.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        loaded = sources.load()
        configure("console", "error", None)
        reply = call_once(loaded.sink, SystemClock(), _read(payload), topic)
    except KafkaLambdaSinkError as error:
        return show_failure(error)
    click.echo(render(reply), nl=False)
    return ExitCode.CRASH if reply.function_error else ExitCode.OK


def _read(payload: str) -> bytes:
    if payload == "-":
        return sys.stdin.buffer.read()
    try:
        is_file = Path(payload).is_file()
    except OSError:  # longer than a name may be
        is_file = False
    return Path(payload).read_bytes() if is_file else payload.encode()


def render(reply: InvokeReply) -> str:
    """The reply as text: status, version, error, log, and the payload, pretty where it is JSON."""
    lines = [f"status            {reply.status}{' (accepted: runs later)' if reply.status == _ACCEPTED else ''}"]
    for name, value in (
        ("executed version", reply.executed_version),
        ("request id", reply.request_id),
        ("function error", reply.function_error),
    ):
        if value is not None:
            lines.append(f"{name:<17} {value}")
    if reply.log_result:
        log = base64.b64decode(reply.log_result).decode(errors="replace")
        lines += ["", "log, the last 4 KB:", *(f"  {line.rstrip()}" for line in log.splitlines())]
    if reply.payload:
        lines += ["", "reply:", _pretty(reply.payload)]
    return "\n".join(lines) + "\n"


def _pretty(payload: bytes) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return payload.decode(errors="replace")
