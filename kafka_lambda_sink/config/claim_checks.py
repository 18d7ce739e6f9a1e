"""What must hold between the settings of `aws.lambda.oversize.s3`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kafka_lambda_sink.config.endpoint_checks import plain_http_errors, url_secret_errors
from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.model import SinkConfig

_BUCKET: Final = "aws_lambda_oversize_s3_bucket"
_ENDPOINT: Final = "aws_lambda_oversize_s3_endpoint_url"


def claim_errors(config: SinkConfig) -> Iterator[Finding]:
    """What stops the start."""
    if config.aws_lambda_oversize_s3_bucket is None:
        for attribute in ("aws_lambda_oversize_s3_prefix", _ENDPOINT):
            if getattr(config, attribute):
                yield Finding((attribute, _BUCKET), "needs aws.lambda.oversize.s3.bucket beside it", "missing-key")
    yield from url_secret_errors(config, _ENDPOINT)
    yield from plain_http_errors(config, _ENDPOINT)
