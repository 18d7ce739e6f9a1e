from __future__ import annotations

import base64
import json

import pytest

ARN = "arn:aws:lambda:us-east-1:123456789012:function:orders"


@pytest.mark.parametrize("name", ["orders", ARN, "123456789012:function:orders"])
def test_boto3_invokes_by_every_form_of_the_name(client, name):
    reply = client.invoke(FunctionName=name, Payload=b'[{"a":1}]')
    assert reply["StatusCode"] == 200
    assert reply["Payload"].read() == b'[{"a":1}]'
    assert reply["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in reply


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("orders", ""),
        (ARN, ""),
        (ARN.replace(":", "%3A"), ""),
        ("orders:live", ""),
        ("orders%3Alive", ""),
        ("orders", "?Qualifier=live"),
        ("orders", "?Qualifier=%24LATEST"),
    ],
)
def test_libcurl_signs_every_form_of_the_name(curl, name, query):
    reply = curl.invoke(name, b"[1]", query=query)
    assert (reply.status, reply.body) == (200, b"[1]")
    assert reply.headers["x-amz-executed-version"] == ("7" if "live" in name + query else "$LATEST")


@pytest.mark.parametrize("arguments", [{"FunctionName": "orders:live"}, {"FunctionName": "orders", "Qualifier": "7"}])
def test_an_alias_and_a_version_run_that_version(client, arguments):
    assert client.invoke(**arguments)["ExecutedVersion"] == "7"


def test_a_dry_run_runs_nothing(endpoint, client):
    assert client.invoke(FunctionName="orders", InvocationType="DryRun", Payload=b"")["StatusCode"] == 204
    assert endpoint.journal.wait_settled()
    (entry,) = endpoint.journal.requests("DryRun")
    assert (entry.status, entry.sent, entry.ran) == (204, True, False)
    assert endpoint.journal.executions() == []


def test_without_a_payload_the_event_is_empty(client):
    assert client.invoke(FunctionName="orders")["Payload"].read() == b"{}"


def test_the_log_tail_has_the_platforms_lines(client):
    reply = client.invoke(FunctionName="orders", LogType="Tail")
    request_id = reply["ResponseMetadata"]["RequestId"]
    start, end, report = base64.b64decode(reply["LogResult"]).decode().splitlines()
    assert start == f"START RequestId: {request_id} Version: $LATEST"
    assert end == f"END RequestId: {request_id}"
    assert report.startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    assert "LogResult" not in client.invoke(FunctionName="orders")


def test_the_configuration_of_a_function(client):
    configuration = client.get_function_configuration(FunctionName="orders", Qualifier="live")
    assert configuration["Timeout"] == 3
    assert configuration["Version"] == "7"
    assert configuration["FunctionArn"] == f"{ARN}:live"
    assert client.get_function(FunctionName="orders")["Configuration"]["MemorySize"] == 128


def test_the_largest_payload_passes(curl):
    payload = b'"' + b"x" * (6_291_456 - 2) + b'"'
    assert curl.invoke("orders", payload).body == payload


def test_connections_are_kept_alive(endpoint, curl):
    for _ in range(3):
        curl.invoke("orders")
    assert [entry.connection for entry in endpoint.journal.requests()] == [1, 1, 1]


def test_the_journal_has_what_was_asked_and_answered(endpoint, client):
    batch = [{"payload": {"topic": "orders", "partition": 3, "offset": 5, "timestamp": 1, "key": None, "value": "é"}}]
    body = json.dumps(batch, ensure_ascii=False).encode()
    client.invoke(FunctionName="orders:live", Payload=body)
    assert endpoint.journal.wait_settled()
    (entry,) = endpoint.journal.requests(function="orders")
    assert (entry.call, entry.qualifier, entry.topic, entry.partition) == ("RequestResponse", "live", "orders", 3)
    assert (entry.body, entry.reply_body, entry.status) == (body, body, 200)
    assert (entry.planned, entry.ran, entry.sent) == ("function", True, True)
    assert entry.arrived <= entry.finished
    (execution,) = endpoint.journal.executions()
    assert (execution.payload, execution.request_id, execution.attempt) == (body, entry.request_id, 1)
