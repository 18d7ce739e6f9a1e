"""The way to the endpoint: certificates and proxies."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from kafka_lambda_sink.core.errors import ConfigurationInvocationError, InvocationAborted, TransientInvocationError
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import Credential, InvokeEndpoint
from tests.support.certificates import Certificates, make_certificates
from tests.support.forward_proxy import forward_proxy
from tests.support.invoking import ABORT_BOUND, BATCH, TOKEN, Open, abort_and_time, error_of, function, in_background


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls_endpoint(certificates: Certificates) -> Iterator[InvokeEndpoint]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    with InvokeEndpoint([function()], {"AKIALOCAL": Credential("secret", TOKEN)}, tls=context) as running:
        yield running


def test_tls_with_the_ca_of_the_aws_settings(
    open_invoker: Open, tls_endpoint: InvokeEndpoint, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates.authority))
    invoker = open_invoker(endpoint_url=tls_endpoint.url)

    assert [invoker.invoke(BATCH).status for _ in range(2)] == [200, 200]
    assert len({entry.connection for entry in tls_endpoint.journal.requests()}) == 1


def test_large_payloads_pass_through_tls(
    open_invoker: Open, tls_endpoint: InvokeEndpoint, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates.authority))
    invoker = open_invoker(endpoint_url=tls_endpoint.url)
    payload = b'"%s"' % (b"x" * 1_500_000)

    assert [invoker.invoke(payload).payload == payload for _ in range(2)] == [True, True]
    assert len({entry.connection for entry in tls_endpoint.journal.requests()}) == 1


def test_a_certificate_of_nobody_known_is_configuration(open_invoker: Open, tls_endpoint: InvokeEndpoint):
    error = error_of(open_invoker(endpoint_url=tls_endpoint.url))

    assert type(error) is ConfigurationInvocationError
    assert (error.code, error.may_have_run) == ("CertificateNotTrusted", False)
    assert error.hint is not None
    assert "AWS_CA_BUNDLE" in error.hint
    assert tls_endpoint.journal.requests() == []


def test_abort_ends_a_tls_call(
    open_invoker: Open, tls_endpoint: InvokeEndpoint, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates.authority))
    invoker = open_invoker(endpoint_url=tls_endpoint.url)
    tls_endpoint.faults.script([faults.Hang()])
    with in_background(lambda: invoker.invoke(BATCH)) as outcome:
        assert tls_endpoint.journal.wait_for(lambda journal: bool(journal.requests()))

        seconds = abort_and_time(invoker, outcome)

    assert isinstance(outcome[0], InvocationAborted)
    assert seconds < ABORT_BOUND


def test_plain_http_is_forwarded_by_the_configured_proxy(open_invoker: Open):
    with forward_proxy("me:p@ss") as proxy:
        reply = open_invoker(proxy_url=proxy.url, proxy_user="me", proxy_password="p@ss").invoke(BATCH)

    assert reply.payload == BATCH
    assert proxy.lines[0].startswith("POST http://127.0.0.1:")


def test_tls_goes_through_a_tunnel(
    open_invoker: Open, tls_endpoint: InvokeEndpoint, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates.authority))
    with forward_proxy("me:p@ss") as proxy:
        invoker = open_invoker(
            endpoint_url=tls_endpoint.url, proxy_url=proxy.url, proxy_user="me", proxy_password="p@ss"
        )
        replies = [invoker.invoke(BATCH) for _ in range(2)]
        invoker.close()

    assert [(reply.payload, reply.function_error) for reply in replies] == [(BATCH, None)] * 2
    assert [line.split()[0] for line in proxy.lines] == ["CONNECT"]


def test_a_proxy_that_wants_a_password_is_said_to_be_the_fault(
    open_invoker: Open, tls_endpoint: InvokeEndpoint, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates.authority))
    with forward_proxy("me:right") as proxy:
        error = error_of(
            open_invoker(endpoint_url=tls_endpoint.url, proxy_url=proxy.url, proxy_user="me", proxy_password="CANARY")
        )

    assert type(error) is TransientInvocationError
    assert (error.code, error.may_have_run) == ("ProxyFailed", False)
    assert error.hint is not None
    assert "aws.lambda.proxy.url" in error.hint
    assert "CANARY" not in str(error)


def test_a_proxy_that_is_away_is_said_to_be_the_fault(open_invoker: Open):
    with forward_proxy() as proxy:
        pass

    error = error_of(open_invoker(proxy_url=proxy.url))

    assert (error.code, error.may_have_run) == ("ProxyFailed", False)


def test_the_environments_proxy_is_used_but_for_no_proxy(
    open_invoker: Open, endpoint: InvokeEndpoint, monkeypatch: pytest.MonkeyPatch
):
    with forward_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        open_invoker().invoke(BATCH)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        open_invoker().invoke(BATCH)

    assert len(endpoint.journal.requests()) == 2
    assert len(proxy.lines) == 1


def test_the_configured_proxy_is_used_whatever_the_environment_says(
    open_invoker: Open, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NO_PROXY", "*")
    with forward_proxy() as proxy:
        open_invoker(proxy_url=proxy.url).invoke(BATCH)

    assert len(proxy.lines) == 1


def test_variables_that_only_libcurl_knows_mean_nothing(open_invoker: Open, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert open_invoker().invoke(BATCH).status == 200
