from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from kafka_lambda_sink.aws_lambda.region_access import RegionAccess
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.claims import Claims, open_claims
from kafka_lambda_sink.connector.function import lambda_settings
from kafka_lambda_sink.core.errors import ClaimStoreError, ConfigError, InvocationAborted
from tests.support.fakes import CreepingClock
from tests.support.stepped_clock import SteppedClock


@pytest.fixture(autouse=True)
def _no_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


def opened(clock: SteppedClock | None = None, **changes: Any) -> Claims | None:
    settings: dict[str, Any] = {
        "name": "n",
        "bootstrap_servers": "b:1",
        "topics": ("t",),
        "aws_lambda_function_name": "f",
        "aws_lambda_region": "eu-west-1",
        "aws_lambda_oversize_s3_bucket": "large",
        "aws_access_key_id": "a",
        "aws_secret_access_key": "s",
        "aws_lambda_connect_timeout_ms": 500,
    }
    config = SinkConfig(**(settings | changes))
    access = RegionAccess(lambda_settings(config, "f"), SteppedClock())
    return open_claims(config, clock or SteppedClock(), access)


def test_without_a_bucket_there_is_none():
    assert opened(aws_lambda_oversize_s3_bucket=None) is None


@pytest.mark.parametrize(("prefix", "expected"), [("", ""), ("sink", "sink/"), ("a/sink/", "a/sink/")])
def test_a_prefix_ends_with_a_slash(prefix: str, expected: str):
    claims = opened(aws_lambda_oversize_s3_prefix=prefix)
    assert claims is not None
    assert claims.bucket.bucket.prefix == expected


def test_the_endpoint_is_the_regions():
    claims = opened()
    assert claims is not None
    assert claims.bucket.bucket.endpoint == "https://s3.eu-west-1.amazonaws.com"


@pytest.mark.parametrize("url", ["http://10.1.2.3:80", "https://user:password@host"])
def test_an_endpoint_from_the_aws_settings_is_held_to_the_same_rules(monkeypatch: pytest.MonkeyPatch, url: str):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    with pytest.raises(ConfigError) as raised:
        opened()
    (problem,) = raised.value.problems
    assert (problem.key, problem.error_id) == ("aws.lambda.oversize.s3.endpoint.url", "weak-security")
    assert "password" not in str(problem).replace("user name or password", "")


def test_a_bucket_that_does_not_answer_at_start_is_asked_until_the_time_is_over(caplog):
    claims = opened(CreepingClock(0.5), aws_lambda_oversize_s3_endpoint_url="http://127.0.0.1:1")
    assert claims is not None
    with pytest.raises(ClaimStoreError):
        claims.prepare(threading.Event(), 1.0)
    assert "the bucket cannot be checked yet" in caplog.messages


def test_a_stop_ends_the_wait_for_a_bucket():
    claims = opened(aws_lambda_oversize_s3_endpoint_url="http://127.0.0.1:1")
    assert claims is not None
    stop = threading.Event()
    stop.set()
    with pytest.raises(InvocationAborted):
        claims.prepare(stop, 60.0)
