"""When records are sent again, cut in halves, or given up."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.core.recovery import FOR_EVER, NextStep, RecoveryPolicy, after_failure

RETRY, BISECT, GIVE_UP = NextStep.RETRY, NextStep.BISECT, NextStep.GIVE_UP


@pytest.mark.parametrize(
    ("policy", "count", "attempts", "failed", "expected"),
    [
        (RecoveryPolicy(), 5, 1, 1, GIVE_UP),
        (RecoveryPolicy(retries=2), 5, 1, 1, RETRY),
        (RecoveryPolicy(retries=2), 5, 2, 2, RETRY),
        (RecoveryPolicy(retries=2), 5, 3, 3, GIVE_UP),
        (RecoveryPolicy(retries=FOR_EVER), 5, 10**6, 10**6, RETRY),
        (RecoveryPolicy(retries=FOR_EVER, max_attempts=3), 5, 3, 1, GIVE_UP),
        (RecoveryPolicy(bisects=True), 5, 1, 1, BISECT),
        (RecoveryPolicy(bisects=True), 1, 4, 1, GIVE_UP),
        (RecoveryPolicy(bisects=True, retries=1), 5, 1, 1, BISECT),
        (RecoveryPolicy(bisects=True, retries=1), 1, 4, 1, RETRY),
        (RecoveryPolicy(bisects=True, max_attempts=2), 5, 2, 1, GIVE_UP),
    ],
)
def test_the_next_step(policy: RecoveryPolicy, count: int, attempts: int, failed: int, expected: NextStep):
    step = after_failure(policy, count=count, attempts=attempts, failed_attempts=failed, oldest_ms=None, now_ms=0)
    assert step is expected


@pytest.mark.parametrize(("oldest", "expected"), [(None, RETRY), (901, RETRY), (900, GIVE_UP), (0, GIVE_UP)])
def test_what_is_too_old_is_not_sent_again(oldest: int | None, expected: NextStep):
    policy = RecoveryPolicy(retries=FOR_EVER, max_age_ms=100)
    assert after_failure(policy, count=1, attempts=1, failed_attempts=1, oldest_ms=oldest, now_ms=1000) is expected
