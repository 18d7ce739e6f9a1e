"""What a reply says of each record of its batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.ports import InvokeReply


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """Why the function could not take one record, in its own words."""

    message: str
    #: The class of the function's exception, where it says one.
    error_type: str | None = None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One verdict a record."""

    #: What goes to the response topic for each record; None for nothing, and for records that failed.
    results: Sequence[bytes | None]
    #: Index in the batch → why.
    failed: Mapping[int, RecordFailure] = field(default_factory=dict)


class ReplyContract(Protocol):
    """Reads the replies of a function that ran without an error. Pure; any thread."""

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """The verdicts.

        Raises ReplyError where the whole batch has to count as failed, FunctionError where the reply says that it has.
        """
