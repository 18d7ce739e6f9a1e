"""The driver on real pipelines over fakes of Kafka and of the function."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_lambda_sink.core.errors import ConfigurationInvocationError
from kafka_lambda_sink.core.ports import InvokeReply, Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.replay_item import Place, ReplayItem, ReplayRange, ranges_of
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.assignment import Assignment
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.pipeline.range_fetcher import RangeFetcher
from kafka_lambda_sink.pipeline.replay_driver import AT_ONCE, Opened, ReplayDriver
from kafka_lambda_sink.pipeline.replay_ledger import Absence, RangeOutcome, ReplayLedger
from tests.support.delivering import Delivering, key_of, orders
from tests.support.fake_group import FakePipeline
from tests.support.fakes import Answer
from tests.support.records import TP
from tests.support.waiting import wait_until

FAILED = InvokeReply(200, b'{"errorType":"Bad"}', function_error="Unhandled")


def ranges(*bounds: tuple[int, int], tp: TopicPartition = TP) -> list[ReplayRange]:
    return ranges_of(
        ReplayItem(place=Place(0, number), tp=tp, start=start, end=end, error_type="", names=frozenset(), written=0)
        for number, (start, end) in enumerate(bounds)
    )


class Driven:
    """A driver whose one pipeline is `delivering`'s."""

    def __init__(self, *script: Answer, holds_reports: bool = False) -> None:
        log = orders(*range(30))
        self.delivering = Delivering(
            log, *script, behavior="log", topics="results errors", holds_reports=holds_reports, tolerates=True
        )
        self.driver = ReplayDriver(self._open)

    def _open(self, tp: TopicPartition, own: Sequence[ReplayRange]) -> Opened:
        assert tp == TP
        delivering = self.delivering
        ledger = ReplayLedger(delivering.counters)
        pipeline = delivering.pipeline
        inner = delivering.fetcher
        pipeline._open_fetcher = lambda: RangeFetcher(inner, own, ledger, pipeline.drain)
        pipeline._start_from = Position(own[0].start)
        return Opened(pipeline, ledger)

    def run(self, *bounds: tuple[int, int]) -> list[RangeOutcome]:
        self.driver.drive(ranges(*bounds))
        outcomes: list[RangeOutcome] = []

        def is_over() -> bool:
            outcomes.extend(self.driver.step())
            return self.driver.is_over

        wait_until(is_over, what="the driver is over")
        self.driver.join(lambda: 5.0)
        return outcomes


def told(outcomes: Sequence[RangeOutcome]) -> list[tuple[int, int, int, Absence | None]]:
    return [(each.range.start, each.found, each.failed, each.absence) for each in outcomes]


def test_each_range_is_delivered_by_itself_and_nothing_else():
    driven = Driven()
    assert told(driven.run((2, 5), (5, 6), (20, 22))) == [(2, 3, 0, None), (5, 1, 0, None), (20, 2, 0, None)]
    assert driven.delivering.batches == [[2, 3], [4], [5], [20, 21]]
    assert [key_of(report)["offset"] for report in driven.delivering.written("results")] == [2, 3, 4, 5, 20, 21]
    assert driven.delivering.invoker.is_closed
    assert driven.delivering.fetcher.is_closed


def test_what_fails_again_is_reported_again_and_the_rest_goes_on():
    driven = Driven(FAILED)
    assert told(driven.run((2, 4), (10, 12))) == [(2, 2, 2, None), (10, 2, 0, None)]
    [error] = driven.delivering.written("errors")
    assert (key_of(error)["startOffset"], key_of(error)["endOffset"]) == (2, 4)
    assert driven.driver.failure is None


def test_an_outcome_waits_for_the_reports():
    driven = Driven(holds_reports=True)
    driven.driver.drive(ranges((2, 4)))
    driven.driver.step()
    wait_until(lambda: driven.delivering.progress.state is PipelineState.DRAINING, what="all is read")
    assert driven.driver.step() == []
    assert not driven.driver.is_over
    driven.delivering.producer.deliver_all()
    assert told(driven.driver.step()) == [(2, 2, 0, None)]
    assert driven.driver.is_over


def test_what_stops_a_partition_ends_the_run_and_leaves_the_rest():
    refused = ConfigurationInvocationError("no such function", code="ResourceNotFoundException", status=404)

    def echo(payload: bytes) -> InvokeReply:
        return InvokeReply(200, payload)

    driven = Driven(echo, refused)
    assert told(driven.run((2, 4), (10, 12), (14, 15))) == [(2, 2, 0, None)]
    assert driven.driver.failure is refused


def test_what_is_gone_is_an_outcome():
    driven = Driven()
    driven.delivering.fetcher.low = 10
    assert told(driven.run((2, 4), (12, 13))) == [(2, 0, 0, Absence.DELETED), (12, 1, 0, None)]


def test_a_drain_finishes_what_is_in_flight_and_leaves_the_rest():
    driven = Driven()

    def drain(payload: bytes) -> InvokeReply:
        driven.driver.drain()
        return InvokeReply(200, payload)

    driven.delivering.invoker.script.append(drain)
    assert told(driven.run((2, 4), (10, 12))) == [(2, 2, 0, None)]
    assert driven.delivering.batches == [[2, 3]]
    assert driven.driver.is_over


def test_a_range_that_a_drain_cuts_is_left_whole():
    driven = Driven()

    def drain(payload: bytes) -> InvokeReply:
        driven.driver.drain()
        return InvokeReply(200, payload)

    driven.delivering.invoker.script.append(drain)
    assert told(driven.run((2, 6))) == []
    assert driven.delivering.batches == [[2, 3]]


def test_some_partitions_run_at_a_time():
    opened: list[FakePipeline] = []

    def open_pipeline(tp: TopicPartition, own: Sequence[ReplayRange]) -> Opened:
        assert len(own) == 1
        pipeline = FakePipeline(Assignment(tp, None, 0, Position(0)), lambda: None)
        pipeline.progress.start_at(Position(0), commit_now=False)
        opened.append(pipeline)
        return Opened(pipeline, ReplayLedger(Counters()))

    driver = ReplayDriver(open_pipeline)
    partitions = [TopicPartition("orders", number) for number in range(AT_ONCE + 2)]
    driver.drive([range_ for tp in partitions for range_ in ranges((0, 1), tp=tp)])
    driver.step()
    assert len(opened) == driver.running == AT_ONCE
    assert all(pipeline.is_started for pipeline in opened)
    opened[0].progress.drain()
    driver.step()
    driver.step()
    assert [pipeline.assignment.tp for pipeline in opened] == partitions[: AT_ONCE + 1]
    driver.abandon()
    driver.step()
    assert driver.is_over
    assert len(opened) == AT_ONCE + 1
