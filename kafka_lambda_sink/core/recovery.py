"""Which records that failed are sent again, and when they are given up. Pure; `pipeline.recovery` does it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Of `RecoveryPolicy.retries`: without end.
FOR_EVER = -1


class RetryScope(Enum):
    """What is sent again when a reply says that some records failed."""

    #: Everything from the first that failed on: the function sees records in order.
    FROM_FIRST = "from-first"
    #: The failed ones alone.
    ALONE = "alone"


class NextStep(Enum):
    """What happens to records that failed."""

    #: Sent again after a wait.
    RETRY = "retry"
    #: Sent again as two halves, the first one first.
    BISECT = "bisect"
    #: `behavior.on.error`.
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPolicy:
    """What the configuration says of records that the function could not take."""

    #: `aws.lambda.retry.function.errors`: attempts after the first; FOR_EVER.
    retries: int = 0
    scope: RetryScope = RetryScope.FROM_FIRST
    #: `aws.lambda.bisect.on.error`.
    bisects: bool = False
    #: `aws.lambda.max.attempts`: invocations that a record may be part of, of whatever end; 0 for no bound.
    max_attempts: int = 0
    #: `aws.lambda.record.max.age.ms`: older records are not sent again; 0 for no bound.
    max_age_ms: int = 0


def is_worn_out(policy: RecoveryPolicy, attempts: int) -> bool:
    """Whether records that were part of so many invocations may be part of no other."""
    return bool(policy.max_attempts) and attempts >= policy.max_attempts


def is_too_old(policy: RecoveryPolicy, timestamp_ms: int | None, now_ms: int) -> bool:
    """Whether a record may not be sent again. One without a timestamp has no age."""
    return bool(policy.max_age_ms) and timestamp_ms is not None and now_ms - timestamp_ms >= policy.max_age_ms


def after_failure(
    policy: RecoveryPolicy, *, count: int, attempts: int, failed_attempts: int, is_asked_for: bool = False
) -> NextStep:
    """What happens to `count` records that failed together, apart from those that are too old.

    `attempts` counts the invocations they were part of, `failed_attempts` those that the function itself failed, both
    with the last one. `is_asked_for`: the function asks for them again, which only the bound on attempts goes before.

    Halves are made at once and only of what failed as a whole: a guilty record is found by 2·log2(n) invocations, and
    only when it stands alone it is tried again.
    """
    if is_worn_out(policy, attempts):
        return NextStep.GIVE_UP
    if policy.bisects and count > 1:
        return NextStep.BISECT
    if is_asked_for or policy.retries == FOR_EVER or failed_attempts <= policy.retries:
        return NextStep.RETRY
    return NextStep.GIVE_UP
