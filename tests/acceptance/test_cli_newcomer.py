"""What goes wrong in a first sink: what `check` says of it, as people read it, and how a start ends."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.local.endpoint import Function, InvokeEndpoint
from kafka_lambda_sink.local.handler import PythonHandler
from tests.support.broker import Broker
from tests.support.cluster import Cluster
from tests.support.command import run
from tests.support.sink_process import SinkProcess
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def endpoint():
    with InvokeEndpoint([Function(name="orders", handler=PythonHandler(lambda event: event), timeout=3)]) as running:
        yield running


@pytest.fixture
def first_sink(endpoint, cluster: Cluster):
    """The five keys of README.md, on a broker and a function that are there."""
    return {
        "name": "orders",
        "bootstrap.servers": cluster.bootstrap,
        "topics": cluster.create_topic(),
        "aws.lambda.function.name": "orders",
        "aws.lambda.region": "us-east-1",
        # Where an account has its own.
        "aws.lambda.endpoint.url": endpoint.url,
        "aws.access.key.id": "AKIALOCAL",
        "aws.secret.access.key": "secret",
    }


@pytest.fixture
def write(tmp_path):
    def file(properties):
        path = tmp_path / "sink.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in properties.items()), encoding="utf-8")
        return path

    return file


def words(text):
    """The text of tables, without their lines."""
    return " ".join(text.split())


def assert_both_end(path, code, *expected):
    """`check` and a start end alike, and both say what to do."""
    checked = run("check", "--config", path)
    assert checked.returncode == code, checked.stdout + checked.stderr
    assert "FAIL" in checked.stdout
    assert checked.stdout.splitlines()[-1] == "1 failed, 0 warnings"
    started = run("--config", path)
    assert started.returncode == code, started.stderr
    assert "Traceback" not in checked.stderr + started.stderr
    for text in (checked.stdout, started.stderr):
        assert all(each in words(text) for each in expected), text
    return checked.stdout, started.stderr


@pytest.mark.broker
@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("aws.lambda.region", "eu-west-1", "Check that orders exists in region eu-west-1 and in the account of these"),
        ("aws.lambda.function.name", "orderz", "Check that orderz exists in region us-east-1 and in the account of"),
    ],
    ids=["a wrong region", "a missing function"],
)
def test_2_the_function_is_not_there(first_sink, write, *, key, value, expected):
    assert_both_end(write(first_sink | {key: value}), 2, "ResourceNotFoundException", expected)


def test_a_region_that_nobody_knows_is_told_with_those_like_it(write):
    """Without a network a wrong name is only told by the SDK's list."""
    properties = {"name": "orders", "topics": "orders", "bootstrap.servers": "127.0.0.1:1"}
    path = write(properties | {"aws.lambda.function.name": "orders", "aws.lambda.region": "eu-wets-1"})
    done = run("check", "--offline", "--config", path)
    assert done.returncode == 0
    assert "region eu-wets-1: no region that the AWS SDK knows" in words(done.stdout)
    assert "eu-west-1" in words(done.stdout)
    assert done.stdout.splitlines()[-1] == "nothing failed, 1 warning"


@pytest.mark.broker
def test_2_an_unknown_key(first_sink, write):
    path = write(first_sink | {"aws.lambda.bach.size": "5"})
    checked, _ = assert_both_end(path, 2, "aws.lambda.bach.size", "Did you mean aws.lambda.batch.size?")
    assert "sink.properties:9" in checked


@pytest.mark.broker
def test_0_a_missing_topic_is_waited_for(first_sink, write, tmp_path, cluster: Cluster):
    missing = first_sink["topics"].replace("topic-", "topci-")
    properties = first_sink | {"name": missing, "topics": missing}
    done = run("check", "--config", write(properties))
    assert done.returncode == 0, done.stdout
    text = words(done.stdout)
    assert "does not exist: a connector waits for it" in text
    assert f"Create it, or correct the name: did you mean {first_sink['topics']}?" in text
    assert done.stdout.splitlines()[-1] == "ready to run, 1 warning"
    with SinkProcess(tmp_path, properties) as sink:
        wait_until(lambda: "waiting for source topics that do not exist" in sink.output(), 30)
        assert 'hint="Create them, or correct topics"' in sink.output()
        cluster.create_topic(name=missing)
        cluster.produce(missing, [b"1"])
        wait_until(lambda: cluster.committed(f"connect-{missing}", missing), 40, what="the topic is read")
        sink.stop()


@pytest.mark.broker
def test_3_a_wrong_password(first_sink, write, sasl_broker: Broker):
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    security = {
        "bootstrap.servers": sasl_broker.bootstrap,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.jaas.config": f'{login} username="sink" password="wr0ng-passw0rd";',
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(sasl_broker.ca_file),
    }
    texts = assert_both_end(
        write(first_sink | security), 3, "Authentication failed", "the user name and password that go with it"
    )
    assert all("wr0ng" not in text for text in texts)
