"""What must hold between the settings of `aws.lambda.oversize.s3`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kafka_lambda_sink.config.endpoint import has_credentials, is_plain_http_beyond_loopback
from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.model import SinkConfig

_BUCKET: Final = "aws_lambda_oversize_s3_bucket"
_ENDPOINT: Final = "aws_lambda_oversize_s3_endpoint_url"


def claim_errors(config: SinkConfig) -> Iterator[Finding]:
    """What stops the start."""
    url = config.aws_lambda_oversize_s3_endpoint_url
    if config.aws_lambda_oversize_s3_bucket is None:
        for attribute in ("aws_lambda_oversize_s3_prefix", _ENDPOINT):
            if getattr(config, attribute):
                yield Finding((attribute, _BUCKET), "needs aws.lambda.oversize.s3.bucket beside it", "missing-key")
    if url and has_credentials(url):
        yield Finding((_ENDPOINT,), "a URL must not have a user name or password in it", "invalid-value")
    if url and not config.aws_lambda_endpoint_allow_http and is_plain_http_beyond_loopback(url):
        hint = "Use https, or set aws.lambda.endpoint.allow.http=true"
        message = "plain http to another machine shows records and signatures to the network"
        yield Finding((_ENDPOINT, "aws_lambda_endpoint_allow_http"), message, "weak-security", hint)
