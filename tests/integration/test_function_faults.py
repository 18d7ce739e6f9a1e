"""Every fault of the Invoke API, of the way to it and of the function: how often it is tried, what becomes of it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kafka_lambda_sink.core.errors import ConfigurationInvocationError
from kafka_lambda_sink.core.state import TaskState
from kafka_lambda_sink.local import faults
from kafka_lambda_sink.local.endpoint import Credential
from kafka_lambda_sink.local.faults import ApiError, Fault, HtmlError
from kafka_lambda_sink.local.handler import FunctionFailure
from tests.support.running_task import FUNCTION, Sink, coordinates, echo, function, value_of

MakeSink = Callable[..., Sink]

#: `log` and an error topic: a batch that fails for good is seen there, and the next one goes on.
LOGGED = {"behavior.on.error": "log", "aws.lambda.batch.size": "1"}
ATTEMPTS = 3
#: A call is given up 1.3 seconds after it began: both together are its deadline.
TIMEOUTS = {"aws.lambda.socket.timeout": "1000", "aws.lambda.connect.timeout.ms": "300"}


class Case(NamedTuple):
    """A fault that answers every attempt at the first record of a partition."""

    fault: Fault
    #: Of the error record.
    status: int
    function_error: str = "TransientInvocationError"
    attempts: int = ATTEMPTS
    executions: int = 0
    may_have_run: bool = False


def refusal(status: int, code: str, message: str = "Scripted.", *, may_have_run: bool = False) -> Case:
    return Case(ApiError(status, code, message), status, may_have_run=may_have_run)


TRANSIENT = [
    *(
        Case(faults.Throttle(reason), 429)
        # The reserved concurrency counts for nothing: see test_throttles.py.
        for reason in ("ConcurrentInvocationLimitExceeded", "CallerRateLimitExceeded")
    ),
    *(refusal(400, code) for code in ("ThrottlingException", "RequestLimitExceeded")),
    refusal(500, "ServiceException", may_have_run=True),
    refusal(503, "ServiceUnavailable"),
    refusal(504, "GatewayTimeout", may_have_run=True),
    *(
        refusal(502, code)
        for code in (
            "EC2ThrottledException",
            "EC2UnexpectedException",
            "ENINotReadyException",
            "ENILimitReachedException",
            "SubnetIPAddressLimitReachedException",
            "ResourceNotReadyException",
        )
    ),
    *(
        refusal(408, code)
        for code in ("SnapStartTimeoutException", "EFSMountConnectivityException", "S3FilesMountTimeoutException")
    ),
    *(
        refusal(409, code)
        for code in ("SnapStartNotReadyException", "CodeArtifactUserPendingException", "ResourceConflictException")
    ),
    refusal(410, "EFSIOException", may_have_run=True),
    refusal(403, "InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than …"),
    Case(faults.ExpiredToken(), 403, "ExpiredCredentialsError"),
    # A code that nobody knows yet goes by its status.
    refusal(500, "BrandNewException", may_have_run=True),
    refusal(599, "BrandNewException", may_have_run=True),
    refusal(429, "BrandNewException"),
    # Proxies and load balancers.
    Case(HtmlError(502), 502, may_have_run=True),
    Case(HtmlError(503), 503),
]
PAYLOAD = [
    Case(ApiError(400, "InvalidRequestContentException"), 400, "PayloadInvocationError", attempts=1),
    Case(ApiError(413, "RequestTooLargeException"), 413, "PayloadInvocationError", attempts=1),
    Case(HtmlError(413), 413, "PayloadInvocationError", attempts=1),
]
TRANSPORT = [
    Case(faults.ResetAfterRequest(), 0, may_have_run=True),
    Case(faults.CloseAfterRequest(), 0, may_have_run=True),
    Case(faults.ResetAfterRequest(ran=True), 0, executions=ATTEMPTS, may_have_run=True),
    Case(faults.ResetBeforeBody(), 0, executions=ATTEMPTS, may_have_run=True),
    Case(faults.TruncatedBody(), 0, executions=ATTEMPTS, may_have_run=True),
    Case(faults.BadChunk(), 0, executions=ATTEMPTS, may_have_run=True),
    Case(faults.SlowBody(bytes_per_second=4), 0, executions=ATTEMPTS, may_have_run=True),
    Case(faults.Hang(), 0, executions=ATTEMPTS, may_have_run=True),
    Case(faults.RawReply(b"SSH-2.0-OpenSSH_9.6\r\n"), 0, may_have_run=True),
    # A 2xx that a synchronous call does not have is no success.
    Case(faults.RawReply(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"), 204, may_have_run=True),
    Case(
        faults.RawReply(b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        202,
        may_have_run=True,
    ),
]


@pytest.mark.parametrize(
    "cases", [pytest.param([*TRANSIENT, *PAYLOAD], id="refusals"), pytest.param(TRANSPORT, id="transport")]
)
def test_each_fault_is_tried_as_often_as_its_class_says(make_sink: MakeSink, cases: list[Case]):
    """One fault a partition, at once; behind it a record that must arrive."""
    sink = make_sink(len(cases))
    sink.produce_everywhere([b'{"n":0}', b'{"n":1}'])
    for partition, case in enumerate(cases):
        sink.endpoint.faults.add(case.fault, partition=partition, times=case.attempts)
    properties = {
        **LOGGED,
        "aws.lambda.error.topic": sink.errors,
        "aws.lambda.retry.max.attempts": str(ATTEMPTS),
        "aws.lambda.retry.backoff.ms": "1",
        **TIMEOUTS,
    }
    with sink.running(properties) as task:
        task.wait_committed(dict.fromkeys(range(len(cases)), 2))
    sink.release()
    reported = {coordinates(message)["partition"]: message for message in sink.read(sink.errors)}
    for partition, case in enumerate(cases):
        assert sink.offsets(partition) == [[0]] * case.attempts + [[1]], case
        bodies = {entry.body for entry in sink.requests(partition)[: case.attempts]}
        assert len(bodies) == 1
        ran = [execution.payload for execution in sink.endpoint.journal.executions() if execution.payload in bodies]
        assert len(ran) == case.executions, case
        value = value_of(reported[partition])
        assert (value["statusCode"], value["functionError"]) == (case.status, case.function_error), case
        assert value["inputPayload"] == bodies.pop().decode()
        lines = task.log.events("invocation failed: trying again", partition=partition)
        # A repeated fault is one line a minute; a refusal for good is none.
        assert [line["may_have_run"] for line in lines] == [case.may_have_run] * (case.attempts > 1), case
    assert len(reported) == len(cases)


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        (ApiError(403, "AccessDeniedException", "User is not authorized"), "lambda:InvokeFunction"),
        (ApiError(404, "ResourceNotFoundException", "Function not found"), "us-east-1"),
        (ApiError(502, "KMSDisabledException"), ""),
        (ApiError(502, "InvalidSubnetIDException"), ""),
        (ApiError(400, "InvalidParameterValueException"), ""),
        (ApiError(402, "ServiceQuotaExceededException"), "quota"),
        (ApiError(415, "UnsupportedMediaTypeException"), "Content-Type"),
        (ApiError(409, "RuntimeVersionDeletedException"), ""),
        (ApiError(418, "BrandNewException"), ""),
        (HtmlError(407), "proxy"),
        (faults.Redirect(), "endpoint"),
    ],
    ids=lambda value: getattr(value, "code", getattr(value, "status", "")),
)
def test_a_configuration_error_stops_the_connector_at_the_first_attempt(make_sink: MakeSink, fault: Fault, hint: str):
    sink = make_sink()
    sink.produce([b"{}"])
    sink.endpoint.faults.add(fault, times=None)
    properties = {**LOGGED, "aws.lambda.error.topic": sink.errors}
    with sink.running(properties) as task:
        failure = task.wait_ended()
        assert task.task.coordinator.task_state() in {TaskState.FAILED, TaskState.UNASSIGNED}
    assert isinstance(failure, ConfigurationInvocationError)
    assert hint in (failure.hint or "")
    assert len(sink.requests()) == 1
    assert sink.committed().get(0, 0) == 0
    assert sink.read(sink.errors) == []


def test_a_throttled_partition_waits_as_long_as_it_is_told_and_the_others_run_on(make_sink: MakeSink):
    sink = make_sink(2)
    sink.produce_everywhere([b"{}"] * 20)
    sink.endpoint.faults.add(faults.Throttle(retry_after=1), partition=0, times=2)
    with sink.running({"aws.lambda.batch.size": "1", "aws.lambda.response.topic": sink.results}) as task:
        task.wait_requests(20, partition=1)
        # Far from done: the third attempt comes after two seconds.
        assert len(sink.requests(0)) <= 2
        task.wait_requests(22, partition=0)
    arrivals = [entry.arrived for entry in sink.requests(0)[:3]]
    assert all(later - earlier >= 1 for earlier, later in pairwise(arrivals))
    assert sink.offsets(0)[:3] == [[0]] * 3
    assert len(sink.endpoint.journal.executions()) == 40
    assert len(sink.read(sink.results)) == 40


def test_a_read_timeout_is_told_as_ambiguous_and_the_function_runs_once_more(sink: Sink):
    sink.produce([b"{}"] * 3)
    sink.endpoint.faults.add(faults.Hang())
    with sink.running({**TIMEOUTS, "aws.lambda.response.topic": sink.results}) as task:
        task.wait_committed({0: 3})
        (line,) = task.log.events("invocation failed: trying again")
        assert task.task.counters.total().ambiguous == 1
    sink.release()
    assert (line["code"], line["may_have_run"], line["attempt"]) == ("ReadTimeout", True, 1)
    assert sink.offsets() == [[0, 1, 2]] * 2
    assert len(sink.endpoint.journal.executions()) == 2
    assert [coordinates(message)["offset"] for message in sink.read(sink.results)] == [0, 1, 2]


# --- function errors and replies -------------------------------------------------------------------------------------

TRACE = b'{"errorMessage":"boom","errorType":"ValueError","requestId":"1","stackTrace":["a","b"]}'


@pytest.mark.parametrize("log_type", ["none", "tail"])
def test_function_errors_of_every_shape(make_sink: MakeSink, log_type: str):
    shapes: list[tuple[str, bytes, str | None]] = [
        ("Unhandled", TRACE, base64.b64encode(b"last words \xff").decode()),
        ("Handled", TRACE, None),
        ("Unhandled", b'{"errorMessage":null}', "!! not base64 !!"),
        ("Unhandled", b"{}", ""),
        ("Unhandled", b"<html>not JSON</html>", None),
        ("Unhandled", b"\xff\xfe", None),
        ("Unhandled", b"", None),
        ("Unhandled", b'"' + b"x" * 300_000 + b'"', None),
        ("SomethingNew", TRACE, None),
    ]
    sink = make_sink(len(shapes))
    sink.produce_everywhere([b"1", b"2"])
    for partition, (kind, payload, log_result) in enumerate(shapes):
        sink.endpoint.faults.add(faults.FunctionErrorReply(kind, payload, log_result), partition=partition)
    properties = {**LOGGED, "aws.lambda.error.topic": sink.errors, "aws.lambda.log.type": log_type}
    with sink.running(properties) as task:
        task.wait_committed(dict.fromkeys(range(len(shapes)), 2))
        assert not task.log.events("invocation failed: trying again")
    values = {coordinates(message)["partition"]: value_of(message) for message in sink.read(sink.errors)}
    for partition, (kind, payload, log_result) in enumerate(shapes):
        (failed, _) = sink.requests(partition)
        assert list(values[partition].items()) == [
            ("functionName", FUNCTION),
            ("inputPayload", failed.body.decode()),
            ("statusCode", 200),
            ("functionError", kind),
            ("logResult", log_result),
            ("payload", payload.decode(errors="replace") or None),
            ("executedVersion", "$LATEST"),
        ]
        assert sink.offsets(partition) == [[0], [1]]


def test_the_log_tail_of_a_function_that_raised_is_in_the_error_record(sink: Sink):
    def code(event: bytes) -> bytes:
        (entry,) = json.loads(event)
        if entry["payload"]["value"] == "handled":
            raise FunctionFailure(TRACE, "Handled")
        raise ValueError("no such order")

    sink.endpoint.add_function(function(code))
    sink.produce([b'"handled"', b'"raised"'])
    properties = {**LOGGED, "aws.lambda.error.topic": sink.errors, "aws.lambda.log.type": "tail"}
    with sink.running(properties) as task:
        task.wait_requests(2)
    handled, raised = (value_of(message) for message in sink.read(sink.errors))
    assert (handled["functionError"], raised["functionError"]) == ("Handled", "Unhandled")
    assert json.loads(raised["payload"])["errorMessage"] == "no such order"
    assert "[ERROR] ValueError: no such order" in base64.b64decode(raised["logResult"]).decode()


def test_a_failure_is_logged_with_its_request_and_its_records(sink: Sink):
    sink.endpoint.faults.script([faults.Throttle(), faults.FunctionErrorReply("Unhandled", TRACE)])
    sink.produce([b"1", b"2"])
    with sink.running({**LOGGED, "aws.lambda.batch.size": "2"}) as task:
        throttled, failed = task.wait_requests(2)
        task.wait_committed({0: 2})
        (retried,) = task.log.events("invocation failed: trying again", topic=sink.source, partition=0)
        (given_up,) = task.log.events("batch failed", topic=sink.source, partition=0, start_offset=0, end_offset=2)
    assert (retried["request_id"], given_up["request_id"]) == (throttled.request_id, failed.request_id)


def entry(sink: Sink, in_partition: int, at: Any, **more: Any) -> dict[str, Any]:
    return {"payload": {"topic": sink.source, "partition": in_partition, "offset": at, **more, "result": 1}}


def invalid_replies(sink: Sink) -> list[bytes]:
    """Replies to a batch of the records 0 and 1 of a partition, which is each one's place in the list."""

    def reply(place: int, offsets: list[Any], **more: Any) -> str:
        return json.dumps([entry(sink, place, offset, **more) for offset in offsets])

    makers: list[Callable[[int], bytes]] = [
        lambda _: b"{}",
        lambda _: b'"text"',
        lambda _: b"null",
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b"not JSON",
        lambda _: b'{"statusCode":200,"body":"[]"}',
        lambda p: json.dumps(reply(p, [0, 1])).encode(),
        lambda p: reply(p, [0]).encode(),
        lambda p: reply(p, [0, 1, 2]).encode(),
        lambda p: reply(p, [0, 0]).encode(),
        lambda p: reply(p, [1, 0]).encode(),
        lambda p: reply(p, [1, 2]).encode(),
        lambda p: reply(p, ["0", "1"]).encode(),
        lambda p: reply(p, [0.0, 1.0]).encode(),
        lambda p: reply(p, [False, True]).encode(),
        lambda p: reply(p, [None, None]).encode(),
        lambda p: reply(p, [0, 1], partition=True).encode(),
        lambda p: reply(p, [0, 1], partition=p + 1).encode(),
        lambda p: reply(p, [0, 1], topic="other").encode(),
        lambda p: reply(p, [0, 1], topic=None).encode(),
        lambda _: json.dumps([None, None]).encode(),
        lambda _: json.dumps([{"payload": None}, {"payload": 1}]).encode(),
        lambda p: json.dumps([entry(sink, p, offset)["payload"] for offset in (0, 1)]).encode(),
        lambda p: reply(p, [0, 1]).replace(' "result": 1', ' "result": NaN').encode(),
        lambda p: reply(p, [0, 1]).replace(' "result": 1', ' "offset": 7, "offset": 1').encode(),
        lambda p: reply(p, [0, 1]).replace(' "result": 1', ' "result": "\\ud800"').encode()[:-1],
        lambda p: b"\xef\xbb\xbf" + reply(p, [0, 1]).encode(),
        lambda p: reply(p, [0, 1]).replace(' "result": 1', ' "result": "?"').encode().replace(b"?", b"\xff"),
        lambda _: b"[" * 5000 + b"]" * 5000,
        lambda p: reply(p, [0, 1]).replace(' "result": 1', ' "result": ' + "[" * 5000 + "]" * 5000).encode(),
        lambda _: b'"' + b"x" * 6_000_000 + b'"',
    ]
    return [make(partition) for partition, make in enumerate(makers)]


def test_replies_that_break_the_contract_fail_the_batch_and_write_no_result(make_sink: MakeSink):
    count = len(invalid_replies(make_sink()))
    sink = make_sink(count)
    replies = invalid_replies(sink)
    sink.produce_everywhere([b"1", b"2", b"3"])
    for partition, reply in enumerate(replies):
        sink.endpoint.faults.add(faults.PayloadReply(reply), partition=partition)
    properties = {
        "behavior.on.error": "log",
        "aws.lambda.batch.size": "2",
        "aws.lambda.error.topic": sink.errors,
        "aws.lambda.response.topic": sink.results,
    }
    with sink.running(properties) as task:
        task.wait_committed(dict.fromkeys(range(count), 3))
        assert not task.log.events("invocation failed: trying again")
    reported = {coordinates(message)["partition"]: message for message in sink.read(sink.errors)}
    for partition, reply in enumerate(replies):
        assert sink.offsets(partition) == [[0, 1], [2]], reply[:80]
        key, value = coordinates(reported[partition]), value_of(reported[partition])
        assert (key["startOffset"], key["endOffset"]) == (0, 2)
        assert (value["functionError"], value["statusCode"]) == ("InvalidResponse", 200)
        assert (value["payload"] or "") == reply.decode(errors="replace")[: len(value["payload"] or "")]
    results = [coordinates(message) for message in sink.read(sink.results)]
    assert sorted(key["partition"] for key in results) == list(range(count))
    assert {key["offset"] for key in results} == {2}


def test_more_than_the_contract_asks_for_is_no_fault(sink: Sink):
    sink.produce([b"1"])
    reply = json.dumps([{**entry(sink, 0, 0, offsets=[1], timestamp=None), "offset": 9}], indent=2).encode()
    sink.endpoint.faults.add(faults.PayloadReply(reply))
    with sink.running({"aws.lambda.response.topic": sink.results}) as task:
        task.wait_requests(1)
    (result,) = sink.read(sink.results)
    assert value_of(result) == {
        "topic": sink.source, "partition": 0, "offset": 0, "result": 1, "offsets": [1], "timestamp": None,
    }  # fmt: skip


def test_a_batch_that_is_too_large_for_the_endpoint_is_split_until_it_fits(make_sink: MakeSink):
    sink = make_sink(2)
    too_large = ApiError(413, "RequestEntityTooLargeException")
    sink.endpoint.faults.add(too_large, partition=0, times=3)
    sink.endpoint.faults.add(too_large, partition=1, times=None)
    sink.produce([b"{}"] * 50)
    sink.produce([b"{}"] * 4, partition=1)
    properties = {"behavior.on.error": "log", "aws.lambda.batch.size": "50", "aws.lambda.error.topic": sink.errors}
    with sink.running(properties) as task:
        task.wait_committed({0: 50, 1: 4})
    assert [len(batch) for batch in sink.offsets(0)] == [50, 25, 12, 6, 6, 13, 25]
    delivered = [offset for batch in sink.offsets(0)[3:] for offset in batch]
    assert delivered == list(range(50))
    # In the other partition nothing fits: each record has the error path, and none is passed over.
    assert sink.offsets(1) == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3], [2], [3]]
    keys = [coordinates(message) for message in sink.read(sink.errors)]
    assert [(key["partition"], key["startOffset"], key["endOffset"]) for key in keys] == [
        (1, offset, offset + 1) for offset in range(4)
    ]


# --- start -----------------------------------------------------------------------------------------------------------


def test_start_is_refused_where_the_function_may_not_be_invoked(sink: Sink):
    sink.endpoint.permissions.deny("lambda:InvokeFunction")
    with pytest.raises(ConfigurationInvocationError) as caught, sink.running():
        pass
    assert caught.value.is_authorization
    assert "lambda:InvokeFunction" in (caught.value.hint or "")
    assert f"function:{FUNCTION}" in (caught.value.hint or "")


def test_start_is_refused_where_there_is_no_such_function_or_alias(sink: Sink):
    for name in ("handel", f"{FUNCTION}:live"):
        with pytest.raises(ConfigurationInvocationError) as caught, sink.running({"aws.lambda.function.name": name}):
            pass
        assert not caught.value.is_authorization
        assert "us-east-1" in (caught.value.hint or "")


def test_transient_faults_at_start_are_waited_out(sink: Sink):
    sink.endpoint.faults.script(
        [faults.Throttle(), faults.Hang(ran=False), HtmlError(503), faults.ResetAfterRequest()], call="DryRun"
    )
    sink.produce([b"{}"])
    with sink.running(TIMEOUTS) as task:
        task.wait_requests(1)
        assert len(task.log.events("the function cannot be checked yet")) == 4
    sink.release()
    dry_runs = sink.endpoint.journal.requests("DryRun")
    assert [entry.body for entry in dry_runs] == [b""] * 5


def test_a_timeout_that_we_may_not_ask_for_is_told(sink: Sink):
    sink.endpoint.permissions.deny("lambda:GetFunctionConfiguration")
    sink.endpoint.permissions.deny("lambda:GetFunction")
    with sink.running() as task:
        (line,) = task.log.events("the function's own timeout is not known: waiting up to 910 s for each reply")
    assert "lambda:GetFunctionConfiguration" in line["hint"]


# --- while running ---------------------------------------------------------------------------------------------------


def credentials_file(path: Path, key: str) -> None:
    path.write_text(
        f"[default]\naws_access_key_id={key}\naws_secret_access_key=secret\naws_session_token=token-{key}\n"
    )


def test_credentials_that_expire_and_are_rotated_in_their_file_lose_nothing(
    sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "credentials"
    credentials_file(path, "AKIAONE")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    sink.endpoint.credentials["AKIAONE"] = Credential("secret", "token-AKIAONE")
    sink.produce([b"1"])
    properties = {"aws.access.key.id": None, "aws.secret.access.key": None, "aws.lambda.batch.size": "1"}
    with sink.running(properties) as task:
        task.wait_requests(1)
        sink.endpoint.credentials.expire("AKIAONE")
        sink.produce([b"2", b"3"])
        task.wait_requests(3)
        sink.endpoint.credentials["AKIATWO"] = Credential("secret", "token-AKIATWO")
        credentials_file(path, "AKIATWO")
        task.wait_committed({0: 3})
        (line,) = task.log.events("invocation failed: trying again")
    assert (line["code"], line["may_have_run"]) == ("ExpiredTokenException", False)
    assert "AKIA" not in str(task.log)
    accepted = [entry for entry in sink.requests() if entry.status == 200]
    assert [json.loads(entry.body)[0]["payload"]["offset"] for entry in accepted] == [0, 1, 2]


def test_a_hundred_partitions_invoke_at_the_same_time(make_sink: MakeSink):
    everyone = threading.Barrier(100)

    def code(event: bytes) -> bytes:
        everyone.wait(30)
        return echo(event)

    sink = make_sink(100)
    sink.endpoint.add_function(function(code))
    sink.produce_everywhere([b"{}"])
    with sink.running({"behavior.on.error": "fail"}) as task:
        task.wait_requests(100)
    assert sink.committed() == dict.fromkeys(range(100), 1)


# --- asynchronous ----------------------------------------------------------------------------------------------------


def test_only_an_acceptance_acknowledges_an_asynchronous_batch(make_sink: MakeSink):
    sink = make_sink(5)
    sink.produce_everywhere([b"1", b"2"])
    add = sink.endpoint.faults.add
    add(faults.Throttle(), partition=0, times=2)
    add(ApiError(500, "ServiceException"), partition=1, times=2)
    add(ApiError(400, "InvalidRequestContentException"), partition=2)
    # 200 is what a synchronous call has.
    add(faults.PayloadReply(b"null"), partition=3)
    add(faults.Hang(ran=False), partition=4)
    properties = {
        **LOGGED,
        "aws.lambda.invocation.type": "async",
        "aws.lambda.error.topic": sink.errors,
        "aws.lambda.response.topic": sink.results,
        # Time enough for the throttled partition, which waits for a second twice.
        "aws.lambda.socket.timeout": "10000",
        "aws.lambda.connect.timeout.ms": "300",
    }
    loaded = sink.load(properties)
    assert any(problem.key == "aws.lambda.response.topic" for problem in loaded.warnings)
    with sink.running(properties) as task:
        task.wait_committed({0: 2, 1: 2, 2: 2, 3: 2})
        # Commits have been made, and not for the call that is not answered yet.
        assert sink.committed().get(4, 0) == 0
        task.wait_committed({4: 2})
    sink.release()
    assert [sink.offsets(partition) for partition in range(5)] == [
        [[0], [0], [0], [1]], [[0], [0], [0], [1]], [[0], [1]], [[0], [0], [1]], [[0], [0], [1]],
    ]  # fmt: skip
    assert {entry.call for entry in sink.requests()} == {"Event"}
    (message,) = sink.read(sink.errors)
    assert coordinates(message) == {"topic": sink.source, "partition": 2, "startOffset": 0, "endOffset": 1}
    assert value_of(message)["statusCode"] == 400
    assert sink.results not in sink.cluster.admin.list_topics(timeout=10).topics
