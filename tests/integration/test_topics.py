"""Topics that grow, vanish, come back, lose records, or hold transactions: A18, A20 to A23, and the first commit."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import Producer

from tests.support.checker import Expectation, Interruption, check
from tests.support.observation import Observation, calls_of
from tests.support.scenario import Build, Scenario, SlowEcho
from tests.support.sink_process import now_ms
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

PROTOCOLS = pytest.mark.parametrize("protocol", ["classic", "consumer"])
OUT_OF_RANGE = "position out of range: auto.offset.reset applied"


def protocol_keys(protocol: str) -> dict[str, Any]:
    """Brokers and clients that notice new partitions within a second."""
    return {"consumer_override_group_protocol": protocol, "consumer_override_metadata_max_age_ms": "1000"}


def wait_start_committed(run: Scenario) -> None:
    """Until the group has an offset for every partition."""
    run.timeline.wait_for(lambda sample: set(run.tps) <= set(sample.offsets), 20, what="committed the start")


def test_transactions_aborted_committed_and_open(scenario: Build):
    """A18: gaps are accepted, aborted records never sent, records behind an open transaction wait."""
    run = scenario()
    run.produce(5)
    run.cluster.produce_transaction(run.topic, [b'{"id":"aborted"}'] * 5, abort=True)
    run.cluster.produce_transaction(run.topic, [b'{"id":"committed-%d"}' % number for number in range(5)])
    opened = Producer({"bootstrap.servers": run.cluster.bootstrap, "transactional.id": uuid.uuid4().hex})
    opened.init_transactions(10)
    opened.begin_transaction()
    opened.produce(run.topic, b'{"id":"open"}', partition=0)
    opened.flush(10)
    run.produce(30)
    first_open = 5 + 6 + 6
    run.start()
    run.timeline.wait_for(lambda sample: sample.offsets.get(run.tps[0]) == first_open, 20, what="the open transaction")
    assert {offset for call in run.observe().calls for offset in call.offsets} == {*range(5), *range(11, 16)}
    opened.commit_transaction(10)
    # It returns before its marker is written.
    wait_until(lambda: run.cluster.end_offsets(run.topic)[0] == first_open + 1 + 30 + 1, what="the marker is written")
    report = run.finish()
    assert report.records == 5 + 5 + 1 + 30
    assert report.duplicated == 0


@PROTOCOLS
def test_partitions_that_are_added_are_read_from_their_first_record(scenario: Build, protocol: str):
    """A20: though `auto.offset.reset` is latest."""
    run = scenario(partitions=2, auto_offset_reset="latest", **protocol_keys(protocol))
    run.start()
    wait_start_committed(run)
    run.produce(30)
    run.added_partitions(4)
    run.produce(30)
    report = run.finish()
    assert report.records == 30 * 4 + 60
    assert report.duplicated == 0


@pytest.mark.parametrize("reset", ["earliest", "latest"])
def test_a_committed_offset_that_retention_has_overtaken(scenario: Build, reset: str):
    """A21: what was lost before we came is told, and the partition goes on as configured."""
    run = scenario(auto_offset_reset="earliest")
    run.produce(40)
    run.start()
    run.wait_committed()
    run.sinks[0].stop()
    run.remember()
    run.produce(60)
    run.cluster.delete_records(run.topic, 0, 70)
    again = run.start(auto_offset_reset=reset)
    told = again.wait_for_log(OUT_OF_RANGE)
    resumed = 70 if reset == "earliest" else 100
    assert (told["committed"], told["restarted_at"], told["skipped"]) == (40, resumed, resumed - 40)
    run.timeline.wait_for(lambda sample: sample.offsets[run.tps[0]] >= resumed, 20, what="the new start is committed")
    run.produce(10)
    report = run.finish(Expectation(begin={run.tps[0]: resumed}))
    assert report.duplicated == 0


def test_a_committed_offset_that_retention_has_overtaken_stops_the_partition(scenario: Build):
    """A21, `error`: that partition alone, and its offset stays."""
    run = scenario(partitions=2)
    run.produce(40)
    run.start()
    run.wait_committed()
    run.sinks[0].stop()
    run.delete_records(1, 40)
    run.produce(60)
    run.cluster.delete_records(run.topic, 1, 70)
    again = run.start(auto_offset_reset="error")
    told = again.wait_for_log("partition stopped")
    assert told["partition"] == 1
    run.timeline.wait_for(lambda sample: sample.offsets[run.tps[0]] == 100, 20, what="the other partition goes on")
    again.stop()
    run.check(Expectation(stopped={run.tps[1]: 40}))


def test_a_topic_that_is_created_again_within_a_second_is_read_from_its_first_record(scenario: Build):
    """A22: the old fetcher's position lies within the new log, and what is below must not be passed over."""
    run = scenario(echo=SlowEcho(0.05))
    run.produce(100)
    run.start()
    run.wait_committed()
    run.echo.seconds = 0.5
    run.produce(20)
    run.wait_calls(6)
    run.cluster.delete_topic(run.topic)
    began = now_ms()
    run.cluster.create_topic(name=run.topic)
    run.echo.seconds = 0.05
    run.produce(150)
    wait_delivered_again(run, 150, began)


@PROTOCOLS
def test_a_topic_that_is_created_again_after_a_while(scenario: Build, protocol: str):
    """A22: the group takes its partitions away in between."""
    run = scenario(partitions=2, **protocol_keys(protocol))
    run.produce(50)
    sink = run.start()
    run.wait_committed()
    run.cluster.delete_topic(run.topic)
    began = now_ms()
    sink.wait_for_log("waiting for source topics that do not exist")
    run.cluster.create_topic(2, name=run.topic)
    run.produce(70)
    wait_delivered_again(run, 70, began)


def wait_delivered_again(run: Scenario, count: int, began: int) -> None:
    """Until the incarnation since `began` is delivered; from its first record on, all the invariants hold."""
    owed = {(tp, offset) for tp in run.tps for offset in range(count)}

    def are_delivered() -> bool:
        calls = [call for call in calls_of(run.journal) if call.arrived >= began]
        return owed == {(call.tp, offset) for call in calls for offset in call.offsets}

    wait_until(are_delivered, 40, what="everything is delivered from the first record on", every=0.2)
    run.wait_committed()
    run.sinks[-1].stop()
    seen = run.observe()
    assert check(from_the_last_start(seen), Expectation()).violations == []
    assert sum(len(records) for records in seen.visible.values()) == count * run.partitions


def from_the_last_start(seen: Observation) -> Observation:
    """What happened since each partition's first record was delivered for the last time."""
    starts = {call.tp: call.arrived for call in seen.calls if call.offsets[0] == 0}
    return replace(
        seen,
        calls=[call for call in seen.calls if call.arrived >= starts[call.tp]],
        commits=[sample for sample in seen.commits if sample.at >= max(starts.values())],
        results=[written for written in seen.results or () if written.appended >= min(starts.values())],
    )


def test_a_topic_that_is_missing_at_the_start_is_waited_for(scenario: Build):
    """A23: and then read from its first record, though `auto.offset.reset` is latest."""
    run = scenario(partitions=2, is_created=False, auto_offset_reset="latest")
    sink = run.start()
    sink.wait_for_log("waiting for source topics that do not exist")
    run.cluster.create_topic(2, name=run.topic)
    run.produce(40)
    assert run.finish().duplicated == 0


def test_a_regular_expression_that_comes_to_match(scenario: Build):
    """A23: at first nothing, then one topic, then two; never the connector's own."""
    run = scenario(is_created=False, auto_offset_reset="latest")
    sink = run.start(topics=None, topics_regex=f"{run.name}-(?:more-)?source")
    sink.wait_for_log("waiting for source topics that do not exist")
    run.cluster.create_topic(name=run.topic)
    run.produce(40)
    run.wait_committed()
    more = run.cluster.create_topic(name=f"{run.name}-more-source")
    run.cluster.produce(more, [b'{"id":%d}' % number for number in range(30)])
    wait_until(lambda: delivered_of(run, more) == set(range(30)), 30, what="the second topic")
    sink.stop()
    assert run.cluster.committed(f"connect-{run.name}", more)[0].offset == 30


def delivered_of(run: Scenario, topic: str) -> set[int]:
    """Offsets of a topic's records that have been sent to the function."""
    return {offset for call in calls_of(run.journal) if call.tp.topic == topic for offset in call.offsets}


def test_what_arrives_after_the_start_at_latest_survives_a_kill_before_any_delivery(scenario: Build):
    """The start itself is committed at once, or the next run would begin behind these records."""
    run = scenario(partitions=2, echo=SlowEcho(30.0), auto_offset_reset="latest")
    run.produce(25)
    sink = run.start()
    wait_start_committed(run)
    assert run.timeline.samples[-1].offsets == dict.fromkeys(run.tps, 25)
    run.produce(30)
    run.wait_calls(2, running=True)
    at = sink.kill9()
    run.produce(5)
    run.echo.release()
    run.start()
    report = run.finish(Expectation(begin=dict.fromkeys(run.tps, 25), interruptions=[Interruption(at, at + 1000)]))
    assert report.lost == 0
