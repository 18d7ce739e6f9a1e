"""Fixtures that several suites share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.scenario import Build, Scenario
from tests.support.schema_registry import ApicurioRegistry


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A real Kafka for the whole run, plaintext, with topics and groups for each test; who stops it, starts his own."""
    with Broker() as running:
        yield running


@pytest.fixture(scope="session")
def sasl_broker() -> Iterator[Broker]:
    """As `broker`, with SASL_SSL, SCRAM-SHA-256 and ACLs: user `sink` has no rights but those a test gives."""
    with Broker(users={"sink": "sink-secret", "other": "other-secret"}) as running:
        yield running


@pytest.fixture(scope="session")
def cluster(broker: Broker) -> Cluster:
    """Admin rights on `broker`."""
    return Cluster(broker)


@pytest.fixture(scope="session")
def sasl_cluster(sasl_broker: Broker) -> Cluster:
    """Admin rights on `sasl_broker`."""
    return Cluster(sasl_broker)


@pytest.fixture
def scenario(cluster: Cluster, tmp_path: Path) -> Iterator[Build]:
    """Builds scenarios of processes on the shared broker; ended with the test."""
    with ExitStack() as stack:

        def build(**settings: Any) -> Scenario:
            return stack.enter_context(Scenario(cluster, tmp_path, **settings))

        yield build


@pytest.fixture(scope="session")
def schema_registry() -> Iterator[ApicurioRegistry]:
    """A real schema registry for the whole run; tests take subjects of their own."""
    with ApicurioRegistry() as running:
        yield running
