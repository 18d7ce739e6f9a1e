"""What the invokers' contract suite shares."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Literal

import pytest

from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.core.errors import InvocationError
from kafka_lambda_sink.core.ports import Invoker
from kafka_lambda_sink.local.endpoint import Function
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.waiting import wait_until

Transport = Literal["curl", "botocore"]
TOKEN = "token/with+odd=characters"
BATCH = b'[{"payload":{"topic":"orders","partition":0,"offset":7,"value":"caf\xc3\xa9"}}]'
Open = Callable[..., Invoker]
ClientOf = Callable[..., FunctionClient]
ABORT_BOUND = 0.1
CHAIN = {"access_key_id": None, "secret_access_key": None, "session_token": None}


def function(name: str = "orders", reply: Callable[[bytes], bytes] = lambda event: event) -> Function:
    return Function(name=name, handler=PythonHandler(reply), aliases={"prod": "7"}, versions=("7",), timeout=30)


def error_of(invoker: Invoker, payload: bytes = BATCH) -> InvocationError:
    with pytest.raises(InvocationError) as caught:
        invoker.invoke(payload)
    return caught.value


@contextmanager
def full_backlog() -> Iterator[str]:
    """A URL whose port answers no SYN: its listener's queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for client in waiting:
            client.close()


@contextmanager
def in_background(call: Callable[[], object]) -> Iterator[list[BaseException | object]]:
    """Runs `call` in a thread that has ended when the context has; what came of it is in the list."""
    outcome: list[BaseException | object] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:  # noqa: BLE001  # looked at by the test
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield outcome
    thread.join(10)
    assert not thread.is_alive()


def abort_and_time(invoker: Invoker, outcome: list[BaseException | object]) -> float:
    """Seconds from the abort to the end of the call that runs in the background."""
    started = perf_counter()
    invoker.abort()
    wait_until(lambda: outcome, every=0.002)
    return perf_counter() - started


def profile(path: Path, key: str) -> None:
    (path / "credentials").write_text(
        f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\naws_session_token = {TOKEN}\n"
    )
