"""One task of one connector: wired, started and stopped in order."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.connector.background import in_background
from kafka_lambda_sink.connector.claims import open_claims
from kafka_lambda_sink.connector.client_properties import refused_properties
from kafka_lambda_sink.connector.conversion import Conversions
from kafka_lambda_sink.connector.functions import Functions
from kafka_lambda_sink.connector.pipelines import PipelineFactory
from kafka_lambda_sink.connector.report_sinks import ReportSinks
from kafka_lambda_sink.connector.request_formats import contract_maker, request_problems
from kafka_lambda_sink.connector.schema_registry import open_schema_registry
from kafka_lambda_sink.connector.sharing import Sharing
from kafka_lambda_sink.core.errors import ConfigError, InvocationAborted, KafkaLambdaSinkError, RetriableKafkaError
from kafka_lambda_sink.core.ports import Clock, TopicCatalog
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.state import PipelineState
from kafka_lambda_sink.core.task_id import ALONE, TaskId
from kafka_lambda_sink.kafka.catalog import AdminTopicCatalog
from kafka_lambda_sink.kafka.client_config import admin_config, fetcher_config, member_config
from kafka_lambda_sink.kafka.fetchers import Fetchers
from kafka_lambda_sink.kafka.group_member import ConsumerGroupMember
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.committer import Committer
from kafka_lambda_sink.pipeline.coordinator import Coordinator, CoordinatorSettings
from kafka_lambda_sink.pipeline.counters import CounterBook
from kafka_lambda_sink.pipeline.invoking_pool import InvokingPool
from kafka_lambda_sink.pipeline.stop_deadline import StopDeadline, StopStep
from kafka_lambda_sink.pipeline.topics import TopicWatch
from kafka_lambda_sink.telemetry.logs import get_logger

_log = get_logger(__name__)

#: The name of a static member.
_INSTANCE: Final = "group.instance.id"
#: Seconds between two commits.
_COMMIT_INTERVAL: Final = 1.0
#: Seconds between two looks at the source topics.
_TOPIC_INTERVAL: Final = 5.0
#: librdkafka's default, and the broker's for KIP-848.
_SESSION_TIMEOUT_MS: Final = 45_000
#: Seconds that a client may take to close; a producer is flushed so long once the coordinator has drained.
_CLOSE_TIMEOUT: Final = 2.0
#: Seconds that transient faults are waited out at start, all in all.
_START_TIMEOUT: Final = 60.0
#: Seconds until brokers that did not answer at start are asked again.
_START_PAUSE: Final = 1.0
#: Seconds after which a wait looks whether a stop was requested.
_TICK: Final = 0.25
#: libcurl, OpenSSL and JSON parsers run on these stacks.
_STACK_BYTES: Final = 1024 * 1024


class Task:
    """Runs one connector's configuration. `start`, then `join`; `request_stop` from anywhere.

    `open_catalog` makes the catalog of a cluster from `client_config.admin_config`: the demo's Kafka wants its own.
    `start_timeout` is how many seconds transient faults are waited out at start. Raises ConfigError where a client
    refuses its properties. `task_id` tells it from its siblings.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        clock: Clock,
        *,
        task_id: TaskId = ALONE,
        open_catalog: Callable[[Mapping[str, Any]], TopicCatalog] = AdminTopicCatalog,
        start_timeout: float = _START_TIMEOUT,
    ) -> None:
        config, clients = loaded.sink, loaded.clients
        client_id = task_id.name(config.name)
        refused = refused_properties(loaded) + request_problems(config)
        if refused:
            # A fetcher would tell it when its partition is opened: to that one alone, and in the middle of a run.
            raise ConfigError(refused)
        self._config = config
        self._clock = clock
        self._alarms = Alarms(clock)
        self._functions = Functions(config, clock)
        self._claims = open_claims(config, clock, self._functions.access)
        self._sinks = ReportSinks(config, clients, clock, self._alarms, open_catalog, task_id=task_id)
        self._group_id = clients.group_id
        coordinator: dict[str, str] = dict(clients.coordinator)
        if _INSTANCE in coordinator:
            coordinator[_INSTANCE] = task_id.name(coordinator[_INSTANCE])
        self._member_config = member_config(coordinator, group_id=clients.group_id, client_id=client_id)
        self._pool = InvokingPool(self._functions.invoker, clock, max_threads=config.task_max_threads)
        #: What has to be closed, in whatever way it ends.
        self._held = ExitStack()
        self._held.callback(self._close_producers)
        self._held.callback(self._close_fetchers)
        self._held.callback(self._pool.close)
        self._invoking: InvokingPool | None = None
        if config.aws_lambda_ordering != "partition":
            most = config.aws_lambda_max_in_flight_task
            self._invoking = InvokingPool(self._functions.invoker, clock, max_threads=most)
            self._held.callback(self._invoking.close)
        self._conversions = Conversions(config, loaded.transforms, clock, partial(open_schema_registry, loaded, clock))
        self._held.callback(self._conversions.close)
        self._admin_config = admin_config(clients.admin, client_id=client_id)
        self._fetchers = Fetchers(
            own_config=fetcher_config(clients.fetcher, group_id=clients.group_id, client_id=client_id),
            shared_config=fetcher_config(
                clients.fetcher, group_id=clients.group_id, client_id=client_id, is_shared=True
            ),
            admin_config=self._admin_config,
            most=config.task_max_fetchers,
            memory=config.memory_max_bytes,
            clock=clock,
        )
        self._open_catalog = open_catalog
        self._catalog: TopicCatalog
        self._watch: TopicWatch
        self._start_timeout = start_timeout
        self._member: ConsumerGroupMember | None = None
        self._coordinator: Coordinator | None = None
        self._coordinator_thread: threading.Thread | None = None
        self._stop = StopDeadline(clock, config.shutdown_timeout_ms / 1000)
        self.counters = CounterBook()

    def start(self) -> None:
        """Check the functions, prepare the report topics, join the group. Blocks for up to about a minute.

        Raises ConfigError, ConfigurationInvocationError, KafkaAuthorizationError for good; TransientInvocationError
        and RetriableKafkaError when the function or the brokers could not be reached in time; InvocationAborted when it
        was stopped meanwhile. Then everything is closed again.
        """
        threading.stack_size(_STACK_BYTES)
        for described in self._functions.describe():
            fields: dict[str, Any] = dict(described)
            _log.info("function", **fields)
        try:
            self._prepare_until_stopped()
            self._coordinator = self._build_coordinator()
            self._run(self._watch.run, "topics")
            for reporter in self._sinks.reporters:
                self._run(reporter.run, "reports")
            self._coordinator_thread = self._run(self._coordinator.run, "coordinator")
        except BaseException:
            if self._member is not None:
                self._member.close(_CLOSE_TIMEOUT)
            self._held.close()
            raise

    def request_stop(self) -> None:
        """Drain, report, commit, leave the group; give up a start that still waits. Returns at once."""
        self._stop.request()

    def join(self, timeout: float = math.inf) -> bool:
        """Wait until the task has ended and close what it held; whether it has ended.

        A stop ends by its deadline whatever happens. Where a broker hangs in the middle of a rebalance, the client
        holds the coordinator's thread for a minute: it is left behind then, and what it did not commit comes again.
        """
        thread = self._coordinator_thread
        assert thread is not None
        until = self._clock.monotonic() + timeout
        while thread.is_alive() and (left := self._stop.left(StopStep.CLOSE, until - self._clock.monotonic())):
            thread.join(min(left, _TICK))
        if thread.is_alive():
            if self._stop.left(StopStep.CLOSE):
                return False
            _log.warning("stopped without an answer of the group: what is not committed is delivered again")
        self._held.close()
        return True

    @property
    def coordinator(self) -> Coordinator:
        """States and failure, once started."""
        assert self._coordinator is not None
        return self._coordinator

    def states(self) -> dict[TopicPartition, tuple[PipelineState, Exception | None]]:
        """Each assigned partition's state and error; none before the start is through. Any thread.

        The error is also what keeps a partition waiting whose function is paused or away.
        """
        states = self._coordinator.states() if self._coordinator else {}
        return {
            tp: (state, self._functions.trouble(tp.topic) if state is PipelineState.RETRYING else error)
            for tp, (state, error) in states.items()
        }

    @property
    def source_partitions(self) -> int:
        """Partitions of all topics that are read, whoever of the group has them; 0 before that is known. Any thread."""
        return sum(topic.partitions for topic in self._watch.snapshot.values()) if self._coordinator else 0

    @property
    def failure(self) -> KafkaLambdaSinkError | None:
        """Why the task ended by itself, or None."""
        return self._coordinator.failure if self._coordinator else None

    def _prepare_until_stopped(self) -> None:
        """Prepare on a thread that a stop leaves behind: a question to who hangs may take longer than the stop has."""
        prepared = in_background(self._prepare, "start")
        while not prepared.done():
            if self._stop.requested.is_set():
                raise InvocationAborted
            wait([prepared], _TICK)
        prepared.result()

    def _prepare(self) -> None:
        """Ask the functions and the clusters what has to be known, and create report topics."""
        deadline = self._clock.monotonic() + self._start_timeout
        self._ask_until_answered(self._open, deadline)
        self._functions.prepare(self._stop.requested, self._start_timeout)
        if self._claims is not None:
            self._claims.prepare(self._stop.requested, self._start_timeout)
        self._ask_until_answered(self._watch.refresh, deadline)
        self._ask_until_answered(partial(self._sinks.prepare_topics, self._catalog), deadline)

    def _ask_until_answered(self, ask: Callable[[], None], deadline: float) -> None:
        """Brokers that start beside us answer a little later, and so do those who give tokens for them."""
        while True:
            try:
                ask()
            except RetriableKafkaError as error:
                if self._stop.requested.is_set() or self._clock.monotonic() >= deadline:
                    raise
                self._alarms.topics_unknown(error)
                self._stop.requested.wait(_START_PAUSE)
            else:
                return

    def _open(self) -> None:
        config = self._config
        self._catalog = self._open_catalog(self._admin_config)
        self._held.callback(self._catalog.close)
        self._watch = TopicWatch(self._catalog, config.topics, config.topics_pattern, _TOPIC_INTERVAL, self._alarms)
        self._held.callback(self._watch.stop)

    def _close_fetchers(self) -> None:
        self._fetchers.close(self._stop.left(StopStep.CLOSE, _CLOSE_TIMEOUT))

    def _close_producers(self) -> None:
        for reporter in self._sinks.reporters:
            reporter.stop(self._stop.left(StopStep.CLOSE, _CLOSE_TIMEOUT))

    def _build_coordinator(self) -> Coordinator:
        config = self._config
        session_timeout_ms = int(self._member_config.get("session.timeout.ms", _SESSION_TIMEOUT_MS))
        factory = PipelineFactory(
            config=config,
            group_id=self._group_id,
            policies={function: self._sinks.policy(function) for function in (*config.functions, None)},
            conversions=self._conversions,
            open_contract=contract_maker(config),
            open_fetcher=self._fetchers.own,
            invoking=self._invoking,
            open_invoker=self._functions.invoker,
            claims=self._claims,
            counters=self.counters,
            clock=self._clock,
            alarms=self._alarms,
        )
        sharing = Sharing(
            factory=factory,
            fetchers=self._fetchers,
            pool=self._pool,
            most=config.task_max_fetchers,
            count_others=lambda: self.coordinator.partition_count,
        )
        member = self._member = ConsumerGroupMember(self._member_config)
        return Coordinator(
            member=member,
            watch=self._watch,
            committer=Committer(
                member,
                self._clock,
                self._alarms,
                interval=_COMMIT_INTERVAL,
                session_timeout=session_timeout_ms / 1000,
            ),
            open_pipeline=sharing.open,
            clock=self._clock,
            stop=self._stop,
            settings=CoordinatorSettings(
                drain_timeout=config.rebalance_drain_timeout_ms / 1000,
                exit_on_partition_failed=config.on_partition_failed == "exit",
                has_several_functions=len(config.functions) > 1,
            ),
            alarms=self._alarms,
        )

    def _run(self, target: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread
