"""The contract `batch-item-failures`: the records that failed, by partition and offset, as AWS's triggers take them.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html ("partial batch response"), and
for what counts as success https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
("Success and failure conditions").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kafka_lambda_sink.contracts.replies.json_reply import read_reply
from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, ReplyContract, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from kafka_lambda_sink.core.record import TopicPartition

_FAILURES: Final = "batchItemFailures"
_IDENTIFIER: Final = "itemIdentifier"
_FIELDS: Final = frozenset({"partition", "offset"})
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_FAILED: Final = RecordFailure(f"it is one of the {_FAILURES}")
#: How much of what a reply holds is quoted.
_QUOTED: Final = 120


class BatchItemFailures(ReplyContract):
    """A `ReplyContract` for one partition.

    All records are delivered: null, `{}`, and `batchItemFailures` that are null or empty. An identifier is
    `{"partition": "orders-3", "offset": 41}` (Powertools' `BatchProcessor` writes the same), or the offset alone, as a
    number or as text. The whole batch failed: an identifier of no record in the batch, an empty or null one, one with
    other fields, and a reply of another form, also an object without `batchItemFailures` (a misspelt one would be lost
    records).
    """

    __slots__ = ("_tp",)

    def __init__(self, tp: TopicPartition) -> None:
        self._tp = str(tp)

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """See ReplyContract."""
        failures = _failures(read_reply(reply.payload))
        indexes = {record.offset(): index for index, record in enumerate(batch.records)} if failures else {}
        found = {self._index(place, item, indexes) for place, item in enumerate(failures)}
        return Verdicts([None] * batch.count, dict.fromkeys(sorted(found), _FAILED))

    def _index(self, place: int, item: object, indexes: Mapping[int, int]) -> int:
        where = f"{_FAILURES}[{place}]"
        if not isinstance(item, dict) or _IDENTIFIER not in item:
            raise ReplyError(f"{where} has no {_IDENTIFIER}")
        identifier = item[_IDENTIFIER]
        offset = _number(self._offset(identifier))
        if offset is None:
            raise ReplyError(
                f"{where}: {_IDENTIFIER} is {_quoted(identifier)}; "
                f'expected {{"partition": "{self._tp}", "offset": …}} or an offset'
            )
        if offset not in indexes:
            raise ReplyError(f"{where}: {_IDENTIFIER} {_quoted(identifier)} is none of the batch's records")
        return indexes[offset]

    def _offset(self, identifier: object) -> object:
        """What the identifier gives for the offset; None for one that is not of this partition."""
        if isinstance(identifier, dict):
            is_ours = identifier.keys() == _FIELDS and identifier["partition"] == self._tp
            return identifier["offset"] if is_ours else None
        return identifier


def _failures(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, dict):
        raise ReplyError(f"the reply is not an object with {_FAILURES}, but {_quoted(value)}")
    if not value:
        return []
    if _FAILURES not in value:
        raise ReplyError(
            f"the reply has no {_FAILURES}, but {_quoted(sorted(value))}",
            hint=f"Return {{}} or {_FAILURES} from the function, or set aws.lambda.reply.contract=none.",
        )
    failures = value[_FAILURES]
    if failures is not None and not isinstance(failures, list):
        raise ReplyError(f"{_FAILURES} is not an array, but {_quoted(failures)}")
    return failures or []


def _number(offset: object) -> int | None:
    if isinstance(offset, str) and _NUMBER.fullmatch(offset):
        return int(offset)
    # bool is an int to Python.
    return offset if type(offset) is int else None


def _quoted(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _QUOTED else f"{shown[:_QUOTED]}…"
