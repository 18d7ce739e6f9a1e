"""Reply contracts of the user's own: Python packages that register one under `kafka_lambda_sink.contracts`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Final, Protocol, TypeAlias

from kafka_lambda_sink.contracts.replies.routes import Routes, is_header_name
from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, ReplyContract, RoutedResult, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError, ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import TopicPartition

GROUP: Final = "kafka_lambda_sink.contracts"

#: Makes the contract of one partition; called for each, so that it may keep what belongs to it.
ContractMaker: TypeAlias = Callable[[TopicPartition], ReplyContract]


class OwnContract(Protocol):
    """What a user writes of a `ReplyContract`."""

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """See ReplyContract."""


def load_contract(name: str, routes: Routes) -> ContractMaker | None:
    """What is registered under a name, or None. Its package is imported now; what that raises is passed on.

    Raises ValueError where several packages have registered the name.
    """
    found = entry_points(group=GROUP, name=name)
    if not found:
        return None
    if len({one.value for one in found}) > 1:
        raise ValueError(f"several packages have registered it: {', '.join(sorted(one.value for one in found))}")
    make: Callable[[TopicPartition], OwnContract] = next(iter(found)).load()
    return lambda tp: CheckedContract(name, make(tp), routes)


class CheckedContract(ReplyContract):
    """A `ReplyContract` around one of a user: what it says is believed only if it is a verdict for every record.

    Its results may go to the topics of `routes` alone.
    """

    __slots__ = ("_inner", "_lock", "_name", "_routes")

    def __init__(self, name: str, inner: OwnContract, routes: Routes) -> None:
        self._name = name
        self._inner = inner
        self._routes = routes
        # It may keep something of its partition, of which several batches may come back at once.
        self._lock = threading.Lock()

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """See ReplyContract. Whatever else the inner one raises or returns fails the whole batch."""
        try:
            with self._lock:
                verdicts = self._inner.judge(reply, batch)
        except (ReplyError, FunctionError):
            raise
        except Exception as error:
            raise ReplyError(f"the contract {self._name} failed: {type(error).__name__}: {error}") from error
        problem = _problem(verdicts, batch.count)
        if problem is not None:
            raise ReplyError(f"the contract {self._name} {problem}")
        for index, result in enumerate(verdicts.results):
            where = f"result {index} of the contract {self._name}"
            if isinstance(result, bytes):
                # Without any topic nobody asks for results.
                if self._routes.topics:
                    self._routes.check(None, where)
            else:
                for routed in result or ():
                    self._routes.check(routed.topic, where)
        return verdicts


def _problem(verdicts: object, count: int) -> str | None:
    if not isinstance(verdicts, Verdicts):
        return f"gave {type(verdicts).__name__} instead of Verdicts"
    # Its fields are the user's: what their types are is yet to be seen.
    if verdicts.has_more:
        return "wants another call, which only function-connector may"
    results: object = verdicts.results
    failed: object = verdicts.failed
    if not isinstance(results, list | tuple) or len(results) != count:
        return f"gave no list of {count} results, one a record"
    if not all(result is None or isinstance(result, bytes) or _is_routed(result) for result in results):
        return "gave a result that is neither bytes, nor a list of sound RoutedResults, nor None"
    if not isinstance(failed, Mapping) or not all(
        type(index) is int and 0 <= index < count and isinstance(failure, RecordFailure)
        for index, failure in failed.items()
    ):
        return "gave failures that are not a RecordFailure by the index of a record"
    return None


def _is_routed(result: object) -> bool:
    return isinstance(result, list | tuple) and bool(result) and all(map(_is_sound, result))


def _is_sound(result: object) -> bool:
    if not isinstance(result, RoutedResult):
        return False
    # As above.
    topic: object = result.topic
    headers: object = result.headers
    return (
        all(isinstance(part, bytes | None) for part in (result.value, result.key))
        and isinstance(topic, str | None)
        and isinstance(headers, list | tuple)
        and all(map(_is_header, headers))
    )


def _is_header(header: object) -> bool:
    match header:
        case (str(name), bytes() | None):
            return isinstance(header, tuple) and is_header_name(name)
    return False
