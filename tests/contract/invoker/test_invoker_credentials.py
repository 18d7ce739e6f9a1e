"""Credentials that end or are rotated while we run."""

from __future__ import annotations

from pathlib import Path

from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.aws_lambda.session import LambdaSettings
from kafka_lambda_sink.core.errors import ExpiredCredentialsError, TransientInvocationError
from kafka_lambda_sink.local.clock import SystemClock
from kafka_lambda_sink.local.endpoint import Credential, InvokeEndpoint
from tests.support.invoking import BATCH, CHAIN, TOKEN, ClientOf, Open, Transport, error_of, function, profile
from tests.support.stepped_clock import SteppedClock


def test_an_expired_token_is_replaced_by_what_the_chain_has_now(
    open_invoker: Open, endpoint: InvokeEndpoint, tmp_path: Path
):
    profile(tmp_path, "AKIALOCAL")
    invoker = open_invoker(**CHAIN)
    invoker.invoke(BATCH)
    endpoint.credentials.expire("AKIALOCAL")
    endpoint.credentials["AKIANEW"] = Credential("secret", TOKEN)

    still_old = error_of(invoker)
    profile(tmp_path, "AKIANEW")
    reply = invoker.invoke(BATCH)

    assert type(still_old) is ExpiredCredentialsError
    assert reply.status == 200


def test_a_key_that_was_rotated_away_is_not_fatal(open_invoker: Open, endpoint: InvokeEndpoint, tmp_path: Path):
    profile(tmp_path, "AKIALOCAL")
    invoker = open_invoker(**CHAIN)
    invoker.invoke(BATCH)
    del endpoint.credentials["AKIALOCAL"]
    endpoint.credentials["AKIANEW"] = Credential("secret", TOKEN)
    profile(tmp_path, "AKIANEW")

    error = error_of(invoker)

    assert type(error) is ExpiredCredentialsError
    assert error.code == "UnrecognizedClientException"
    assert invoker.invoke(BATCH).status == 200


def test_invokers_of_one_client_share_the_credentials(client_of: ClientOf, endpoint: InvokeEndpoint, tmp_path: Path):
    profile(tmp_path, "AKIALOCAL")
    client = client_of(**CHAIN)
    first, second = client.invoker(), client.invoker()
    first.invoke(BATCH)
    second.invoke(BATCH)
    endpoint.credentials.expire("AKIALOCAL")
    endpoint.credentials["AKIANEW"] = Credential("secret", TOKEN)
    profile(tmp_path, "AKIANEW")

    assert type(error_of(first)) is ExpiredCredentialsError
    assert second.invoke(BATCH).status == 200
    first.close()
    second.close()


def test_a_clock_ten_minutes_apart_is_waited_out_with_a_loud_hint(transport: Transport):
    class FastClock(SystemClock):
        def now_ms(self) -> int:
            return super().now_ms() + 600_000

    with InvokeEndpoint([function()], {"AKIALOCAL": "secret"}, clock=FastClock()) as fast:
        settings = LambdaSettings(
            function_name="orders",
            region="us-east-1",
            endpoint_url=fast.url,
            access_key_id="AKIALOCAL",
            secret_access_key="secret",
            transport=transport,
        )
        invoker = FunctionClient(settings, SteppedClock()).invoker()
        error = error_of(invoker)
        invoker.close()

    assert type(error) is TransientInvocationError
    assert error.hint is not None
    assert "CLOCK OF THIS MACHINE IS WRONG" in error.hint


def test_a_profile_that_is_being_rewritten_is_not_fatal(open_invoker: Open, endpoint: InvokeEndpoint, tmp_path: Path):
    profile(tmp_path, "AKIALOCAL")
    invoker = open_invoker(**CHAIN)
    invoker.invoke(BATCH)
    endpoint.credentials.expire("AKIALOCAL")
    endpoint.credentials["AKIANEW"] = Credential("secret", TOKEN)
    (tmp_path / "credentials").write_text("")
    error_of(invoker)

    error = error_of(invoker)
    profile(tmp_path, "AKIANEW")

    assert type(error) is ExpiredCredentialsError
    assert error.code == "CredentialsUnavailable"
    assert invoker.invoke(BATCH).status == 200
