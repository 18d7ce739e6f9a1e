from __future__ import annotations

import json
from typing import Any

import pytest

from kafka_lambda_sink.contracts.formats.rows import RowOptions, build_rows
from kafka_lambda_sink.contracts.replies.row_errors import RowErrors
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from tests.support.formatting import batch_of, path_to
from tests.support.records import record

ROWS = build_rows(RowOptions(primary_key="id"))


def batch(*keys: bytes) -> Batch:
    return batch_of(ROWS, path_to(ROWS), *[record(offset, b'{"id":%s}' % key) for offset, key in enumerate(keys)])


def failed(reply: Any, sent: Batch) -> dict[int, str]:
    text = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    verdicts = RowErrors().judge(InvokeReply(200, text), sent)
    assert list(verdicts.results) == [None] * sent.count
    return {index: failure.message for index, failure in verdicts.failed.items()}


def errors(*keys: Any, **more: Any) -> dict[str, Any]:
    return {"statusCode": 200, "errors": [{"primary_key": key, "error": f"bad {key}"} for key in keys], **more}


def test_rows_failed_whose_keys_are_named():
    sent = batch(b'"a"', b'"b"', b'"c"')
    assert failed(errors("c", "a", errorCount=2), sent) == {0: "bad a", 2: "bad c"}
    assert failed(errors(errorCount=0), sent) == {}
    assert failed(errors("b", statusCode=500, errorCount=0), sent) == {1: "bad b"}


def test_all_rows_of_a_key_failed_where_several_have_it():
    assert list(failed(errors("a"), batch(b'"a"', b'"b"', b'"a"'))) == [0, 2]


def test_keys_are_compared_as_json():
    sent = batch(b"1", b'"1"', b"1.50", b"true", b'{"x": 1, "y": [2]}', b"9007199254740993")
    keys: list[Any] = [1.0, "1", 1.5, True, {"y": [2.0], "x": 1}, 9007199254740993]
    assert [list(failed(errors(key), sent)) for key in keys] == [[0], [1], [2], [3], [4], [5]]


def test_rows_without_a_key_are_named_by_null():
    plain = build_rows(RowOptions())
    sent = batch_of(plain, path_to(plain), record(1), record(2, key=b"k"))
    assert list(failed(errors(None), sent)) == [0]


def test_an_error_may_be_of_any_form():
    sent = batch(b'"a"')
    assert failed({"errors": [{"primary_key": "a", "error": {"code": 1}}]}, sent) == {0: '{"code": 1}'}
    assert failed({"errors": [{"primary_key": "a"}]}, sent) == {0: "null"}
    assert failed(b'{"errors": [{"primary_key": "a", "error": NaN}]}', sent) == {0: "NaN"}


@pytest.mark.parametrize(
    "reply",
    [b"", b"OK", b"\xff", b"null", b"[]", b'"x"', b"{}", b'{"errors": null}', b'{"errors": "none"}', b'{"errors": []}',
     b'{"statusCode": 200, "errorCount": 0}', b'{"statusCode": 500, "errorCount": 1}',
     b'{"statusCode": 500, "errorCount": 0, "errors": []}', b'{"errorCount": 1, "errors": null}'],
)  # fmt: skip
def test_what_has_no_errors_says_that_all_succeeded(reply: bytes):
    assert failed(reply, batch(b'"a"')) == {}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (errors("x"), 'no row of the batch has the primary_key "x"'),
        (errors("a", 1), "no row of the batch has the primary_key 1"),
        (errors("x" * 500), "x…"),
        ({"errors": [{"error": "bad"}]}, r"errors\[0\] has no primary_key"),
        ({"errors": ["a"]}, r"errors\[0\] has no primary_key"),
        (errors("a", errorCount=2), "errorCount is 2, and the reply names 1 errors"),
        (errors(errorCount=1), "errorCount is 1, and the reply names 0 errors"),
        (b'{"errors": [{"primary_key": "a"}], "errors": []}', "'errors' twice"),
        (b"[" * 300 + b"]" * 300, "nested deeper"),
    ],
)
def test_what_leaves_open_which_rows_failed_fails_all(reply: Any, reason: str):
    with pytest.raises(ReplyError, match=reason):
        failed(reply, batch(b'"a"', b'"b"'))


def test_another_format_has_no_primary_keys():
    with pytest.raises(TypeError, match="not of int"):
        RowErrors().judge(InvokeReply(200, b'{"errors": [{"primary_key": 1}]}'), Batch(b"", [record(1)], [1]))
