"""A whole sink that authenticates as on MSK with IAM: tokens that end, and a signer that is away."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.cluster import Cluster
from tests.support.running_task import Sink, echo, function
from tests.support.token_signer import TokenSigner
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

MSK = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "AWS_MSK_IAM",
    "sasl.jaas.config": "software.amazon.msk.auth.iam.IAMLoginModule required;",
    "sasl.client.callback.handler.class": "software.amazon.msk.auth.iam.IAMClientCallbackHandler",
}


def test_a_call_that_outlasts_the_tokens_costs_nothing(
    token_cluster: Cluster, lambda_endpoint: InvokeEndpoint, signer: TokenSigner, tmp_path: Path
):
    signer.life = 8.0
    called = threading.Event()

    def slow(event: bytes) -> bytes:
        if not called.is_set():
            called.set()
            before = signer.count
            wait_until(lambda: signer.count >= before + 2, 30, what="tokens are renewed during the call")
        return echo(event)

    lambda_endpoint.add_function(function(slow))
    sink = Sink(token_cluster, lambda_endpoint, tmp_path)
    sink.produce([b'{"n":1}', b'{"n":2}'])
    changes = {"aws.lambda.batch.size": "1", "aws.lambda.response.topic": sink.results}
    with sink.running({**MSK, **changes}) as task:
        task.wait_for(called.is_set, "the call")
        task.wait_for(lambda: sink.committed() == {0: 2}, "both are committed", 60)
        assert not task.log.events("cannot read the partition: trying again")
    assert sink.offsets() == [[0], [1]]
    assert len(sink.read(sink.results)) == 2


def test_a_start_waits_for_a_signer_that_is_away(
    token_cluster: Cluster, lambda_endpoint: InvokeEndpoint, signer: TokenSigner, tmp_path: Path
):
    signer.failure = OSError("the credential service is away")
    sink = Sink(token_cluster, lambda_endpoint, tmp_path)
    sink.produce([b"{}"])

    def come_back() -> None:
        wait_until(lambda: signer.count, 30)
        signer.failure = None

    coming_back = threading.Thread(target=come_back)
    coming_back.start()
    with sink.running(MSK) as task:
        (line,) = task.log.events("cannot list topics: asking again")
        assert "the credential service is away" in line["error"]
        assert "AWS_PROFILE" in line["hint"]
        task.wait_committed({0: 1})
    coming_back.join()
