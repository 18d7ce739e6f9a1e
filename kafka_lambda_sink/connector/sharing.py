"""Pipelines of partitions that are more than the consumers of the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from kafka_lambda_sink.connector.pipelines import PipelineFactory
from kafka_lambda_sink.core.ports import Fetcher
from kafka_lambda_sink.kafka.fetchers import Fetchers
from kafka_lambda_sink.pipeline.assignment import Assignment, Pipeline
from kafka_lambda_sink.pipeline.invoking_pool import InvokingPool
from kafka_lambda_sink.pipeline.partition import PartitionPipeline
from kafka_lambda_sink.pipeline.pooled import PooledPipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Opens a pipeline with a consumer and a thread of its own, or one that shares both where there are too many."""

    factory: PipelineFactory
    fetchers: Fetchers
    #: Steps the pipelines that share.
    pool: InvokingPool
    #: Consumers of the task.
    most: int
    #: Partitions that are the task's beside the one that is opened.
    count_others: Callable[[], int]

    def open(self, assignment: Assignment, on_drained: Callable[[], None]) -> Pipeline:
        """A pipeline that has not started. The coordinator's thread."""
        if self.count_others() < self.most:
            return self.factory.open(assignment, on_drained)

        def build(open_fetcher: Callable[[], Fetcher], wake: Callable[[], None]) -> PartitionPipeline:
            def on_drained_or_failed() -> None:
                on_drained()
                wake()

            # It is stepped when there is something to fetch: nobody waits for a first record.
            own = replace(self.factory, open_fetcher=lambda _: open_fetcher(), idle=0.0)
            return own.open(assignment, on_drained_or_failed)

        return PooledPipeline(self.pool, partial(self.fetchers.share, assignment.tp), build)
