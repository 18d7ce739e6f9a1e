"""The `records` contract: an array that answers each record, in order; all of it, or the batch failed."""

from __future__ import annotations

from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract, Verdicts
from kafka_lambda_sink.contracts.reply import ReplyChecker
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import TopicPartition


class RecordsContract(ReplyContract):
    """A `ReplyContract` for one partition."""

    __slots__ = ("_check",)

    def __init__(self, tp: TopicPartition) -> None:
        self._check = ReplyChecker(tp).check

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """See ReplyContract."""
        return Verdicts(self._check(reply.payload, batch))
