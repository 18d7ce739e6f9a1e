"""Batches, retries, and what happens to records that cannot be delivered."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints

from kafka_lambda_sink.config.declaration import ANY_CASE, HIGH, LOW, MEDIUM, Declared, Group
from kafka_lambda_sink.config.endpoint import checked_url

BehaviorOnError = Literal["fail", "log", "ignore"]


class BatchGroup(Group):
    """What goes into one invocation."""

    title: ClassVar[str] = "Batches"

    aws_lambda_batch_size: Annotated[int, Declared("high", unit="records")] = Field(default=20, ge=1, le=100_000)
    """Most records in one invocation. A batch has records of one partition only, in the order of their offsets.
    Default with `aws.lambda.request.format=rows`: 500."""

    aws_lambda_batch_enabled: Annotated[bool, LOW] = True
    """`false`: one record an invocation. Formats that are a bare array (`nordstrom-plain`, `nordstrom-json`,
    `cloudevents`, `values`) then send its one entry without the array, as Nordstrom's connector does; the others keep
    their form."""

    aws_lambda_batch_window_ms: Annotated[int, Declared("medium", unit="ms")] = Field(default=0, ge=0, le=300_000)
    """How long to wait for a batch to fill once it has a record. 0: send what is there."""

    aws_lambda_batch_max_bytes: Annotated[int | None, Declared("low", unit="bytes")] = Field(
        default=None, ge=1, le=6_291_456
    )
    """Most bytes in the payload of one invocation, as encoded. Default: 6000000 for sync, 1000000 for async. A single
    record is tried up to Lambda's own limit."""

    aws_lambda_oversize_s3_bucket: Annotated[
        str | None, MEDIUM, StringConstraints(strip_whitespace=True, pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    ] = None
    """Bucket for the values of records that are too large even for an invocation by themselves. The payload then has
    `{"$s3": {"bucket", "key", "size", "sha256"}}` in the value's place. Needs `s3:PutObject`, and `s3:ListBucket` for
    the look at start. Blank: such records go the way of `behavior.on.error`."""

    aws_lambda_oversize_s3_prefix: Annotated[
        str,
        LOW,
        StringConstraints(strip_whitespace=True, pattern=r"^([A-Za-z0-9!_.*'()=-][A-Za-z0-9!_.*'()=/-]{0,511})?$"),
    ] = ""
    """What the keys in the bucket begin with, before `/<topic>/<partition>/<offset>-<hash>`."""

    aws_lambda_oversize_s3_endpoint_url: Annotated[str | None, LOW, AfterValidator(checked_url)] = None
    """Endpoint of S3, for PrivateLink or another service of its kind. Default: `AWS_ENDPOINT_URL_S3`, else the
    region's. The rules of `aws.lambda.endpoint.allow.http` hold here, too."""


class RetryGroup(Group):
    """Retries of invocations that Lambda could not take."""

    title: ClassVar[str] = "Retries"

    aws_lambda_retry_max_attempts: Annotated[int, Declared("medium", unit="attempts")] = Field(default=0, ge=0)
    """How many times a batch is tried when the endpoint cannot be reached or asks to wait. 0: for ever, as losing
    order or records is worse. Throttles of the function's reserved concurrency are not counted."""

    aws_lambda_retry_timeout_ms: Annotated[int, Declared("medium", unit="ms")] = Field(default=0, ge=0)
    """How long a batch is tried for. 0: for ever."""

    aws_lambda_retry_backoff_ms: Annotated[int, Declared("low", unit="ms")] = Field(default=100, ge=1, le=60_000)
    """First wait between two attempts. It doubles with each, and a random part of it is waited."""

    aws_lambda_retry_backoff_max_ms: Annotated[int, Declared("low", unit="ms")] = Field(
        default=20_000, ge=1, le=3_600_000
    )
    """Longest wait between two attempts, unless Lambda asks for more (`Retry-After`)."""


class RecoveryGroup(Group):
    """Records that the function could not take."""

    title: ClassVar[str] = "Function errors"

    aws_lambda_retry_function_errors: Annotated[int, Declared("medium", unit="attempts")] = Field(default=0, ge=-1)
    """How often records are sent again that the function failed, before `behavior.on.error` decides. 0: never, as by
    Confluent's connector; -1: for ever. The waits are those of `aws.lambda.retry.backoff.ms`."""

    aws_lambda_retry_scope: Annotated[Literal["from-first", "alone"], LOW, ANY_CASE] = "from-first"
    """What is sent again when a reply says which records failed: everything from the first of them on, so that the
    function sees records in their order, or the failed ones `alone`."""

    aws_lambda_bisect_on_error: Annotated[bool, MEDIUM] = False
    """Whether a batch that failed as a whole, or that Lambda refuses for what is in it, is sent again in halves until
    the guilty record stands alone: twice the binary logarithm of its records, in invocations, for each guilty one. The
    others are delivered. A reply above 6 MB is such a failure, too."""

    aws_lambda_max_attempts: Annotated[int, Declared("low", unit="attempts")] = Field(default=0, ge=0)
    """Most invocations that a record is part of, whatever they end with, before `behavior.on.error` decides. 0: as
    many as the other properties allow."""

    aws_lambda_record_max_age_ms: Annotated[int, Declared("low", unit="ms")] = Field(default=0, ge=0)
    """Age from which on a record is not sent again, by its timestamp. It is sent once in any case. 0: any."""


class ErrorGroup(Group):
    """Errors."""

    title: ClassVar[str] = "Errors"

    behavior_on_error: Annotated[BehaviorOnError, HIGH, ANY_CASE] = "fail"
    """What happens when the function fails, its reply breaks the contract, or Lambda refuses the payload for good.
    `fail` stops that partition, `log` writes an error record (or a log line) and goes on, `ignore` counts and goes
    on."""

    errors_tolerance: Annotated[Literal["none", "all"], HIGH, ANY_CASE] = "none"
    """What happens to a record that cannot be converted: `none` stops its partition; `all` sends it to the dead letter
    topic, or logs it, and goes on."""

    errors_deadletterqueue_topic_name: Annotated[str | None, HIGH] = None
    """Topic for the raw records that cannot be converted, with `errors.tolerance=all`, and for those that the function
    could not take, with `errors.deadletterqueue.function.errors.enable`. Blank: none."""

    errors_deadletterqueue_topic_replication_factor: Annotated[int, Declared("low", unit="replicas")] = Field(
        default=3, ge=-1, le=32_767
    )
    """Replicas of the dead letter topic where it has to be created. -1: the broker's default."""

    errors_deadletterqueue_context_headers_enable: Annotated[bool, MEDIUM] = False
    """Whether records that cannot be converted have headers in the dead letter topic that say where they come from and
    what went wrong (`__connect.errors.*`). Those that the function could not take always have them."""

    errors_deadletterqueue_function_errors_enable: Annotated[bool, MEDIUM] = False
    """Whether the records that `behavior.on.error` gives up (`log`, `fail`) go to the dead letter topic, too: raw, with
    headers that say where they come from (`__connect.errors.*`) and which function failed them, how and how often
    (`kls.*`)."""

    errors_log_enable: Annotated[bool, LOW] = False
    """Whether each record that cannot be converted is logged, tolerated or not; with its coordinates, never with its
    key or value."""

    errors_log_include_messages: Annotated[bool, LOW] = False
    """Whether those lines have the record's timestamp too, as in Connect."""
