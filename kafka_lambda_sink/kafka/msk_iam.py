"""Tokens for Amazon MSK's IAM authentication, by AWS's own signer where that is installed.

Source: https://github.com/aws/aws-msk-iam-sasl-signer-python
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable
from functools import cache
from typing import Final

from kafka_lambda_sink.core.errors import ConfigError, Problem

#: Not a property of librdkafka: it is taken out, and the token callback set instead.
MSK_IAM: Final = "kls.sasl.aws.msk.iam"
_REGION: Final = re.compile(r"\.kafka(?:-serverless)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?::\d+)?(?:,|$)")

#: librdkafka's callback: its argument is `sasl.oauthbearer.config`; returns a token and when it expires, in seconds.
TokenSource = Callable[[str], tuple[str, float]]


@cache
def msk_token_source(bootstrap_servers: str) -> TokenSource:
    """The token callback for the cluster at `bootstrap_servers`. Raises ConfigError without signer or region."""
    try:
        signer = importlib.import_module("aws_msk_iam_sasl_signer")
    except ImportError:
        raise _problem("needs the package aws-msk-iam-sasl-signer-python", "Install it beside the sink.") from None
    match = _REGION.search(bootstrap_servers)
    region = match["region"] if match else os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise _problem("the brokers' names do not tell the region", "Set AWS_REGION.")

    def token(_: str) -> tuple[str, float]:
        text, expires_ms = signer.MSKAuthTokenProvider.generate_auth_token(region)
        return text, expires_ms / 1000

    return token


def _problem(message: str, hint: str) -> ConfigError:
    return ConfigError([Problem(key="sasl.mechanism", message=message, error_id="msk-iam", hint=hint)])
