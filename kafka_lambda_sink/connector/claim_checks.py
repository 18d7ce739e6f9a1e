"""What `check` asks about the bucket of the claim check."""

from __future__ import annotations

from collections.abc import Iterator

from kafka_lambda_sink.aws_lambda.errors import READ_TIMEOUT
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.asking import Asking
from kafka_lambda_sink.connector.claims import open_claims
from kafka_lambda_sink.connector.findings import Finding, broken, fine, skipped
from kafka_lambda_sink.connector.functions import open_functions
from kafka_lambda_sink.core.errors import ClaimStoreError, ClaimStoreRefusedError, ConfigError
from kafka_lambda_sink.core.ports import Clock


def claim_askings(config: SinkConfig, clock: Clock) -> list[Asking]:
    """The question to the bucket, where one is configured."""
    name = config.aws_lambda_oversize_s3_bucket
    if name is None:
        return []
    message = "no answer in time: neither from the endpoint nor, maybe, from what gives the credentials"
    late = ClaimStoreError(message, code=READ_TIMEOUT, hint="Check the network, endpoints and proxies")
    return [Asking(_ask(config, name, clock), broken("oversize-bucket", name, late))]


def offline_claims(config: SinkConfig) -> Iterator[Finding]:
    """What is known of it without asking."""
    if config.aws_lambda_oversize_s3_bucket is not None:
        yield skipped("oversize-bucket", config.aws_lambda_oversize_s3_bucket, "not asked: --offline")


def _ask(config: SinkConfig, name: str, clock: Clock) -> Iterator[Finding]:
    clients, _ = open_functions(config, clock)
    access = next((client.access for client in clients.values()), None)
    try:
        claims = open_claims(config, clock, access)
        if claims is None:
            yield skipped("oversize-bucket", name, "not asked: there is no way to a function")
            return
        claims.bucket.check()
    except (ConfigError, ClaimStoreError, ClaimStoreRefusedError) as error:
        yield broken("oversize-bucket", name, error)
        return
    bucket = claims.bucket.bucket
    yield fine("oversize-bucket", name, f"is there (region {bucket.region}, {bucket.endpoint})")
