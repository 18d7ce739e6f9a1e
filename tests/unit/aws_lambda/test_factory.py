"""What a FunctionClient finds out before a byte is sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import certifi
import pytest
from botocore.config import Config

from kafka_lambda_sink.aws_lambda.boto3_invoker import Boto3Invoker
from kafka_lambda_sink.aws_lambda.connection import connection_to
from kafka_lambda_sink.aws_lambda.curl_invoker import CurlInvoker
from kafka_lambda_sink.aws_lambda.factory import FunctionClient
from kafka_lambda_sink.aws_lambda.region_access import RegionAccess
from kafka_lambda_sink.aws_lambda.request import capture_request
from kafka_lambda_sink.aws_lambda.session import LambdaSettings, open_client, open_session
from kafka_lambda_sink.core.errors import ConfigError
from tests.support.stepped_clock import SteppedClock

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:prod"
PATH = "/2015-03-31/functions/orders/invocations"


def client(**changes: object) -> FunctionClient:
    return FunctionClient(
        LambdaSettings(**({"function_name": "orders", "region": "eu-west-1"} | changes)),  # type: ignore[arg-type]
        SteppedClock(),
    )


@pytest.mark.parametrize(
    ("region", "environment", "endpoint"),
    [
        ("eu-west-1", {}, "https://lambda.eu-west-1.amazonaws.com"),
        ("cn-north-1", {}, "https://lambda.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", {"AWS_USE_FIPS_ENDPOINT": "true"}, "https://lambda-fips.us-gov-west-1.amazonaws.com"),
        ("eu-west-1", {"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://lambda.eu-west-1.api.aws"),
        ("eu-west-1", {"AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9001"}, "http://127.0.0.1:9001"),
    ],
)
def test_the_endpoint_is_the_one_that_botocore_would_call(
    region: str, environment: dict[str, str], endpoint: str, monkeypatch: pytest.MonkeyPatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert client(region=region).endpoint == endpoint


@pytest.mark.parametrize(
    ("region", "settings", "endpoint"),
    [
        ("us-east-1", {"uses_fips": True}, "https://lambda-fips.us-east-1.amazonaws.com"),
        ("us-east-1", {"uses_dualstack": True}, "https://lambda.us-east-1.api.aws"),
        ("us-east-1", {"uses_fips": True, "uses_dualstack": True}, "https://lambda-fips.us-east-1.api.aws"),
        ("cn-north-1", {"uses_dualstack": True}, "https://lambda.cn-north-1.api.amazonwebservices.com.cn"),
    ],
)
def test_variants_of_the_endpoint_are_botocores(region: str, settings: dict[str, bool], endpoint: str):
    assert client(region=region, **settings).endpoint == endpoint


@pytest.mark.parametrize("variant", ["fips", "dualstack"])
def test_a_variant_may_be_off_whatever_the_environment_says(variant: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"AWS_USE_{variant.upper()}_ENDPOINT", "true")

    assert client(**{f"uses_{variant}": False}).endpoint == "https://lambda.eu-west-1.amazonaws.com"


def test_the_request_is_captured_without_credentials_or_a_byte_sent():
    settings = LambdaSettings(function_name=ARN, qualifier="7", region="eu-west-1", log_tail=True)

    request = capture_request(open_client(settings, open_session(settings)), settings)

    assert request.url == (
        "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/"
        "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Aorders%3Aprod/invocations?Qualifier=7"
    )
    assert dict(request.headers) == {"X-Amz-Invocation-Type": "RequestResponse", "X-Amz-Log-Type": "Tail"}
    assert (request.signing_name, request.signing_region) == ("lambda", "eu-west-1")
    assert request.is_plain_sigv4
    assert "Botocore" in request.user_agent


def test_the_client_can_be_used_after_the_capture():
    settings = LambdaSettings(function_name="orders", region="eu-west-1")
    opened = open_client(settings, open_session(settings))

    assert capture_request(opened, settings) == capture_request(opened, settings)


def test_anything_but_plain_sigv4_is_left_to_botocore():
    settings = LambdaSettings(function_name="orders", region="eu-west-1")
    opened = open_session(settings).create_client("lambda", config=Config(signature_version="v4a"))

    assert not capture_request(opened, settings).is_plain_sigv4  # type: ignore[arg-type]


@pytest.mark.parametrize(("transport", "kind"), [("curl", CurlInvoker), ("botocore", Boto3Invoker)])
def test_the_transport_is_the_settings(transport: str, kind: type):
    made = client(transport=transport)
    invoker = made.invoker()

    assert type(invoker) is kind
    assert made.describe()["transport"] == transport
    invoker.close()


def test_functions_of_one_region_share_the_way_there():
    settings = LambdaSettings(function_name="orders", region="eu-west-1", endpoint_url="http://127.0.0.1:9001")
    access = RegionAccess(settings, SteppedClock())
    first, second = (
        FunctionClient(replace(settings, function_name=name), SteppedClock(), access)
        for name in ("orders", "returns:7")
    )

    assert first._request.url == "http://127.0.0.1:9001/2015-03-31/functions/orders/invocations"
    assert second._request.url == "http://127.0.0.1:9001/2015-03-31/functions/returns%3A7/invocations"
    assert [each.describe()["function"] for each in (first, second)] == ["orders", "returns:7"]
    assert access.client(5.0) is access.client(5.0)


@pytest.mark.parametrize("endpoint", ["lambda.example", "ftp//x"])
def test_an_endpoint_that_is_no_url_is_a_problem_of_its_key(endpoint: str):
    with pytest.raises(ConfigError) as caught:
        client(endpoint_url=endpoint)

    assert [problem.key for problem in caught.value.problems] == ["aws.lambda.endpoint.url"]


def test_the_description_has_no_secrets():
    described = client(
        access_key_id="AK", secret_access_key="CANARY", proxy_url="http://me:CANARY@proxy:3128"
    ).describe()

    assert "CANARY" not in str(described)
    assert described["proxy"] == "http://proxy:3128"
    assert described["region"] == "eu-west-1"


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://one:1"}, "http://one:1"),
        ({"HTTP_PROXY": "http://one:1"}, None),
        ({"HTTPS_PROXY": "http://one:1", "NO_PROXY": ".amazonaws.com"}, None),
    ],
)
def test_the_environments_proxies_are_honoured(
    environment: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = LambdaSettings(function_name="orders", region="eu-west-1")

    way = connection_to("https://lambda.eu-west-1.amazonaws.com/", settings, open_session(settings))

    assert way.proxy == proxy


def test_the_configured_proxy_serves_every_host(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "*")
    settings = LambdaSettings(function_name="orders", region="eu-west-1", proxy_url="http://ours:1")

    assert connection_to("https://x/", settings, open_session(settings)).proxy == "http://ours:1"


def test_the_trusted_cas_are_those_of_the_aws_settings_or_certifis(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    settings = LambdaSettings(function_name="orders", region="eu-west-1")
    default = connection_to("https://x/", settings, open_session(settings)).ca_bundle
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    configured = connection_to("https://x/", settings, open_session(settings)).ca_bundle

    assert default == Path(certifi.where())
    assert configured == tmp_path / "ca.pem"
