"""What is told of an invocation that is tried again."""

from __future__ import annotations

from collections.abc import Callable

from kafka_lambda_sink.core.errors import TransientInvocationError
from kafka_lambda_sink.pipeline.alarms import Alarms
from kafka_lambda_sink.pipeline.counters import Counters
from kafka_lambda_sink.pipeline.progress import PartitionProgress


def teller_of_retries(
    progress: PartitionProgress, counters: Counters, alarms: Alarms
) -> Callable[[TransientInvocationError, int, float], None]:
    """What `Delivery` calls with (error, attempt, seconds until the next) before each wait of one partition."""

    def on_retry(error: TransientInvocationError, attempt: int, wait: float) -> None:
        counters.retries += 1
        counters.ambiguous += error.may_have_run
        progress.retrying()
        alarms.invocation_retried(progress.tp, error, attempt, wait)

    return on_retry
