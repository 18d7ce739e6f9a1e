"""Every error of this package. The class says what may happen next; attributes carry the data.

A class's docstring is its default message. Foreign exceptions (confluent-kafka's, botocore's, pycurl's) are mapped
to these in one table at the edge of the shell that meets them, and get no further.
"""

from __future__ import annotations

from dataclasses import dataclass

from kafka_lambda_sink.core.problem_id import ProblemId

_REQUEST_TOO_LARGE = 413
_REFUSED_IDENTITY = frozenset({401, 403})
#: Our code for a credential chain that has nothing to offer.
NO_CREDENTIALS = "NoCredentials"


class KafkaLambdaSinkError(Exception):
    """The sink failed."""

    #: A stable, documented name: the `functionError` of an error record and the `error_id` of a log line.
    error_id = "SinkError"

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)
        #: What a person can do about it, one sentence, or None.
        self.hint = hint


# --- configuration ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a configuration."""

    #: The property at fault, or None for a problem of the whole file.
    key: str | None
    #: What is wrong; never contains the value of a secret.
    message: str
    #: Stable identifier.
    error_id: ProblemId
    #: Where the property stands: a file name, `environment` or `command line`.
    source: str | None = None
    #: Line number in `source`, from 1.
    line: int | None = None
    #: The next step.
    hint: str | None = None

    def __str__(self) -> str:
        """`sink.properties:12: aws.lambda.bach.size: unknown key (did you mean …)`."""
        place = f"{self.source}:{self.line}" if self.source and self.line else self.source
        parts = [part for part in (place, self.key) if part]
        text = ": ".join([*parts, self.message])
        return f"{text}. {self.hint}" if self.hint else text


class ConfigError(KafkaLambdaSinkError):
    """The configuration is wrong; nothing was started."""

    error_id = "ConfigError"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems) or None)
        #: Every problem found, in the order of the file.
        self.problems = problems


# --- invoking: the API refused, or could not be reached --------------------------------------------------------------


class InvocationError(KafkaLambdaSinkError):
    """The Invoke API refused the call or could not be reached. Abstract: raise one of the three classes below."""

    error_id = "InvocationError"

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str,
        status: int = 0,
        may_have_run: bool = False,
        retry_after: float | None = None,
        request_id: str | None = None,
        body: bytes = b"",
        reason: str | None = None,
        is_counted: bool = True,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        #: AWS's error code (`TooManyRequestsException`), or a name of ours for a transport fault (`ReadTimeout`).
        self.code = code
        #: HTTP status, 0 when no response came.
        self.status = status
        #: The function may have run although no reply came (timeouts, resets after the request was sent, 500/502/504).
        self.may_have_run = may_have_run
        #: Seconds the service asked us to wait, or None.
        self.retry_after = retry_after
        self.request_id = request_id
        #: The raw body of the refusal, for the error record.
        self.body = body
        #: Which limit throttled it (`CallerRateLimitExceeded`), or None.
        self.reason = reason
        #: Whether the bounds of the retries count it: a function that is paused fails no batch.
        self.is_counted = is_counted


class TransientInvocationError(InvocationError):
    """The Invoke API could not take the call now. The same bytes may be sent again after a wait."""

    error_id = "TransientInvocationError"


class ExpiredCredentialsError(TransientInvocationError):
    """The credentials have expired or are being rotated. Refresh them, then send the same bytes again."""

    error_id = "ExpiredCredentialsError"


class ConfigurationInvocationError(InvocationError):
    """The Invoke API refused the call for a reason that only a change of configuration or permissions ends. Stop."""

    error_id = "ConfigurationInvocationError"

    @property
    def is_authorization(self) -> bool:
        """Whether permissions or credentials are at fault (exit code 3) rather than a name or setting (exit code 2)."""
        return self.status in _REFUSED_IDENTITY or self.code == NO_CREDENTIALS


class PayloadInvocationError(InvocationError):
    """The Invoke API refused these bytes. They must not be sent again as they are: `behavior.on.error`."""

    error_id = "PayloadInvocationError"

    @property
    def is_too_large(self) -> bool:
        """Whether fewer records a call would help: split the batch."""
        return self.status == _REQUEST_TOO_LARGE


class InvocationAborted(KafkaLambdaSinkError):
    """The call was abandoned by `Invoker.abort`: the partition was lost, or its drain bound passed."""

    error_id = "InvocationAborted"


# --- the code ran and failed, or answered what the contract does not allow -------------------------------------------


class FunctionError(KafkaLambdaSinkError):
    """The function ran and failed: HTTP 200 with `X-Amz-Function-Error`. `behavior.on.error` decides."""

    error_id = "FunctionError"

    def __init__(self, kind: str, message: str | None = None) -> None:
        super().__init__(message)
        #: Lambda's own word: `Handled` or `Unhandled`.
        self.kind = kind


class ReplyError(KafkaLambdaSinkError):
    """The function ran, but its reply breaks the response contract. `behavior.on.error` decides for the batch."""

    error_id = "InvalidResponse"


class RecordFailedError(KafkaLambdaSinkError):
    """The function ran, and its reply says that it could not take a record. `behavior.on.error` decides for it."""

    error_id = "RecordFailed"

    def __init__(self, message: str | None = None, error_type: str | None = None) -> None:
        super().__init__(message)
        #: The class of the function's exception, where the reply names one.
        self.error_type = error_type


# --- one record ------------------------------------------------------------------------------------------------------


class RecordError(KafkaLambdaSinkError):
    """One record cannot be converted. `errors.tolerance` decides; the other records of its batch are not affected."""

    error_id = "RecordError"

    def __init__(self, message: str | None = None, *, stage: str, class_name: str | None = None) -> None:
        super().__init__(message)
        #: Kafka Connect's name: KEY_CONVERTER, VALUE_CONVERTER, HEADER_CONVERTER, TRANSFORMATION, TASK_PUT.
        self.stage = stage
        #: Of a stage that has several: the one that failed, as the configuration names it.
        self.class_name = class_name


class RetriableConversionError(KafkaLambdaSinkError):
    """A record cannot be converted now. Nothing is wrong with it: the same record is tried again after a wait."""

    error_id = "RetriableConversionError"


class SchemaRegistryError(RetriableConversionError):
    """The schema registry could not be asked, or refused us. Waited for, with an alarm; never the record's fault."""

    error_id = "SchemaRegistryUnavailable"


class ClaimStoreError(RetriableConversionError):
    """S3 cannot take the value of a large record now. Waited for, with an alarm; never the record's fault."""

    error_id = "ClaimStoreUnavailable"

    def __init__(self, message: str | None = None, *, code: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        #: S3's error code (`SlowDown`), or a name of ours for a transport fault (`ConnectFailed`).
        self.code = code


class ClaimStoreRefusedError(ConfigurationInvocationError):
    """S3 refused the value of a large record for a reason that only a change of bucket or permissions ends. Stop."""

    error_id = "ClaimStoreRefused"


class RecordTooLargeError(KafkaLambdaSinkError):
    """A single record exceeds the payload limit of the invocation type. It is never sent: `behavior.on.error`."""

    error_id = "RecordTooLarge"


class PartitionStopped(KafkaLambdaSinkError):
    """The partition is stopped; its offset stays at what failed. A new owner or a restart tries it once more."""

    error_id = "PartitionStopped"


# --- our own topics --------------------------------------------------------------------------------------------------


class ReportError(KafkaLambdaSinkError):
    """A record of the response, error or dead letter topic was not written. Its batch is not acknowledged."""

    error_id = "ReportError"


class TransientReportError(ReportError):
    """The report could not be written now (topic missing, cluster out of reach). Produce it again, do not invoke."""

    error_id = "TransientReportError"


class PermanentReportError(ReportError):
    """The report can never be written (authorization, too large after cutting). The partition stops."""

    error_id = "PermanentReportError"


# --- Kafka -----------------------------------------------------------------------------------------------------------


class KafkaClientError(KafkaLambdaSinkError):
    """A Kafka client failed."""

    error_id = "KafkaClientError"

    def __init__(self, message: str | None = None, *, code: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        #: librdkafka's name of the error, e.g. `_TRANSPORT` or `TOPIC_AUTHORIZATION_FAILED`.
        self.code = code


class RetriableKafkaError(KafkaClientError):
    """The broker or the network did not answer as it should. Try again after a wait."""

    error_id = "RetriableKafkaError"


class OffsetOutOfRangeError(KafkaClientError):
    """The offset asked for is not in the log: where it was cut is read on, or `auto.offset.reset` decides."""

    error_id = "OffsetOutOfRange"

    def __init__(
        self, message: str | None = None, *, code: str = "", hint: str | None = None, diverged_at: int | None = None
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        #: Where the log was cut and written anew by another leader (KIP-320); None where it was not, or not known.
        self.diverged_at = diverged_at


class KafkaAuthorizationError(KafkaClientError):
    """The broker refused the credentials or an operation. Only a change of ACLs or credentials ends this."""

    error_id = "KafkaAuthorizationError"


class UnknownTopicError(KafkaClientError):
    """The topic or partition does not exist (any more)."""

    error_id = "UnknownTopic"


class FatalKafkaError(KafkaClientError):
    """The client instance is unusable (fenced, or librdkafka's fatal state). Build a new one or exit."""

    error_id = "FatalKafkaError"


# --- ourselves -------------------------------------------------------------------------------------------------------


class IllegalTransition(KafkaLambdaSinkError):
    """A partition pipeline met an event that its state does not allow: a bug of ours."""

    error_id = "IllegalTransition"
