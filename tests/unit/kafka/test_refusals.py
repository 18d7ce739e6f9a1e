from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from kafka_lambda_sink.config.clients.table import PASSED, Client
from kafka_lambda_sink.core.errors import Problem
from kafka_lambda_sink.kafka.client_config import admin_config, fetcher_config, member_config, producer_config
from kafka_lambda_sink.kafka.refusals import admin_refusals, consumer_refusals, producer_refusals
from tests.support.token_signer import TokenSigner

Refused = Callable[[dict[str, str]], list[Problem]]


def of_member(own: dict[str, str]) -> list[Problem]:
    return consumer_refusals(member_config(own, group_id="g", client_id="c"), own)


def of_fetcher(own: dict[str, str]) -> list[Problem]:
    return consumer_refusals(fetcher_config(own, group_id="g", client_id="c"), own)


def of_producer(own: dict[str, str]) -> list[Problem]:
    return producer_refusals(producer_config(own, client_id="c"), own)


def of_admin(own: dict[str, str]) -> list[Problem]:
    return admin_refusals(admin_config(own, client_id="c"), own)


ALL: dict[Client, Refused] = {
    Client.COORDINATOR: of_member,
    Client.FETCHER: of_fetcher,
    Client.PRODUCER: of_producer,
    Client.ADMIN: of_admin,
}
#: Any text will do for these.
TEXTS = {
    "client.id",
    "client.rack",
    "group.instance.id",
    "group.remote.assignor",
    "sasl.password",
    "sasl.username",
    "ssl.key.password",
    *(f"sasl.oauthbearer.{name}" for name in ("client.id", "client.secret", "extensions", "scope")),
    "sasl.oauthbearer.token.endpoint.url",
}
#: Looked at only with TLS.
TLS = {
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.crl.location",
    "ssl.curves.list",
    "ssl.key.location",
    "ssl.key.pem",
    "ssl.sigalgs.list",
}
WRONG = [
    (client, target)
    for client in ALL
    for target in sorted({passed.target for passed in PASSED.values() if passed.clients & client} - TEXTS)
]


@pytest.mark.parametrize(("client", "target"), WRONG, ids=lambda it: it if isinstance(it, str) else it.name)
def test_each_property_with_a_wrong_value_is_told_by_its_own_name(client: Client, target: str):
    given = {target: "/no such/thing"} | ({"security.protocol": "SSL"} if target in TLS else {})
    (problem,) = ALL[client](given)
    assert (problem.key, problem.error_id) == (target, "client-configuration")
    assert problem.message == problem.message.strip()


@pytest.mark.parametrize("refused", ALL.values())
def test_what_is_right_is_taken(refused: Refused):
    assert refused({"bootstrap.servers": "127.0.0.1:1"}) == []


def test_every_wrong_property_at_once():
    problems = of_fetcher({"check.crcs": "maybe", "fetch.max.bytes": "2147483647", "fetch.min.bytes": "1"})
    assert {problem.key for problem in problems} == {"check.crcs", "fetch.max.bytes"}
    (out_of_range,) = (problem for problem in problems if problem.key == "fetch.max.bytes")
    assert out_of_range.message.startswith('Configuration property "fetch.max.bytes" value 2147483647 is outside')


@pytest.mark.parametrize(
    ("given", "key"), [({"linger.ms": "31000"}, "linger.ms"), ({"message.timeout.ms": "4"}, "message.timeout.ms")]
)
def test_of_two_that_do_not_go_together_the_users_is_told(given: dict[str, str], key: str):
    (problem,) = of_producer(given)
    assert problem.key == key
    assert problem.message == "`message.timeout.ms` must be greater than `linger.ms`"


def test_a_problem_without_a_name_is_told_too():
    (problem,) = of_admin({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "ROT13"})
    assert (problem.key, problem.message) == (None, "Unsupported SASL mechanism: ROT13")


@pytest.mark.parametrize("refused", ALL.values())
def test_nobody_is_asked_for_brokers_or_tokens(refused: Refused):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        login = {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "OAUTHBEARER",
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": "me",
            "sasl.oauthbearer.client.secret": "s",
            "sasl.oauthbearer.token.endpoint.url": f"http://{address}/",
        }
        assert refused({"bootstrap.servers": address}) == []
        assert refused(login | {"bootstrap.servers": address}) == []
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_login_that_lacks_a_part_is_told_without_logging_in():
    given = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.method": "oidc"}
    (problem,) = of_admin(given)
    assert problem.key == "sasl.oauthbearer.method"
    assert "`sasl.oauthbearer.token.endpoint.url` is mandatory" in problem.message


def test_msk_without_signer_or_region_is_told_and_no_token_is_signed(monkeypatch: pytest.MonkeyPatch):
    given = {"sasl.mechanism": "OAUTHBEARER", "security.protocol": "SASL_SSL", "kls.sasl.aws.msk.iam": "true"}
    there = given | {"bootstrap.servers": "b-1.x.kafka.eu-west-1.amazonaws.com:9098"}
    (problem,) = of_member(there | {"client.dns.lookup": "always"})[:1]
    assert (problem.key, problem.error_id) == ("sasl.mechanism", "msk-iam")
    signer = TokenSigner()
    signer.install(monkeypatch)
    assert of_member(there) == []
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (problem,) = of_member(given)
    assert "do not tell the region" in problem.message
    assert signer.count == 0
