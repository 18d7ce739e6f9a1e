import pytest

from kafka_lambda_sink.core.errors import (
    ConfigurationInvocationError,
    ExpiredCredentialsError,
    InvocationAborted,
    PayloadInvocationError,
    TransientInvocationError,
)
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.pipeline.delivery import Delivery, SendBound
from tests.support.fakes import Answer, CreepingClock, ScriptedInvoker
from tests.support.stepped_clock import SteppedClock


def throttled(retry_after: float | None = None) -> TransientInvocationError:
    return TransientInvocationError(code="TooManyRequestsException", status=429, retry_after=retry_after)


class Sending:
    """A delivery whose waits are recorded, and halted when `halts_at` of them were announced."""

    def __init__(
        self,
        *script: Answer,
        policy: RetryPolicy | None = None,
        jitter: float = 0.0,
        creep: float = 0.0,
        halts_at: int | None = None,
    ) -> None:
        self.waits: list[tuple[int, float]] = []
        self.invoker = ScriptedInvoker(*script)
        self._halts_at = halts_at
        clock = CreepingClock(creep) if creep else SteppedClock()
        self.delivery = Delivery(self.invoker, policy or RetryPolicy(), clock, self._on_retry, jitter=lambda: jitter)

    def _on_retry(self, _, attempt, wait):
        self.waits.append((attempt, wait))
        if len(self.waits) == self._halts_at:
            self.delivery.halt()


def test_a_healthy_call_is_made_once():
    sending = Sending(InvokeReply(200, b"[]"))
    assert sending.delivery.send(b"x").payload == b"[]"
    assert sending.invoker.payloads == [b"x"]
    assert sending.waits == []


def test_the_same_bytes_are_sent_until_the_api_takes_them():
    sending = Sending(throttled(), throttled(), throttled(), InvokeReply(200, b"ok"))
    assert sending.delivery.send(b"x").payload == b"ok"
    assert sending.invoker.payloads == [b"x"] * 4
    assert [attempt for attempt, _ in sending.waits] == [1, 2, 3]


def test_expired_credentials_are_tried_again():
    sending = Sending(ExpiredCredentialsError(code="ExpiredTokenException", status=403))
    assert sending.delivery.send(b"x").payload == b"x"


def test_waits_grow_up_to_their_bound_with_full_jitter():
    policy = RetryPolicy(backoff=0.001, backoff_max=0.004)
    sending = Sending(*[throttled() for _ in range(5)], policy=policy, jitter=0.5)
    sending.delivery.send(b"x")
    assert [wait for _, wait in sending.waits] == pytest.approx([0.0005, 0.001, 0.002, 0.002, 0.002])


def test_the_services_own_wait_is_the_least():
    sending = Sending(throttled(retry_after=30.0), halts_at=1)
    with pytest.raises(InvocationAborted):
        sending.delivery.send(b"x")
    assert sending.waits == [(1, 30.0)]


@pytest.mark.parametrize(
    ("policy", "attempts"),
    [(RetryPolicy(max_attempts=1), 1), (RetryPolicy(max_attempts=3), 3), (RetryPolicy(timeout=25.0), 3)],
    ids=["one attempt", "by attempts", "by time"],
)
def test_an_exhausted_policy_raises_the_last_error(policy, attempts):
    errors = [throttled() for _ in range(10)]
    # Each attempt looks at the clock once, the first one twice: 10 s an attempt.
    sending = Sending(*errors, policy=policy, creep=10.0)
    with pytest.raises(TransientInvocationError) as raised:
        sending.delivery.send(b"x")
    assert raised.value is errors[attempts - 1]
    assert len(sending.invoker.payloads) == attempts


def test_bounds_count_from_the_batchs_own_first_attempt():
    sending = Sending(throttled(), throttled(), policy=RetryPolicy(max_attempts=2))
    with pytest.raises(TransientInvocationError):
        sending.delivery.send(b"first")
    assert sending.delivery.send(b"second").payload == b"second"


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationInvocationError(code="ResourceNotFoundException", status=404),
        PayloadInvocationError(code="RequestTooLargeException", status=413),
    ],
)
def test_what_repeating_cannot_help_is_raised_at_once(error):
    for script in ([error], [throttled(), error]):
        sending = Sending(*script)
        with pytest.raises(type(error)) as raised:
            sending.delivery.send(b"x")
        assert raised.value is error
        assert len(sending.invoker.payloads) == len(script)


def test_halt_ends_a_wait_and_no_further_attempt_is_made():
    sending = Sending(throttled(), jitter=1.0, policy=RetryPolicy(backoff=60.0, backoff_max=60.0), halts_at=1)
    with pytest.raises(InvocationAborted):
        sending.delivery.send(b"x")
    assert len(sending.invoker.payloads) == 1


def test_a_call_in_flight_is_not_ended_by_halt():
    def halted_meanwhile(_: bytes) -> InvokeReply:
        sending.delivery.halt()
        return InvokeReply(200, b"ok")

    sending = Sending(halted_meanwhile)
    assert sending.delivery.send(b"x").payload == b"ok"


def test_abort_reaches_the_call_in_flight():
    sending = Sending()
    sending.delivery.abort()
    with pytest.raises(InvocationAborted):
        sending.delivery.send(b"x")
    assert sending.invoker.payloads == []


def paused() -> TransientInvocationError:
    return TransientInvocationError(code="TooManyRequestsException", status=429, is_counted=False)


@pytest.mark.parametrize(
    ("policy", "creep"),
    [(RetryPolicy(max_attempts=2), 0.0), (RetryPolicy(timeout=25.0), 10.0)],
    ids=["attempts", "time"],
)
def test_what_does_not_count_exhausts_nothing(policy, creep):
    sending = Sending(paused(), *[paused() for _ in range(20)], throttled(), policy=policy, creep=creep)
    assert sending.delivery.send(b"x").payload == b"x"
    assert sending.delivery.attempts == 2
    assert len(sending.invoker.payloads) == 23


def test_bounds_of_the_batch_do_not_count_it_either():
    sending = Sending(*[paused() for _ in range(5)], throttled(), creep=10.0)
    with pytest.raises(TransientInvocationError) as raised:
        sending.delivery.send(b"x", SendBound(attempts=1, seconds=1.0))
    assert raised.value.is_counted
    assert len(sending.invoker.payloads) == 6


@pytest.mark.parametrize(("error", "wait"), [(throttled(), 59.4), (paused(), 4.95)], ids=["throttled", "paused"])
def test_waits_for_a_paused_function_are_short(error, wait):
    policy = RetryPolicy(backoff=60.0, backoff_max=60.0)
    sending = Sending(error, jitter=0.99, policy=policy, halts_at=1)
    with pytest.raises(InvocationAborted):
        sending.delivery.send(b"x")
    assert [seconds for _, seconds in sending.waits] == pytest.approx([wait])


def test_waits_begin_anew_after_a_pause():
    policy = RetryPolicy(backoff=0.0001, backoff_max=60.0)
    sending = Sending(*[paused() for _ in range(3)], throttled(), throttled(), jitter=1.0, policy=policy)
    sending.delivery.send(b"x")
    assert [wait for _, wait in sending.waits] == pytest.approx([0.0001, 0.0002, 0.0004, 0.0001, 0.0002])


def test_halt_and_abort_reach_the_invoker():
    sending = Sending()
    sending.delivery.halt()
    assert (sending.invoker.is_halted, sending.invoker.is_aborted) == (True, False)
