"""Reply contracts of the user's own: Python packages that register one under `kafka_lambda_sink.contracts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Final, TypeAlias

from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, ReplyContract, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError, ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import TopicPartition

GROUP: Final = "kafka_lambda_sink.contracts"

#: Makes the contract of one partition; called for each, so that it may keep what belongs to it.
ContractMaker: TypeAlias = Callable[[TopicPartition], ReplyContract]


def load_contract(name: str) -> ContractMaker | None:
    """What is registered under a name, or None. Its package is imported now; what that raises is passed on.

    Raises ValueError where several packages have registered the name.
    """
    found = entry_points(group=GROUP, name=name)
    if not found:
        return None
    if len({one.value for one in found}) > 1:
        raise ValueError(f"several packages have registered it: {', '.join(sorted(one.value for one in found))}")
    make: ContractMaker = next(iter(found)).load()
    return lambda tp: CheckedContract(name, make(tp))


class CheckedContract:
    """A `ReplyContract` around one of a user: what it says is believed only if it is a verdict for every record."""

    __slots__ = ("_inner", "_name")

    def __init__(self, name: str, inner: ReplyContract) -> None:
        self._name = name
        self._inner = inner

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """See ReplyContract. Whatever else the inner one raises or returns fails the whole batch."""
        try:
            verdicts = self._inner.judge(reply, batch)
        except (ReplyError, FunctionError):
            raise
        except Exception as error:
            raise ReplyError(f"the contract {self._name} failed: {type(error).__name__}: {error}") from error
        problem = _problem(verdicts, batch.count)
        if problem is not None:
            raise ReplyError(f"the contract {self._name} {problem}")
        return verdicts


def _problem(verdicts: object, count: int) -> str | None:
    if not isinstance(verdicts, Verdicts):
        return f"gave {type(verdicts).__name__} instead of Verdicts"
    # Its fields are the user's: what their types are is yet to be seen.
    results: object = verdicts.results
    failed: object = verdicts.failed
    if not isinstance(results, list | tuple) or len(results) != count:
        return f"gave no list of {count} results, one a record"
    if not all(result is None or isinstance(result, bytes) for result in results):
        return "gave a result that is neither bytes nor None"
    if not isinstance(failed, Mapping) or not all(
        type(index) is int and 0 <= index < count and isinstance(failure, RecordFailure)
        for index, failure in failed.items()
    ):
        return "gave failures that are not a RecordFailure by the index of a record"
    return None
