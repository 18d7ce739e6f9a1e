"""Pipelines as the coordinator asks for them: one partition, one epoch each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.connector.claims import Claims
from kafka_lambda_sink.connector.conversion import Conversions
from kafka_lambda_sink.connector.request_formats import ContractMaker
from kafka_lambda_sink.contracts.assembly import BatchAssembler, BatchLimits
from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.core.errors import TransientInvocationError
from kafka_lambda_sink.core.ports import ClaimStore, Clock, Fetcher, Invoker, Position
from kafka_lambda_sink.core.record import TopicPartition
from kafka_lambda_sink.core.recovery import RecoveryPolicy, RetryScope
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.core.start import OffsetReset
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.assignment import Assignment
from kafka_lambda_sink.pipeline.counters import CounterBook
from kafka_lambda_sink.pipeline.delivery import Delivery
from kafka_lambda_sink.pipeline.in_order import InOrder
from kafka_lambda_sink.pipeline.judgement import Judge, Policy
from kafka_lambda_sink.pipeline.partition import IDLE, PartitionPipeline, PartitionSettings
from kafka_lambda_sink.pipeline.progress import PartitionProgress
from kafka_lambda_sink.pipeline.recovery import Recovery
from kafka_lambda_sink.pipeline.report_budget import ReportBudget

#: A record above the batch limit is tried alone up to Lambda's own limit: 6 MiB sync, 1 MiB async.
_SINGLE_MAX_BYTES: Final = {"sync": 6_291_456, "async": 1_048_576}

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
        tp = assignment.tp
        progress = PartitionProgress(tp, on_drained, self.budget)
        counters = self.counters.of(tp)
        store = self.claims.store() if self.claims else None
        delivery, assembler = self._delivery(progress), self._assembler(tp, store)
        function = self.config.function_of(tp.topic)
        policy = self.policies[function]
        state = assignment.start.state if isinstance(assignment.start, Position) else None
        judge = Judge(progress, policy, self.open_contract(tp, state), counters, self.alarms)
        deliverer = InOrder(
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
        return PartitionPipeline(
            progress=progress,
            start=assignment.start,
            open_fetcher=lambda: self.open_fetcher(tp),
            deliverer=deliverer,
            settings=self._settings(),
            alarms=self.alarms,
        )

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
        counters = self.counters.of(progress.tp)

        def on_retry(error: TransientInvocationError, attempt: int, wait: float) -> None:
            counters.retries += 1
            counters.ambiguous += error.may_have_run
            progress.retrying()
            self.alarms.invocation_retried(progress.tp, error, attempt, wait)

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
        return PartitionSettings(
            batch_size=self.config.aws_lambda_batch_size,
            idle=self.idle,
            may_drop=self.conversions.may_drop,
            batch_window=self.config.aws_lambda_batch_window_ms / 1000,
            offset_reset=OffsetReset(self.config.auto_offset_reset),
        )
