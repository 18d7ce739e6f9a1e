"""What a reply says of each record of its batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.ports import InvokeReply


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """Why the function could not take one record, in its own words."""

    message: str
    #: The class of the function's exception, where it says one.
    error_type: str | None = None
    #: The verdict `retry`: the function asks for the record again, and gets it whatever
    #: `aws.lambda.retry.function.errors` says, within `aws.lambda.max.attempts` and `aws.lambda.record.max.age.ms`.
    is_retriable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedResult:
    """A result that says itself where it goes."""

    #: None is a tombstone.
    value: bytes | None
    #: None is the response topic.
    topic: str | None = None
    key: bytes | None = None
    #: Whether `key`, which may be None too, stands in the place of the source record's coordinates.
    has_own_key: bool = False
    #: Beside those that name the source record.
    headers: Sequence[tuple[str, bytes | None]] = ()


#: What a record's reply writes: the value of one record for the response topic, routed ones (one at least), or nothing.
Result: TypeAlias = bytes | Sequence[RoutedResult] | None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One verdict a record."""

    #: One a record; None for those that failed.
    results: Sequence[Result]
    #: Index in the batch → why.
    failed: Mapping[int, RecordFailure] = field(default_factory=dict)
    #: The function has more to say of the batch: the results are written, and it is sent again. Nothing has failed.
    has_more: bool = False


class ReplyContract(Protocol):
    """Reads the replies of a function that ran without an error. Pure; belongs to one partition.

    It is asked by one thread at a time, unless several batches of the partition are in flight: then one that keeps
    nothing is asked by several at once.
    """

    __slots__ = ()

    @property
    def state(self) -> bytes | None:
        """What requests start from behind the last finished batch (`core.ports.Position`); None: nothing is kept."""
        return None

    def request(self, batch: Batch) -> bytes:
        """What is sent for a batch: its payload, or what is made of it now, within the frame's `reserved` bytes."""
        return batch.payload

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """The verdicts.

        Raises ReplyError where the whole batch has to count as failed, FunctionError where the reply says that it has.
        """
