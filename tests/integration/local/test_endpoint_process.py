"""What other processes use: the control API, the journal's file, TLS, `serve`."""

from __future__ import annotations

import json
import ssl
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import HTTPClientError

from kafka_lambda_sink.local.clock import SystemClock
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from kafka_lambda_sink.local.http_message import Request
from kafka_lambda_sink.local.journal import Journal
from kafka_lambda_sink.local.serve import serve
from tests.support.certificates import make_certificates
from tests.support.lambda_clients import boto3_client


def control(url, path, method="GET", body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_local/{path}", data, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        text = response.read()
    return json.loads(text) if text else None


def test_faults_can_be_scripted_from_outside(endpoint, curl):
    rules = [
        {"fault": {"type": "Throttle", "retry_after": 3}, "times": 2, "function": "orders"},
        {"fault": {"type": "RawReply", "data": "SFRUUC8xLjEgMjA0IE5vIENvbnRlbnQNCg0K"}},
    ]
    assert control(endpoint.url, "faults", "POST", rules) == {"pending": 2}
    assert [curl.invoke("orders").status for _ in range(4)] == [429, 429, 204, 200]
    control(endpoint.url, "faults", "POST", rules)
    control(endpoint.url, "faults", "DELETE")
    assert curl.invoke("orders").status == 200


@pytest.mark.parametrize("rules", [[{"fault": {"type": "NoSuchFault"}}], [{"fault": {"type": "Ok"}, "tiems": 1}], {}])
def test_a_rule_that_is_wrong_is_refused(endpoint, rules):
    with pytest.raises(urllib.error.HTTPError) as caught:
        control(endpoint.url, "faults", "POST", rules)
    with caught.value as error:
        assert error.code == 400
    assert endpoint.faults.pending() == 0


def test_what_hangs_can_be_released_from_outside(endpoint, curl):
    control(endpoint.url, "faults", "POST", [{"fault": {"type": "Hang"}}])
    replies = []
    thread = threading.Thread(target=lambda: replies.append(curl.invoke("orders").status))
    thread.start()
    assert endpoint.journal.wait_for(lambda journal: len(journal.executions()) == 1)
    assert control(endpoint.url, "stats")["statuses"] == {"open": 1}
    control(endpoint.url, "release", "POST")
    thread.join(10)
    assert replies == [200]


def test_the_journal_can_be_read_from_outside(endpoint, curl):
    curl.invoke("orders", b'["\xc3\xa9"]')
    curl.invoke("orders", b"\xff")
    assert endpoint.journal.wait_settled()
    journal = control(endpoint.url, "journal")
    assert [entry["body"] for entry in journal["requests"]] == ['["é"]', {"base64": "/w=="}]
    assert [entry["status"] for entry in journal["requests"]] == [200, 400]
    assert [execution["reply"] for execution in journal["executions"]] == ['["é"]']
    assert [entry["number"] for entry in control(endpoint.url, "journal?since=1")["requests"]] == [2]
    stats = control(endpoint.url, "stats")
    assert (stats["requests"], stats["executions"], stats["in_flight"]) == (2, 1, {})


def test_the_journals_file_has_every_request_and_execution(tmp_path):
    path = tmp_path / "journal.jsonl"
    function = Function(name="orders", handler=PythonHandler(lambda event: event))
    with InvokeEndpoint([function], journal_path=path, journal_limit=1) as endpoint:
        client = boto3_client(endpoint.url)
        for number in range(3):
            client.invoke(FunctionName="orders", Payload=b"%d" % number)
        assert len(endpoint.journal.requests()) == 1
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["body"] for line in lines if line["type"] == "request"] == ["0", "1", "2"]
    assert [line["payload"] for line in lines if line["type"] == "execution"] == ["0", "1", "2"]
    assert all(line["sent"] for line in lines if line["type"] == "request")


def test_over_tls(tmp_path):
    certificates = make_certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    with InvokeEndpoint([Function(name="orders", handler=PythonHandler(lambda event: event))], tls=context) as endpoint:
        assert endpoint.url.startswith("https://127.0.0.1:")
        client = boto3_client(endpoint.url, verify=str(certificates.authority))
        payload = b'"' + b"x" * 3_000_000 + b'"'
        assert client.invoke(FunctionName="orders", Payload=payload)["Payload"].read() == payload


def test_serve_runs_a_file_until_told_to_stop(tmp_path, capfd):
    file = tmp_path / "app.py"
    file.write_text(
        "def lambda_handler(event, context):\n    print('seen', event)\n    return event\n", encoding="utf-8"
    )
    stop, said = threading.Event(), []
    started = threading.Event()

    def echo(text: str) -> None:
        said.append(text)
        started.set()

    arguments = {"stop": stop, "echo": echo, "timeout": 20.0}
    thread = threading.Thread(target=serve, args=(f"{file}:lambda_handler", 0), kwargs=arguments)
    thread.start()
    assert started.wait(10)
    exports = dict(
        word.split("=", 1) for line in said[0].splitlines() if "export" in line for word in line.split() if "=" in word
    )
    client = boto3_client(
        exports["AWS_ENDPOINT_URL_LAMBDA"],
        access_key=exports["AWS_ACCESS_KEY_ID"],
        secret=exports["AWS_SECRET_ACCESS_KEY"],
        region=exports["AWS_REGION"],
        read_timeout=60,
    )
    assert client.invoke(FunctionName="app", Payload=b"[1]")["Payload"].read() == b"[1]"
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert "seen [1]" in capfd.readouterr().err


def test_closing_does_not_wait_for_a_function_that_blocks():
    entered, leave = threading.Event(), threading.Event()

    def block(_: bytes) -> bytes:
        entered.set()
        leave.wait(60)
        return b"null"

    function = Function(name="f", handler=PythonHandler(block), timeout=900)
    with InvokeEndpoint([function]) as endpoint, ThreadPoolExecutor(1) as pool:
        call = pool.submit(boto3_client(endpoint.url).invoke, FunctionName="f")
        assert entered.wait(10)
        started = SystemClock().monotonic()
        endpoint.close()
        assert SystemClock().monotonic() - started < 3
        assert isinstance(call.exception(10), HTTPClientError)
    leave.set()


def test_who_waits_for_a_call_looks_again_once_it_is_known_what_is_called():
    journal = Journal(SystemClock())
    looked = threading.Event()

    def is_known(_: Journal) -> bool:
        looked.set()
        return entry.call == "RequestResponse"

    entry = journal.begin(Request("POST", "/", "HTTP/1.1", ()), 1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(journal.wait_for, is_known, 20)
        assert looked.wait(10)
        entry.call = "RequestResponse"
        journal.admitted()
        started = SystemClock().monotonic()
        assert waiting.result(30)
        assert SystemClock().monotonic() - started < 10
