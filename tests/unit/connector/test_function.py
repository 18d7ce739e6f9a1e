from __future__ import annotations

import os

import pytest

from kafka_lambda_sink.config.loading import load
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.function import lambda_settings, open_function
from kafka_lambda_sink.core.errors import ConfigError
from tests.support.config_text import FIVE
from tests.support.stepped_clock import SteppedClock


@pytest.fixture(autouse=True)
def _no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


def config(*, allow_http: bool = False, fips: bool | None = None) -> SinkConfig:
    return SinkConfig(
        name="n",
        bootstrap_servers="b:1",
        topics=("t",),
        aws_lambda_function_name="f",
        aws_lambda_region="eu-west-1",
        aws_lambda_endpoint_allow_http=allow_http,
        aws_lambda_endpoint_fips=fips,
    )


@pytest.mark.parametrize("where", ["environment", "profile"])
def test_an_endpoint_from_the_aws_settings_is_held_to_the_same_rules(tmp_path, monkeypatch, where):
    if where == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.1.2.3:80")
    else:
        profile = tmp_path / "config"
        profile.write_text("[default]\nendpoint_url = http://10.1.2.3:80\n", encoding="utf-8")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(profile))
    with pytest.raises(ConfigError) as raised:
        open_function(config(), "f", SteppedClock())
    assert raised.value.problems[0].error_id == "weak-security"
    assert open_function(config(allow_http=True), "f", SteppedClock()).endpoint == "http://10.1.2.3:80"


def test_a_password_in_an_endpoint_of_the_aws_settings_is_refused_and_not_shown(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://user:canary@10.1.2.3")
    with pytest.raises(ConfigError) as raised:
        open_function(config(), "f", SteppedClock())
    assert "canary" not in str(raised.value)


def test_an_endpoint_of_the_aws_settings_does_not_take_the_place_of_a_fips_one_in_silence(monkeypatch):
    assert "fips" in open_function(config(fips=True), "f", SteppedClock()).endpoint
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://10.1.2.3")
    with pytest.raises(ConfigError) as raised:
        open_function(config(fips=True), "f", SteppedClock())
    assert [(problem.key, problem.error_id) for problem in raised.value.problems] == [
        ("aws.lambda.endpoint.fips", "conflict")
    ]


def test_an_endpoint_on_this_machine_may_be_plain(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9001")
    assert open_function(config(), "f", SteppedClock()).endpoint == "http://127.0.0.1:9001"


def test_every_key_of_the_way_to_the_function_counts(tmp_path):
    keys = {
        "aws.access.key.id": ("access_key_id", "AKIA"),
        "aws.secret.access.key": ("secret_access_key", "s3cret"),
        "aws.session.token": ("session_token", "t0ken"),
        "aws.role.arn": ("role_arn", "arn:aws:iam::123456789012:role/sink"),
        "aws.role.external.id": ("role_external_id", "outside"),
        "aws.role.session.name": ("role_session_name", "orders-1"),
        "aws.lambda.proxy.url": ("proxy_url", "http://proxy:3128"),
        "aws.lambda.proxy.user": ("proxy_user", "me"),
        "aws.lambda.proxy.password": ("proxy_password", "passw0rd"),
        "aws.profile": ("profile", "work"),
        "aws.lambda.endpoint.url": ("endpoint_url", "https://vpce-1.example.com"),
    }
    file = tmp_path / "sink.properties"
    file.write_text(FIVE + "".join(f"{key}={value}\n" for key, (_, value) in keys.items()), encoding="utf-8")
    settings = lambda_settings(load(file, environ={}).sink, "f")
    assert {name: getattr(settings, name) for name, _ in keys.values()} == dict(keys.values())


def test_a_role_is_taken_under_the_connectors_name_unless_told_another():
    assert lambda_settings(config(), "f").role_session_name == "n"
