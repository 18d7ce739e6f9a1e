import pytest

from kafka_lambda_sink.core.retry import RetryPolicy, is_exhausted, wait_before


def test_backoff_doubles_up_to_its_maximum():
    policy = RetryPolicy(backoff=0.1, backoff_max=1.0)
    waits = [wait_before(policy, attempt, None, jitter=1.0) for attempt in range(1, 7)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_full_jitter_reaches_down_to_no_wait():
    assert wait_before(RetryPolicy(), 5, None, jitter=0.0) == 0.0


def test_retry_after_is_the_least_wait_even_above_the_maximum():
    assert wait_before(RetryPolicy(backoff_max=1.0), 1, 30.0, jitter=0.5) == 30.0


def test_an_unbounded_number_of_attempts_does_not_overflow():
    assert wait_before(RetryPolicy(backoff_max=20.0), 1_000_000, None, jitter=1.0) == 20.0


@pytest.mark.parametrize(
    ("policy", "attempt", "elapsed", "expected"),
    [
        (RetryPolicy(), 1_000_000, 1e9, False),
        (RetryPolicy(max_attempts=3), 2, 0.0, False),
        (RetryPolicy(max_attempts=3), 3, 0.0, True),
        (RetryPolicy(timeout=10.0), 1, 9.9, False),
        (RetryPolicy(timeout=10.0), 1, 10.0, True),
        (RetryPolicy(max_attempts=1), 1, 0.0, True),
    ],
)
def test_bounds(policy, attempt, elapsed, expected):
    assert is_exhausted(policy, attempt, elapsed) is expected
