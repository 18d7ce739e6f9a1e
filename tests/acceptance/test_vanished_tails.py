"""Logs whose last records are gone: deleted before their time, compacted away, or never visible: A19."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.local.faults import FunctionErrorReply
from tests.support.checker import Expectation
from tests.support.scenario import Build, Scenario, SlowEcho
from tests.support.waiting import wait_until

pytestmark = pytest.mark.broker

OUT_OF_RANGE = "position out of range: auto.offset.reset applied"


def test_a_log_that_was_emptied_before_the_start(scenario: Build):
    """There is nothing to deliver, and no lag either."""
    run = scenario()
    run.produce(40)
    run.cluster.delete_records(run.topic, 0, 40)
    run.start()
    run.timeline.wait_for(lambda sample: sample.offsets.get(run.tps[0]) == 40, 20, what="committed to the end")
    run.produce(10)
    report = run.finish()
    assert (report.records, run.calls()) == (10, 1)


def test_a_tail_that_was_deleted_while_the_sink_was_away(scenario: Build):
    """The committed offset lies before the log, which is empty: it moves to the end without a record."""
    run = scenario()
    run.produce(40)
    run.start()
    run.wait_committed()
    run.sinks[0].stop()
    run.produce(30)
    run.remember()
    run.cluster.delete_records(run.topic, 0, 70)
    again = run.start()
    told = again.wait_for_log(OUT_OF_RANGE)
    assert (told["committed"], told["restarted_at"], told["skipped"]) == (40, 70, 30)
    run.timeline.wait_for(lambda sample: sample.offsets[run.tps[0]] == 70, 20, what="committed to the end")
    run.produce(10)
    report = run.finish(Expectation(begin={run.tps[0]: 70}))
    assert report.duplicated == 0


def test_a_tail_that_is_deleted_under_a_running_sink(scenario: Build):
    """What it has fetched it delivers; the rest is gone, and told so; the commits come to the end of the log."""
    # The broker sends a producer's batch at a time, and one of fifty fills the queue.
    run = scenario(
        echo=SlowEcho(30.0),
        consumer_override_max_partition_fetch_bytes="1000",
        consumer_override_queued_max_messages_kbytes="1",
    )
    for _ in range(8):
        run.produce(50)
    sink = run.start()
    run.wait_calls(1, running=True)
    run.remember()
    run.cluster.delete_records(run.topic, 0, 400)
    run.echo.release()
    told = sink.wait_for_log(OUT_OF_RANGE)
    assert told["restarted_at"] == 400
    assert 0 < told["skipped"] < 400
    run.wait_committed()
    run.produce(10)
    report = run.finish(Expectation(begin={run.tps[0]: 400}))
    assert report.duplicated == 0


def test_compaction_and_an_aborted_transaction_behind_the_committed_offset(scenario: Build):
    """Three records are left of thirty, with gaps; the log ends with what nobody ever sees."""
    run = scenario(is_created=False, behavior_on_error="log")
    run.cluster.create_topic(
        name=run.topic,
        cleanup_policy="compact",
        segment_ms="100",
        min_cleanable_dirty_ratio="0.0",
        max_compaction_lag_ms="100",
    )
    run.cluster.produce(run.topic, [(b"k", b'{"id":"k-%d"}' % number) for number in range(20)])
    run.remember()
    run.start()
    run.wait_committed()
    run.sinks[0].stop()
    again = [(b"k", b'{"id":"k-%d"}' % number) for number in range(20, 33)]
    run.cluster.produce(run.topic, [(b"a", b"1"), *again, (b"b", b"2"), *again, (b"k", None)])
    wait_until(lambda: offsets_after_compaction(run) == [20, 34, 48], 30, what="compaction", every=0.3)
    run.endpoint.faults.add(FunctionErrorReply("Unhandled", b'{"errorMessage":"as asked"}'), partition=0)
    sink = run.start()
    failed = sink.wait_for_log("batch failed")
    assert (failed["start_offset"], failed["end_offset"]) == (20, 49)
    run.wait_committed()
    assert run.timeline.samples[-1].offsets[run.tps[0]] > 49
    run.cluster.produce(run.topic, [(b"c", b"3")])
    report = run.finish(Expectation(behavior_on_error="log"))
    assert (report.records, report.duplicated) == (20 + 3 + 1, 0)


def offsets_after_compaction(run: Scenario) -> list[int | None]:
    """Of what is visible behind the first twenty, once a segment follows it: the newest is left alone."""
    run.cluster.produce_transaction(run.topic, [b'{"id":"aborted"}'], abort=True)
    return [offset for message in run.cluster.read_all(run.topic) if (offset := message.offset() or 0) >= 20]
