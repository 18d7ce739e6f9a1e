"""What librdkafka refuses, at the keys and lines that the user wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kafka_lambda_sink.config.loading import LoadedConfig, load
from kafka_lambda_sink.connector.client_properties import refused_properties
from kafka_lambda_sink.connector.task import Task
from kafka_lambda_sink.core.errors import ConfigError
from kafka_lambda_sink.pipeline.clock import SystemClock
from tests.support.config_text import FIVE

LoadFile = Callable[..., LoadedConfig]
REPORTS = "aws.lambda.response.topic=results\naws.lambda.error.topic=errors\n"


@pytest.fixture
def load_file(tmp_path: Path) -> LoadFile:
    def with_text(text: str, environ: Mapping[str, str] | None = None) -> LoadedConfig:
        path = tmp_path / "sink.properties"
        path.write_text(FIVE + text, encoding="utf-8")
        return load(path, environ=environ or {})

    return with_text


def told(loaded: LoadedConfig) -> list[tuple[str | None, int | None]]:
    return [(problem.key, problem.line) for problem in refused_properties(loaded)]


def test_what_is_right_is_taken(load_file: LoadFile):
    assert refused_properties(load_file(REPORTS)) == []


def test_every_client_is_asked_and_everything_is_told_at_its_line(load_file: LoadFile):
    loaded = load_file(
        REPORTS + "consumer.override.max.poll.interval.ms=-1\n"
        "consumer.override.check.crcs=maybe\n"
        "consumer.override.isolation.level=none\n"
        "aws.lambda.response.compression.type=zip\n"
        "aws.lambda.error.linger.ms=-1\n"
        "admin.override.client.dns.lookup=always\n"
    )
    assert sorted(told(loaded), key=lambda one: one[1] or 0) == [
        ("consumer.override.max.poll.interval.ms", 8),
        ("consumer.override.check.crcs", 9),
        ("consumer.override.isolation.level", 10),
        ("aws.lambda.response.compression.type", 11),
        ("aws.lambda.error.linger.ms", 12),
        ("admin.override.client.dns.lookup", 13),
    ]


def test_what_holds_for_every_client_is_told_once(load_file: LoadFile):
    assert told(load_file(REPORTS + "client.dns.lookup=always\n")) == [("client.dns.lookup", 8)]


def test_a_store_is_told_by_javas_key(load_file: LoadFile):
    text = "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=/no/such/file.pem\n"
    assert told(load_file(text)) == [("ssl.truststore.location", 8)]


def test_a_value_of_a_provider_is_not_quoted(load_file: LoadFile):
    (problem,) = refused_properties(
        load_file("consumer.override.isolation.level=${env:LEVEL}\n", environ={"LEVEL": "canary"})
    )
    assert problem.key == "consumer.override.isolation.level"
    assert "canary" not in str(problem)


def test_a_task_is_not_made_of_them(load_file: LoadFile):
    loaded = load_file("consumer.override.check.crcs=maybe\nconsumer.override.fetch.min.bytes=-1\n")
    with pytest.raises(ConfigError) as caught:
        Task(loaded, SystemClock())
    assert {problem.key for problem in caught.value.problems} == {
        "consumer.override.check.crcs",
        "consumer.override.fetch.min.bytes",
    }
