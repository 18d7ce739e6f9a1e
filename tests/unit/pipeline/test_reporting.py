import threading
from collections.abc import Callable

import pytest

from kafka_lambda_sink.core.errors import InvocationAborted, PermanentReportError, RetriableKafkaError
from kafka_lambda_sink.core.ports import Position, Report
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.report_budget import ReportBudget
from kafka_lambda_sink.pipeline.reporting import Reporter
from tests.support.fake_producer import FakeProducer
from tests.support.stepped_clock import SteppedClock
from tests.support.waiting import wait_until


def halve(report: Report) -> Report | None:
    """Cut the value to half, down to one byte."""
    value = report.value or b""
    return Report(report.topic, report.key, value[: len(value) // 2]) if len(value) > 1 else None


class Reporting:
    """A reporter with a partition that starts at 0, on producers that wait for the test."""

    def __init__(self, shrink: Callable[[Report], Report | None] = halve) -> None:
        self.clock = SteppedClock()
        self.producers: list[FakeProducer] = []
        self.alone: list[FakeProducer] = []
        self.alone_failures: list[Exception] = []
        self.build_failures: list[Exception] = []
        self.reporter = Reporter(self._build, self._build_alone, shrink, self.clock, Alarms(self.clock))
        self.budget = ReportBudget(1 << 20)
        self.progress = self.partition(0)

    def _build(self) -> FakeProducer:
        if self.build_failures:
            raise self.build_failures.pop()
        self.producers.append(FakeProducer())
        return self.producers[-1]

    def _build_alone(self) -> FakeProducer:
        if self.alone_failures:
            raise self.alone_failures.pop()
        self.alone.append(FakeProducer())
        return self.alone[-1]

    def partition(self, number: int) -> PartitionProgress:
        progress = PartitionProgress(TopicPartition("orders", number), lambda: None, self.budget)
        progress.start_at(Position(0), commit_now=False)
        return progress

    def send(self, end: int, *values: bytes, progress: PartitionProgress | None = None) -> None:
        reports = [Report("results", b"k", value) for value in values]
        self.reporter.send(progress or self.progress, Position(end), reports, sum(map(len, values)))

    @property
    def producer(self) -> FakeProducer:
        return self.producers[-1]

    @property
    def committable(self) -> int:
        position = self.progress.committable
        assert position is not None
        return position.offset

    def waiting(self) -> list[bytes | None]:
        return [produced.report.value for produced in self.producer.waiting]

    def step(self, after: float = 0.0) -> None:
        self.clock.step(after)
        self.reporter.step(0.0)


def test_records_are_delivered_when_all_their_reports_are_written():
    reporting = Reporting()
    reporting.send(2, b"a", b"b")
    first, second = reporting.producer.take()
    second.deliver()
    assert reporting.committable == 0
    first.deliver()
    assert reporting.committable == 2


def test_spans_written_out_of_order_are_committed_in_order():
    reporting = Reporting()
    reporting.send(1, b"a")
    reporting.send(2, b"b")
    first, second = reporting.producer.take()
    second.deliver()
    assert reporting.committable == 0
    first.deliver()
    assert reporting.committable == 2


def test_a_report_that_could_not_be_written_is_produced_again_after_a_while():
    reporting = Reporting()
    reporting.send(2, b"a", b"b")
    first, second = reporting.producer.take()
    first.fail()
    second.deliver()
    reporting.step()
    assert reporting.waiting() == []
    reporting.step(after=1.0)
    assert reporting.waiting() == [b"a"], "that one alone"
    assert reporting.committable == 0
    reporting.producer.deliver_all()
    assert reporting.committable == 2


def test_a_report_fails_again_and_again_and_is_never_given_up():
    reporting = Reporting()
    reporting.send(1, b"a")
    for _ in range(50):
        (produced,) = reporting.producer.take()
        produced.fail()
        reporting.step(after=1.0)
    reporting.producer.deliver_all()
    assert reporting.committable == 1
    assert reporting.progress.error is None


def test_what_is_too_large_together_is_written_one_by_one_and_whole():
    reporting = Reporting()
    reporting.send(2, b"1234", b"5678")
    for produced in reporting.producer.take():
        produced.fail(is_too_large=True)
    reporting.step()
    assert reporting.waiting() == []
    assert [produced.report.value for produced in reporting.alone[0].waiting] == [b"1234", b"5678"]
    reporting.alone[0].deliver_all()
    assert reporting.committable == 2


def test_a_report_too_large_alone_is_cut_at_once_until_it_fits():
    reporting = Reporting()
    reporting.send(1, b"12345678")
    reporting.producer.take()[0].fail(is_too_large=True)
    for expected in (b"12345678", b"1234", b"12"):
        reporting.step()
        (produced,) = reporting.alone[0].take()
        assert produced.report.value == expected
        if expected != b"12":
            produced.fail(is_too_large=True)
    produced.deliver()
    assert reporting.committable == 1


def test_what_is_refused_together_stops_only_the_partition_of_the_record_at_fault():
    reporting = Reporting()
    other = reporting.partition(1)
    reporting.send(2, b"good", b"bad")
    reporting.send(1, b"others", progress=other)
    for produced in reporting.producer.take():
        produced.fail(may_be_another=True)
    assert reporting.progress.is_open
    reporting.step()
    for produced in reporting.alone[0].take():
        if produced.report.value == b"bad":
            produced.fail(may_be_another=True)
        else:
            produced.deliver()
    reporting.step(after=10.0)
    assert isinstance(reporting.progress.error, PermanentReportError)
    assert reporting.committable == 0
    assert other.error is None
    assert other.committable == Position(1)
    assert not reporting.waiting()
    assert not reporting.alone[0].waiting


def test_a_fatal_lone_producer_is_replaced_too():
    reporting = Reporting()
    reporting.send(1, b"1234")
    reporting.producer.take()[0].fail(is_too_large=True)
    reporting.step()
    reporting.alone[0].take()[0].fail(is_fatal=True)
    reporting.step()
    reporting.step(after=1.0)
    assert len(reporting.alone) == 2
    reporting.alone[1].deliver_all()
    assert reporting.committable == 1


def test_a_report_too_large_even_after_cutting_stops_the_partition():
    reporting = Reporting()
    reporting.send(1, b"1")
    reporting.producer.take()[0].fail(is_too_large=True)
    reporting.step()
    reporting.alone[0].take()[0].fail(is_too_large=True)
    reporting.step(after=10.0)
    assert not reporting.waiting()
    assert not reporting.alone[0].waiting
    assert isinstance(reporting.progress.error, PermanentReportError)
    assert reporting.committable == 0


def test_a_permanent_failure_stops_its_partition_at_its_span_and_no_other():
    reporting = Reporting()
    other = reporting.partition(1)
    reporting.send(1, b"a")
    reporting.send(2, b"b")
    reporting.send(3, b"c")
    reporting.send(1, b"d", progress=other)
    first, second, third, fourth = reporting.producer.take()
    second.fail(is_permanent=True)
    for produced in (first, third, fourth):
        produced.deliver()
    assert reporting.progress.state is PipelineState.FAILED
    assert "results" in str(reporting.progress.error)
    assert reporting.committable == 1
    assert reporting.progress.is_drained
    assert other.committable == Position(1)
    assert other.error is None


def test_a_fatal_producer_is_replaced_and_everything_in_it_is_produced_again():
    reporting = Reporting()
    reporting.send(2, b"a", b"b")
    reporting.send(3, b"c")
    broken = reporting.producer
    oldest, *broken.waiting = broken.waiting
    oldest.fail(is_fatal=True)
    reporting.step()
    assert broken.is_closed
    reporting.step(after=1.0)
    assert len(reporting.producers) == 2, "what the broken one hands back says nothing of the new one"
    assert reporting.waiting() == [b"a", b"b", b"c"]
    reporting.producer.deliver_all()
    assert reporting.committable == 3


def test_a_report_that_meets_a_replaced_producer_does_not_break_its_successor():
    """A pipeline that is between two reports of one batch goes on with the producer that it began with."""
    reporting = Reporting()
    reporting.send(1, b"a")
    broken = reporting.producer
    (produced,) = broken.take()
    produced.fail(is_fatal=True)
    broken.before_produce = reporting.step
    reporting.send(2, b"b")
    reporting.step()
    reporting.step(after=1.0)
    assert len(reporting.producers) == 2
    assert reporting.waiting() == [b"a", b"b"]
    reporting.producer.deliver_all()
    assert reporting.committable == 2


def test_while_no_producer_can_be_built_nothing_is_given_up():
    reporting = Reporting()
    reporting.send(1, b"a")
    reporting.producer.take()[0].fail(is_fatal=True)
    reporting.build_failures.append(RetriableKafkaError("no broker"))
    with pytest.raises(RetriableKafkaError):
        reporting.step()
    reporting.step(after=1.0)
    assert reporting.waiting() == [b"a"]


def test_the_thread_outlives_a_producer_that_cannot_be_built(caplog):
    reporting = Reporting()
    reporting.send(1, b"a")
    reporting.producer.take()[0].fail(is_fatal=True)
    reporting.build_failures.append(RetriableKafkaError("no broker"))
    thread = threading.Thread(target=reporting.reporter.run)
    thread.start()
    try:
        wait_until(lambda: len(reporting.producers) == 2)
    finally:
        reporting.reporter.stop(0.0)
        thread.join(10)
    assert not thread.is_alive()
    assert "cannot write reports: trying again" in caplog.messages


def test_nothing_of_a_dead_epoch_is_produced():
    reporting = Reporting()
    reporting.progress.abandon()
    with pytest.raises(InvocationAborted):
        reporting.send(1, b"a")
    with pytest.raises(InvocationAborted):
        reporting.reporter.send_and_wait(reporting.progress, [Report("errors", None, b"e")])
    assert reporting.waiting() == []


def test_nothing_of_a_dead_epoch_is_produced_again(caplog):
    reporting = Reporting()
    reporting.send(1, b"a")
    reporting.send(2, b"b")
    reporting.send(3, b"c")
    early, late, never = reporting.producer.take()
    early.fail()
    reporting.progress.abandon()
    caplog.clear()
    late.fail()
    never.fail(is_permanent=True)
    reporting.step(after=10.0)
    assert reporting.waiting() == []
    assert caplog.messages == [], "it is somebody else's"


def test_a_late_delivery_report_of_a_dead_epoch_moves_nothing():
    reporting = Reporting()
    reporting.send(1, b"a")
    reporting.progress.abandon()
    reporting.producer.deliver_all()
    assert reporting.committable == 0


@pytest.mark.parametrize("end", ["written", "abandoned", "never"])
def test_a_stop_waits_for_its_error_record_or_the_end_of_the_epoch(end):
    reporting = Reporting()
    report = Report("errors", b"k", b"v")
    waiter = threading.Thread(target=reporting.reporter.send_and_wait, args=(reporting.progress, [report]))
    waiter.start()
    wait_until(lambda: reporting.producer.waiting)
    waiter.join(0.05)
    assert waiter.is_alive()
    if end == "written":
        reporting.producer.deliver_all()
    elif end == "abandoned":
        reporting.progress.abandon()
    else:
        reporting.producer.take()[0].fail(is_permanent=True)
    waiter.join(10)
    assert not waiter.is_alive()
    assert reporting.committable == 0, "it acknowledges nothing"


def test_an_error_record_that_cannot_be_written_now_is_produced_again_while_the_stop_waits():
    reporting = Reporting()
    report = Report("errors", b"k", b"v")
    waiter = threading.Thread(target=reporting.reporter.send_and_wait, args=(reporting.progress, [report]))
    waiter.start()
    wait_until(lambda: reporting.producer.waiting)
    reporting.producer.take()[0].fail()
    reporting.step(after=1.0)
    assert waiter.is_alive()
    reporting.producer.deliver_all()
    waiter.join(10)
    assert not waiter.is_alive()


def test_stopping_tells_how_many_reports_are_left_behind(caplog):
    reporting = Reporting()
    reporting.send(2, b"a", b"b")
    reporting.progress.abandon()
    reporting.reporter.stop(0.0)
    (line,) = [line for line in caplog.records if "left behind" in line.message]
    assert line.fields["left"] == 2


def test_a_report_that_cannot_be_produced_again_now_is_not_forgotten(caplog):
    reporting = Reporting()
    reporting.send(2, b"1234", b"5678")
    for produced in reporting.producer.take():
        produced.fail(is_too_large=True)
    reporting.alone_failures.append(RuntimeError("no producer"))
    reporting.step()
    assert [produced.report.value for produced in reporting.alone[0].waiting] == [b"5678"]
    reporting.step(after=1.0)
    assert [produced.report.value for produced in reporting.alone[0].waiting] == [b"5678", b"1234"]
    reporting.alone[0].deliver_all()
    assert reporting.committable == 2
    assert caplog.records


def test_a_bug_in_dealing_with_a_failed_report_stops_the_partition():
    def fails(_: Report) -> Report | None:
        raise ValueError("a bug")

    reporting = Reporting(shrink=fails)
    reporting.send(1, b"1234")
    reporting.producer.take()[0].fail(is_too_large=True)
    reporting.step()
    reporting.alone[0].take()[0].fail(is_too_large=True)
    assert isinstance(reporting.progress.error, PermanentReportError)
    assert reporting.committable == 0
