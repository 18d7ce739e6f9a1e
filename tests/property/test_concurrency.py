"""The limit of invocations in flight: its bounds whatever happens, and what it makes of a function that throttles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafka_lambda_sink.core.call_outcome import THROTTLES, CallOutcome
from kafka_lambda_sink.core.concurrency import LONGEST_WAIT, ConcurrencyLimit
from tests.support.simulated_function import SimulatedFunction

#: Seconds of learning that the figures leave out, and of the simulation.
LEARNING, END = 2.0, 20.0
KINDS = sorted(THROTTLES, key=lambda kind: kind.value)

#: (seconds since the last, a throttle of this kind or None for a reply, age of the call in windows, in flight, header)
events = st.lists(
    st.tuples(
        st.floats(0, 2),
        st.none() | st.sampled_from(KINDS),
        st.integers(0, 2),
        st.integers(1, 300),
        st.none() | st.floats(0, 10),
    ),
    max_size=200,
)


@given(events, st.none() | st.integers(1, 200))
def test_the_limit_keeps_its_bounds_and_moves_a_step_at_a_time(
    happened: list[tuple[float, CallOutcome | None, int, int, float | None]], ceiling: int | None
):
    limit = ConcurrencyLimit(ceiling)
    now = 0.0
    for seconds, kind, age, in_flight, retry_after in happened:
        now += seconds
        before, window, begin_at = limit.limit, limit.window, limit.begin_at
        call = max(0, window - age)
        if kind is None:
            limit.answered(call, now, is_full=True)
            assert (limit.limit or 0) >= (before or 0)
            assert limit.window == window
            assert not limit.is_paused
        else:
            limit.throttled(call, now, kind=kind, in_flight=in_flight, retry_after=retry_after)
            assert limit.window - window == (call == window), "one decrease a window"
            assert limit.limit is None or before is None or limit.limit <= before
            was = min(in_flight, before or in_flight)
            if call == window and in_flight > 1:
                assert limit.limit is not None
                assert int(was * 0.9) - 1 <= limit.limit <= max(1, was - 1), "a tenth, and one at least"
        assert limit.begin_at >= begin_at
        assert limit.begin_at <= now + max(10.0, LONGEST_WAIT)
        assert limit.limit is None or limit.limit >= 1
        assert ceiling is None or (limit.limit is not None and limit.limit <= ceiling)


@given(st.integers(2, 300), st.integers(1, 300))
def test_the_throttles_of_one_moment_take_no_more_than_half(in_flight: int, throttles: int):
    limit = ConcurrencyLimit()
    for refused in range(min(throttles, in_flight)):
        limit.throttled(0, 1.0, kind=CallOutcome.CROWDED, in_flight=max(2, in_flight - refused), retry_after=1.0)
    assert limit.limit is not None
    assert limit.limit >= min(in_flight // 2, in_flight - 1)
    assert limit.limit <= max(in_flight - min(throttles, in_flight), (in_flight + 1) // 2)


def test_there_is_no_limit_before_the_first_throttle():
    limit = ConcurrencyLimit()
    for _ in range(1000):
        limit.answered(0, 1.0, is_full=True)
    assert limit.limit is None


def test_what_nobody_wants_is_not_added():
    limit = ConcurrencyLimit()
    limit.throttled(0, 0.0, kind=CallOutcome.CROWDED, in_flight=10, retry_after=None)
    for second in range(1000):
        limit.answered(1, second, is_full=False)
    assert limit.limit == 9


def test_one_more_is_tried_at_the_latest_after_a_minute_and_never_before_lambda_says():
    limit = ConcurrencyLimit()
    limit.throttled(0, 0.0, kind=CallOutcome.CROWDED, in_flight=2, retry_after=30.0)
    for _ in range(500):
        limit.answered(1, 29.9, is_full=True)
    assert limit.limit == 1
    limit.answered(1, 30.0, is_full=True)
    assert limit.limit == 2
    limit.throttled(1, 31.0, kind=CallOutcome.CROWDED, in_flight=2, retry_after=None)
    for second in range(32, 91):
        limit.answered(2, second, is_full=True)
    assert limit.limit == 1
    limit.answered(2, 91.0, is_full=True)
    assert limit.limit == 2


def test_a_throttled_rate_is_a_pause_of_all_and_no_trial_for_half_a_minute():
    limit = ConcurrencyLimit()
    limit.throttled(0, 10.0, kind=CallOutcome.TOO_FAST, in_flight=20, retry_after=2.0)
    assert (limit.limit, limit.begin_at) == (18, 12.0)
    for _ in range(500):
        limit.answered(1, 39.0, is_full=True)
    assert limit.limit == 19
    limit.answered(1, 40.0, is_full=True)
    assert limit.limit == 20


@settings(max_examples=25)
@given(
    capacity=st.integers(1, 40),
    more=st.integers(2, 60),
    latency=st.floats(0.01, 0.2),
    retry_after=st.none() | st.just(1.0),
    kind=st.sampled_from([CallOutcome.CROWDED, CallOutcome.RESERVED]),
    seed=st.integers(0, 1000),
)
def test_what_is_allowed_is_used_and_little_is_refused(
    *, capacity: int, more: int, latency: float, retry_after: float | None, kind: CallOutcome, seed: int
):
    function = SimulatedFunction(lambda _: capacity, latency, capacity + more, seed, retry_after=retry_after, kind=kind)
    function.run(END)
    refused, calls = function.throttled(LEARNING, END)
    assert refused < 0.02 * calls + 1
    assert function.used(LEARNING, END, capacity) >= 0.9
    assert not function.paused


@settings(max_examples=20)
@given(before=st.integers(1, 30), after=st.integers(1, 30), seed=st.integers(0, 1000))
def test_a_change_of_what_is_allowed_is_followed(before: int, after: int, seed: int):
    function = SimulatedFunction(lambda now: before if now < 10 else after, 0.02, 40, seed)
    function.run(END)
    assert function.used(14.0, END, after) >= 0.9
    refused, calls = function.throttled(14.0, END)
    assert refused < 0.02 * calls + 1


@pytest.mark.parametrize("partitions", [1, 2, 32, 200])
def test_a_function_that_takes_nothing_is_paused_and_found_again(partitions: int):
    lifted = 60.0
    function = SimulatedFunction(lambda now: 0 if now < lifted else partitions, 0.02, partitions, seed=7)
    function.run(lifted + 10)
    assert function.paused, "it is told"
    assert function.paused[0] < 5.0
    refused, _ = function.throttled(5.0, lifted)
    assert refused <= 55 / LONGEST_WAIT + 3, "a call every few seconds"
    assert min(call.began for call in function.calls if not call.is_throttled) < lifted + LONGEST_WAIT + 0.1
    assert function.used(lifted + LONGEST_WAIT + 1, lifted + 10, partitions) >= 0.8
    assert not function.limit.is_paused
