"""Fixtures of sinks that run in the test's own process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.cluster import Cluster
from tests.support.running_task import Sink, function


@pytest.fixture
def lambda_endpoint() -> Iterator[InvokeEndpoint]:
    """An Invoke endpoint of the test's own, with a function that answers each record with its value."""
    with InvokeEndpoint([function()]) as endpoint:
        yield endpoint


@pytest.fixture
def make_sink(cluster: Cluster, lambda_endpoint: InvokeEndpoint, tmp_path: Path) -> Callable[..., Sink]:
    """Makes a sink with a source topic of its own: `make_sink(2)` for two partitions."""

    def make(partitions: int = 1, **topic_config: str) -> Sink:
        return Sink(cluster, lambda_endpoint, tmp_path, partitions=partitions, **topic_config)

    return make


@pytest.fixture
def sink(make_sink: Callable[..., Sink]) -> Sink:
    """A sink of one partition."""
    return make_sink()
