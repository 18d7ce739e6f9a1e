"""Ending a call from another thread."""

from __future__ import annotations

import threading

import pytest

from kafka_lambda_sink.core.errors import InvocationAborted, TransientInvocationError
from kafka_lambda_sink.core.ports import Invoker
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.invoking import ABORT_BOUND, BATCH, Open, abort_and_time, error_of, full_backlog, in_background


@pytest.mark.parametrize("is_warm", [False, True])
def test_abort_ends_a_call_that_waits_for_its_reply(invoker: Invoker, endpoint: InvokeEndpoint, *, is_warm: bool):
    if is_warm:
        invoker.invoke(BATCH)
    endpoint.faults.script([faults.Hang()])
    with in_background(lambda: invoker.invoke(BATCH)) as outcome:
        calls = 2 if is_warm else 1
        assert endpoint.journal.wait_for(lambda journal: len(journal.requests()) == calls)

        seconds = abort_and_time(invoker, outcome)

    assert isinstance(outcome[0], InvocationAborted)
    assert seconds < ABORT_BOUND


def test_abort_ends_a_call_whose_reply_drips_in(invoker: Invoker, endpoint: InvokeEndpoint):
    endpoint.faults.script([faults.SlowBody(bytes_per_second=5)])
    with in_background(lambda: invoker.invoke(BATCH)) as outcome:
        assert endpoint.journal.wait_for(lambda journal: any(entry.ran for entry in journal.requests()))

        seconds = abort_and_time(invoker, outcome)

    assert isinstance(outcome[0], InvocationAborted)
    assert seconds < ABORT_BOUND


def test_abort_ends_a_call_that_is_still_connecting(open_invoker: Open):
    with full_backlog() as url:
        invoker = open_invoker(endpoint_url=url, connect_timeout=5.0)
        with in_background(lambda: invoker.invoke(BATCH)) as outcome:
            threading.Event().wait(0.2)  # Nothing tells us from outside that a SYN is unanswered.

            seconds = abort_and_time(invoker, outcome)

    assert isinstance(outcome[0], InvocationAborted)
    assert seconds < ABORT_BOUND


def test_a_connection_that_does_not_come_about_means_it_did_not_run(open_invoker: Open):
    with full_backlog() as url:
        error = error_of(open_invoker(endpoint_url=url, connect_timeout=0.2, read_timeout=5))

    assert type(error) is TransientInvocationError
    assert (error.code, error.may_have_run) == ("ConnectTimeout", False)


def test_after_an_abort_between_calls_nothing_is_sent(invoker: Invoker, endpoint: InvokeEndpoint):
    invoker.invoke(BATCH)
    invoker.abort()
    invoker.abort()

    for _ in range(2):
        with pytest.raises(InvocationAborted):
            invoker.invoke(BATCH)

    assert len(endpoint.journal.requests()) == 1


def test_abort_after_close_is_harmless(invoker: Invoker):
    invoker.invoke(BATCH)
    invoker.close()

    invoker.abort()
