"""Whether and when the same bytes are sent again. Pure; `pipeline.delivery` waits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential back-off with full jitter, bounded by attempts and time; 0 means no bound."""

    #: Attempts in all, the first included.
    max_attempts: int = 0
    #: Seconds from the first attempt on.
    timeout: float = 0.0
    #: Seconds: the upper end of the first wait.
    backoff: float = 0.1
    #: Seconds: no wait of ours is longer. A service's own `Retry-After` may be.
    backoff_max: float = 20.0


def wait_before(policy: RetryPolicy, attempt: int, retry_after: float | None, jitter: float) -> float:
    """Seconds to wait before attempt number `attempt` + 1.

    `attempt` counts from 1; `jitter` is drawn from [0, 1). Full jitter: a uniform draw up to
    min(backoff_max, backoff * 2^(attempt-1)), https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
    A service's `retry_after` is honoured as the least wait.
    """
    # The exponent is capped: attempts are unbounded by default and a float overflows at 2^1024.
    ceiling = min(policy.backoff_max, policy.backoff * 2.0 ** min(attempt - 1, 64))
    return max(jitter * ceiling, retry_after or 0.0)


def is_exhausted(policy: RetryPolicy, attempt: int, elapsed: float) -> bool:
    """Whether attempt number `attempt`, which failed `elapsed` seconds after the first began, was the last."""
    if policy.max_attempts and attempt >= policy.max_attempts:
        return True
    return bool(policy.timeout) and elapsed >= policy.timeout
