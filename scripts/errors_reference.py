"""Print docs/errors.md, made of the error classes' docstrings and the table of Invoke faults.

python scripts/errors_reference.py > docs/errors.md
"""  # noqa: INP001  # a script

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator

from kafka_lambda_sink.aws_lambda import errors as faults
from kafka_lambda_sink.aws_lambda.hints import hint_for
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.core import errors
from kafka_lambda_sink.core.errors import (
    ConfigurationInvocationError,
    ExpiredCredentialsError,
    InvocationError,
    KafkaLambdaSinkError,
    PayloadInvocationError,
    RecordTooLargeError,
    ReplyError,
    TransientInvocationError,
)
from kafka_lambda_sink.pipeline.coordinator import AllPartitionsFailed

_INTRODUCTION = """\
# Errors

Made by `scripts/errors_reference.py` from the code; a test compares. Three failures are kept apart: an **invocation
error** (Lambda refused the call, or could not be reached), a **function error** (the code ran and failed; HTTP 200),
and a **report error** (a record of our own topics was not written).

## functionError in the error topic

`Handled` and `Unhandled` are Lambda's own words for a function that failed. The other values are ours.
"""
_IDS = """
## error_id in the log

Every log line of a failure has one, beside the message, the coordinates, and where there is one a `hint`.
"""
_CODES = """
## Codes of invocation errors

The code stands in the message. † the function may have run although no reply came: a retry may repeat its effects.
Codes that are in no list go by status: 408, 409, 410, 425, 429 and 5xx are transient, 413 is the payload, and the rest
is the configuration.
"""
_OURS = """
### Ours

Faults for which AWS has no code, since no reply of Lambda's came.
"""
_REPORTED: tuple[type[KafkaLambdaSinkError], ...] = (
    TransientInvocationError,
    ExpiredCredentialsError,
    PayloadInvocationError,
    ReplyError,
    RecordTooLargeError,
)
#: What a person does about it. An error without an entry is raised only as one of its subclasses.
_REMEDIES: dict[type[KafkaLambdaSinkError], str] = {
    errors.ConfigError: "Correct what the message lists, line by line.",
    TransientInvocationError: "Nothing while it is retried. If it lasts: the hint, or Lambda's concurrency and health.",
    ExpiredCredentialsError: "Nothing where they renew themselves. If it lasts: renew those that were set by hand.",
    ConfigurationInvocationError: "Follow the hint (name, region, permission), then start again.",
    PayloadInvocationError: "Look at `inputPayload` in the error record.",
    errors.InvocationAborted: "Nothing: the new owner of the partition delivers the batch.",
    errors.FunctionError: "Look at `payload` (the function's error) and `logResult` in the error record.",
    ReplyError: "Correct what the function returns: one entry a record, in order, with its coordinates.",
    errors.RecordError: "Correct the producer or the converter, or set `errors.tolerance=all` to go past it.",
    errors.RetriableConversionError: "Nothing while it is retried. If it lasts: what the message names.",
    errors.SchemaRegistryError: "Nothing while it is retried. If it lasts: the registry's health, URL and credentials.",
    RecordTooLargeError: "Make the record smaller, or send a reference to its content.",
    errors.PartitionStopped: "Remove the cause that the message names, then restart.",
    errors.TransientReportError: "Nothing while it is retried. If it lasts: the topic's and the brokers' health.",
    errors.PermanentReportError: "Allow WRITE on the topic, or raise its `max.message.bytes`; then restart.",
    errors.RetriableKafkaError: "Nothing while it is retried. If it lasts: brokers, network, `bootstrap.servers`.",
    errors.OffsetOutOfRangeError: "Expect a gap if retention was too short; with `error`, reset the group's offset.",
    errors.KafkaAuthorizationError: "Correct the credentials, or allow READ on topics and group, WRITE on reports.",
    errors.UnknownTopicError: "Create the topic, or correct its name; a missing source topic is waited for.",
    errors.FatalKafkaError: "Start again; if it returns, look for a second member with the same `group.instance.id`.",
    errors.IllegalTransition: "Report it, with the log.",
    AllPartitionsFailed: "Look for the `PartitionStopped` of each; then restart.",
}
_CLASSES: tuple[type[InvocationError], ...] = (
    TransientInvocationError,
    ExpiredCredentialsError,
    ConfigurationInvocationError,
    PayloadInvocationError,
)
_TARGET = Target(function_name="orders", qualifier=None, region="eu-west-1", partition="aws", endpoint="the endpoint")


def subclasses(error: type[KafkaLambdaSinkError]) -> Iterator[type[KafkaLambdaSinkError]]:
    """Every class below `error`, as declared, a parent before its children."""
    for child in error.__subclasses__():
        yield child
        yield from subclasses(child)


def documented() -> list[type[KafkaLambdaSinkError]]:
    """Every class that is raised, as declared. One that has no subclasses needs a remedy."""
    return [error for error in subclasses(KafkaLambdaSinkError) if error in _REMEDIES or not error.__subclasses__()]


def row(error: type[KafkaLambdaSinkError]) -> str:
    """One line of a table: the class's docstring, and the remedy."""
    meaning = " ".join((inspect.getdoc(error) or "").split())
    return f"| `{error.error_id}` | {meaning} | {_REMEDIES[error]} |"


def our_codes() -> list[str]:
    """The codes that this package gives to faults of the transport."""
    values = [value for name, value in vars(faults).items() if name.isupper() and not name.startswith("_")]
    return [value for value in values if isinstance(value, str)]


def code_row(code: str) -> str:
    """What a code of ours means for the batch, and the hint that stands in the log."""
    rule = faults.CODES[code]
    mark = " †" if rule.may_have_run else ""
    return f"| `{code}`{mark} | `{rule.error.error_id}` | {hint_for(_TARGET, code) or ''} |"


def main() -> None:
    """Print the page."""
    lines = [_INTRODUCTION, "| functionError | meaning | what to do |", "|---|---|---|"]
    lines += [row(error) for error in _REPORTED]
    lines += [_IDS, "| error_id | meaning | what to do |", "|---|---|---|"]
    lines += [row(error) for error in documented()]
    lines += [_CODES]
    ours = our_codes()
    for error in _CLASSES:
        codes = [
            f"`{code}`{' †' if rule.may_have_run else ''}"
            for code, rule in sorted(faults.CODES.items())
            if rule.error is error and code not in ours
        ]
        lines += [f"- `{error.error_id}`: {', '.join(codes)}"]
    lines += [_OURS, "| code | error_id | what to do |", "|---|---|---|", *map(code_row, ours)]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
