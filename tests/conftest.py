"""Fixtures that several suites share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.scenario import Build, Scenario
from tests.support.schema_registry import ApicurioRegistry
from tests.support.token_signer import TokenSigner

# How long examples take says nothing on a machine that runs a broker beside them.
settings.register_profile("busy-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy-machine")


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A real Kafka for the whole run, plaintext, with topics and groups for each test; who stops it, starts his own."""
    with Broker() as running:
        yield running


@pytest.fixture(scope="session")
def sasl_broker() -> Iterator[Broker]:
    """As `broker`, with SASL_SSL, SCRAM-SHA-256 and ACLs: user `sink` has no rights but those a test gives."""
    with Broker(users={"sink": "sink-secret", "other": "other-secret", "reader": "reader-secret"}) as running:
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


@pytest.fixture(scope="session")
def token_broker() -> Iterator[Broker]:
    """As `broker`, with SASL_PLAINTEXT and OAUTHBEARER: it takes the tokens of `signer`."""
    with Broker(takes_tokens=True) as running:
        yield running


@pytest.fixture(scope="session")
def token_cluster(token_broker: Broker) -> Cluster:
    """Admin rights on `token_broker`."""
    return Cluster(token_broker)


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch) -> TokenSigner:
    """In the place of AWS's signer for MSK, in the region eu-west-1."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    made = TokenSigner()
    made.install(monkeypatch)
    return made
