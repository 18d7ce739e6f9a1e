"""Replies as JSON values, read so that there is one way of reading them."""

from __future__ import annotations

import json
from typing import Final, NoReturn

from kafka_lambda_sink.converters.json_depth import MAX_DEPTH, is_too_deep
from kafka_lambda_sink.core.errors import ReplyError

#: Digits that Python turns into an integer without complaint; longer ones are no offset or key of anybody.
_MAX_DIGITS: Final = 4000


class UnreadableReplyError(ReplyError):
    """The reply is not JSON."""


def read_reply(reply: bytes) -> object:
    """The value. NaN and the infinities are taken: Python's functions write them.

    Raises UnreadableReplyError for what is not JSON, and ReplyError for what is but cannot be relied on: nested too
    deep, or with a field that an object has twice, of which readers take the first or the last.
    """
    if is_too_deep(reply):
        raise ReplyError(f"the reply is nested deeper than {MAX_DEPTH} levels")
    if not reply:
        raise UnreadableReplyError("the reply is empty; does the function return anything?")
    try:
        text = reply.decode()
        value: object = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise UnreadableReplyError(f"the reply is not UTF-8: {error.reason} (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise UnreadableReplyError(f"the reply is not JSON: {error.msg} (character {error.pos})") from None
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse_repeated([name for name, _ in pairs])
    return found


def _refuse_repeated(names: list[str]) -> NoReturn:
    name = next(name for index, name in enumerate(names) if name in names[:index])
    raise ReplyError(f"the reply has an object with the field {name[:80]!r} twice")


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)
