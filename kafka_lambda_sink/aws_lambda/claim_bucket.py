"""The store of the claim check: a bucket of S3's, through botocore. Opened only where one is configured."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from kafka_lambda_sink.aws_lambda import errors
from kafka_lambda_sink.aws_lambda.bucket import Bucket
from kafka_lambda_sink.aws_lambda.bucket_faults import claim_error
from kafka_lambda_sink.aws_lambda.region_access import RegionAccess
from kafka_lambda_sink.aws_lambda.session import LambdaSettings, client_config
from kafka_lambda_sink.core.errors import ClaimStoreError, ConfigError, InvocationAborted, Problem
from kafka_lambda_sink.core.ports import StoredValue

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

#: Seconds that S3 may take for a next byte of an answer.
_READ_TIMEOUT: Final = 30.0
#: Seconds for a whole `put`, and bytes a second that are taken for granted beyond that.
_PATIENCE: Final = 60.0
_LEAST_RATE: Final = 256 * 1024

#: What a `put` came to: None when it is done, or aborted.
_Outcome: TypeAlias = Exception | None


class ClaimBucket:
    """One bucket of a connector. Thread-safe.

    Server-side encryption is the bucket's own (SSE-S3 unless it says otherwise): a header of ours would overrule a KMS
    key that its owner has chosen. Construction does no network IO. Raises ConfigError for an impossible endpoint.
    """

    def __init__(
        self, access: RegionAccess, settings: LambdaSettings, *, name: str, prefix: str, endpoint_url: str | None
    ) -> None:
        """`settings` are those of the function: proxy and connect timeout hold here as well."""
        self._credentials = access.credentials
        own = Config(
            read_timeout=_READ_TIMEOUT,
            # Endpoints of one's own seldom have a name for each bucket.
            s3={"addressing_style": "path"} if endpoint_url else None,
        )
        try:
            client: Any = access.session.create_client(
                "s3", endpoint_url=endpoint_url, config=client_config(settings).merge(own)
            )
        except (ValueError, BotoCoreError) as error:
            key = "aws.lambda.oversize.s3.endpoint.url"
            hint = "Give scheme and host: https://host[:port]"
            raise ConfigError([Problem(key=key, message=str(error), error_id="invalid-value", hint=hint)]) from error
        self._client: S3Client = client
        region = self._client.meta.region_name
        self.bucket: Final = Bucket(
            name=name,
            prefix=prefix,
            region=region,
            partition=access.session.get_partition_for_region(region),
            endpoint=self._client.meta.endpoint_url,
        )

    def check(self) -> None:
        """Ask whether the bucket is there and ours to use (HeadBucket, which needs s3:ListBucket). Blocks.

        Raises ClaimStoreError, ClaimStoreRefusedError.
        """
        used = None
        try:
            used = self._credentials.current()
            self._client.head_bucket(Bucket=self.bucket.name)
        except (BotoCoreError, ClientError) as error:
            raise claim_error(error, self.bucket, "s3:ListBucket", self._credentials, used) from error

    def put(self, value: StoredValue) -> None:
        """Store a value. Blocks. Raises as `check`."""
        used = None
        try:
            used = self._credentials.current()
            self._client.put_object(
                Bucket=self.bucket.name, Key=value.key, Body=value.body, ContentType=value.content_type
            )
        except (BotoCoreError, ClientError) as error:
            raise claim_error(error, self.bucket, "s3:PutObject", self._credentials, used) from error

    def store(self) -> BucketStore:
        """A store for one thread."""
        return BucketStore(self)


class BucketStore:
    """`core.ports.ClaimStore` of one pipeline.

    Each `put` runs on a thread of its own, since botocore has neither a deadline for a whole request nor a way to end
    one: an abandoned one lives on in the background until its socket's timeout, and harms nothing.
    """

    def __init__(self, bucket: ClaimBucket, patience: float = _PATIENCE) -> None:
        self._bucket = bucket
        self._patience = patience
        self._lock = threading.Lock()
        self._is_aborted = False
        self._outcome: SimpleQueue[_Outcome] = SimpleQueue()

    def put(self, value: StoredValue) -> None:
        """See `core.ports.ClaimStore`."""
        outcome: SimpleQueue[_Outcome] = SimpleQueue()
        with self._lock:
            if self._is_aborted:
                raise InvocationAborted
            self._outcome = outcome
        threading.Thread(target=self._put, args=(value, outcome), name="claim", daemon=True).start()
        deadline = self._patience + len(value.body) / _LEAST_RATE
        try:
            result = outcome.get(timeout=deadline)
        except Empty:
            message = f"{self._bucket.bucket}: {len(value.body):,} bytes were not taken within {deadline:.0f} s"
            raise ClaimStoreError(message, code=errors.READ_TIMEOUT) from None
        if self._is_aborted:
            raise InvocationAborted
        if isinstance(result, Exception):
            raise result

    def abort(self) -> None:
        """See `core.ports.ClaimStore`."""
        with self._lock:
            self._is_aborted = True
            self._outcome.put(None)

    def _put(self, value: StoredValue, outcome: SimpleQueue[_Outcome]) -> None:
        try:
            self._bucket.put(value)
        except Exception as error:  # noqa: BLE001  # raised again on the caller's thread
            outcome.put(error)
        else:
            outcome.put(None)
