"""What must hold for an address that requests are sent to, wherever it is set."""

from __future__ import annotations

from collections.abc import Iterator

from kafka_lambda_sink.config.endpoint import has_credentials, is_plain_http_beyond_loopback
from kafka_lambda_sink.config.finding import Finding
from kafka_lambda_sink.config.model import SinkConfig


def plain_http_errors(config: SinkConfig, attribute: str) -> Iterator[Finding]:
    """What is sent there must not be read on the way."""
    url = getattr(config, attribute)
    if url and not config.aws_lambda_endpoint_allow_http and is_plain_http_beyond_loopback(url):
        hint = "Use https, or set aws.lambda.endpoint.allow.http=true"
        message = "plain http to another machine shows records and signatures to the network"
        yield Finding((attribute, "aws_lambda_endpoint_allow_http"), message, "weak-security", hint)


def url_secret_errors(config: SinkConfig, attribute: str, hint: str | None = None) -> Iterator[Finding]:
    """Addresses are shown: nothing of them may be secret."""
    url = getattr(config, attribute)
    if url and has_credentials(url):
        yield Finding((attribute,), "a URL must not have a user name or password in it", "invalid-value", hint)
