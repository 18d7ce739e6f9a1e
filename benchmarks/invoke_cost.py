"""CPU time that one invocation costs, for both invokers.

    python benchmarks/invoke_cost.py [--url http://127.0.0.1:9001] [--calls 5000] [--bytes 14500]

Without --url the local endpoint runs in a process of its own; a cheaper endpoint gives truer figures, since a busy one
makes the client wait, and waiting has its cost in cold caches. Prints a table: microseconds of CPU (user and system,
native threads included) and of wall time a call, medians of five rounds.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Literal

from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.aws_lambda.session import LambdaSettings
from kafka_lambda_sink.core.ports import Invoker
from kafka_lambda_sink.local.clock import SystemClock
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler

_ROUNDS = 5
_RESULT = {
    "topic": "orders",
    "partition": 0,
    "offset": 1_234_567,
    "result": "a result of some sixty bytes, as they are",
}
_REPLY = json.dumps([{"payload": _RESULT}] * 50).encode()


def _serve(channel: Connection) -> None:
    function = Function(name="orders", handler=PythonHandler(lambda _event: _REPLY))
    with InvokeEndpoint([function], journal_limit=1) as endpoint:
        channel.send(endpoint.url)
        channel.recv()


@contextmanager
def _local_endpoint() -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join()


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _round(invoker: Invoker, payload: bytes, calls: int) -> tuple[float, float]:
    cpu, wall = _cpu(), time.perf_counter()
    for _ in range(calls):
        invoker.invoke(payload)
    return (_cpu() - cpu) / calls * 1e6, (time.perf_counter() - wall) / calls * 1e6


def _measure(url: str, transport: Literal["curl", "botocore"], payload: bytes, calls: int) -> None:
    settings = LambdaSettings(
        function_name="orders",
        region="us-east-1",
        endpoint_url=url,
        access_key_id="AKIALOCAL",
        secret_access_key="secret",
        transport=transport,
    )
    invoker = FunctionClient(settings, SystemClock()).invoker()
    _round(invoker, payload, max(1, calls // 10))
    rounds = [_round(invoker, payload, calls) for _ in range(_ROUNDS)]
    invoker.close()
    cpu = sorted(cpu for cpu, _ in rounds)
    wall = statistics.median(wall for _, wall in rounds)
    print(f"{transport:>9} {statistics.median(cpu):8.0f} us CPU a call (min {cpu[0]:.0f}) {wall:8.0f} us wall")


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--url", help="endpoint that is there already")
    parser.add_argument("--calls", type=int, default=2000, help="calls a round for libcurl; a tenth for botocore")
    parser.add_argument("--bytes", type=int, default=14_500, help="size of the payload")
    options = parser.parse_args()
    payload = b'["' + b"x" * (options.bytes - 4) + b'"]'

    def measure(url: str) -> None:
        _measure(url, "curl", payload, options.calls)
        _measure(url, "botocore", payload, max(1, options.calls // 10))

    if options.url:
        measure(options.url)
    else:
        with _local_endpoint() as url:
            measure(url)


if __name__ == "__main__":
    main()
