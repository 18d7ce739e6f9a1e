"""Pipelines as the coordinator asks for them: one partition, one epoch each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.claims import Claims
from kafka_lambda_sink.connector.conversion import Conversions
from kafka_lambda_sink.connector.request_formats import ContractMaker
from kafka_lambda_sink.connector.side_by_side import SideBySide
from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract
from kafka_lambda_sink.core.ports import ClaimStore, Clock, Fetcher, Invoker, Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.recovery import RecoveryPolicy, RetryScope
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.core.start import OffsetReset
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.assignment import Assignment
from kafka_lambda_sink.pipeline.counters import CounterBook
from kafka_lambda_sink.pipeline.deliverer import Deliverer
from kafka_lambda_sink.pipeline.delivery import Delivery
from kafka_lambda_sink.pipeline.in_order import InOrder
from kafka_lambda_sink.pipeline.invoking_pool import InvokingPool
from kafka_lambda_sink.pipeline.judgement import Judge, Policy
from kafka_lambda_sink.pipeline.partition import IDLE, PartitionPipeline, PartitionSettings
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.recovery import Recovery
from kafka_lambda_sink.pipeline.report_budget import ReportBudget
from kafka_lambda_sink.pipeline.retry_telling import teller_of_retries
from kafka_lambda_sink.pipeline.unordered_progress import UnorderedProgress

#: A record above the batch limit is tried alone up to Lambda's own limit: 6 MiB sync, 1 MiB async.
_SINGLE_MAX_BYTES: Final = {"sync": 6_291_456, "async": 1_048_576}

#: Records of a fetch, at least, where they are more than one batch.
_SIDE_BY_SIDE: Final = 500

#: Memory for reports that wait to be written: 6,000 small results, so 100,000 a second where a write takes 50 ms.
#: Measured at 4 and 32 partitions: 4 MiB to 32 MiB cost the same within the noise, but for the memory.
_REPORT_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineFactory:
    """Everything that the pipelines of a task have in common."""

    config: SinkConfig
    #: The consumer group.
    group_id: str
    #: By the topic's function; that of None is for topics without.
    policies: Mapping[str | None, Policy]
    conversions: Conversions
    #: What reads the replies for a partition.
    open_contract: ContractMaker
    open_fetcher: Callable[[TopicPartition], Fetcher]
    #: Seconds that their fetches wait for a first record.
    idle: float = IDLE
    #: Invokes where several batches of a partition are in flight; None: one after another, in the partition's order.
    invoking: InvokingPool | None = None
    #: The invoker of a topic's function.
    open_invoker: Callable[[str], Invoker]
    #: Where the values of records go that are too large to be sent; None: nowhere.
    claims: Claims | None = None
    counters: CounterBook
    clock: Clock
    alarms: Alarms
    budget: ReportBudget = field(default_factory=lambda: ReportBudget(_REPORT_BYTES))

    def open(self, assignment: Assignment, on_drained: Callable[[], None]) -> PartitionPipeline:
        """A pipeline that has not started. The coordinator's thread."""
        store = self.claims.store() if self.claims else None
        assembler = self._assembler(assignment.tp, store)
        open_deliverer = self._in_order if self.invoking is None else partial(self._side_by_side, self.invoking)
        progress, deliverer = open_deliverer(assignment, on_drained, assembler, store)
        return PartitionPipeline(
            progress=progress,
            start=assignment.start,
            open_fetcher=lambda: self.open_fetcher(assignment.tp),
            deliverer=deliverer,
            settings=self._settings(),
            alarms=self.alarms,
        )

    def _in_order(
        self,
        assignment: Assignment,
        on_drained: Callable[[], None],
        assembler: BatchAssembler,
        store: ClaimStore | None,
    ) -> tuple[PartitionProgress, Deliverer]:
        tp = assignment.tp
        progress = PartitionProgress(tp, on_drained, self.budget)
        counters = self.counters.of(tp)
        delivery = self._delivery(progress)
        function = self.config.function_of(tp.topic)
        judge = Judge(progress, self.policies[function], self._contract(assignment), counters, self.alarms)
        return progress, InOrder(
            progress=progress,
            assembler=assembler,
            delivery=delivery,
            recovery=Recovery(
                delivery=delivery,
                assembler=assembler,
                judge=judge,
                progress=progress,
                counters=counters,
                clock=self.clock,
                alarms=self.alarms,
                policy=self._recovery_policy(),
                backoff=self._retry_policy(),
                contexts=self._contexts(tp, function),
            ),
            judge=judge,
            alarms=self.alarms,
            claims=store,
        )

    def _side_by_side(
        self,
        pool: InvokingPool,
        assignment: Assignment,
        on_drained: Callable[[], None],
        assembler: BatchAssembler,
        store: ClaimStore | None,
    ) -> tuple[PartitionProgress, Deliverer]:
        tp = assignment.tp
        start = assignment.start if isinstance(assignment.start, Position) else Position(0)
        progress = UnorderedProgress(tp, on_drained, self.budget, start.done, start.done_epoch)
        function = self.config.function_of(tp.topic)
        return progress, SideBySide(
            config=self.config,
            progress=progress,
            assembler=assembler,
            contract=self._contract(assignment),
            policy=self.policies[function],
            contexts=self._contexts(tp, function),
            retry=self._retry_policy(),
            recovery=self._recovery_policy(),
            pool=pool,
            counters=self.counters.of(tp),
            clock=self.clock,
            alarms=self.alarms,
            claims=store,
        ).open()

    def _contract(self, assignment: Assignment) -> ReplyContract:
        start = assignment.start
        return self.open_contract(assignment.tp, start.state if isinstance(start, Position) else None)

    def _contexts(self, tp: TopicPartition, function: str | None) -> CallContexts | None:
        """None where nothing goes beside the payload: the least work."""
        config = self.config
        contexts = CallContexts(
            tp=tp,
            connector=config.name,
            group=self.group_id,
            function=function or "",
            has_client_context=config.aws_lambda_client_context and config.aws_lambda_invocation_type == "sync",
            propagates_trace=config.aws_lambda_trace_propagate,
            names_executions=config.aws_lambda_durable_name,
        )
        return contexts if contexts.has_any or config.aws_lambda_tenant_id_from else None

    def _delivery(self, progress: PartitionProgress) -> Delivery:
        on_retry = teller_of_retries(progress, self.counters.of(progress.tp), self.alarms)
        return Delivery(self.open_invoker(progress.tp.topic), self._retry_policy(), self.clock, on_retry)

    def _retry_policy(self) -> RetryPolicy:
        config = self.config
        return RetryPolicy(
            max_attempts=config.aws_lambda_retry_max_attempts,
            timeout=config.aws_lambda_retry_timeout_ms / 1000,
            backoff=config.aws_lambda_retry_backoff_ms / 1000,
            backoff_max=config.aws_lambda_retry_backoff_max_ms / 1000,
        )

    def _recovery_policy(self) -> RecoveryPolicy:
        config = self.config
        return RecoveryPolicy(
            retries=config.aws_lambda_retry_function_errors,
            scope=RetryScope(config.aws_lambda_retry_scope),
            bisects=config.aws_lambda_bisect_on_error,
            max_attempts=config.aws_lambda_max_attempts,
            max_age_ms=config.aws_lambda_record_max_age_ms,
        )

    def _assembler(self, tp: TopicPartition, store: ClaimStore | None) -> BatchAssembler:
        config = self.config
        limits = BatchLimits(
            max_records=config.aws_lambda_batch_size,
            max_bytes=config.batch_max_bytes,
            single_max_bytes=_SINGLE_MAX_BYTES[config.aws_lambda_invocation_type],
        )
        claims = self.claims.check(self.conversions.replacer(tp), store) if self.claims and store else None
        return BatchAssembler(self.conversions.open(tp), limits, self.conversions.frame(tp), claims)

    def _settings(self) -> PartitionSettings:
        size = self.config.aws_lambda_batch_size
        return PartitionSettings(
            batch_size=size if self.invoking is None else max(size, _SIDE_BY_SIDE),
            idle=self.idle,
            may_drop=self.conversions.may_drop,
            batch_window=self.config.aws_lambda_batch_window_ms / 1000,
            offset_reset=OffsetReset(self.config.auto_offset_reset),
        )
