"""What goes wrong between us and the API, and whether the function may have run."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.core.errors import TransientInvocationError
from kafka_lambda_sink.core.ports import Invoker
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.invoking import BATCH, Open, error_of


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.ResetAfterRequest(ran=True), "ConnectionLost"),
        (faults.CloseAfterRequest(ran=True), "ConnectionLost"),
        (faults.ResetBeforeBody(), "ReplyTruncated"),
        (faults.TruncatedBody(), "ReplyTruncated"),
        (faults.BadChunk(), "ReplyTruncated"),
    ],
)
@pytest.mark.parametrize("is_warm", [False, True])
def test_a_call_that_breaks_off_may_have_run_and_is_not_sent_again(
    invoker: Invoker, endpoint: InvokeEndpoint, fault: faults.Fault, code: str, *, is_warm: bool
):
    if is_warm:
        invoker.invoke(BATCH)  # libcurl by itself sends again what fails on a connection that was kept.
    endpoint.journal.clear()
    endpoint.faults.script([fault])

    error = error_of(invoker)

    assert type(error) is TransientInvocationError
    assert (error.code, error.status, error.may_have_run) == (code, 0, True)
    assert len(endpoint.journal.requests()) == 1
    assert invoker.invoke(BATCH).status == 200


def test_a_connection_that_died_between_calls_is_replaced(invoker: Invoker, endpoint: InvokeEndpoint):
    endpoint.faults.script([faults.CloseAfterReply()])
    invoker.invoke(BATCH)
    assert endpoint.journal.wait_for(lambda journal: journal.requests()[0].finished is not None)

    statuses = set()
    for _ in range(2):  # The end of the old connection may not have reached us at the first.
        try:
            statuses.add(invoker.invoke(BATCH).status)
        except TransientInvocationError as error:
            assert error.may_have_run  # noqa: PT017  # either outcome is right

    assert 200 in statuses


def test_nobody_listening_means_it_did_not_run(open_invoker: Open, endpoint: InvokeEndpoint):
    invoker = open_invoker()
    endpoint.close()

    error = error_of(invoker)

    assert type(error) is TransientInvocationError
    assert (error.code, error.may_have_run) == ("ConnectFailed", False)


def test_a_name_that_does_not_resolve_means_it_did_not_run(open_invoker: Open):
    error = error_of(open_invoker(endpoint_url="http://nowhere.invalid"))

    assert type(error) is TransientInvocationError
    assert (error.code, error.may_have_run) == ("NameNotResolved", False)


def test_no_reply_within_the_read_timeout_may_have_run(open_invoker: Open, endpoint: InvokeEndpoint):
    endpoint.faults.script([faults.Hang()])

    error = error_of(open_invoker(connect_timeout=0.1, read_timeout=0.3))

    assert type(error) is TransientInvocationError
    assert (error.code, error.may_have_run) == ("ReadTimeout", True)


def test_a_reply_that_drips_in_ends_at_the_deadline(open_invoker: Open, endpoint: InvokeEndpoint):
    endpoint.faults.script([faults.SlowBody(bytes_per_second=10)])

    error = error_of(open_invoker(connect_timeout=0.2, read_timeout=0.4))

    assert (error.code, error.may_have_run) == ("ReadTimeout", True)


def test_a_reply_without_end_does_not_fill_the_memory(invoker: Invoker, endpoint: InvokeEndpoint):
    endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * (9 * 1024 * 1024)
    endpoint.faults.script([faults.RawReply(endless)])

    error = error_of(invoker)

    assert type(error) is TransientInvocationError
    assert (error.code, error.may_have_run) == ("ReplyTooLarge", True)


def test_another_success_than_the_types_own_is_none(invoker: Invoker, endpoint: InvokeEndpoint):
    endpoint.faults.script([faults.RawReply(b"HTTP/1.1 204 No Content\r\n\r\n")])

    error = error_of(invoker)

    assert type(error) is TransientInvocationError
    assert (error.code, error.status, error.may_have_run) == ("UnexpectedStatus", 204, True)
