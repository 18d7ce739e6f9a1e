"""`kafka-lambda-sink local`: a function on this machine, behind an endpoint that any Lambda client can use."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.runtime_handler import HandlerFile, RuntimeHandler

_ACCESS_KEY = "AKIALOCAL"
_SECRET = "local"  # noqa: S105  # no secret: it opens an endpoint on loopback and is printed
#: Requests and executions that the control API can show; older ones are only in the file.
_JOURNAL_LIMIT = 1000


def serve(
    handler: str,
    port: int,
    *,
    stop: threading.Event,
    host: str = "127.0.0.1",
    name: str | None = None,
    timeout: float = 3.0,
    concurrency: int = 10,
    journal: Path | None = None,
    on_failure: Path | None = None,
    echo: Callable[[str], None] = print,
) -> None:
    """Run FILE.py:FUNCTION as a Lambda function on `host`:`port` until `stop` is set. Blocks.

    The function's name is that of its file unless `name` is given; `timeout` is in seconds; more than `concurrency`
    calls at a time are throttled. What the function logs goes to standard error. `journal` and `on_failure` are files
    for the journal and for failed asynchronous invocations. Raises ConfigError (no such handler), OSError (port taken).
    """
    file = HandlerFile.parse(handler)
    function = Function(
        name=name or file.path.stem,
        handler=RuntimeHandler(file, on_output=_to_standard_error),
        timeout=timeout,
        reserved_concurrency=concurrency,
        on_failure=on_failure,
    )
    credentials = {_ACCESS_KEY: _SECRET}
    with InvokeEndpoint(
        [function], credentials, host=host, port=port, journal_path=journal, journal_limit=_JOURNAL_LIMIT
    ) as endpoint:
        echo(_introduction(endpoint.url, function, file))
        stop.wait()


def _introduction(url: str, function: Function, file: HandlerFile) -> str:
    return f"""\
{file.name} answers at {url} as {function.arn}

For the AWS CLI and SDKs, and for a connector:
  export AWS_ENDPOINT_URL_LAMBDA={url}
  export AWS_ACCESS_KEY_ID={_ACCESS_KEY} AWS_SECRET_ACCESS_KEY={_SECRET} AWS_REGION={function.region}

In a connector's properties:
  aws.lambda.function.name={function.name}
  aws.lambda.endpoint.url={url}
  aws.lambda.region={function.region}
  aws.access.key.id={_ACCESS_KEY}
  aws.secret.access.key={_SECRET}

Requests so far: {url}/_local/journal    Ctrl-C stops."""


def _to_standard_error(data: bytes) -> None:
    # The runtime client ends the lines within one log entry with a carriage return: one entry, one line to CloudWatch.
    sys.stderr.write(data.decode(errors="replace").replace("\r", "\n"))
    sys.stderr.flush()
