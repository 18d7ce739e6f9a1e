"""Both invokers against the local endpoint, which checks every signature with botocore's signer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.aws_lambda.session import LambdaSettings
from kafka_lambda_sink.core.ports import Invoker
from kafka_lambda_sink.local.endpoint import Credential, InvokeEndpoint
from tests.support.invoking import TOKEN, ClientOf, Open, Transport, function
from tests.support.stepped_clock import SteppedClock


@pytest.fixture(autouse=True)
def _no_aws_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(params=["curl", "botocore"])
def transport(request: pytest.FixtureRequest) -> Transport:
    chosen: Transport = request.param
    return chosen


@pytest.fixture
def endpoint() -> Iterator[InvokeEndpoint]:
    with InvokeEndpoint([function()], {"AKIALOCAL": Credential("secret", TOKEN)}) as running:
        yield running


@pytest.fixture
def client_of(transport: Transport, endpoint: InvokeEndpoint) -> ClientOf:
    def make(**changes: Any) -> FunctionClient:
        settings: dict[str, Any] = {
            "function_name": "orders",
            "region": "us-east-1",
            "endpoint_url": endpoint.url,
            "access_key_id": "AKIALOCAL",
            "secret_access_key": "secret",
            "session_token": TOKEN,
            "transport": transport,
            "connect_timeout": 5.0,
            "read_timeout": 10.0,
        }
        return FunctionClient(LambdaSettings(**(settings | changes)), SteppedClock())

    return make


@pytest.fixture
def open_invoker(client_of: ClientOf) -> Iterator[Open]:
    opened: list[Invoker] = []

    def make(**changes: Any) -> Invoker:
        opened.append(client_of(**changes).invoker())
        return opened[-1]

    yield make
    for invoker in opened:
        invoker.close()


@pytest.fixture
def invoker(open_invoker: Open) -> Invoker:
    return open_invoker()
