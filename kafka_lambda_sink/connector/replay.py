"""A replay: what failed goes through the function again, on pipelines like the connector's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Self

from kafka_lambda_sink.config.clients.translation import SecretProperties
from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.claims import open_claims
from kafka_lambda_sink.connector.client_properties import refused_properties
from kafka_lambda_sink.connector.conversion import Conversions
from kafka_lambda_sink.connector.functions import Functions
from kafka_lambda_sink.connector.patience import patiently
from kafka_lambda_sink.connector.pipelines import PipelineFactory
from kafka_lambda_sink.connector.replay_group import ReplayGroup
from kafka_lambda_sink.connector.replay_plan import ReplayPlan, ReportCounts, topics_of
from kafka_lambda_sink.connector.replay_source import SourceName, replay_source
from kafka_lambda_sink.connector.report_sinks import ReportSinks
from kafka_lambda_sink.connector.request_formats import contract_maker
from kafka_lambda_sink.connector.schema_registry import open_schema_registry
from kafka_lambda_sink.core.errors import ConfigError, InvocationAborted, KafkaLambdaSinkError, RetriableKafkaError
from kafka_lambda_sink.core.ports import Clock, Fetcher, Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.replay_item import ReplayItem, ReplayRange, Selection, ranges_of
from kafka_lambda_sink.kafka.catalog import AdminTopicCatalog
from kafka_lambda_sink.kafka.client_config import admin_config, fetcher_config
from kafka_lambda_sink.kafka.fetcher import PartitionFetcher
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.assignment import Assignment
from kafka_lambda_sink.pipeline.counters import CounterBook, Counters
from kafka_lambda_sink.pipeline.judgement import BehaviorOnError, Policy
from kafka_lambda_sink.pipeline.range_fetcher import RangeFetcher
from kafka_lambda_sink.pipeline.replay_driver import Opened, ReplayDriver
from kafka_lambda_sink.pipeline.replay_ledger import Absence, RangeOutcome, ReplayLedger
from kafka_lambda_sink.pipeline.reporting import Reporter
from kafka_lambda_sink.pipeline.stop_deadline import StopDeadline, StopStep

#: Seconds between two looks at what has become final, and between two commits.
_TICK: Final = 0.1
_COMMIT_INTERVAL: Final = 1.0
_COMMIT_TIMEOUT: Final = 10.0
_CLOSE_TIMEOUT: Final = 4.0
_START_TIMEOUT: Final = 60.0
#: libcurl, OpenSSL and JSON parsers run on these stacks.
_STACK_BYTES: Final = 1024 * 1024


@dataclass(slots=True)
class ReplaySummary:
    """What became of the items so far; an item is one report."""

    reports: ReportCounts
    #: All its records delivered, or dropped by a filter or transform.
    delivered: int = 0
    #: Some of its records failed again: there are new reports of those.
    failed: int = 0
    #: As `failed`, but there is no topic for the new report: this one stays open.
    kept: int = 0
    #: Outcomes of what the source does not have any more, whole or in part.
    gone: list[RangeOutcome] = field(default_factory=list)
    #: Nothing is left undone by a stop or a failure.
    is_finished: bool = False
    #: Whether all that is done could be written down; else some of it is replayed again.
    has_room: bool = True

    @property
    def handled(self) -> int:
        """Items that have an outcome."""
        return (
            self.delivered + self.failed + self.kept + sum(len(each.range.items) for each in self.gone if each.absence)
        )

    @property
    def is_clean(self) -> bool:
        """Whether all that was selected is delivered."""
        return self.is_finished and not (self.failed or self.kept or self.gone or self.reports.unreadable)


class Replay:
    """One run. `plan` or `run`, once; `request_stop` from anywhere. `with` closes it.

    The constructor raises ConfigError; connects to nobody.
    """

    def __init__(self, loaded: LoadedConfig, clock: Clock, name: SourceName, selection: Selection) -> None:
        self._loaded, self._config, self._clock = loaded, loaded.sink, clock
        self.source: Final = replay_source(loaded, name)
        refused = refused_properties(loaded)
        if refused:
            raise ConfigError(refused)
        self._stop = StopDeadline(clock, self._config.shutdown_timeout_ms / 1000)
        self._alarms = Alarms(clock)
        self._counters = CounterBook()
        self._held = ExitStack()
        self._group = ReplayGroup(self.source, clock, self._stop.requested)
        self._held.callback(lambda: self._group.close(self._stop.left(StopStep.LEAVE, _CLOSE_TIMEOUT)))
        self._catalog = AdminTopicCatalog(admin_config(loaded.clients.admin, client_id=self.source.client_id))
        self._held.callback(self._catalog.close)
        dead_letters = self._config.errors_deadletterqueue_topic_name
        self._plan = ReplayPlan(
            self.source,
            self._group,
            selection,
            selects=lambda topic: self._config.selects(topic) or topic == dead_letters,
            open_fetcher=partial(PartitionFetcher, config=self._fetcher_config(self.source.properties)),
            clock=clock,
            stop=self._stop.requested,
        )
        self._policy: Policy
        self._driver: ReplayDriver | None = None
        self.summary: Final = ReplaySummary(self._plan.counts)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close whatever was opened, within the deadline where a stop was requested."""
        self._held.close()

    def request_stop(self) -> None:
        """Finish the invocations in flight, mark what is done, end. Returns at once."""
        self._stop.request()

    @property
    def is_stopping(self) -> bool:
        """Whether `request_stop` was called."""
        return self._stop.requested.is_set()

    @property
    def counters(self) -> Counters:
        """Of all partitions; counts of records."""
        return self._counters.total()

    @property
    def left(self) -> int:
        """Items that are still to be replayed, about: those that are not read yet may not be selected."""
        return self._plan.unread + self.summary.reports.selected - self.summary.handled

    @property
    def running(self) -> int:
        """Partitions that are replayed now."""
        return self._driver.running if self._driver is not None else 0

    def plan(self) -> list[ReplayItem]:
        """What `run` would replay, in the order of its sources. Joins nothing, changes nothing. Blocks."""
        items = [item for portion in self._plan.portions(lambda: None) for item in portion]
        return sorted(items, key=lambda item: (item.tp, item.start))

    def run(self, tell: Callable[[str], None], on_progress: Callable[[], None]) -> None:
        """Replay. Blocks; calls `on_progress` some times a second, and `tell` with what a person wants to know.

        Raises what ends a start of the connector, ReplayIsActive, and what stopped a partition; `summary` tells what
        was done until then. A stop that was requested raises nothing.
        """
        threading.stack_size(_STACK_BYTES)
        try:
            self._run(tell, on_progress)
        except InvocationAborted:
            pass
        except KafkaLambdaSinkError:
            self._commit()
            raise
        refusal = self._commit()
        if self._driver is not None and self._driver.failure is not None:
            raise self._driver.failure
        if refusal is not None:
            hint = "It is replayed again by the next run."
            raise RetriableKafkaError(f"what is done could not be marked ({refusal})", hint=hint)

    def _run(self, tell: Callable[[str], None], on_progress: Callable[[], None]) -> None:
        if not self._group.has_topic():
            self.summary.is_finished = True
            return
        self._group.join(tell)
        driver = self._driver = ReplayDriver(self._opener())
        self._held.callback(driver.join, lambda: self._stop.left(StopStep.JOIN, _CLOSE_TIMEOUT))
        for portion in self._plan.portions(lambda: self._group.poll(0.0)):
            self._drive(driver, portion, tell, on_progress)
            if self.summary.handled < self.summary.reports.selected:
                return
        self.summary.is_finished = True

    # --- one portion ---

    def _drive(
        self,
        driver: ReplayDriver,
        items: Sequence[ReplayItem],
        tell: Callable[[str], None],
        on_progress: Callable[[], None],
    ) -> None:
        driver.drive(self._existing(ranges_of(items)))
        commit_at = self._clock.monotonic() + _COMMIT_INTERVAL
        is_draining = False
        while not driver.is_over:
            if self._stop.requested.is_set() and not is_draining:
                is_draining = True
                tell("Stopping: what is in flight is finished.")
                driver.drain()
            if is_draining and not self._stop.left(StopStep.DRAIN):
                driver.abandon()
            for outcome in driver.step():
                self._settle(outcome)
            on_progress()
            try:
                self._group.poll(_TICK)
            except BaseException:
                # Somebody else marks from now on.
                driver.abandon()
                raise
            if self._clock.monotonic() >= commit_at:
                self._group.commit_soon(self._plan.marks)
                commit_at = self._clock.monotonic() + _COMMIT_INTERVAL

    def _existing(self, ranges: Sequence[ReplayRange]) -> list[ReplayRange]:
        """Those whose partition exists; the others are settled."""
        topics = topics_of([item for range_ in ranges for item in range_.items])
        found = patiently(lambda: self._catalog.describe(topics), self._clock, self._stop.requested)
        existing = []
        for range_ in ranges:
            topic = found.get(range_.tp.topic)
            if topic is not None and range_.tp.partition < topic.partitions:
                existing.append(range_)
            else:
                self._settle(RangeOutcome(range_, absence=Absence.NO_TOPIC))
        return existing

    def _settle(self, outcome: RangeOutcome) -> None:
        """Count, and mark the reports whose records are delivered or have newer reports."""
        summary, count = self.summary, len(outcome.range.items)
        if outcome.absence is not None or outcome.cut:
            summary.gone.append(outcome)
        if outcome.absence is not None:
            return
        sinks = self._policy
        has_no_report = outcome.failed and sinks.errors is None and sinks.given_up is None
        if has_no_report or (outcome.errant and sinks.dead_letters is None):
            summary.kept += count
            return
        if outcome.failed or outcome.errant:
            summary.failed += count
        else:
            summary.delivered += count
        for item in outcome.range.items:
            self._plan.marks[item.place.partition].mark(item.place.offset)

    def _commit(self) -> str | None:
        refusal = self._group.commit(self._plan.marks, self._stop.left(StopStep.COMMIT, _COMMIT_TIMEOUT))
        self.summary.has_room = self._group.has_room
        return refusal

    # --- as a task, but for the coordinator ---

    def _opener(self) -> Callable[[TopicPartition, Sequence[ReplayRange]], Opened]:
        """Check the function and prepare the report topics. Blocks, and raises as the start of a task."""
        config, clock, loaded = self._config, self._clock, self._loaded
        functions = Functions(config, clock)
        functions.prepare(self._stop.requested, _START_TIMEOUT)
        sinks = ReportSinks(config, loaded.clients, clock, self._alarms, AdminTopicCatalog)
        patiently(lambda: sinks.prepare_topics(self._catalog), clock, self._stop.requested)
        conversions = Conversions(config, loaded.transforms, clock, partial(open_schema_registry, loaded, clock))
        self._held.callback(conversions.close)
        policies = {
            # Nothing that can be written down stops a replay: what fails again is for the next one.
            name: replace(sinks.policy(name), behavior_on_error=BehaviorOnError.LOG, tolerates_errant_records=True)
            for name in (*config.functions, None)
        }
        self._policy = policies[None]
        for reporter in sinks.reporters:
            self._held.callback(self._close_reporter, reporter)
            threading.Thread(target=reporter.run, name="reports", daemon=True).start()
        fetcher = self._fetcher_config(loaded.clients.fetcher)
        factory = PipelineFactory(
            config=config,
            # It names durable executions: one that has failed must not be what a replay is given.
            group_id=f"{self.source.group_id}-{clock.now_ms()}",
            policies=policies,
            conversions=conversions,
            open_contract=contract_maker(config),
            open_fetcher=lambda tp: PartitionFetcher(tp, fetcher),
            open_invoker=functions.invoker,
            claims=open_claims(config, clock, functions.access),
            counters=self._counters,
            clock=clock,
            alarms=self._alarms,
        )
        return partial(_open, factory)

    def _close_reporter(self, reporter: Reporter) -> None:
        reporter.stop(self._stop.left(StopStep.CLOSE, _CLOSE_TIMEOUT))

    def _fetcher_config(self, properties: SecretProperties) -> dict[str, Any]:
        return fetcher_config(properties, group_id=self.source.group_id, client_id=self.source.client_id)


def _open(factory: PipelineFactory, tp: TopicPartition, ranges: Sequence[ReplayRange]) -> Opened:
    """The pipeline of one partition, which drains itself behind the last range."""
    ledger = ReplayLedger(factory.counters.of(tp))

    def open_fetcher(_: TopicPartition) -> Fetcher:
        return RangeFetcher(factory.open_fetcher(tp), ranges, ledger, pipeline.drain)

    own = replace(factory, open_fetcher=open_fetcher)
    pipeline = own.open(Assignment(tp, None, 0, Position(ranges[0].start)), lambda: None)
    return Opened(pipeline, ledger)
