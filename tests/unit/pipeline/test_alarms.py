"""What reaches the log of a fault that goes on."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.core.errors import RetriableConversionError, TransientInvocationError
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.pipeline.alarms import Alarms
from tests.support.stepped_clock import SteppedClock

P0 = TopicPartition("orders", 0)


class Failing:
    """One fault that is told once a second, as long as a test says."""

    def __init__(self, kind: str) -> None:
        self.clock = SteppedClock()
        self._alarms = Alarms(self.clock)
        self._kind = kind
        self._attempt = 0

    def go_on(self, seconds: int) -> None:
        for _ in range(seconds):
            self._attempt += 1
            if self._kind == "invocation":
                error = TransientInvocationError("throttled", code="TooManyRequestsException", status=429)
                self._alarms.invocation_retried(P0, error, self._attempt, 1.0)
            else:
                self._alarms.conversion_waits(P0, RetriableConversionError("no registry"), 7, self._attempt)
            self.clock.step(1.0)


@pytest.fixture(params=["invocation", "conversion"])
def failing(request: pytest.FixtureRequest) -> Failing:
    return Failing(request.param)


def levels(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.levelname for record in caplog.records]


def test_a_warning_that_becomes_an_alarm_is_told_at_once(failing: Failing, caplog: pytest.LogCaptureFixture):
    failing.go_on(4)
    assert levels(caplog) == ["WARNING"]
    failing.go_on(1)
    assert levels(caplog) == ["WARNING", "ERROR"]


def test_an_alarm_that_goes_on_is_told_once_a_minute(failing: Failing, caplog: pytest.LogCaptureFixture):
    failing.go_on(4 + 120)
    assert levels(caplog) == ["WARNING", "ERROR", "ERROR"]
    assert caplog.records[-1].__dict__["fields"]["repeated"] == 59
