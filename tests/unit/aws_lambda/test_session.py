"""Where region, endpoint, credentials and proxies come from."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from botocore.exceptions import ClientError

from kafka_lambda_sink.aws_lambda.botocore_faults import as_invocation_error
from kafka_lambda_sink.aws_lambda.session import LambdaSettings, open_session, proxy_of, resolve_credentials
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core.errors import ConfigError, ConfigurationInvocationError
from tests.support.http_answer import http_answer

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
ROLE = "arn:aws:iam::123456789012:role/sink"


def test_no_secret_shows_in_the_settings():
    settings = LambdaSettings(
        function_name="orders",
        access_key_id="AKIA",
        secret_access_key="CANARY",
        session_token="CANARY",
        proxy_url="http://u:CANARY@proxy",
        proxy_password="CANARY",
        role_external_id="CANARY",
    )

    assert "CANARY" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "region", "environment", "expected"),
    [
        ("orders", "eu-west-1", "us-west-2", "eu-west-1"),
        (ARN, None, "us-west-2", "eu-central-1"),
        ("orders", None, "us-west-2", "us-west-2"),
    ],
)
def test_the_region_is_the_settings_or_the_arns_or_the_chains(
    name: str, region: str | None, environment: str, expected: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_DEFAULT_REGION", environment)

    session = open_session(LambdaSettings(function_name=name, region=region))

    assert session.get_config_variable("region") == expected


def test_no_region_is_a_problem_of_its_key():
    with pytest.raises(ConfigError) as caught:
        open_session(LambdaSettings(function_name="orders"))

    assert [problem.key for problem in caught.value.problems] == ["aws.lambda.region"]


def test_an_unknown_profile_is_a_problem_of_its_key():
    with pytest.raises(ConfigError) as caught:
        open_session(LambdaSettings(function_name="orders", region="eu-west-1", profile="nobody"))

    assert [problem.key for problem in caught.value.problems] == ["aws.profile"]
    assert "nobody" in str(caught.value)


def test_static_credentials_are_used_as_they_are():
    settings = LambdaSettings(
        function_name="orders", region="eu-west-1", access_key_id="AK", secret_access_key="s", session_token="t"
    )

    credentials = resolve_credentials(settings)

    assert credentials is not None
    assert credentials.get_frozen_credentials()[:3] == ("AK", "s", "t")


def test_a_profile_is_read_anew_each_time(aws_files: Path):
    settings = LambdaSettings(function_name="orders", region="eu-west-1", profile="p")
    seen = []
    for key in ("first", "second"):
        (aws_files / "credentials").write_text(f"[p]\naws_access_key_id = {key}\naws_secret_access_key = s\n")
        credentials = resolve_credentials(settings)
        assert credentials is not None
        seen.append(credentials.access_key)

    assert seen == ["first", "second"]


def test_nothing_in_the_chain_is_none():
    assert resolve_credentials(LambdaSettings(function_name="orders", region="eu-west-1")) is None


def role_settings() -> LambdaSettings:
    return LambdaSettings(
        function_name="orders",
        region="eu-west-1",
        access_key_id="AK",
        secret_access_key="s",
        role_arn=ROLE,
        role_external_id="outside",
        role_session_name="sink-1",
    )


def test_a_role_is_assumed_with_its_external_id_and_again_before_its_credentials_end(
    monkeypatch: pytest.MonkeyPatch,
):
    asked: list[dict[str, list[str]]] = []

    def answer(body: bytes) -> tuple[int, bytes]:
        asked.append(parse_qs(body.decode()))
        # Within the ten minutes in which botocore insists on new ones.
        end = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
        return 200, (
            f"<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><Arn>{ROLE}/x</Arn></AssumedRoleUser><Credentials>"
            f"<AccessKeyId>ASIA{len(asked)}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            f"<SessionToken>t{len(asked)}</SessionToken><Expiration>{end.isoformat()}</Expiration></Credentials>"
            "</AssumeRoleResult></AssumeRoleResponse>"
        ).encode()

    with http_answer(answer) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        credentials = resolve_credentials(role_settings())
        assert credentials is not None
        first = credentials.get_frozen_credentials()
        second = credentials.get_frozen_credentials()

    assert first.token == "t1"
    assert second.token != first.token
    assert asked[0]["RoleArn"] == [ROLE]
    assert asked[0]["ExternalId"] == ["outside"]
    assert asked[0]["RoleSessionName"] == ["sink-1"]


def test_a_role_that_may_not_be_assumed_says_which(monkeypatch: pytest.MonkeyPatch):
    body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    target = Target(
        function_name="orders", qualifier=None, region="eu-west-1", partition="aws", endpoint="", role_arn=ROLE
    )
    with http_answer(lambda _: (403, body)) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        credentials = resolve_credentials(role_settings())
        assert credentials is not None
        with pytest.raises(ClientError) as caught:
            credentials.get_frozen_credentials()

    error = as_invocation_error(caught.value, target)
    assert isinstance(error, ConfigurationInvocationError)
    assert error.is_authorization
    assert error.hint is not None
    assert f"sts:AssumeRole on {ROLE}" in error.hint


@pytest.mark.parametrize(
    ("url", "user", "password", "expected"),
    [
        (None, None, None, None),
        ("http://proxy:3128", None, None, "http://proxy:3128"),
        ("proxy:3128", None, None, "http://proxy:3128"),
        ("http://proxy:3128", "me", "p@ss:/", "http://me:p%40ss%3A%2F@proxy:3128"),
        ("http://old:old@proxy:3128", "me", None, "http://me:@proxy:3128"),
    ],
)
def test_the_proxys_user_and_password_are_quoted_into_its_url(
    url: str | None, user: str | None, password: str | None, expected: str | None
):
    settings = LambdaSettings(function_name="orders", proxy_url=url, proxy_user=user, proxy_password=password)

    assert proxy_of(settings) == expected
