"""What delivers several batches of a partition at a time, as the configuration has it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from kafka_lambda_sink.config.model import SinkConfig
from kafka_lambda_sink.contracts.assembly import BatchAssembler
from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract
from kafka_lambda_sink.core.lanes import KeyLanes, SendQueue, Unordered
from kafka_lambda_sink.core.ports import ClaimStore, Clock, Invoker
from kafka_lambda_sink.core.recovery import RecoveryPolicy, RetryScope
from kafka_lambda_sink.core.retry import RetryPolicy
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.pipeline.delivery import Delivery
from kafka_lambda_sink.pipeline.invoking_pool import InvokingPool
from kafka_lambda_sink.pipeline.judgement import Judge, Policy
from kafka_lambda_sink.pipeline.out_of_order import Hand, OutOfOrder, OutOfOrderSettings
from kafka_lambda_sink.pipeline.out_of_order_recovery import OutOfOrderRecovery, by_key, no_key
from kafka_lambda_sink.pipeline.retry_telling import teller_of_retries
from kafka_lambda_sink.pipeline.unordered_progress import UnorderedProgress


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """Opens the deliverer of one partition."""

    config: SinkConfig
    progress: UnorderedProgress
    assembler: BatchAssembler
    #: Asked by several threads at a time.
    contract: ReplyContract
    policy: Policy
    contexts: CallContexts | None
    retry: RetryPolicy
    recovery: RecoveryPolicy
    pool: InvokingPool
    counters: Counters
    clock: Clock
    alarms: Alarms
    claims: ClaimStore | None

    def open(self) -> OutOfOrder:
        """The deliverer."""
        config = self.config
        return OutOfOrder(
            progress=self.progress,
            assembler=self.assembler,
            queue=self._queue(),
            pool=self.pool,
            take_up=self._take_up,
            judge_of=self._judge,
            settings=OutOfOrderSettings(
                batch_size=config.aws_lambda_batch_size,
                max_in_flight=config.aws_lambda_max_in_flight,
                max_unfinished=config.aws_lambda_max_unfinished_records,
                max_unfinished_bytes=config.aws_lambda_max_unfinished_bytes,
                max_unfinished_age=config.aws_lambda_max_unfinished_age_ms / 1000,
            ),
            counters=self.counters,
            clock=self.clock,
            alarms=self.alarms,
            claims=self.claims,
        )

    @property
    def _keeps_keys(self) -> bool:
        return self.config.aws_lambda_ordering == "key"

    def _queue(self) -> SendQueue:
        return KeyLanes() if self._keeps_keys else Unordered()

    def _take_up(self, invoker: Invoker, counters: Counters, halt: threading.Event) -> Hand:
        delivery = Delivery(
            invoker, self.retry, self.clock, teller_of_retries(self.progress, counters, self.alarms), halt=halt
        )
        recovery = OutOfOrderRecovery(
            key_of=by_key if self._keeps_keys else no_key,
            delivery=delivery,
            assembler=self.assembler,
            judge=self._judge(counters),
            progress=self.progress,
            counters=counters,
            clock=self.clock,
            alarms=self.alarms,
            policy=self.recovery if self._keeps_keys else replace(self.recovery, scope=RetryScope.ALONE),
            backoff=self.retry,
            contexts=self.contexts,
        )
        return Hand(delivery, recovery)

    def _judge(self, counters: Counters) -> Judge:
        return Judge(self.progress, self.policy, self.contract, counters, self.alarms)
