"""`aws.lambda.reply.error.message`: functions that reply `{"errorMessage", "errorType", "stackTrace"}` have failed.

Source: seed ("Fivetran": error responses). Lambda itself marks such a reply only where the function raised.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from kafka_lambda_sink.contracts.replies.json_reply import UnreadableReplyError, read_reply
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError
from kafka_lambda_sink.core.ports import InvokeReply

_MESSAGE: Final = "errorMessage"
_TYPE: Final = "errorType"
#: Lambda's word for an error that the function reported itself.
_HANDLED: Final = "Handled"
#: Characters that are kept.
_MAX_TEXT: Final = 4096
_SPACE: Final = b" \t\r\n"


class ErrorReplies(ReplyContract):
    """A `ReplyContract` around another one, which judges all other replies."""

    __slots__ = ("_inner",)

    def __init__(self, inner: ReplyContract) -> None:
        self._inner = inner

    def judge(self, reply: InvokeReply, batch: Batch) -> Verdicts:
        """See ReplyContract. Raises FunctionError for an object whose `errorMessage` is anything but null."""
        # Replies that are arrays, as most are, are parsed by their own contract alone.
        if reply.payload.lstrip(_SPACE).startswith(b"{"):
            with suppress(UnreadableReplyError):
                raise_error(read_reply(reply.payload))
        return self._inner.judge(reply, batch)


def raise_error(value: object) -> None:
    """Raise FunctionError where a reply's value is an object whose `errorMessage` is anything but null."""
    if not isinstance(value, dict) or value.get(_MESSAGE) is None:
        return
    kind, message = value.get(_TYPE), str(value[_MESSAGE])[:_MAX_TEXT]
    raise FunctionError(_HANDLED, f"{kind}: {message}" if isinstance(kind, str) and kind else message)
