"""Waiting for replies as long as the function may take, also when somebody changes that while we run."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from kafka_lambda_sink.aws_lambda.read_timeout import ReadTimeout
from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.function_timeout import OwnTimeout, reply_timeout
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.invoking import BATCH, ClientOf, error_of
from tests.support.running_task import capturing_log
from tests.support.stepped_clock import SteppedClock
from tests.support.waiting import wait_until

CHANGED = "the function's own timeout has changed: replies are waited for accordingly"
NOT_ASKED = "replies do not come, and the function's own timeout could not be asked again"
#: More than is waited for at first, less than afterwards.
SLOW = faults.Delay(0.6)


def set_timeout(endpoint: InvokeEndpoint, seconds: float) -> None:
    endpoint.add_function(Function(name="orders", handler=PythonHandler(lambda event: event), timeout=seconds))


def questions(endpoint: InvokeEndpoint) -> int:
    return [entry.call for entry in endpoint.journal.requests()].count("GetFunctionConfiguration")


def wait_for_answer() -> None:
    """Until nobody asks any more."""
    wait_until(lambda: not any(thread.name == "function timeout" for thread in threading.enumerate()))


def config(**changes: object) -> SinkConfig:
    values = {
        "name": "n",
        "bootstrap_servers": "b:1",
        "topics": ("t",),
        "aws_lambda_function_name": "orders",
        "aws_lambda_region": "us-east-1",
    }
    return SinkConfig.model_validate(values | changes)


def test_a_new_read_timeout_holds_from_the_next_call_on(client_of: ClientOf, endpoint: InvokeEndpoint):
    missed: list[float] = []
    timeout = ReadTimeout(0.3, lambda: missed.append(timeout.seconds))
    endpoint.faults.script([faults.Hang(), SLOW])
    with closing(client_of(connect_timeout=0.1).invoker(timeout)) as invoker:
        assert error_of(invoker).code == "ReadTimeout"
        timeout.seconds = 10.0
        assert invoker.invoke(BATCH).status == 200
    assert missed == [0.3]


def test_other_faults_are_no_missed_reply(client_of: ClientOf, endpoint: InvokeEndpoint):
    missed: list[None] = []
    endpoint.faults.script([faults.ResetAfterRequest(), faults.Throttle()])
    with closing(client_of().invoker(ReadTimeout(5.0, lambda: missed.append(None)))) as invoker:
        assert error_of(invoker).code == "ConnectionLost"
        assert error_of(invoker).code == "TooManyRequestsException"
    assert missed == []


def test_a_timeout_raised_while_we_run_is_found_out_after_two_missed_replies(
    client_of: ClientOf, endpoint: InvokeEndpoint
):
    client = client_of(connect_timeout=0.1)
    own = OwnTimeout(0.3, "orders", client.control(), SteppedClock())
    set_timeout(endpoint, 120)
    endpoint.faults.add(faults.Hang(), call="RequestResponse", times=2)
    endpoint.faults.add(SLOW, call="RequestResponse")
    with capturing_log() as log, closing(client.invoker(own.read_timeout)) as invoker:
        assert error_of(invoker).code == "ReadTimeout"
        assert (questions(endpoint), own.read_timeout.seconds) == (0, 0.3)
        assert error_of(invoker).code == "ReadTimeout"
        wait_for_answer()
        assert invoker.invoke(BATCH).status == 200
    (line,) = log.events(CHANGED)
    assert (line["level"], line["before_s"], line["now_s"], line["function_timeout_s"]) == ("info", 0.3, 135.0, 120.0)


def test_the_timeout_is_asked_again_every_five_minutes_at_most(client_of: ClientOf, endpoint: InvokeEndpoint):
    clock = SteppedClock()
    own = OwnTimeout(45.0, "orders", client_of().control(), clock)
    with capturing_log() as log:
        for _ in range(2):
            own.read_timeout.passed()
        wait_for_answer()
        assert (questions(endpoint), own.read_timeout.seconds) == (1, 45.0)
        set_timeout(endpoint, 60)
        clock.step(299)
        for _ in range(5):
            own.read_timeout.passed()
        wait_for_answer()
        assert (questions(endpoint), own.read_timeout.seconds) == (1, 45.0)
        clock.step(1)
        own.read_timeout.passed()
        wait_for_answer()
    assert (questions(endpoint), own.read_timeout.seconds) == (2, 75.0)
    assert len(log.events(CHANGED)) == 1


@pytest.mark.parametrize("is_denied", [True, False])
def test_a_timeout_that_cannot_be_asked_stays_as_it_was(
    client_of: ClientOf, endpoint: InvokeEndpoint, *, is_denied: bool
):
    own = OwnTimeout(45.0, "orders", client_of().control(), SteppedClock())
    if is_denied:
        endpoint.permissions.deny("lambda:GetFunctionConfiguration")
        endpoint.permissions.deny("lambda:GetFunction")
    else:
        endpoint.faults.add(faults.ResetAfterRequest(), call="GetFunctionConfiguration")
    with capturing_log() as log:
        for _ in range(2):
            own.read_timeout.passed()
        wait_for_answer()
    assert own.read_timeout.seconds == 45.0
    assert len(log.events(NOT_ASKED, level="warning")) == 1


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({"aws_lambda_socket_timeout": 30_000}, True),
        ({"aws_lambda_socket_timeout": 30_001}, False),
        ({"aws_lambda_socket_timeout": 5_000, "aws_lambda_invocation_type": "async"}, False),
    ],
)
def test_a_configured_timeout_that_ends_before_the_function_does_is_told_at_start(
    client_of: ClientOf, changes: dict[str, object], *, is_told: bool
):
    with capturing_log() as log:
        timeout = reply_timeout(config(**changes), "orders", client_of().control(), SteppedClock())
        wait_for_answer()
    assert timeout.seconds * 1000 == changes["aws_lambda_socket_timeout"]
    lines = log.events("configuration", level="warning", error_id="short-socket-timeout")
    assert len(lines) == is_told
    assert all("sent again while its first invocation still runs" in line["problem"] for line in lines)


def test_without_a_configured_timeout_the_functions_own_and_a_margin_count(client_of: ClientOf):
    assert reply_timeout(config(), "orders", client_of().control(), SteppedClock()).seconds == 45.0
