from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.lambda_clients import CurlClient, boto3_client

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@pytest.fixture
def endpoint() -> Iterator[InvokeEndpoint]:
    """Knows the function `orders`, which answers with its event."""
    echo = Function(name="orders", handler=PythonHandler(lambda event: event), aliases={"live": "7"}, versions=("7",))
    with InvokeEndpoint([echo]) as endpoint:
        yield endpoint


@pytest.fixture
def client(endpoint: InvokeEndpoint) -> Iterator[LambdaClient]:
    client = boto3_client(endpoint.url)
    yield client
    client.close()


@pytest.fixture
def curl(endpoint: InvokeEndpoint) -> Iterator[CurlClient]:
    client = CurlClient(endpoint.url)
    yield client
    client.close()
