"""What became of a batch that was not delivered, in the terms of the error topic."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_lambda_sink.core.errors import FunctionError, InvocationError, KafkaLambdaSinkError
from kafka_lambda_sink.core.ports import InvokeReply


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFailure:
    """Why a batch failed for good. The error topic's value is made of it (seed: "Error Schema")."""

    #: What was raised.
    error: KafkaLambdaSinkError
    #: Lambda's `Handled` or `Unhandled`, or a name of ours; never empty.
    function_error: str
    #: 200 for function and reply errors, the HTTP status of a refusal, 0 when no response came or nothing was sent.
    status_code: int
    #: The raw body of the reply or refusal, or empty.
    payload: bytes = b""
    #: Base64, as Lambda gave it.
    log_result: str | None = None
    executed_version: str | None = None
    request_id: str | None = None


def failure_of_refusal(error: InvocationError) -> BatchFailure:
    """The API refused the batch for good, or could not be reached within the bounds of the retry policy."""
    return BatchFailure(
        error=error,
        function_error=error.error_id,
        status_code=error.status,
        payload=error.body,
        request_id=error.request_id,
    )


def failure_of_reply(error: KafkaLambdaSinkError, reply: InvokeReply) -> BatchFailure:
    """The function failed, or answered what the contract does not allow."""
    return BatchFailure(
        error=error,
        function_error=error.kind if isinstance(error, FunctionError) else error.error_id,
        status_code=reply.status,
        payload=reply.payload,
        log_result=reply.log_result,
        executed_version=reply.executed_version,
        request_id=reply.request_id,
    )


def failure_before_sending(error: KafkaLambdaSinkError) -> BatchFailure:
    """The batch was never sent: a single record over the limit."""
    return BatchFailure(error=error, function_error=error.error_id, status_code=0)
