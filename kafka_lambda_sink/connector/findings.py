"""What `check` finds: one thing that was looked at, and how it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from kafka_lambda_sink.core.errors import ConfigError, KafkaLambdaSinkError, Problem
from kafka_lambda_sink.core.problem_id import ProblemId

#: What `check` looks at. `docs/errors.md` explains each.
CheckName: TypeAlias = Literal[
    "configuration",
    "converters",
    "client-properties",
    "brokers",
    "source-topic",
    "sockets",
    "group",
    "report-topic",
    "endpoint",
    "function",
    "function-timeout",
    "oversize-bucket",
    "schema-registry",
]


class Status(StrEnum):
    """How something is."""

    OK = "ok"
    #: The connector would run; a person should know.
    WARNING = "warning"
    #: The connector would not start, or not deliver.
    FAILED = "failed"
    #: Not looked at.
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    #: Stable name of the check.
    check: CheckName
    #: What it was about: a topic, a key, an address.
    subject: str
    status: Status
    message: str
    #: The next step, or None.
    hint: str | None = None
    #: Stable name of what is wrong: a ProblemId, or an error's `error_id`; None where nothing is.
    error_id: str | None = None
    #: What is wrong, for the exit code; None where the connector would run.
    error: KafkaLambdaSinkError | None = None
    #: File and line of a key, where it has one.
    source: str | None = None
    line: int | None = None


def fine(check: CheckName, subject: str, message: str) -> Finding:
    """It is as it should be."""
    return Finding(check=check, subject=subject, status=Status.OK, message=message)


def skipped(check: CheckName, subject: str, message: str) -> Finding:
    """It was not looked at."""
    return Finding(check=check, subject=subject, status=Status.SKIPPED, message=message)


def doubtful(check: CheckName, subject: str, message: str, *, error_id: ProblemId, hint: str | None = None) -> Finding:
    """The connector would run; a person should know."""
    return Finding(check=check, subject=subject, status=Status.WARNING, message=message, error_id=error_id, hint=hint)


def broken(check: CheckName, subject: str, error: KafkaLambdaSinkError) -> Finding:
    """The connector would not run."""
    if isinstance(error, ConfigError) and len(error.problems) == 1:
        return of_problem(check, subject, error.problems[0])
    return Finding(
        check=check,
        subject=subject,
        status=Status.FAILED,
        message=str(error),
        hint=error.hint,
        error_id=error.error_id,
        error=error,
    )


def of_problem(check: CheckName, subject: str, problem: Problem, status: Status = Status.FAILED) -> Finding:
    """A problem of the configuration."""
    return Finding(
        check=check,
        subject=problem.key or subject,
        status=status,
        message=problem.message,
        hint=problem.hint,
        error_id=problem.error_id,
        error=ConfigError([problem]) if status is Status.FAILED else None,
        source=problem.source,
        line=problem.line,
    )
