"""`offsets` as a process: a group on a real broker is looked at and set, and a sink goes on there."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from kafka_lambda_sink.core import commit_metadata
from tests.support.cluster import Cluster
from tests.support.command import run
from tests.support.observation import calls_of
from tests.support.scenario import Build, Scenario
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

CONSUMER: dict[str, str | None] = {"consumer.override.group.protocol": "consumer"}


def offsets(scenario: Scenario, verb: str, *options: str) -> Any:
    return run("offsets", verb, "--config", scenario.directory / "sink0.properties", *options)


def shown(scenario: Scenario, *options: str) -> Any:
    done = offsets(scenario, "show", "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def by_partition(document: Any, field: str) -> dict[int, Any]:
    return {each["partition"]: each[field] for each in document["partitions"]}


def first_offsets(scenario: Scenario, calls_before: int) -> dict[int, int]:
    """Where the calls since then begin, by partition."""
    first: dict[int, int] = {}
    for call in calls_of(scenario.journal)[calls_before:]:
        for payload in call.payloads:
            first.setdefault(payload["partition"], payload["offset"])
    return first


@pytest.fixture
def delivered(scenario: Build) -> Callable[..., Scenario]:
    """A connector that has delivered ten records of each of two partitions, and was stopped."""

    def ran(**properties: str | None) -> Scenario:
        made = scenario(partitions=2, has_results=False)
        made.produce(10)
        sink = made.start(**properties)
        made.wait_committed()
        sink.stop()
        return made

    return ran


@pytest.mark.parametrize("protocol", [{}, CONSUMER], ids=["classic", "kip848"])
def test_refused_while_a_sink_runs_and_taken_up_by_the_next(
    scenario: Build, cluster: Cluster, protocol: dict[str, str | None]
):
    here = scenario(partitions=2, has_results=False)
    here.produce(10)
    sink = here.start(**protocol)
    here.wait_committed()

    running = shown(here)
    assert running["group"] == f"connect-{here.name}"
    assert [member["partitions"] for member in running["members"]] == [2]
    assert by_partition(running, "committed") == {0: 10, 1: 10}
    assert by_partition(running, "lag") == {0: 0, 1: 0}
    assert set(by_partition(running, "committed_for").values()) == {"this topic"}
    refused = offsets(here, "reset", "--to", "by-partition:0=3,1=99", "--execute")
    assert refused.returncode == 1
    assert "1 active member" in refused.stderr
    assert "Stop every process" in refused.stderr
    assert by_partition(shown(here), "committed") == {0: 10, 1: 10}

    sink.stop()
    wait_until(lambda: not shown(here)["members"], what="the group is empty", every=0.2)
    planned = offsets(here, "reset", "--to", "by-partition:0=3,1=99", "--json")
    assert planned.returncode == 0, planned.stderr
    plan = json.loads(planned.stdout)
    assert plan["executed"] is False
    assert by_partition(plan, "from") == {0: 10, 1: 10}
    assert by_partition(plan, "to") == {0: 3, 1: 10}
    assert by_partition(plan, "again") == {0: 7, 1: 0}
    assert by_partition(plan, "note") == {0: None, 1: "offset 99 is outside of the log: its end is taken"}
    assert by_partition(shown(here), "committed") == {0: 10, 1: 10}

    done = offsets(here, "reset", "--to", "by-partition:0=3,1=99", "--execute")
    assert done.returncode == 0, done.stderr
    assert "delivered again: 7" in done.stdout
    committed = cluster.committed(f"connect-{here.name}", here.topic)
    assert {partition: tp.offset for partition, tp in committed.items()} == {0: 3, 1: 10}
    assert all(commit_metadata.topic_id_of(tp.metadata or "") for tp in committed.values())
    before = len(calls_of(here.journal))
    here.produce(1)
    again = here.start(**protocol)
    here.wait_committed()
    again.stop()
    assert first_offsets(here, before) == {0: 3, 1: 10}


def test_a_time_leads_to_the_first_record_that_is_not_older(delivered: Callable[..., Scenario], cluster: Cluster):
    here = delivered()
    between = max(record.timestamp()[1] for record in cluster.read_all(here.topic)) + 1
    wait_until(lambda: datetime.now(UTC).timestamp() * 1000 > between, every=0.001)
    cluster.produce(here.topic, [b"{}"], partition=1)
    at = datetime.fromtimestamp(between / 1000, UTC).isoformat()
    done = offsets(here, "reset", "--to", f"datetime:{at}", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert by_partition(plan, "to") == {0: 10, 1: 10}
    assert by_partition(plan, "note") == {0: "no record is as new: the end is taken", 1: None}
    plan = json.loads(offsets(here, "reset", "--to", "duration:PT1H", "--partition", "1", "--json").stdout)
    assert by_partition(plan, "to") == {1: 0}
    assert by_partition(plan, "again") == {1: 10}


def test_a_topic_created_again_is_told_and_a_reset_is_about_the_new_one(
    delivered: Callable[..., Scenario], cluster: Cluster
):
    here = delivered()
    old = {partition: tp.metadata for partition, tp in cluster.committed(f"connect-{here.name}", here.topic).items()}
    cluster.delete_topic(here.topic)
    absent = offsets(here, "show")
    assert absent.returncode == 0, absent.stderr
    assert f"The topic {here.topic} does not exist." in absent.stdout
    nothing = offsets(here, "reset", "--to", "earliest", "--execute")
    assert nothing.returncode == 1
    assert f"there is nothing to set: {here.topic} does not exist" in nothing.stderr
    cluster.create_topic(2, name=here.topic)
    cluster.produce_each(here.topic, {0: [b"{}"] * 4, 1: [b"{}"] * 4})
    # Kafka 4 forgets the offsets of a deleted topic, older brokers do not: as those.
    reader = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": f"connect-{here.name}"})
    reader.commit(
        offsets=[TopicPartition(here.topic, number, 10, metadata=text) for number, text in old.items()],
        asynchronous=False,
    )
    reader.close()
    state = shown(here)
    assert by_partition(state, "committed_for") == {0: "a deleted topic", 1: "a deleted topic"}
    assert by_partition(state, "lag") == {0: 4, 1: 4}
    done = offsets(here, "reset", "--to", "offset:2", "--execute")
    assert done.returncode == 0, done.stderr
    assert "10 is committed, for a deleted topic, and is not used" in done.stdout
    new = {partition: tp.metadata for partition, tp in cluster.committed(f"connect-{here.name}", here.topic).items()}
    assert old.keys() == new.keys()
    assert all(old[partition] != new[partition] for partition in old)
    before = len(calls_of(here.journal))
    sink = here.start()
    here.wait_committed()
    sink.stop()
    assert first_offsets(here, before) == {0: 2, 1: 2}


def test_before_the_first_start_the_plan_is_about_auto_offset_reset(
    delivered: Callable[..., Scenario], cluster: Cluster, tmp_path: Path
):
    here = delivered()
    config = tmp_path / "sink0.properties"
    config.write_text(config.read_text() + "name=never-started\nauto.offset.reset=latest\n", encoding="utf-8")
    state = shown(here)
    assert by_partition(state, "committed") == {0: None, 1: None}
    assert by_partition(state, "lag") == {0: 0, 1: 0}
    done = offsets(here, "reset", "--to", "earliest", "--execute")
    assert done.returncode == 0, done.stderr
    assert "nothing is committed: auto.offset.reset=latest" in done.stdout
    assert {tp.offset for tp in cluster.committed("connect-never-started", here.topic).values()} == {0}


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--to", "yesterday"], 2, "none of earliest|latest"),
        (["--to", "latest", "--topic", "other"], 1, "does not read other"),
        (["--to", "latest", "--partition", "7"], 1, "partition 7"),
        (["--to", "by-partition:5=1"], 1, "partition 5"),
        (["--to", "latest", "--set", "bootstrap.servers=127.0.0.1:1"], 1, "Connection refused"),
        (["--to", "latest", "--set", "aws.lambda.bach.size=1"], 2, "aws.lambda.batch.size"),
        ([], 2, "--to"),
    ],
    ids=["target", "topic", "partition", "by-partition", "no broker", "configuration", "no target"],
)
def test_what_is_wrong_is_told(scenario: Build, options: list[str], code: int, words: str):
    here = scenario(has_results=False)
    here.start().kill9()
    done = offsets(here, "reset", *options)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
