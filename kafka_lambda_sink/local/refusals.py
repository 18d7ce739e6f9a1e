"""The Invoke API's refusals, with AWS's codes, messages and body shapes.

Shapes and statuses: botocore's service model of Lambda. Messages: as the service words them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from kafka_lambda_sink.local.http_message import Reply
from kafka_lambda_sink.local.names import PATTERN


@dataclass
class Refusal(Exception):
    """The API refuses a call before any code runs."""

    status: int
    code: str
    message: str
    #: `User` for the caller's fault, `Service` for AWS's; None where the front end answers, which gives no type.
    type: str | None = "User"
    #: More members of the JSON body, e.g. `Reason`.
    members: dict[str, str] = field(default_factory=dict)
    #: More headers, e.g. `Retry-After`.
    headers: list[tuple[str, str]] = field(default_factory=list)

    def reply(self) -> Reply:
        """The refusal as AWS's REST-JSON protocol sends it: the code in a header, members in the body."""
        body = dict(self.members)
        if self.type is not None:
            body["Type"] = self.type
        # The model spells the member `Message` in some shapes and `message` in others; parsers take both.
        body["Message" if self.status == 404 or self.status >= 500 else "message"] = self.message  # noqa: PLR2004  # HTTP
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", self.code), *self.headers]
        return Reply(self.status, headers, json.dumps(body, separators=(",", ":")).encode())


def throttled(reason: str, retry_after: float | None = None) -> Refusal:
    """429: no capacity. `retry_after` in seconds; the service sends whole ones, a fraction is sent as it is."""
    headers = [] if retry_after is None else [("Retry-After", f"{retry_after:g}")]
    return Refusal(429, "TooManyRequestsException", "Rate Exceeded.", members={"Reason": reason}, headers=headers)


def function_not_found(arn: str) -> Refusal:
    """404: no such function, version or alias."""
    return Refusal(404, "ResourceNotFoundException", f"Function not found: {arn}")


def other_region(named: str, here: str) -> Refusal:
    """404: an ARN of another region."""
    message = f"Functions from '{named}' are not reachable in this region ('{here}')"
    return Refusal(404, "ResourceNotFoundException", message)


def payload_too_large(size: int, invocation_type: str, limit: int) -> Refusal:
    """413: the payload exceeds the limit of its invocation type. Sizes in bytes."""
    message = f"{size} byte payload is too large for the {invocation_type} invocation type (limit {limit} bytes)"
    return Refusal(413, "RequestTooLargeException", message)


def not_json(detail: str) -> Refusal:
    """400: the payload is no JSON text."""
    message = f"Could not parse request body into json: Could not parse payload into json: {detail}"
    return Refusal(400, "InvalidRequestContentException", message)


def invalid_parameter(message: str) -> Refusal:
    """400: a parameter that contradicts another."""
    return Refusal(400, "InvalidParameterValueException", message)


def invalid_name(text: str) -> Refusal:
    """400: not a function name."""
    return invalid_value("functionName", text, f"Member must satisfy regular expression pattern: {PATTERN}")


def invalid_value(member: str, value: str, constraint: str) -> Refusal:
    """400: a parameter that breaks a constraint of the service model."""
    message = f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    return Refusal(400, "ValidationException", message, type=None)


def durable_execution_already_started(name: str) -> Refusal:
    """409: a named execution with another payload."""
    message = f"Durable execution with name {name} has already been started with a different payload."
    return Refusal(409, "DurableExecutionAlreadyStartedException", message)


def access_denied(action: str, arn: str, account: str) -> Refusal:
    """403: the caller is known and not allowed to."""
    message = (
        f"User: arn:aws:iam::{account}:user/local is not authorized to perform: {action} on resource: {arn}"
        f" because no identity-based policy allows the {action} action"
    )
    return Refusal(403, "AccessDeniedException", message, type=None)


def unknown_operation(method: str, path: str) -> Refusal:
    """404: no operation of Lambda that is built here."""
    message = f"Unable to determine service/operation name to be authorized: {method} {path}"
    return Refusal(404, "UnknownOperationException", message, type=None)
