"""What comes back when the call went well."""

from __future__ import annotations

import base64

import pytest

from kafka_lambda_sink.core.ports import Invoker, InvokeReply
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from tests.support.invoking import BATCH, Open


def test_a_sync_reply_comes_back_as_it_is(invoker: Invoker, endpoint: InvokeEndpoint):
    reply = invoker.invoke(BATCH)

    entry = endpoint.journal.requests()[0]
    assert entry.body == BATCH
    assert reply == InvokeReply(200, BATCH, executed_version="$LATEST", request_id=entry.request_id)


def test_an_async_call_is_accepted_with_an_empty_reply(open_invoker: Open, endpoint: InvokeEndpoint):
    reply = open_invoker(invocation_type="Event").invoke(BATCH)

    assert (reply.status, reply.payload, reply.function_error) == (202, b"", None)
    assert endpoint.journal.requests()[0].call == "Event"


@pytest.mark.parametrize("kind", ["Handled", "Unhandled"])
def test_a_function_error_is_a_reply(invoker: Invoker, endpoint: InvokeEndpoint, kind: str):
    endpoint.faults.script([faults.FunctionErrorReply(kind, b'{"errorMessage":"boom"}')])

    reply = invoker.invoke(BATCH)

    assert (reply.status, reply.function_error, reply.payload) == (200, kind, b'{"errorMessage":"boom"}')


def test_the_log_tail_comes_when_asked_for(open_invoker: Open):
    silent, telling = open_invoker().invoke(BATCH), open_invoker(log_tail=True).invoke(BATCH)

    assert silent.log_result is None
    assert telling.log_result is not None
    assert b"REPORT RequestId" in base64.b64decode(telling.log_result)


@pytest.mark.parametrize(
    ("name", "qualifier", "version"),
    [
        ("orders", None, "$LATEST"),
        ("orders", "$LATEST", "$LATEST"),
        ("orders", "prod", "7"),
        ("orders:prod", None, "7"),
        ("orders", "7", "7"),
        ("123456789012:function:orders", "prod", "7"),
        ("arn:aws:lambda:us-east-1:123456789012:function:orders", None, "$LATEST"),
        ("arn:aws:lambda:us-east-1:123456789012:function:orders:prod", None, "7"),
        ("arn:aws:lambda:us-east-1:123456789012:function:orders", "prod", "7"),
    ],
)
def test_every_form_of_the_name_is_signed_and_found(open_invoker: Open, name: str, qualifier: str | None, version: str):
    assert open_invoker(function_name=name, qualifier=qualifier).invoke(BATCH).executed_version == version


@pytest.mark.parametrize("payload", [b"{}", b'"%s"' % (b"x" * 1_500_000), b'"\xf0\x9f\x8e\x89"'])
def test_payloads_of_any_size_go_out_and_come_back(invoker: Invoker, endpoint: InvokeEndpoint, payload: bytes):
    assert invoker.invoke(payload).payload == payload
    assert "expect" not in {name.lower() for name, _ in endpoint.journal.requests()[0].headers}


def test_an_empty_reply_is_empty(invoker: Invoker, endpoint: InvokeEndpoint):
    endpoint.faults.script([faults.PayloadReply(b"")])

    assert invoker.invoke(BATCH).payload == b""


def test_one_connection_serves_many_calls(invoker: Invoker, endpoint: InvokeEndpoint):
    for _ in range(5):
        invoker.invoke(BATCH)

    assert len({entry.connection for entry in endpoint.journal.requests()}) == 1


def test_nothing_of_one_reply_is_left_in_the_next(invoker: Invoker, endpoint: InvokeEndpoint):
    endpoint.faults.script([faults.FunctionErrorReply(payload=b"x" * 1000, log_result="bG9n")])

    failed, fine = invoker.invoke(BATCH), invoker.invoke(BATCH)

    assert (failed.function_error, failed.log_result) == ("Unhandled", "bG9n")
    assert (fine.function_error, fine.log_result, fine.payload) == (None, None, BATCH)
