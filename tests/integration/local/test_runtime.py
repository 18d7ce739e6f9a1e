"""Real handlers under AWS's own runtime client, in processes."""

from __future__ import annotations

import base64
import json
import os
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import HTTPClientError

from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ConfigError
from kafka_lambda_sink.local.clock import SystemClock
from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.runtime_handler import HandlerFile, RuntimeHandler
from tests.support.lambda_clients import boto3_client
from tests.support.records import TP, record
from tests.support.waiting import wait_until

ORDERS = Path(__file__).parents[3] / "examples" / "orders" / "handler.py"


@pytest.fixture
def run(tmp_path):
    """Starts an endpoint with one function `f` from source text; gives its client."""
    endpoints = []

    def start(source: str, **options):
        file = tmp_path / "app.py"
        file.write_text(textwrap.dedent(source), encoding="utf-8")
        handler = RuntimeHandler(HandlerFile(file, "handler"), **options.pop("runtime", {}))
        endpoint = InvokeEndpoint([Function(name="f", handler=handler, **{"timeout": 20.0, **options})])
        endpoint.start()
        endpoints.append(endpoint)
        return boto3_client(endpoint.url, read_timeout=60)

    yield start
    for endpoint in endpoints:
        endpoint.close()


def invoke(client, event=None):
    reply = client.invoke(FunctionName="f", Payload=json.dumps(event), LogType="Tail")
    payload = json.loads(reply["Payload"].read())
    return payload, reply.get("FunctionError"), base64.b64decode(reply["LogResult"]).decode()


def orders_batch(*values):
    return [
        {"payload": {"timestamp": 1, "topic": "t", "partition": 0, "offset": 10 + 2 * i, "key": None, "value": value}}
        for i, value in enumerate(values)
    ]


def test_the_example_prices_orders():
    handler = RuntimeHandler(HandlerFile(ORDERS, "lambda_handler"))
    with InvokeEndpoint([Function(name="f", handler=handler, timeout=20)]) as endpoint:
        client = boto3_client(endpoint.url, read_timeout=60)
        order = {"customer": "ada", "quantity": 3, "unit_price": 250}
        payload, error, log = invoke(client, orders_batch(order, {**order, "quantity": 1}))
        assert error is None
        assert payload == [
            {"payload": {"timestamp": 1, "topic": "t", "partition": 0, "offset": offset, "result": result}}
            for offset, result in [(10, {"customer": "ada", "total": 750}), (12, {"customer": "ada", "total": 250})]
        ]
        assert "priced 2 orders\n" in log
        payload, error, log = invoke(client, orders_batch(order, "poison"))
        assert error == "Unhandled"
        assert payload["errorType"] == "InvalidOrder"
        assert payload["errorMessage"] == "an order is an object, not 'poison'"
        assert any("lambda_handler" in frame for frame in payload["stackTrace"])
        assert "[ERROR] InvalidOrder" in log


def test_an_environment_is_reused(run):
    client = run(
        "import os\ncount = 0\ndef handler(e, c):\n  global count\n  count += 1\n  return [os.getpid(), count]"
    )
    (pid, first), _, cold_log = invoke(client)
    (same, second), _, warm_log = invoke(client)
    assert (first, second) == (1, 2)
    assert same == pid != os.getpid()
    assert "Init Duration" in cold_log
    assert "Init Duration" not in warm_log


def test_calls_at_the_same_time_get_environments_of_their_own(run):
    client = run("import os, time\ndef handler(e, c):\n  time.sleep(0.5)\n  return os.getpid()")
    with ThreadPoolExecutor(3) as pool:
        pids = {payload for payload, _, _ in pool.map(lambda _: invoke(client), range(3))}
    assert len(pids) == 3


def test_the_context_is_lambdas(run):
    client = run(
        """
        import os
        def handler(event, context):
            return {
                "id": context.aws_request_id, "arn": context.invoked_function_arn, "name": context.function_name,
                "version": context.function_version, "left": context.get_remaining_time_in_millis(),
                "custom": context.client_context.custom, "region": os.environ["AWS_REGION"],
            }
        """,
        aliases={"live": "7"},
        versions=("7",),
    )
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    reply = client.invoke(FunctionName="f:live", Payload=b"{}", ClientContext=context)
    seen = json.loads(reply["Payload"].read())
    assert 15_000 < seen.pop("left") <= 20_000
    assert seen == {
        "id": reply["ResponseMetadata"]["RequestId"],
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:f:live",
        "name": "f",
        "version": "7",
        "custom": {"k": "v"},
        "region": "us-east-1",
    }


def test_a_timeout_kills_the_environment_and_the_next_call_gets_a_new_one(run):
    client = run(
        "import os, time\ndef handler(e, c):\n  print(os.getpid())\n  time.sleep(e)\n  return os.getpid()", timeout=1.0
    )
    pid, error, _ = invoke(client, 0)
    assert error is None
    payload, error, log = invoke(client, 30)
    assert error == "Unhandled"
    assert payload["errorType"] == "Sandbox.Timedout"
    assert payload["errorMessage"].endswith(" Error: Task timed out after 1.00 seconds")
    assert f"\n{pid}\n" in log
    assert " Task timed out after 1.00 seconds\n\nEND RequestId" in log
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), what="the old process is gone")
    other, error, _ = invoke(client, 0)
    assert (other != pid, error) == (True, None)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_process_that_dies_is_replaced(run, end, reason):
    client = run(f"import os\ndef handler(e, c):\n  if e: {end}\n  return 'alive'")
    payload, error, _ = invoke(client, 1)
    assert error == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith(f" Error: {reason}")
    assert invoke(client, 0)[0] == "alive"


def test_a_warm_process_that_died_between_calls_fails_nobody(run):
    client = run("import os\ndef handler(e, c):\n  return os.getpid()")
    pid, _, _ = invoke(client)
    os.kill(pid, 9)
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    other, error, _ = invoke(client)
    assert (other != pid, error) == (True, None)


def test_code_that_cannot_be_loaded_reports_it_each_time(run):
    client = run("raise RuntimeError('no database')")
    for _ in range(2):
        payload, error, log = invoke(client)
        assert error == "Unhandled"
        assert (payload["errorType"], payload["errorMessage"]) == ("RuntimeError", "no database")
        assert "no database" in log


def test_a_reply_over_the_limit(run):
    client = run("def handler(e, c):\n  return 'x' * e")
    largest = 6_291_556 - 2
    assert len(invoke(client, largest)[0]) == largest
    payload, error, _ = invoke(client, largest + 1)
    assert error == "Unhandled"
    assert payload == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }
    assert invoke(client, 1)[0] == "x"


def test_the_log_tail_is_the_last_4_kilobytes(run):
    client = run("def handler(e, c):\n  print('a' * 10_000 + 'END-OF-LOG')")
    _, _, log = invoke(client)
    assert len(log) == 4096
    assert "aaaEND-OF-LOG\nEND RequestId" in log


def test_anything_that_speaks_the_runtime_api_runs(run):
    script = textwrap.dedent(
        """
        import http.client, os
        base = "/2018-06-01/runtime/invocation/"
        while True:
            connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
            connection.request("GET", base + "next")
            event = connection.getresponse()
            body = event.read()
            url = base + event.headers["Lambda-Runtime-Aws-Request-Id"]
            if body == b'"fail"':
                connection.request("POST", url + "/error", b'{"errorType":"Mine"}')
            else:
                # An iterator as body is sent chunked, as Go's and Rust's clients may do.
                connection.request("POST", url + "/response", iter([b"[", body, b"]"]), encode_chunked=True)
            connection.getresponse().read()
        """
    )
    client = run("", runtime={"command": [sys.executable, "-c", script]})
    assert invoke(client, 5)[:2] == ([5], None)
    assert invoke(client, "fail")[:2] == ({"errorType": "Mine"}, "Unhandled")


def test_a_command_that_cannot_be_started(run):
    client = run("", runtime={"command": ["/nowhere/bootstrap"]})
    payload, error, _ = invoke(client)
    assert error == "Unhandled"
    assert payload["errorType"] == "Runtime.InvalidEntrypoint"
    assert payload["errorMessage"].endswith(" Error: fork/exec /nowhere/bootstrap: no such file or directory")


def test_closing_kills_what_runs_and_waits_for_nothing(tmp_path):
    file = tmp_path / "app.py"
    file.write_text("import time\ndef handler(e, c):\n  time.sleep(600)", encoding="utf-8")
    function = Function(name="f", handler=RuntimeHandler(HandlerFile(file, "handler")), timeout=900)
    others = set(children(os.getpid()))
    with InvokeEndpoint([function]) as endpoint, ThreadPoolExecutor(1) as pool:
        call = pool.submit(invoke, boto3_client(endpoint.url, read_timeout=60))
        processes = wait_until(lambda: set(children(os.getpid())) - others, what="the runtime process")
        started = SystemClock().monotonic()
        endpoint.close()
        assert SystemClock().monotonic() - started < 3
        assert isinstance(call.exception(10), HTTPClientError)
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)


def children(pid: int) -> list[int]:
    # All threads' children: the process is started by the connection's thread.
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]


@pytest.mark.parametrize("text", ["app.py", "missing.py:handler", "app.txt:handler", "app.py:not valid", ":f"])
def test_a_handler_that_is_none_is_a_configuration_error(text):
    with pytest.raises(ConfigError) as caught:
        HandlerFile.parse(text)
    assert caught.value.problems[0].error_id == "invalid-handler"


def test_a_handler_sees_what_goes_beside_a_batch(run):
    client = run(
        """
        import os

        def handler(event, context):
            custom = context.client_context.custom
            return {"custom": custom, "tenant": context.tenant_id, "trace": os.environ["_X_AMZN_TRACE_ID"]}
        """,
        is_tenant_isolated=True,
    )
    contexts = CallContexts(
        tp=TP, connector="sink", group="g", function="f", has_client_context=True, propagates_trace=True
    )
    traced = record(7, headers=[("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")])
    call = contexts.of(Batch(b"[]", [traced], [None], "blue"), 2, 0)

    def add_trace(params, **_):
        params["headers"]["X-Amzn-Trace-Id"] = call.trace_header

    client.meta.events.register("before-call.lambda.Invoke", add_trace)
    assert call.client_context is not None
    reply = client.invoke(
        FunctionName="f",
        Payload=b"[]",
        TenantId=call.tenant_id,
        ClientContext=base64.b64encode(call.client_context).decode(),
    )
    seen = json.loads(reply["Payload"].read())

    assert seen["custom"] == json.loads(call.client_context)["custom"]
    assert (seen["custom"]["firstOffset"], seen["custom"]["attempt"]) == ("7", "2")
    assert (seen["tenant"], seen["trace"]) == ("blue", call.trace_header)
