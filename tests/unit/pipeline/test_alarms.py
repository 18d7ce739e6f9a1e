"""What reaches the log of a fault that goes on."""

from __future__ import annotations

import base64

import pytest

from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError, RetriableConversionError, TransientInvocationError
from kafka_lambda_sink.core.outcome import failure_of_reply
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.pipeline.alarms import Alarms
from tests.support.records import record
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


def test_a_fault_that_goes_on_is_told_once_a_minute_and_becomes_an_alarm(
    failing: Failing, caplog: pytest.LogCaptureFixture
):
    failing.go_on(60)
    assert levels(caplog) == ["WARNING"]
    failing.go_on(1)
    assert levels(caplog) == ["WARNING", "ERROR"]
    failing.go_on(60)
    assert levels(caplog) == ["WARNING", "ERROR", "ERROR"]
    assert caplog.records[-1].__dict__["fields"]["repeated"] == 59


def test_a_failed_batch_is_told_with_what_the_functions_log_says_of_it(caplog: pytest.LogCaptureFixture):
    log = b"REPORT RequestId: r-1\tDuration: 900.12 ms\tBilled Duration: 901 ms\tMemory Size: 128 MB\t\n"
    reply = InvokeReply(200, b"{}", function_error="Unhandled", log_result=base64.b64encode(log).decode())
    failure = failure_of_reply(FunctionError("Unhandled"), reply)
    Alarms(SteppedClock()).batch_failed(P0, Batch(b"[]", [record(3)], []), failure, is_reported=True)
    fields = caplog.records[0].__dict__["fields"]
    assert (fields["duration_ms"], fields["billed_duration_ms"], fields["memory_size_mb"]) == (900.12, 901, 128)
