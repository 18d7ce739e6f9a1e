"""Every scripted fault, as libcurl and boto3 meet it."""

from __future__ import annotations

import threading

import pycurl
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.faults import Rule
from tests.support.lambda_clients import boto3_client

BATCH = b'[{"payload":{"topic":"%s","partition":%d,"offset":1}}]'


def finished(endpoint):
    """The last request, once nothing more is sent for it."""
    assert endpoint.journal.wait_settled()
    return endpoint.journal.requests()[-1]


def curl_error(curl):
    with pytest.raises(pycurl.error) as caught:
        curl.invoke("orders", b'["some event"]')
    return caught.value.args[0]


def test_a_script_is_used_up_in_order(endpoint, curl):
    endpoint.faults.script([faults.Throttle(retry_after=2), faults.Ok(), faults.ApiError(500, "ServiceException")])
    replies = [curl.invoke("orders") for _ in range(4)]
    assert [reply.status for reply in replies] == [429, 200, 500, 200]
    assert replies[0].headers["retry-after"] == "2"
    assert replies[2].headers["x-amzn-errortype"] == "ServiceException"
    assert [entry.ran for entry in endpoint.journal.requests()] == [False, True, False, True]


def test_questions_at_the_start_of_a_client_use_up_no_script(endpoint, client):
    endpoint.faults.script([faults.Throttle()])
    endpoint.faults.add(faults.ApiError(500, "ServiceException"), call="DryRun")
    client.get_function_configuration(FunctionName="orders")
    with pytest.raises(client.exceptions.ServiceException):
        client.invoke(FunctionName="orders", InvocationType="DryRun")
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName="orders")


def test_a_rule_for_one_partition_leaves_the_others_alone(endpoint, curl):
    endpoint.faults.add(faults.Throttle(), topic="t", partition=1, times=None)
    statuses = [
        curl.invoke("orders", BATCH % (topic, number)).status for topic, number in [(b"t", 0), (b"t", 1), (b"u", 1)]
    ]
    assert statuses == [200, 429, 200]
    endpoint.faults.clear()
    assert curl.invoke("orders", BATCH % (b"t", 1)).status == 200


def test_a_chance_is_repeatable(endpoint, curl):
    endpoint.faults.add(faults.Throttle(), times=None, probability=0.5)
    statuses = [curl.invoke("orders").status for _ in range(30)]
    assert {200, 429} == set(statuses)
    assert statuses[:4] == [200, 200, 429, 429]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (faults.Throttle(), 429, "TooManyRequestsException"),
        (faults.ApiError(502, "EC2ThrottledException"), 502, "EC2ThrottledException"),
        (faults.ApiError(418, "NobodyKnowsException"), 418, "NobodyKnowsException"),
        (faults.ExpiredToken(), 403, "ExpiredTokenException"),
        (faults.HtmlError(503), 503, "503"),
        (faults.Redirect(), 302, "302"),
    ],
)
def test_refusals_as_boto3_sees_them(endpoint, client, fault, status, code):
    endpoint.faults.script([fault])
    with pytest.raises(ClientError) as caught:
        client.invoke(FunctionName="orders")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Code"] == code
    assert endpoint.journal.executions() == []


def test_canned_replies(endpoint, client):
    endpoint.faults.script(
        [faults.FunctionErrorReply("Handled", b"not json", log_result="!not base64!"), faults.PayloadReply(b"\xff{")]
    )
    failed = client.invoke(FunctionName="orders")
    assert (failed["FunctionError"], failed["Payload"].read()) == ("Handled", b"not json")
    assert failed["LogResult"] == "!not base64!"
    assert client.invoke(FunctionName="orders")["Payload"].read() == b"\xff{"
    assert endpoint.journal.executions() == []


@pytest.mark.parametrize(
    ("fault", "curl_code", "ran"),
    [
        (faults.ResetAfterRequest(), pycurl.E_RECV_ERROR, False),
        (faults.ResetAfterRequest(ran=True), pycurl.E_RECV_ERROR, True),
        (faults.CloseAfterRequest(), pycurl.E_GOT_NOTHING, False),
        (faults.CloseAfterRequest(ran=True), pycurl.E_GOT_NOTHING, True),
        (faults.ResetBeforeBody(), pycurl.E_RECV_ERROR, True),
        (faults.TruncatedBody(), pycurl.E_PARTIAL_FILE, True),
        (faults.BadChunk(), pycurl.E_RECV_ERROR, True),
        (faults.RawReply(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), pycurl.E_PARTIAL_FILE, False),
        (faults.RawReply(b"garbage\r\n\r\n"), pycurl.E_UNSUPPORTED_PROTOCOL, False),
        (faults.Hang(0.05, ran=False), pycurl.E_GOT_NOTHING, False),
    ],
)
def test_broken_replies(endpoint, curl, fault, curl_code, ran):
    endpoint.faults.script([fault])
    assert curl_error(curl) == curl_code
    entry = finished(endpoint)
    assert (entry.ran, entry.sent) == (ran, False)
    assert len(endpoint.journal.executions()) == int(ran)
    assert curl.invoke("orders", b"1").body == b"1"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.ResetAfterRequest(), ConnectionClosedError),
        (faults.CloseAfterRequest(), ConnectionClosedError),
        (faults.TruncatedBody(), ResponseStreamingError),
        (faults.BadChunk(), ResponseStreamingError),
    ],
)
def test_broken_replies_as_boto3_sees_them(endpoint, client, fault, error):
    endpoint.faults.script([fault])
    with pytest.raises(error):
        client.invoke(FunctionName="orders", Payload=b'["some event"]')["Payload"].read()


def test_a_read_timeout_whose_code_ran(endpoint):
    client = boto3_client(endpoint.url, read_timeout=0.3)
    endpoint.faults.script([faults.Hang()])
    with pytest.raises(ReadTimeoutError):
        client.invoke(FunctionName="orders")
    assert len(endpoint.journal.executions()) == 1
    assert endpoint.journal.requests()[-1].finished is None
    endpoint.faults.release()
    assert finished(endpoint).status == 200


def test_a_released_call_gets_its_reply(endpoint, curl):
    endpoint.faults.script([faults.Hang()])
    replies = []
    thread = threading.Thread(target=lambda: replies.append(curl.invoke("orders", b"5").body))
    thread.start()
    assert endpoint.journal.wait_for(lambda journal: len(journal.executions()) == 1)
    endpoint.faults.release()
    thread.join(10)
    assert replies == [b"5"]


def test_a_slow_body_comes_byte_by_byte(endpoint, curl):
    endpoint.faults.script([faults.SlowBody(bytes_per_second=50)])
    assert curl.invoke("orders", b"[1,2,3,4,5]").body == b"[1,2,3,4,5]"
    entry = finished(endpoint)
    assert entry.sent
    assert entry.finished - entry.arrived > 0.2


def test_a_delay_comes_before_the_code(endpoint, curl):
    endpoint.faults.script([faults.Delay(0.2)])
    assert curl.invoke("orders", b"1").body == b"1"
    entry = finished(endpoint)
    (execution,) = endpoint.journal.executions()
    assert execution.started_ms - entry.arrived_ms >= 190


def test_a_connection_that_dies_after_its_reply(endpoint, curl):
    endpoint.faults.script([faults.CloseAfterReply()])
    assert curl.invoke("orders", b"1").body == b"1"
    assert finished(endpoint).sent
    assert curl.invoke("orders", b"2").body == b"2"
    assert [entry.connection for entry in endpoint.journal.requests()] == [1, 2]


def test_an_asynchronous_event_is_refused_like_a_call(endpoint, client):
    endpoint.faults.script([faults.ApiError(500, "ServiceException")])
    with pytest.raises(client.exceptions.ServiceException):
        client.invoke(FunctionName="orders", InvocationType="Event")
    assert endpoint.events.backlog() == 0


def test_closing_ends_what_hangs(endpoint, curl):
    endpoint.faults.script([faults.Hang()])
    thread = threading.Thread(target=lambda: curl_error_or_reply(curl))
    thread.start()
    assert endpoint.journal.wait_for(lambda journal: len(journal.executions()) == 1)
    endpoint.close()
    thread.join(5)
    assert not thread.is_alive()


def curl_error_or_reply(curl):
    try:
        curl.invoke("orders")
    except pycurl.error as error:
        return error
    return None


def test_rules_may_be_limited_by_count(endpoint, curl):
    endpoint.faults.extend([Rule(fault=faults.Throttle(), times=2, function="orders"), Rule(fault=faults.HtmlError())])
    assert [curl.invoke("orders").status for _ in range(4)] == [429, 429, 502, 200]
