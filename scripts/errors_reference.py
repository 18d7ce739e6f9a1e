"""Print docs/errors.md, made of the error classes' docstrings and the table of Invoke faults.

python scripts/errors_reference.py > docs/errors.md
"""  # noqa: INP001  # a script

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import get_args

from kafka_lambda_sink.aws_lambda import errors as faults
from kafka_lambda_sink.aws_lambda.hints import hint_for
from kafka_lambda_sink.aws_lambda.target import Target
from kafka_lambda_sink.connector.findings import CheckName
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
from kafka_lambda_sink.core.problem_id import ProblemId
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
_CHECKS = """
## What check looks at

`kafka-lambda-sink check --output json` names each of its findings by `check`, and what is wrong by `error_id`: one of
those above, or one of the problems below. A finding that is a warning would not keep the connector from running.
"""
_PROBLEM_IDS = """
## Problems of a configuration

The `error_id` of what is wrong with a file, or with what it names. Each comes with the key and its line, and its
message has the particulars.
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
    errors.RecordFailedError,
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
    errors.RecordFailedError: "Look at the function's own words in `payload` of the error record.",
    errors.RecordError: "Correct the producer or the converter, or set `errors.tolerance=all` to go past it.",
    errors.RetriableConversionError: "Nothing while it is retried. If it lasts: what the message names.",
    errors.SchemaRegistryError: "Nothing while it is retried. If it lasts: the registry's health, URL and credentials.",
    errors.ClaimStoreError: "Nothing while it is retried. If it lasts: S3's health, the endpoint and the credentials.",
    errors.ClaimStoreRefusedError: "Follow the hint (bucket, region, permission), then start again.",
    RecordTooLargeError: "Make the record smaller, or set `aws.lambda.oversize.s3.bucket`.",
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
_LOOKED_AT: dict[CheckName, str] = {
    "configuration": "Files, environment and command line: every problem, and every warning of a start.",
    "converters": "Which are in force for keys and values.",
    "client-properties": (
        "Whether the Kafka clients take their properties, and can read their key stores. "
        "With `--offline` a store that cannot be read is a warning: it may be on another machine."
    ),
    "brokers": "Whether each cluster can be reached with its credentials.",
    "source-topic": "Whether each topic that is read exists and may be read.",
    "sockets": "How many connections one process opens at most.",
    "group": "Whether the consumer group may be joined.",
    "report-topic": "Whether each topic that is written exists or can be created, may be written, and is not read too.",
    "endpoint": "Where the Invoke API is called, in which region, as whom.",
    "function": "Whether the function exists and may be invoked (DryRun: it does not run).",
    "function-timeout": "How long its replies are waited for.",
    "schema-registry": "Whether the schema registry of keys or values answers, and lets us ask.",
    "oversize-bucket": "Whether the bucket for large values is there and may be listed (HeadBucket).",
}
_PROBLEMS: dict[ProblemId, tuple[str, str]] = {
    "unreadable-file": ("The file cannot be read.", "Correct its path or permissions."),
    "invalid-json": ("A JSON file is not one object of keys and values.", "Correct it at the line that is named."),
    "invalid-escape": ("A `\\u` that four hexadecimal digits do not follow.", "Write `\\\\` for a backslash."),
    "duplicate-key": ("Warning: a key stands twice, and the last one counts.", "Remove one of them."),
    "unresolved-reference": (
        "`${env:…}`, `${file:…:…}` or `${dir:…:…}` leads to nothing, or to a place that may not be read.",
        "Set the variable or correct the path; other directories are allowed by the key that the message names.",
    ),
    "unknown-key": (
        "No such key. A warning where `connector.class` is another project's.",
        "Take the nearest known key, which the hint names, or remove it.",
    ),
    "missing-key": ("A required key, or one that another key needs beside it.", "Set it."),
    "invalid-value": ("The value is none that the key takes.", "Take one that the message names."),
    "conflict": ("Two keys contradict each other.", "Remove one, or make them agree."),
    "refused-key": (
        "A client property that would break a guarantee, or a key that a connector's file must not decide.",
        "Remove it.",
    ),
    "not-built-yet": ("Known from Kafka Connect or another connector, and not built yet.", "Remove it."),
    "no-effect": (
        "Warning: the key is taken and changes nothing beside the others.",
        "Remove it, or what it clashes with.",
    ),
    "unknown-connector": ("`connector.class` is no connector whose files are understood.", "Remove it."),
    "unknown-class": ("A Java class that has no counterpart here.", "Use the keys that the hint names."),
    "default-converter": (
        "Warning: another connector's file names no converter, and a default is in force.",
        "Name the worker's file with `--worker`, or set the converter.",
    ),
    "value-cut": ("Warning: a number is outside of what is taken; the nearest is in force.", "Set one that is taken."),
    "weak-security": (
        (
            "Passwords, records or signatures could be read on the network, or a server is not verified. "
            "A warning for Kafka, an error for the Invoke API."
        ),
        "Use TLS and verify it; a development set-up can allow it by the key that the hint names.",
    ),
    "client-configuration": ("librdkafka does not take a property.", "Correct the property that its message names."),
    "conflicting-keys": ("With `group.protocol=consumer` the broker decides on it.", "Remove it."),
    "msk-iam": ("Tokens for MSK cannot be signed.", "Follow the hint."),
    "topic-loop": (
        (
            "A topic is read and written by the same connector: its records would come back for ever. "
            "A warning where only the clusters could tell, and did not."
        ),
        "Choose another topic. Where the brokers are of another cluster, nothing.",
    ),
    "missing-function": (
        (
            "A topic that is read has no function in `aws.lambda.topic2function.map`. "
            "Where `topics.regex` matches it, its partitions stop at their first record."
        ),
        "Add the topic to the map, or set `aws.lambda.function.name` for all topics that it does not name.",
    ),
    "missing-source-topic": ("Warning: a topic that is read does not exist (yet).", "Create it, or correct its name."),
    "missing-report-topic": (
        "A topic that is written does not exist and cannot be created.",
        "Create it, allow CREATE, or correct its replication factor.",
    ),
    "many-sockets": ("Warning: one process would open very many connections.", "Share the partitions among processes."),
    "short-socket-timeout": (
        "Warning: `aws.lambda.socket.timeout` ends before the function may: batches would be sent twice.",
        "Raise it above the function's own timeout, or remove it.",
    ),
    "function-timeout-unknown": (
        "Warning: the function's own timeout may not be asked, and replies are waited for as long as any may take.",
        "Allow `lambda:GetFunctionConfiguration`, or set `aws.lambda.socket.timeout`.",
    ),
    "unknown-region": (
        "Warning: the AWS SDK knows no such region; it may be newer than the SDK.",
        "Correct `aws.lambda.region`.",
    ),
    "invalid-handler": ("`--handler` is not `FILE.py:FUNCTION`, or leads to nothing.", "Correct it."),
    "missing-runtime-client": ("AWS's runtime client for Python is not installed.", "Install what the hint names."),
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


def problem_rows() -> list[str]:
    """The problems, in the order of their declaration. Raises KeyError where one is not explained."""
    return [f"| `{name}` | {' | '.join(_PROBLEMS[name])} |" for name in get_args(ProblemId)]


def check_rows() -> list[str]:
    """What is looked at, in the order of the findings. Raises KeyError where one is not explained."""
    return [f"| `{name}` | {_LOOKED_AT[name]} |" for name in get_args(CheckName)]


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
    lines += [_CHECKS, "| check | what it looks at |", "|---|---|", *check_rows()]
    lines += [_PROBLEM_IDS, "| error_id | meaning | what to do |", "|---|---|---|", *problem_rows()]
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
