"""The contract `row-errors`: `{"statusCode", "errorCount", "errors": [{"primary_key", "error"}]}`.

Source: seed, "Response Format (Synchronous Only)".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from kafka_lambda_sink.contracts.formats.rows import Row
from kafka_lambda_sink.contracts.replies.json_reply import UnreadableReplyError, read_reply
from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, ReplyContract, Verdicts
from kafka_lambda_sink.contracts.request import encode
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ReplyError
from kafka_lambda_sink.core.ports import InvokeReply

_KEY: Final = "primary_key"
#: Characters of an error that are kept, and of a key that are quoted.
_MAX_ERROR: Final = 4096
_QUOTED: Final = 80


class RowErrors(ReplyContract):
    """A `ReplyContract` for batches of the format `rows`.

    Rows failed whose primary keys are among the errors; all that have a key, where several do. What is not JSON, or has
    no array `errors`, says that every row succeeded, whatever else it has (seed). The whole batch failed: an error
    without a primary key or with one that no row has, and an `errorCount` that is more than the errors in the array.
    """

    __slots__ = ()

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """See ReplyContract. Raises TypeError for a batch of another format."""
        errors = _errors(reply.payload)
        failed: dict[int, RecordFailure] = {}
        rows = _rows_by_key(batch.entries) if errors else {}
        for place, error in enumerate(errors):
            for index in _rows_of(place, error, rows):
                failed[index] = RecordFailure(_message(error))
        return Verdicts([None] * batch.count, dict(sorted(failed.items())))


def _errors(reply: bytes) -> Sequence[Mapping[str, object]]:
    try:
        value = read_reply(reply)
    except UnreadableReplyError:
        return ()
    if not isinstance(value, dict):
        return ()
    errors = value.get("errors")
    if not isinstance(errors, list):
        return ()
    count = value.get("errorCount")
    if isinstance(count, int | float) and count > len(errors):
        raise ReplyError(
            f"errorCount is {count}, and the reply names {len(errors)} errors: which rows failed is unknown"
        )
    for place, error in enumerate(errors):
        if not isinstance(error, dict) or _KEY not in error:
            raise ReplyError(f"errors[{place}] has no {_KEY}: which row failed is unknown")
    return errors


def _rows_of(place: int, error: Mapping[str, object], rows: Mapping[str, Sequence[int]]) -> Sequence[int]:
    key = _canonical(error[_KEY])
    if key not in rows:
        shown = key if len(key) <= _QUOTED else f"{key[:_QUOTED]}…"
        raise ReplyError(f"errors[{place}]: no row of the batch has the {_KEY} {shown}")
    return rows[key]


def _rows_by_key(entries: Sequence[object]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, Row):
            raise TypeError(f"row-errors judges batches of the format rows, not of {type(entry).__name__}")
        rows.setdefault(_canonical(json.loads(encode(entry.primary_key))), []).append(index)
    return rows


def _canonical(key: object) -> str:
    """A text that is the same for keys that are: whatever the order of fields, and 1 like 1.0, as in JavaScript."""
    return json.dumps(_whole(key), sort_keys=True)


def _whole(value: object) -> object:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_whole(it) for it in value]
        case dict():
            return {name: _whole(it) for name, it in value.items()}
    return value


def _message(error: Mapping[str, object]) -> str:
    said = error.get("error")
    return (said if isinstance(said, str) else json.dumps(said))[:_MAX_ERROR]
