"""The claim check of a connector: its bucket, the look at it at start, and what each pipeline needs of it."""

from __future__ import annotations

import threading
from typing import Final

from kafka_lambda_sink.aws_lambda.claim_bucket import BucketStore, ClaimBucket
from kafka_lambda_sink.aws_lambda.region_access import RegionAccess
from kafka_lambda_sink.config.endpoint import has_credentials, is_plain_http_beyond_loopback
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.function import lambda_settings
from kafka_lambda_sink.contracts.claim_check import ClaimCheck
from kafka_lambda_sink.contracts.request import ValueReplacer
from kafka_lambda_sink.core.errors import ClaimStoreError, ConfigError, InvocationAborted, Problem
from kafka_lambda_sink.core.ports import ClaimStore, Clock
from kafka_lambda_sink.telemetry.logs import get_logger

_log = get_logger(__name__)

#: Seconds until a bucket that did not answer at start is asked again.
_PAUSE: Final = 1.0
_ENDPOINT: Final = "aws.lambda.oversize.s3.endpoint.url"


class Claims:
    """What the pipelines of a task share. Thread-safe."""

    def __init__(self, bucket: ClaimBucket, clock: Clock) -> None:
        self.bucket: Final = bucket
        self._clock = clock

    def prepare(self, stop: threading.Event, timeout: float) -> None:
        """Ask whether the bucket is there. Blocks; waits out transient faults for `timeout` seconds.

        Raises ClaimStoreRefusedError with a hint, the last ClaimStoreError, or InvocationAborted once `stop` is set.
        """
        deadline = self._clock.monotonic() + timeout
        while True:
            try:
                self.bucket.check()
            except ClaimStoreError as error:
                if self._clock.monotonic() >= deadline:
                    raise
                _log.warning("the bucket cannot be checked yet", error=str(error), hint=error.hint)
            else:
                return
            if stop.wait(_PAUSE):
                raise InvocationAborted

    def store(self) -> BucketStore:
        """A store for one pipeline."""
        return self.bucket.store()

    def check(self, records: ValueReplacer, store: ClaimStore) -> ClaimCheck:
        """The claim check of one pipeline."""
        bucket = self.bucket.bucket
        return ClaimCheck(records, store, bucket=bucket.name, prefix=bucket.prefix)


def open_claims(config: SinkConfig, clock: Clock, access: RegionAccess | None) -> Claims | None:
    """The claim check that is configured, by the way to the functions; None where there is neither. No network IO.

    Raises ConfigError for an endpoint that is impossible or not safe: botocore takes it from more places than the
    configuration.
    """
    name = config.aws_lambda_oversize_s3_bucket
    if name is None or access is None:
        return None
    prefix = config.aws_lambda_oversize_s3_prefix.rstrip("/")
    bucket = ClaimBucket(
        access,
        lambda_settings(config, config.functions[0]),
        name=name,
        prefix=f"{prefix}/" if prefix else "",
        endpoint_url=config.aws_lambda_oversize_s3_endpoint_url,
    )
    endpoint = bucket.bucket.endpoint
    message = None
    if has_credentials(endpoint):
        message = "the endpoint that the AWS settings give has a user name or password in it"
    elif not config.aws_lambda_endpoint_allow_http and is_plain_http_beyond_loopback(endpoint):
        message = f"the AWS settings give {endpoint}: plain http to another machine shows records to the network"
    if message is not None:
        hint = "Look at AWS_ENDPOINT_URL and the profile's endpoint_url, or set aws.lambda.endpoint.allow.http=true"
        raise ConfigError([Problem(key=_ENDPOINT, message=message, error_id="weak-security", hint=hint)])
    return Claims(bucket, clock)
