"""One call beyond the limit: those in flight may hang, and then nobody would ever learn that there is room."""

from __future__ import annotations

from math import inf

from kafka_lambda_sink.core.call_outcome import CallOutcome
from kafka_lambda_sink.core.concurrency import BEYOND, ConcurrencyLimit


def throttled(limit: ConcurrencyLimit, now: float, *, window: int = 0, in_flight: int = 2) -> None:
    limit.throttled(window, now, kind=CallOutcome.CROWDED, in_flight=in_flight, retry_after=None)


def test_a_call_beyond_the_limit_is_tried_ever_more_rarely_until_one_is_answered():
    limit = ConcurrencyLimit()
    assert limit.beyond_at == inf, "there is no limit"
    throttled(limit, 10.0)
    assert (limit.limit, limit.beyond_at) == (1, 12.0)
    waits = []
    for _ in range(7):
        now = limit.beyond_at
        limit.began_beyond(now)
        throttled(limit, now, window=BEYOND)
        waits.append(limit.beyond_at - now)
    assert waits == [4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert limit.limit == 1, "what was refused beyond the limit says nothing of the limit"
    now = limit.beyond_at
    limit.began_beyond(now)
    limit.answered(BEYOND, now + 1, is_full=True)
    assert (limit.limit, limit.beyond_at) == (2, now + 3)


def test_answers_put_it_off():
    limit = ConcurrencyLimit()
    throttled(limit, 10.0, in_flight=8)
    limit.answered(limit.window, 11.5, is_full=True)
    assert limit.beyond_at == 13.5


def test_nothing_goes_beyond_what_is_configured():
    limit = ConcurrencyLimit(1)
    throttled(limit, 10.0)
    assert (limit.limit, limit.beyond_at) == (1, inf)
