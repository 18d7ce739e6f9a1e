"""What `check` finds: one thing that was looked at, and how it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kafka_lambda_sink.core.errors import ConfigError, KafkaLambdaSinkError, Problem


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

    #: Stable name of the check, e.g. `source-topic`.
    check: str
    #: What it was about: a topic, a key, an address.
    subject: str
    status: Status
    message: str
    #: The next step, or None.
    hint: str | None = None
    #: Stable name of what is wrong, e.g. `unknown-key`; None where nothing is.
    error_id: str | None = None
    #: What is wrong, for the exit code; None where the connector would run.
    error: KafkaLambdaSinkError | None = None
    #: File and line of a key, where it has one.
    source: str | None = None
    line: int | None = None


def fine(check: str, subject: str, message: str) -> Finding:
    """It is as it should be."""
    return Finding(check=check, subject=subject, status=Status.OK, message=message)


def skipped(check: str, subject: str, message: str) -> Finding:
    """It was not looked at."""
    return Finding(check=check, subject=subject, status=Status.SKIPPED, message=message)


def doubtful(check: str, subject: str, message: str, *, error_id: str, hint: str | None = None) -> Finding:
    """The connector would run; a person should know."""
    return Finding(check=check, subject=subject, status=Status.WARNING, message=message, error_id=error_id, hint=hint)


def broken(check: str, subject: str, error: KafkaLambdaSinkError) -> Finding:
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


def of_problem(check: str, subject: str, problem: Problem, status: Status = Status.FAILED) -> Finding:
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
