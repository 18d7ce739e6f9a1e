"""A key with its value and the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from kafka_lambda_sink.core.errors import Problem
from kafka_lambda_sink.core.problem_id import ProblemId

COMMAND_LINE = "command line"
ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One property as somebody wrote it."""

    key: str
    #: Its text. Never shown: it may be a secret.
    value: str = field(repr=False)
    #: A file name, `environment` or `command line`.
    source: str
    #: Line in `source`, from 1, or None.
    line: int | None = None
    #: It stands in the worker file.
    from_worker: bool = False
    #: A config provider gave (a part of) the value: no message may quote it.
    is_provided: bool = False

    def problem(self, error_id: ProblemId, message: str, hint: str | None = None) -> Problem:
        """A problem with this setting. `message` must not contain a secret."""
        return Problem(key=self.key, message=message, error_id=error_id, source=self.source, line=self.line, hint=hint)


@dataclass(frozen=True, slots=True)
class IgnoredKey:
    """A key that is known and has no effect here."""

    key: str
    reason: str
    source: str
    line: int | None


@dataclass(frozen=True, slots=True)
class UsedKey:
    """A key that is in force."""

    key: str
    source: str
    line: int | None


def overridden_by(winner: Setting) -> str:
    """The reason why a setting has no effect that `winner` takes precedence over."""
    return f"overridden by {winner.key} ({winner.source})"
