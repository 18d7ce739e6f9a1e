from __future__ import annotations

import pytest

from kafka_lambda_sink.contracts.replies.error_replies import ErrorReplies
from kafka_lambda_sink.contracts.replies.none import NoContract
from kafka_lambda_sink.contracts.replies.records import RecordsContract
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError, ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from tests.support.records import TP, record

BATCH = Batch(b"", [record(1)], [])


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b'{"errorMessage": "This is an error"}', "This is an error"),
        (b' \n{"errorMessage": "no", "errorType": "NameError", "stackTrace": [["a.py", 35]]}', "NameError: no"),
        (b'{"errorMessage": "", "errorType": 7}', ""),
        (b'{"errorMessage": {"code": 1}, "more": 1}', "{'code': 1}"),
    ],
)
def test_an_error_message_is_an_error_of_the_function(reply: bytes, message: str):
    with pytest.raises(FunctionError) as caught:
        ErrorReplies(NoContract()).judge(InvokeReply(200, reply), BATCH)
    assert caught.value.kind == "Handled"
    assert str(caught.value) == (message or FunctionError.__doc__)


@pytest.mark.parametrize(
    "reply", [b"", b"{", b"\xff", b"null", b'"errorMessage"', b'[{"errorMessage": "x"}]', b'{"errorMessage": null}']
)
def test_everything_else_is_left_to_the_contract(reply: bytes):
    assert ErrorReplies(NoContract()).judge(InvokeReply(200, reply), BATCH).failed == {}
    with pytest.raises(ReplyError):
        ErrorReplies(RecordsContract(TP)).judge(InvokeReply(200, reply), BATCH)


def test_a_right_reply_gets_through():
    reply = b'[{"payload":{"topic":"orders","partition":3,"offset":1}}]'
    verdicts = ErrorReplies(RecordsContract(TP)).judge(InvokeReply(200, reply), BATCH)
    assert verdicts.results == [reply[12:-2]]


def test_an_error_that_could_be_hidden_by_a_second_field_is_refused():
    reply = b'{"errorMessage": "x", "errorMessage": null}'
    with pytest.raises(ReplyError, match="twice"):
        ErrorReplies(NoContract()).judge(InvokeReply(200, reply), BATCH)
