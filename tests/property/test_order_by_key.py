"""Whatever the order of events: each key in order, nothing lost, nothing committed that has no outcome."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, ReplyContract, Verdicts
from kafka_lambda_sink.core import commit_metadata
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import PayloadInvocationError, TransientInvocationError
from kafka_lambda_sink.core.ports import DeliveryFailure, InvokeReply, Position, Report
from kafka_lambda_sink.core.record import SourceRecord, next_offset
from kafka_lambda_sink.core.recovery import FOR_EVER, RecoveryPolicy, RetryScope
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.core.state import PipelineState
from tests.support.fake_producer import FakeProducer
from tests.support.picky_converter import PickyConverter
from tests.support.records import record
from tests.support.side_by_side import FAILED, Call, SideBySideDelivering

POISON = b"{not JSON "
numbers = st.integers(0, 20)
#: Now and then.
seldom = st.sampled_from([*[False] * 7, True])


class NamesTheGuilty(ReplyContract):
    """The reply is an array of the offsets that the function could not take."""

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        guilty = json.loads(reply.payload)
        offsets = [each.offset() for each in batch.records]
        failed = {index: RecordFailure("no") for index, offset in enumerate(offsets) if offset in guilty}
        return Verdicts([None if index in failed else b"%d" % offset for index, offset in enumerate(offsets)], failed)


class Life:
    """One epoch of the partition, and what the test sees of it from outside."""

    def __init__(self, log: list[SourceRecord], dropped: set[int], start: Position, options: dict[str, object]) -> None:
        self.log = log
        self.start = start
        self.dropped = dropped
        self.is_by_key = options["ordering"] == "key"
        #: Finished before, as its start says.
        self.before = {
            each for begin, end in ((-1, start.offset), *start.done) for each in range(begin, end)
        }  # fmt: skip
        self.lock = threading.Lock()
        #: Offsets, of results and errors that were given to the producer, and of those that were written.
        self.results: set[int] = set()
        self.errors: set[int] = set()
        self.written: set[int] = set()
        self.is_over = False
        self.wrong: list[str] = []
        self.run = SideBySideDelivering(
            [], start=start, contract=NamesTheGuilty(), began=self._began, producer=Witness(self),
            taken=lambda _: InvokeReply(200, b"[]"), tolerates=True,
            converter=PickyConverter(dropped), fetch_size=4, **options,  # type: ignore[arg-type]
        )  # fmt: skip
        self.run.fetcher.log = log
        self.arrived()

    def arrived(self) -> None:
        self.run.fetcher.end = next_offset(self.log[-1]) if self.log else 0

    def _began(self, call: Call) -> None:
        with self.lock:
            mine = [key for key in call.keys if key is not None and self.is_by_key]
            for other in self.run.in_flight:
                if other is not call and {*mine}.intersection(other.keys):
                    self.wrong.append(f"{call.offsets} overlaps {other.offsets}")
            sent = set(call.offsets)
            if call.offsets != sorted(sent):
                self.wrong.append(f"{call.offsets} are not in order")
            if self.before & sent:
                self.wrong.append(f"{call.offsets} were finished by a former owner")
            if not self.is_by_key:
                return
            for each in self.log:
                key = each.key()
                is_open = each.offset() not in self.before | self.dropped | self.results | self.errors | sent
                behind = [offset for offset, k in zip(call.offsets, call.keys, strict=True) if k and k.encode() == key]
                if is_open and behind and each.offset() < behind[-1] and not _is_poison(each):
                    self.wrong.append(f"{behind} before {each.offset()}")

    def produced(self, report: Report) -> None:
        with self.lock:
            if self.is_over:
                self.wrong.append("a dead epoch has reported")
            offsets = _offsets_of(report)
            if report.topic == "results":
                self.results |= offsets
            elif report.topic == "errors":
                if not offsets <= {each.offset() for each in self.log}:
                    self.wrong.append(f"{offsets} are told of, and there are no such records")
                self.errors |= offsets
            if self.results & self.errors:
                self.wrong.append(f"{self.results & self.errors} have two outcomes")

    def was_written(self, report: Report, failure: DeliveryFailure | None) -> None:
        if failure is None:
            self.written |= _offsets_of(report)

    def is_finished(self, offset: int) -> bool:
        return offset in self.before or offset in self.dropped or offset in self.written

    def commit(self) -> tuple[int, str] | None:
        taken = self.run.progress.take_committable()
        if taken is None:
            return None
        position, _ = taken
        assert position.offset >= self.start.offset
        beyond = {each for begin, end in position.done for each in range(begin, end)}
        for each in self.log:
            if each.offset() < position.offset or each.offset() in beyond:
                assert self.is_finished(each.offset()), f"{each.offset()} is committed by {position}"
        return position.offset, commit_metadata.encode("T", offset=position.offset, done=position.done)


class Witness(FakeProducer):
    """Tells a life what it is given, and what is written."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self._life = life

    def produce(self, report: Report, done: Callable[[DeliveryFailure | None], None]) -> None:
        self._life.produced(report)

        def told(failure: DeliveryFailure | None) -> None:
            self._life.was_written(report, failure)
            done(failure)

        super().produce(report, told)


class OrderByKey(RuleBasedStateMachine):
    """One partition; the broker, the function and the group are the test."""

    @initialize(
        ordering=st.sampled_from(["key", "key", "key", "unordered"]),
        behavior=st.sampled_from(["log", "log", "fail"]),
        batch_size=st.integers(1, 4),
        in_flight=st.integers(1, 4),
        max_records=st.sampled_from([3, 1000]),
        retries=st.sampled_from([0, 1, FOR_EVER, FOR_EVER]),
        scope=st.sampled_from(RetryScope),
        bisects=st.booleans(),
        max_age_ms=st.sampled_from([0, 0, 3000]),
        keys=st.text("ab.", min_size=1, max_size=12),
    )
    def begin(
        self,
        *,
        ordering: str,
        behavior: str,
        batch_size: int,
        in_flight: int,
        max_records: int,
        retries: int,
        scope: RetryScope,
        bisects: bool,
        max_age_ms: int,
        keys: str,
    ) -> None:
        self.options: dict[str, object] = {
            "ordering": ordering,
            "behavior": behavior,
            # A partition that is to stop waits for its error record.
            "topics": "results dead" if behavior == "fail" else "results errors dead",
            "batch_size": batch_size,
            "in_flight": in_flight,
            "max_records": max_records,
            "recovery": RecoveryPolicy(retries=retries, scope=scope, bisects=bisects, max_age_ms=max_age_ms),
            "retry": RetryPolicy(max_attempts=3),
        }
        self.log: list[SourceRecord] = []
        self.dropped: set[int] = set()
        self.group = (0, commit_metadata.encode("T"))
        self.lives: list[Life] = []
        self._start()
        self.arrive(keys, 0, "", 0)

    def _start(self) -> None:
        offset, metadata = self.group
        start = Position(offset, done=tuple(commit_metadata.done_of(metadata, offset)))
        self.life = Life(self.log, self.dropped, start, self.options)
        self.lives.append(self.life)
        self.run = self.life.run
        self.run.step()

    # --- the log ---

    @precondition(lambda self: self.run.progress.unfinished < 8)
    @rule(
        keys=st.text("ab.", min_size=1, max_size=6),
        gap=st.integers(0, 2),
        odd=st.sampled_from(["", "", "poison", "dropped"]),
        age=st.sampled_from([0, 0, 2500]),
    )
    def arrive(self, keys: str, gap: int, odd: str, age: int) -> None:
        offset = (self.log[-1].offset() if self.log else -1) + 1 + gap
        for number, key in enumerate(keys):
            is_odd = bool(odd) and number == len(keys) - 1
            value = POISON + b"%d" % offset if is_odd and odd == "poison" else b"{}"
            if is_odd and odd == "dropped":
                self.dropped.add(offset)
            stamp = (1, self.run.clock.now_ms() - age * (number % 2))
            self.log.append(record(offset, value, None if key == "." else key.encode(), timestamp=stamp))
            offset += 1
        self.life.arrived()
        if not self.run.is_stepping() and not self.run.has_ended:
            self.run.step()

    @precondition(lambda self: not self.run.is_stepping() and not self.run.has_ended)
    @rule()
    def fetch(self) -> None:
        self.run.step()

    # --- the function ---

    @precondition(lambda self: self.run.in_flight)
    @rule(which=numbers, how=st.sampled_from(["taken", "taken", "failed", "throttled", "refused", "too large"]))
    def answer(self, which: int, how: str) -> None:
        answers: dict[str, InvokeReply | Exception | None] = {
            "taken": None,
            "failed": FAILED,
            "throttled": TransientInvocationError("slow down", code="TooManyRequestsException", status=429),
            "refused": PayloadInvocationError("no", code="InvalidRequestContentException", status=400),
            "too large": PayloadInvocationError("no", code="RequestTooLargeException", status=413),
        }
        self.run.answer(*self._call(which).offsets, by=answers[how])

    @precondition(lambda self: self.run.in_flight)
    @rule(which=numbers, data=st.data())
    def name_the_guilty(self, which: int, data: st.DataObject) -> None:
        call = self._call(which)
        guilty = data.draw(st.lists(st.sampled_from(call.offsets), unique=True))
        self.run.answer(*call.offsets, by=InvokeReply(200, json.dumps(guilty).encode()))

    @precondition(lambda self: self.run.in_flight)
    @rule(fails=seldom)
    def answer_what_is_in_flight(self, *, fails: bool) -> None:
        for call in sorted(self.run.in_flight, key=lambda call: call.offsets):
            self.run.answer(*call.offsets, by=FAILED if fails else None)

    def _call(self, which: int) -> Call:
        calls = sorted(self.run.in_flight, key=lambda call: call.offsets)
        return calls[which % len(calls)]

    @precondition(lambda self: self.run.pool.later)
    @rule(seconds=st.sampled_from([0.1, 1.0, 20.0]))
    def pass_time(self, seconds: float) -> None:
        self.run.pass_time(seconds)

    @rule(is_busy=seldom)
    def keep_the_pool_busy_or_not(self, *, is_busy: bool) -> None:
        self.run.pool.is_busy = is_busy
        self.run.settle()

    # --- reports ---

    @precondition(lambda self: self.run.producer.waiting)
    @rule(which=numbers, how=st.sampled_from([*["written"] * 8, "again", "again", "refused"]))
    def report(self, which: int, how: str) -> None:
        waiting = self.run.producer.waiting
        produced = waiting.pop(which % len(waiting))
        if how == "written":
            produced.deliver()
        else:
            produced.fail(is_permanent=how == "refused")
        self.run.settle()

    @precondition(lambda self: self.run.producer.waiting)
    @rule()
    def write_all(self) -> None:
        self.run.producer.deliver_all()
        self.run.settle()

    @precondition(lambda self: self.run.reporter._again)
    @rule()
    def produce_again(self) -> None:
        self.run.clock.step(1)
        self.run.reporter.step(0.0)
        self.run.settle()

    # --- the group ---

    @rule(is_lost=seldom)
    def commit(self, *, is_lost: bool) -> None:
        committed = self.life.commit()
        if committed is not None and not is_lost:
            self.group = committed

    @rule(now=seldom, fails=st.booleans(), is_lost=seldom)
    def drain_and_start_again(self, *, now: bool, fails: bool, is_lost: bool) -> None:
        if not now and self.run.state() is not PipelineState.FAILED:
            return
        run = self.run
        run.drain()
        while run.in_flight:
            run.answer(*self._call(0).offsets, by=FAILED if fails else None)
        self._write_what_is_left()
        assert run.is_drained()
        assert not run.is_stepping()
        if not run.has_ended:
            run.step()
        assert run.has_ended
        self.commit(is_lost=is_lost)
        self._end()
        self._start()

    @rule(now=seldom)
    def lose_and_start_again(self, *, now: bool) -> None:
        if now:
            self._end()
            self._start()

    def _end(self) -> None:
        self.life.is_over = True
        self.run.abandon()
        self.run.producer.deliver_all()
        assert self.run.is_drained()
        assert not self.run.in_flight
        assert not self.run.is_stepping()

    def _write_what_is_left(self) -> None:
        self.run.pool.is_busy = False
        while self.run.producer.waiting or self.run.reporter._again:
            self.run.producer.deliver_all()
            # What is to be produced again.
            self.run.clock.step(1)
            self.run.reporter.step(0.0)
            self.run.settle()

    # --- what holds ---

    @invariant()
    def nothing_is_wrong(self) -> None:
        for life in self.lives:
            assert not life.wrong, life.wrong
        assert len(self.run.in_flight) <= int(str(self.options["in_flight"]))
        assert not (self.run.in_flight and self.run.is_drained())

    @invariant()
    def nothing_is_committed_without_outcome(self) -> None:
        self.life.commit()

    def teardown(self) -> None:
        if not self.lives:
            return
        if self.run.state() is PipelineState.FAILED:
            self.lose_and_start_again(now=True)
        run = self.run
        end = next_offset(self.log[-1]) if self.log else 0
        for _ in range(1000):
            position = run.progress.committable
            if position is not None and position.offset >= end:
                break
            self._write_what_is_left()
            if run.in_flight:
                run.answer(*self._call(0).offsets)
            elif not run.is_stepping():
                run.step()
            run.clock.step(20)
            run.reporter.step(0.0)
            run.settle()
        committed = self.life.commit()
        assert committed is not None
        assert committed[0] >= end, "all of it has its outcome"
        assert run.progress.unfinished == 0
        self.nothing_is_wrong()
        run.drain()
        assert run.is_drained()
        self._end()


def _is_poison(each: SourceRecord) -> bool:
    return (each.value() or b"").startswith(POISON)


def _offsets_of(report: Report) -> set[int]:
    if report.topic == "dead":
        return {int((report.value or b"").removeprefix(POISON))}
    key = json.loads(report.key or b"")
    return {key["offset"]} if report.topic == "results" else {*range(key["startOffset"], key["endOffset"])}


TestOrderByKey = OrderByKey.TestCase
TestOrderByKey.settings = settings(
    deadline=None, max_examples=150, stateful_step_count=60, suppress_health_check=[HealthCheck.too_slow]
)
