from __future__ import annotations

import pytest

from kafka_lambda_sink.local.names import FunctionReference, parse_function_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders", FunctionReference("orders")),
        ("orders:live", FunctionReference("orders", "live")),
        ("orders:$LATEST", FunctionReference("orders", "$LATEST")),
        ("123456789012:function:orders", FunctionReference("orders", None, "123456789012")),
        ("123456789012:orders:7", FunctionReference("orders", "7", "123456789012")),
        ("function:orders", FunctionReference("orders")),
        (
            "arn:aws:lambda:us-east-1:123456789012:function:orders",
            FunctionReference("orders", None, "123456789012", "us-east-1"),
        ),
        (
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:orders:live",
            FunctionReference("orders", "live", "123456789012", "us-gov-west-1"),
        ),
        ("us-east-1:123456789012:function:orders", FunctionReference("orders", None, "123456789012", "us-east-1")),
    ],
)
def test_a_function_name_is_taken_apart(text, expected):
    assert parse_function_name(text) == expected


@pytest.mark.parametrize("text", ["", "two words", "orders:", "a:b:c:d", "orders:live:7", "ordérs", "x" * 257])
def test_what_is_no_function_name_is_refused(text):
    assert parse_function_name(text) is None
