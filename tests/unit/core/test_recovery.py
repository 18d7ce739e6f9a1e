"""When records are sent again, cut in halves, or given up."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.core.recovery import FOR_EVER, NextStep, RecoveryPolicy, after_failure, is_too_old

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
    assert after_failure(policy, count=count, attempts=attempts, failed_attempts=failed) is expected


@pytest.mark.parametrize(("timestamp", "expected"), [(None, False), (901, False), (900, True), (0, True)])
def test_what_is_too_old_is_not_sent_again(timestamp: int | None, *, expected: bool):
    assert is_too_old(RecoveryPolicy(max_age_ms=100), timestamp, 1000) is expected
    assert not is_too_old(RecoveryPolicy(), timestamp, 1000)
