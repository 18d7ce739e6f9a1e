"""Java's ranges against librdkafka's: what Java's client takes, a real client of ours takes too, once translated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from kafka_lambda_sink.config.clients.table import PASSED, REQUEST_TIMEOUT, Client
from kafka_lambda_sink.config.clients.translation import translate
from kafka_lambda_sink.config.settings import Setting
from kafka_lambda_sink.core.errors import Problem
from kafka_lambda_sink.kafka.client_config import admin_config, fetcher_config, member_config, producer_config
from kafka_lambda_sink.kafka.refusals import admin_refusals, consumer_refusals, producer_refusals
from tests.support.config_text import Load, Refuse
from tests.support.golden import cases

CLIENTS = {"consumer": Client.CONSUMER, "producer": Client.PRODUCER, "admin": Client.ADMIN}
LARGEST = {"INT": str(2**31 - 1), "LONG": str(2**63 - 1)}
#: Where only a login or a store makes sense of a value.
ELSEWHERE = ("sasl.", "ssl.", "security.protocol")


def values(java: Mapping[str, str | None]) -> Iterator[str]:
    """The least, the usual and the largest of a number, all that there are of a choice."""
    kind, valid = str(java["type"]), java["valid"] or ""
    if java["default"] is not None:
        yield java["default"]
    if kind in LARGEST:
        limits = re.fullmatch(r"\[(?P<least>-?\d+),\.\.\.(?:,\d+)?\]", valid)
        yield limits["least"] if limits else "0"
        yield LARGEST[kind]
    elif kind == "BOOLEAN":
        yield from ("true", "FALSE")
    elif "[" in valid:
        yield from valid[valid.index("[") + 1 : -1].split(", ")


TAKEN_BY_JAVA = [
    (case.id, name, value)
    for case in cases("client_properties")
    for name, java in case.outcome["properties"].items()
    if name == REQUEST_TIMEOUT or (name in PASSED and PASSED[name].clients & CLIENTS[case.id])
    if not name.startswith(ELSEWHERE)
    for value in dict.fromkeys(values(java))
]


def refusals(client: str, properties: Mapping[str, str]) -> list[Problem]:
    settings = {name: Setting(key=name, value=value, source="test") for name, value in properties.items()}
    translated = translate(settings, CLIENTS[client], None)
    problems = list(translated.problems)
    if client == "producer":
        own = translated.properties(Client.PRODUCER)
        return problems + producer_refusals(producer_config(own, client_id="c"), own)
    if client == "admin":
        own = translated.properties(Client.ADMIN)
        return problems + admin_refusals(admin_config(own, client_id="c"), own)
    own = translated.properties(Client.COORDINATOR)
    problems += consumer_refusals(member_config(own, group_id="g", client_id="c"), own)
    own = translated.properties(Client.FETCHER)
    return problems + consumer_refusals(fetcher_config(own, group_id="g", client_id="c"), own)


@pytest.mark.parametrize(("client", "name", "value"), TAKEN_BY_JAVA)
def test_what_javas_client_takes_is_taken(client: str, name: str, value: str):
    assert refusals(client, {name: value}) == []


@pytest.mark.parametrize("client", CLIENTS)
def test_all_of_javas_largest_numbers_together(client: str):
    last = {name: value for of, name, value in TAKEN_BY_JAVA if of == client and value in LARGEST.values()}
    assert len(last) > 8
    assert refusals(client, last) == []


def test_the_probe_sees_what_is_not_taken():
    assert [problem.key for problem in refusals("consumer", {"fetch.min.bytes": "-1"})] == ["fetch.min.bytes"]


@pytest.mark.parametrize(
    ("name", "given", "effective", "is_told"),
    [
        ("fetch.max.bytes", "2147483647", "2147483135", False),
        ("max.partition.fetch.bytes", "2147483647", "1000000000", False),
        ("max.partition.fetch.bytes", "1500000000", "1000000000", True),
        ("max.partition.fetch.bytes", "1000000000", "1000000000", False),
        ("fetch.min.bytes", "0", "1", False),
        ("fetch.max.bytes", "10", "1000", True),
    ],
)
def test_as_much_as_possible_is_fitted_without_a_word(
    load_text: Load, name: str, given: str, effective: str, *, is_told: bool
):
    loaded = load_text(f"consumer.override.{name}={given}\n")
    assert loaded.clients.fetcher[name] == effective
    told = [(warning.key, warning.error_id, warning.line) for warning in loaded.warnings]
    assert told == ([(f"consumer.override.{name}", "value-cut", 6)] if is_told else [])


@pytest.mark.parametrize(
    ("name", "given", "effective"),
    [("retries", "0", "1"), ("max.in.flight.requests.per.connection", "10", "5"), ("linger.ms", "60000", "29999")],
)
def test_what_the_guarantees_limit_is_always_told(load_text: Load, name: str, given: str, effective: str):
    text = f"errors.tolerance=all\nerrors.deadletterqueue.topic.name=dead\nproducer.override.{name}={given}\n"
    loaded = load_text(text)
    assert loaded.clients.dead_letter_producer[name] == effective
    (told,) = loaded.warnings
    assert (told.key, told.error_id) == (f"producer.override.{name}", "value-cut")
    assert f"is {given}, and {effective} is in force: " in told.message


def test_what_a_provider_gave_is_fitted_and_not_quoted(load_text: Load):
    given = "consumer.override.fetch.min.bytes=${env:LEAST}\n"
    (told,) = load_text(given, environ={"LEAST": "123456789"}).warnings
    assert "100000000 is in force" in told.message
    assert "123456789" not in told.message


@pytest.mark.parametrize("value", ["much", "", "1.5"])
def test_what_is_no_number_is_refused(refuse_text: Refuse, value: str):
    (problem,) = refuse_text(f"consumer.override.fetch.max.bytes={value}\n")
    assert (problem.key, problem.message) == ("consumer.override.fetch.max.bytes", "must be a whole number")
