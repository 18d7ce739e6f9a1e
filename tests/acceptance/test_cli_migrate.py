"""`migrate` as a process: a file of another connector, the check of what it became, and a sink that runs on it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from kafka_lambda_sink.config.properties import read_settings
from tests.support.cluster import Cluster
from tests.support.command import run
from tests.support.migrations import SAMPLES
from tests.support.observation import calls_of
from tests.support.scenario import SECRET, Build, Scenario
from tests.support.sink_process import SinkProcess
from tests.support.waiting import wait_until

BROKERS = "bootstrap.servers=broker.example.com:9092"


def test_the_file_is_written_once_and_passes_the_check(tmp_path: Path):
    out = tmp_path / "sink.properties"
    sample = SAMPLES / "event-source-mapping.json"
    done = run("migrate", sample, "--out", out, "--resolve", BROKERS, "--take-over-group", "orders-trigger")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "needs a decision" in done.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    checked = run("check", "--config", out, "--offline")
    assert checked.returncode == 0, checked.stdout
    before = out.read_text()
    again = run("migrate", sample, "--out", out)
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert out.read_text() == before


def test_without_out_the_file_is_standard_output_and_what_is_missing_fails_the_check(tmp_path: Path):
    done = run("migrate", SAMPLES / "main.tf")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "sink.properties"
    out.write_text(done.stdout, encoding="utf-8")
    assert "--resolve 'bootstrap.servers=" in done.stdout
    checked = run("check", "--config", out, "--offline")
    assert checked.returncode == 2
    assert "${bootstrap.servers}" in checked.stdout


def test_the_report_as_json_has_the_file_in_it():
    done = run("migrate", SAMPLES / "sam.yaml", "--only", "count-clicks", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["dialect"] == "SAM"
    assert "aws.lambda.function.name=count-clicks\n" in report["properties"]
    assert {"theirs": "KafkaBootstrapServers", "ours": "bootstrap.servers"} in report["mapped"]
    assert report["needs_a_decision"][0]["about"] == "SourceAccessConfigurations SASL_SCRAM_256_AUTH"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([SAMPLES / "sam.yaml"], "several in it: count-clicks, Orders-FromMsk"),
        ([SAMPLES / "sam.yaml", "--only", "nobody"], "no nobody in it, but count-clicks"),
        ([SAMPLES / "sam.yaml", "--resolve", "x"], "not KEY=VALUE"),
        ([SAMPLES / "none.json"], "does not exist"),
        ([SAMPLES.parent / "connectors" / "worker.properties"], "connector.class is missing"),
    ],
    ids=["several", "none of that name", "no pair", "no file", "a worker's"],
)
def test_2_for_what_cannot_be_migrated(words: list[Any], told: str):
    done = run("migrate", *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def migrated(here: Scenario, document: dict[str, Any], *options: str) -> SinkProcess:
    """A sink that runs on what `migrate` made, with the endpoint and the keys of a test beside it."""
    source, out = here.directory / "theirs.json", here.directory / "ours.properties"
    source.write_text(json.dumps(document), encoding="utf-8")
    done = run("migrate", source, "--out", out, *options)
    assert done.returncode == 0, done.stderr
    settings = {setting.key: setting.value for setting in read_settings(out).settings}
    local = {
        "aws.lambda.endpoint.url": here.endpoint.url,
        "aws.access.key.id": "AKIALOCAL",
        "aws.secret.access.key": SECRET,
        "log.format": "json",
    }
    return SinkProcess(here.directory, settings | local)


@pytest.mark.broker
def test_confluent_s_file_runs_and_goes_on_with_its_group(scenario: Build, cluster: Cluster):
    here = scenario()
    assert here.results is not None
    here.produce(10)
    document = {
        "name": here.name,
        "config": {
            "connector.class": "io.confluent.connect.aws.lambda.AwsLambdaSinkConnector",
            "topics": here.topic,
            "aws.lambda.function.name": "echo",
            "aws.lambda.region": "us-east-1",
            "aws.lambda.batch.size": "4",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
            "reporter.bootstrap.servers": cluster.bootstrap,
            "reporter.result.topic.name": here.results,
            "reporter.error.topic.name": "",
        },
    }
    commit(cluster, f"connect-{here.name}", here.topic, 3)
    with migrated(here, document, "--resolve", f"bootstrap.servers={cluster.bootstrap}") as sink:
        here.wait_committed()
        sink.stop()
    assert [message.partition() for message in cluster.read_all(here.results)] == [0] * 7
    assert calls_of(here.journal)[0].payloads[0]["offset"] == 3
    assert len(calls_of(here.journal)[0].payloads) == 4


@pytest.mark.broker
def test_a_trigger_s_offsets_are_taken_over(scenario: Build, cluster: Cluster):
    here = scenario(has_results=False)
    here.produce(10)
    group = f"trigger-of-{here.name}"
    commit(cluster, group, here.topic, 6)
    document = {
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:echo",
        "Topics": [here.topic],
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [cluster.bootstrap]}},
        "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": group},
        "StartingPosition": "TRIM_HORIZON",
        "State": "Disabled",
    }
    with migrated(here, document, "--take-over-group", group) as sink:
        sink.wait_for_log("assigned", 30)
        assert here.calls() <= 4
        wait_for_group(cluster, group, here.topic, 10)
        sink.stop()
    events = [json.loads(entry.body) for entry in here.journal.requests("RequestResponse")]
    assert {event["eventSource"] for event in events} == {"SelfManagedKafka"}
    offsets = [record["offset"] for event in events for record in event["records"][f"{here.topic}-0"]]
    assert offsets == [6, 7, 8, 9]


def commit(cluster: Cluster, group: str, topic: str, offset: int) -> None:
    reader = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": group})
    reader.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
    reader.close()


def wait_for_group(cluster: Cluster, group: str, topic: str, offset: int) -> None:
    wait_until(lambda: cluster.committed(group, topic)[0].offset == offset, 30, what=f"{group} at {offset}")
