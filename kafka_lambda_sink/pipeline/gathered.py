"""Outcomes of a batch's records that come in another order than the records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kafka_lambda_sink.contracts.replies.verdicts import Result
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.outcome import BatchFailure


class GivenUp(NamedTuple):
    """Why a record is not sent again."""

    failure: BatchFailure
    #: Invocations that it was part of.
    attempts: int


class Gathered:
    """Takes outcomes as `pipeline.judgement.Judge` does, and keeps them until each record of the batch has its own."""

    def __init__(self, batch: Batch) -> None:
        self._indexes = {record.offset(): index for index, record in enumerate(batch.records)}
        #: Pairwise with the batch's records; None for those that failed.
        self.results: list[Result] = [None] * batch.count
        #: By index in the batch.
        self.failures: dict[int, GivenUp] = {}

    def delivered(self, batch: Batch, results: Sequence[Result]) -> None:
        """The function took these records."""
        for record, result in zip(batch.records, results, strict=True):
            self.results[self._indexes[record.offset()]] = result

    def failed(self, batch: Batch, failure: BatchFailure, attempts: int) -> None:
        """These records are given up."""
        for record in batch.records:
            self.failures[self._indexes[record.offset()]] = GivenUp(failure, attempts)
