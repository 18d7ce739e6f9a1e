"""The bucket of the claim check, on moto's S3 and on peers that do what S3 does on bad days."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kafka_lambda_sink.aws_lambda.claim_bucket import BucketStore, ClaimBucket
from kafka_lambda_sink.aws_lambda.region_access import RegionAccess
from kafka_lambda_sink.aws_lambda.session import LambdaSettings
from kafka_lambda_sink.core.errors import (
    NO_CREDENTIALS,
    ClaimStoreError,
    ClaimStoreRefusedError,
    ConfigError,
    InvocationAborted,
)
from kafka_lambda_sink.core.ports import StoredValue
from tests.support.s3 import moto_s3, s3_client
from tests.support.scripted_peer import scripted_peer, take_request
from tests.support.stepped_clock import SteppedClock

VALUE = StoredValue(key="sink/orders/3/41-0123456789abcdef", body=b'{"n":1}' * 100_000, content_type="application/json")


@pytest.fixture(autouse=True)
def _no_aws_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    with moto_s3() as url:
        yield url


def open_bucket(url: str, name: str = "large", **changes: Any) -> ClaimBucket:
    settings: dict[str, Any] = {
        "function_name": "orders",
        "region": "us-east-1",
        "access_key_id": "AKIALOCAL",
        "secret_access_key": "secret",
        "connect_timeout": 5.0,
    }
    lambda_settings = LambdaSettings(**(settings | changes))
    access = RegionAccess(lambda_settings, SteppedClock())
    return ClaimBucket(access, lambda_settings, name=name, prefix="sink/", endpoint_url=url)


# --- moto ------------------------------------------------------------------------------------------------------------


def test_a_value_arrives_as_it_is_and_overwrites_itself(s3_url: str):
    client = s3_client(s3_url)
    client.create_bucket(Bucket="large")
    client.put_bucket_encryption(
        Bucket="large",
        ServerSideEncryptionConfiguration={
            "Rules": [
                {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "owners-key"}}
            ]
        },
    )
    bucket = open_bucket(s3_url)
    bucket.check()
    store = bucket.store()
    store.put(VALUE)
    store.put(VALUE)
    listed = client.list_objects_v2(Bucket="large")["Contents"]
    assert [each["Key"] for each in listed] == [VALUE.key]
    found = client.get_object(Bucket="large", Key=VALUE.key)
    assert hashlib.sha256(found["Body"].read()).digest() == hashlib.sha256(VALUE.body).digest()
    assert found["ContentType"] == "application/json"
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "owners-key"), "the bucket's own"


def test_a_bucket_that_is_not_there_is_the_configurations_fault(s3_url: str):
    bucket = open_bucket(s3_url, "missing")
    for ask in (bucket.check, lambda: bucket.store().put(VALUE)):
        with pytest.raises(ClaimStoreRefusedError) as caught:
            ask()
        assert caught.value.status == 404
        assert "aws.lambda.oversize.s3.bucket" in (caught.value.hint or "")
        assert not caught.value.is_authorization


# --- what S3 answers -------------------------------------------------------------------------------------------------


def refusal(status: int, code: str, message: str = "said") -> bytes:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return b"HTTP/1.1 %d X\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
        status, len(body), body,
    )  # fmt: skip


def put_and_answer(answer: bytes, **changes: Any) -> Exception:
    def script(peer: Any) -> None:
        take_request(peer)
        peer.sendall(answer)

    with scripted_peer(script) as url, pytest.raises((ClaimStoreError, ClaimStoreRefusedError)) as caught:
        open_bucket(url, **changes).store().put(VALUE)
    return caught.value


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "SlowDown"),
        (503, "ServiceUnavailable"),
        (500, "InternalError"),
        (429, "TooManyRequests"),
        (400, "RequestTimeout"),
        (409, "OperationAborted"),
        (400, "ExpiredToken"),
        (403, "RequestTimeTooSkewed"),
        (400, "KMS.ThrottlingException"),
        (502, "BadGateway"),
    ],
)
def test_what_passes_is_waited_for(status: int, code: str):
    error = put_and_answer(refusal(status, code))
    assert isinstance(error, ClaimStoreError)
    assert error.code == code
    assert code in str(error)


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        (403, "AccessDenied", "s3:PutObject on arn:aws:s3:::large/sink/*"),
        (404, "NoSuchBucket", "aws.lambda.oversize.s3.bucket"),
        (403, "InvalidAccessKeyId", "access key"),
        (400, "AuthorizationHeaderMalformed", "another region"),
        (400, "KMS.DisabledException", "kms:GenerateDataKey"),
        (405, "MethodNotAllowed", None),
    ],
)
def test_what_only_a_change_ends_is_the_configurations_fault(status: int, code: str, hint: str | None):
    error = put_and_answer(refusal(status, code))
    assert isinstance(error, ClaimStoreRefusedError)
    assert (error.status, error.code) == (status, code)
    assert error.is_authorization == (status == 403)
    if hint:
        assert hint in (error.hint or "")


def test_a_bucket_in_another_region_than_the_function_is_written_to():
    requests: list[bytes] = []
    body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"
    head = b"HTTP/1.1 400 X\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"

    def send_elsewhere(peer: Any) -> None:
        requests.append(take_request(peer))
        peer.sendall(head % len(body) + body)

    def take(peer: Any) -> None:
        requests.append(take_request(peer))
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with scripted_peer(send_elsewhere, take) as url:
        open_bucket(url).store().put(VALUE)
    first, second = requests
    assert b"/us-east-1/s3/aws4_request" in first
    assert b"/eu-west-1/s3/aws4_request" in second
    assert VALUE.body in second


def test_a_wrong_secret_is_the_configurations_fault():
    error = put_and_answer(refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match"))
    assert isinstance(error, ClaimStoreRefusedError)
    assert "secret access key" in (error.hint or "")


def test_a_key_of_kms_that_is_not_allowed_is_named():
    error = put_and_answer(refusal(403, "AccessDenied", "not authorized to perform: kms:GenerateDataKey"))
    assert isinstance(error, ClaimStoreRefusedError)
    assert "kms:GenerateDataKey" in (error.hint or "")


def test_keys_that_were_rotated_meanwhile_are_no_fault(tmp_path: Path):
    credentials = tmp_path / "credentials"
    text = "[default]\naws_access_key_id = {}\naws_secret_access_key = s\n"
    credentials.write_text(text.format("AKIAOLD"), encoding="utf-8")

    def script(peer: Any) -> None:
        take_request(peer)
        credentials.write_text(text.format("AKIANEW"), encoding="utf-8")
        peer.sendall(refusal(403, "InvalidAccessKeyId"))

    with scripted_peer(script) as url, pytest.raises(ClaimStoreError):
        open_bucket(url, access_key_id=None, secret_access_key=None).store().put(VALUE)


def test_the_permission_for_the_look_at_start_is_named():
    def script(peer: Any) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with scripted_peer(script) as url, pytest.raises(ClaimStoreRefusedError) as caught:
        open_bucket(url).check()
    assert caught.value.is_authorization
    assert caught.value.hint == "Allow s3:ListBucket on arn:aws:s3:::large for the principal of these credentials"


# --- no answer -------------------------------------------------------------------------------------------------------


def test_an_endpoint_that_is_away_is_waited_for():
    with scripted_peer() as url:
        pass
    with pytest.raises(ClaimStoreError) as caught:
        open_bucket(url).check()
    assert caught.value.code == "ConnectFailed"
    assert caught.value.hint


def test_no_credentials_are_the_configurations_fault():
    with scripted_peer() as url:
        pass
    with pytest.raises(ClaimStoreRefusedError) as caught:
        open_bucket(url, access_key_id=None, secret_access_key=None).check()
    assert caught.value.code == NO_CREDENTIALS


def test_an_endpoint_that_is_no_url_is_refused():
    with pytest.raises(ConfigError) as caught:
        open_bucket("nonsense")
    assert caught.value.problems[0].key == "aws.lambda.oversize.s3.endpoint.url"


class Hanging:
    """A peer that takes a request and is silent until it is told to go."""

    def __init__(self) -> None:
        self.taken = threading.Event()
        self.go = threading.Event()

    def __call__(self, peer: Any) -> None:
        take_request(peer)
        self.taken.set()
        self.go.wait(20)


def test_an_answer_that_does_not_come_ends_at_the_deadline():
    hanging = Hanging()
    with scripted_peer(hanging) as url:
        store = BucketStore(open_bucket(url), patience=0.2)
        with pytest.raises(ClaimStoreError) as caught:
            store.put(StoredValue(key="k", body=b"{}", content_type="application/json"))
        hanging.go.set()
    assert caught.value.code == "ReadTimeout"


def test_an_abort_leaves_it_behind_at_once():
    hanging = Hanging()
    outcomes: list[BaseException] = []
    with scripted_peer(hanging) as url:
        store = open_bucket(url).store()

        def put() -> None:
            try:
                store.put(VALUE)
            except InvocationAborted as error:
                outcomes.append(error)

        thread = threading.Thread(target=put)
        thread.start()
        assert hanging.taken.wait(10)
        store.abort()
        thread.join(5)
        assert not thread.is_alive()
        hanging.go.set()
    assert len(outcomes) == 1
    with pytest.raises(InvocationAborted):
        store.put(VALUE)
