"""Names and ARNs of the function, as IAM writes them."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.aws_lambda.target import Target, region_of

ARN = "arn:aws-cn:lambda:cn-north-1:123456789012:function:orders"


def target(function_name: str, qualifier: str | None = None) -> Target:
    return Target(
        function_name=function_name, qualifier=qualifier, region="eu-west-1", partition="aws", endpoint="https://x"
    )


@pytest.mark.parametrize(
    ("function_name", "qualifier", "arn"),
    [
        ("orders", None, "arn:aws:lambda:eu-west-1:<account>:function:orders"),
        ("orders", "prod", "arn:aws:lambda:eu-west-1:<account>:function:orders:prod"),
        ("orders:prod", None, "arn:aws:lambda:eu-west-1:<account>:function:orders:prod"),
        ("123456789012:function:orders", None, "arn:aws:lambda:eu-west-1:123456789012:function:orders"),
        ("123456789012:function:orders:7", None, "arn:aws:lambda:eu-west-1:123456789012:function:orders:7"),
        (ARN, None, ARN),
        (f"{ARN}:prod", None, f"{ARN}:prod"),
        (ARN, "$LATEST", f"{ARN}:$LATEST"),
    ],
)
def test_the_resource_of_a_policy(function_name: str, qualifier: str | None, arn: str):
    assert target(function_name, qualifier).resource_arn == arn


def test_only_a_whole_arn_names_its_region():
    assert region_of(f"{ARN}:prod") == "cn-north-1"
    assert region_of("orders:prod") is None
    assert region_of("123456789012:function:orders") is None


def test_messages_name_function_qualifier_and_region():
    assert str(target("orders", "prod")) == "orders (qualifier prod) in eu-west-1"
    assert str(target("orders")) == "orders in eu-west-1"
