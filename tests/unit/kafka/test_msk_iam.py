from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kafka_lambda_sink.core.errors import ConfigError, RetriableKafkaError
from kafka_lambda_sink.kafka.msk_iam import SharedToken, Token, msk_token
from tests.support.running_task import capturing_log
from tests.support.token_signer import TokenSigner

LIFE = 900.0
STARTED = 1_000_000.0


class Signer:
    """Signs tokens that are numbered, at a time that is set."""

    def __init__(self) -> None:
        self.now = STARTED
        self.life = LIFE
        self.count = 0
        self.failure: Exception | None = None
        self.token = SharedToken(self.sign, lambda: self.now)

    def sign(self) -> Token:
        self.count += 1
        if self.failure is not None:
            raise self.failure
        return f"token-{self.count}", self.now + self.life


def test_a_token_is_shared_for_half_of_its_life():
    signer = Signer()
    assert signer.token("") == ("token-1", STARTED + LIFE)
    signer.now += 449
    assert signer.token("")[0] == "token-1"
    signer.now += 1
    assert signer.token("")[0] == "token-2"


def test_a_client_that_comes_back_at_four_fifths_of_what_was_left_never_gets_its_own_again():
    signer = Signer()
    signer.token()
    for age in range(0, 450, 10):
        signer.now = STARTED + age
        had, expires = signer.token()
        signer.now += 0.8 * (expires - signer.now)
        assert signer.token()[0] != had
        signer = Signer()
        signer.token()


def test_while_the_last_token_is_good_a_signer_that_fails_is_only_told():
    signer = Signer()
    signer.token()
    signer.failure = OSError("away")
    with capturing_log() as log:
        signer.now += 450
        assert signer.token()[0] == "token-1"
        signer.now += 59
        assert signer.token()[0] == "token-1"
        assert len(log.lines) == 1
        signer.now += 390
        assert signer.token()[0] == "token-1"
        signer.now += 1
        with pytest.raises(RetriableKafkaError, match="OSError: away") as caught:
            signer.token()
    assert caught.value.hint is not None
    lines = log.events("no new token for MSK's IAM authentication", level="warning", reason="OSError: away")
    assert len(lines) == len(log.lines) == 2
    assert "token-1" not in str(log)


def test_a_signer_that_failed_is_asked_again_after_a_pause():
    signer = Signer()
    signer.failure = OSError("away")
    for _ in range(3):
        with pytest.raises(RetriableKafkaError):
            signer.token()
    assert signer.count == 1
    signer.failure = None
    signer.now += 5
    assert signer.token()[0] == "token-2"


def test_a_clock_that_was_set_back_brings_a_new_token():
    signer = Signer()
    signer.token()
    signer.now -= 1
    assert signer.token()[0] == "token-2"


@pytest.mark.parametrize(
    ("failure", "life", "reason"),
    [
        # What the signer raises where the SDK's chain has nothing to offer.
        (AttributeError("'NoneType' object has no attribute 'access_key'"), LIFE, "AWS credentials were not found"),
        (None, 0.0, "expired already"),
    ],
)
def test_it_is_said_why_there_is_no_token(failure: Exception | None, life: float, reason: str):
    signer = Signer()
    signer.failure, signer.life = failure, life
    with pytest.raises(RetriableKafkaError, match=reason):
        signer.token()


def test_many_clients_at_once_make_one_signature():
    begun, go_on = threading.Event(), threading.Event()
    count = 0

    def sign() -> Token:
        nonlocal count
        count += 1
        begun.set()
        assert go_on.wait(10)
        return "token", STARTED + LIFE

    token = SharedToken(sign, lambda: STARTED)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(token, "") for _ in range(8)]
        assert begun.wait(10)
        go_on.set()
        assert {answer.result(10) for answer in answers} == {("token", STARTED + LIFE)}
    assert count == 1


@pytest.mark.parametrize(
    ("brokers", "environment", "region"),
    [
        (
            "b-1.c.x1.c2.kafka.eu-west-1.amazonaws.com:9098,b-2.c.x1.c2.kafka.eu-west-1.amazonaws.com:9098",
            {},
            "eu-west-1",
        ),
        ("boot-abc.c1.kafka-serverless.us-east-2.amazonaws.com:9098", {"AWS_REGION": "eu-west-1"}, "us-east-2"),
        ("b-1.c.x1.c2.kafka.cn-north-1.amazonaws.com.cn:9098", {}, "cn-north-1"),
        ("kafka.example.com:9098", {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ("kafka.example.com:9098", {"AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3"),
    ],
)
def test_the_region_is_the_brokers_or_the_environments(
    monkeypatch: pytest.MonkeyPatch, brokers: str, environment: dict[str, str], region: str
):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    signer = TokenSigner()
    signer.install(monkeypatch)
    assert msk_token(brokers)() == msk_token(brokers)()
    assert signer.regions == [region]


def test_without_a_region_it_is_said_what_to_set(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    TokenSigner().install(monkeypatch)
    with pytest.raises(ConfigError, match="AWS_REGION"):
        msk_token("kafka.example.com:9098")
