"""Records that are too large for an invocation, from the topic over S3 to the function, on a real broker."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from kafka_lambda_sink.core.errors import ClaimStoreRefusedError
from kafka_lambda_sink.local.endpoint import InvokeEndpoint
from kafka_lambda_sink.local.faults import Throttle
from tests.support.command import run
from tests.support.running_task import Sink, function, value_of
from tests.support.s3 import moto_s3, s3_client
from tests.support.scripted_peer import scripted_peer, take_request

MakeSink = Callable[..., Sink]
#: Above the 6 MiB of a sync invocation, and above the 1 MiB of an async one.
LARGE = b'{"text":"%b"}' % (b"x" * 7_000_000)
MEDIUM = b'{"text":"%b"}' % (b"x" * 1_200_000)


@pytest.fixture
def bucket() -> str:
    return f"large-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def s3(bucket: str) -> Iterator[str]:
    with moto_s3() as url:
        s3_client(url).create_bucket(Bucket=bucket)
        yield url


def properties(url: str, bucket: str, **changes: str) -> dict[str, str]:
    return {
        "aws.lambda.oversize.s3.bucket": bucket,
        "aws.lambda.oversize.s3.prefix": "sink",
        "aws.lambda.oversize.s3.endpoint.url": url,
    } | {key.replace("_", "."): value for key, value in changes.items()}


def test_a_function_reads_the_value_from_where_the_payload_says(
    make_sink: MakeSink, lambda_endpoint: InvokeEndpoint, s3: str, bucket: str
):
    client = s3_client(s3)

    def weigh(event: bytes) -> bytes:
        replies = []
        for entry in json.loads(event):
            payload = entry["payload"]
            value = payload.pop("value")
            if "$s3" in value:
                place = value["$s3"]
                body = client.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
                assert (len(body), hashlib.sha256(body).hexdigest()) == (place["size"], place["sha256"])
                value = json.loads(body)
            replies.append({"payload": {**payload, "result": len(value["text"])}})
        return json.dumps(replies).encode()

    lambda_endpoint.add_function(function(weigh))
    lambda_endpoint.faults.script([Throttle()])
    sink = make_sink(max_message_bytes="8000000")
    sink.produce([b'{"text":"a"}', (b"k", LARGE), b'{"text":"bc"}'])
    with sink.running(properties(s3, bucket, aws_lambda_response_topic=sink.results)) as task:
        task.wait_committed({0: 3})
    assert [value_of(result)["result"] for result in sink.read(sink.results)] == [1, 7_000_000, 2]
    keys = [each["Key"] for each in client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [f"sink/{sink.source}/0/1-{hashlib.sha256(LARGE).hexdigest()[:16]}"]


def test_a_record_that_is_delivered_again_overwrites_its_own_object(make_sink: MakeSink, s3: str, bucket: str):
    sink = make_sink(max_message_bytes="8000000")
    sink.produce([MEDIUM])
    settings = properties(s3, bucket, aws_lambda_invocation_type="async", behavior_on_error="log")
    for _ in range(2):
        with sink.running(settings) as task:
            task.wait_committed({0: 1})
        # Another group begins at the beginning.
        sink.name += "-again"
    first, second = sink.bodies()
    assert first == second
    assert len(s3_client(s3).list_objects_v2(Bucket=bucket)["Contents"]) == 1


def test_a_bucket_that_is_away_is_waited_for_and_nothing_goes_the_error_way(make_sink: MakeSink, bucket: str):
    sink = make_sink(2, max_message_bytes="8000000")
    with moto_s3() as url:
        s3_client(url).create_bucket(Bucket=bucket)
    port = int(url.rpartition(":")[2])
    settings = properties(
        url, bucket, aws_lambda_invocation_type="async", behavior_on_error="log", aws_lambda_error_topic=sink.errors
    )
    with ExitStack() as stack:
        with moto_s3(port):
            task = stack.enter_context(sink.running(settings))
        sink.produce([b"{}", MEDIUM, b"{}"])
        sink.produce([b"{}"], partition=1)
        task.wait_for(lambda: task.log.events("cannot convert now: trying again"), "the alarm")
        task.wait_committed({0: 1, 1: 1})
        (line,) = task.log.events("cannot convert now: trying again")
        assert (line["error_id"], line["offset"], line["topic"]) == ("ClaimStoreUnavailable", 1, sink.source)
        with moto_s3(port):
            task.wait_committed({0: 3, 1: 1})
    assert [offset for offsets in sink.offsets(0) for offset in offsets] == [0, 1, 2]
    assert sink.read(sink.errors) == []


def test_a_bucket_that_vanishes_ends_the_connector_and_no_record_is_lost(make_sink: MakeSink, s3: str, bucket: str):
    sink = make_sink(max_message_bytes="8000000")
    settings = properties(s3, bucket, aws_lambda_invocation_type="async", behavior_on_error="ignore")
    with sink.running(settings) as task:
        s3_client(s3).delete_bucket(Bucket=bucket)
        sink.produce([b"{}", MEDIUM, b"{}"])
        failure = task.wait_ended()
    assert isinstance(failure, ClaimStoreRefusedError)
    assert "aws.lambda.oversize.s3.bucket" in (failure.hint or "")
    assert sink.offsets(0) == [[0]]
    assert sink.committed() == {0: 1}


def test_a_bucket_that_is_not_there_is_told_at_start(sink: Sink, s3: str):
    with pytest.raises(ClaimStoreRefusedError), sink.running(properties(s3, "no-such-bucket")):
        pass


def test_a_record_that_was_too_large_is_replayed_once_there_is_a_bucket(make_sink: MakeSink, s3: str, bucket: str):
    sink = make_sink(max_message_bytes="8000000")
    sink.produce([MEDIUM])
    before = {
        "aws.lambda.invocation.type": "async",
        "behavior.on.error": "log",
        "aws.lambda.error.topic": sink.errors,
    }
    with sink.running(before) as task:
        task.wait_committed({0: 1})
    (error,) = sink.read(sink.errors)
    assert value_of(error)["functionError"] == "RecordTooLarge"
    assert sink.bodies() == []
    file = sink.write(before | properties(s3, bucket))
    done = run("replay", "--config", file, "--json", timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout
    ((payload,),) = sink.bodies()
    assert payload["value"]["$s3"]["size"] == len(MEDIUM)


def test_a_stop_does_not_wait_for_a_bucket_that_hangs(make_sink: MakeSink, bucket: str):
    asked, go = threading.Event(), threading.Event()

    def answer_head(peer: Any) -> None:
        assert peer.recv(65536).startswith(b"HEAD")
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def hang(peer: Any) -> None:
        take_request(peer)
        asked.set()
        go.wait(30)

    sink = make_sink(max_message_bytes="8000000")
    sink.produce([b"{}", MEDIUM])
    settings = {"aws_lambda_invocation_type": "async", "shutdown_timeout_ms": "3000"}
    with scripted_peer(answer_head, hang) as url:
        with sink.running(properties(url, bucket, **settings)):
            assert asked.wait(20)
        go.set()
    assert sink.offsets(0) == [[0]]
    assert sink.committed() == {0: 1}
