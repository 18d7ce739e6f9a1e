"""The `none` contract: whatever a function that did not fail replies, it has taken the batch."""

from __future__ import annotations

from typing import Final

from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.ports import InvokeReply

_TAKEN: Final = Verdicts(())


class NoContract(ReplyContract):
    """A `ReplyContract` that looks at nothing and writes nothing."""

    __slots__ = ()

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:  # noqa: ARG002 - as said above
        """See ReplyContract."""
        return _TAKEN
