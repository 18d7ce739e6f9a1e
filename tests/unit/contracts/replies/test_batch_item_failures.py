from __future__ import annotations

import json
from typing import Any

import pytest

from kafka_lambda_sink.contracts.replies.batch_item_failures import BatchItemFailures
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from tests.support.records import TP, record

#: Offsets have gaps.
BATCH = Batch(b"", [record(offset) for offset in (100, 101, 105, 106)], [])


def failed(reply: bytes) -> list[int]:
    verdicts = BatchItemFailures(TP).judge(InvokeReply(200, reply), BATCH)
    assert list(verdicts.results) == [None] * 4
    return list(verdicts.failed)


def reply_of(*identifiers: Any) -> bytes:
    return json.dumps({"batchItemFailures": [{"itemIdentifier": it} for it in identifiers]}).encode()


def composite(offset: Any, partition: Any = "orders-3", **more: Any) -> dict[str, Any]:
    return {"partition": partition, "offset": offset, **more}


@pytest.mark.parametrize(
    "reply",
    [b"null", b"{}", b" {} ", b'{"batchItemFailures": null}', b'{"batchItemFailures": []}',
     b'{"batchItemFailures": [], "note": 1}'],
)  # fmt: skip
def test_what_aws_takes_for_success(reply: bytes):
    assert failed(reply) == []


@pytest.mark.parametrize(
    ("reply", "indexes"),
    [
        (reply_of(composite(101)), [1]),
        (reply_of(composite("101")), [1]),
        (reply_of(101), [1]),
        (reply_of("101"), [1]),
        (reply_of(composite(106), 100, composite(106)), [0, 3]),
        (reply_of(*[composite(offset) for offset in (106, 105, 101, 100)]), [0, 1, 2, 3]),
        (b'{"batchItemFailures": [{"itemIdentifier": 105, "why": "so"}], "more": true}', [2]),
    ],
)
def test_exactly_the_records_that_are_named_failed(reply: bytes, indexes: list[int]):
    assert failed(reply) == indexes


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (reply_of(composite(102)), "none of the batch's records"),
        (reply_of(composite(100), composite(99)), r"batchItemFailures\[1\].* none of the batch's records"),
        (reply_of(-1), "none of the batch's records"),
        (reply_of(composite(100, "orders-2")), '"partition": "orders-3"'),
        (reply_of(composite(100, 3)), '"partition": "orders-3"'),
        (reply_of(composite(100, topic="orders")), "itemIdentifier is"),
        (reply_of(composite(100, None)), '"partition": "orders-3"'),
        (reply_of(composite(100, "")), '"partition": "orders-3"'),
        (reply_of("orders-3-100"), "itemIdentifier is 'orders-3-100'"),
        (reply_of({}), "itemIdentifier is"),
        (reply_of({"partition": "orders-3"}), "itemIdentifier is"),
        (reply_of({"Partition": "orders-3", "Offset": 100}), "itemIdentifier is"),
        (reply_of(composite("")), "itemIdentifier is"),
        (reply_of({"offset": 100}), "itemIdentifier is"),
        (reply_of(composite(None)), "itemIdentifier is"),
        (reply_of(composite(offset=True)), "itemIdentifier is"),
        (reply_of(composite(100.0)), "itemIdentifier is"),
        (reply_of(composite("0100")), "itemIdentifier is"),
        (reply_of(composite("\u0661\u0660\u0660")), "itemIdentifier is"),
        (reply_of(None), "itemIdentifier is None"),
        (reply_of(""), "itemIdentifier is ''"),
        (reply_of("x" * 500), "x…"),
        (b'{"batchItemFailures": [{"identifier": 100}]}', "has no itemIdentifier"),
        (b'{"batchItemFailures": [100]}', "has no itemIdentifier"),
        (b'{"batchItemFailures": [null]}', "has no itemIdentifier"),
        (b'{"batchItemFailures": {"itemIdentifier": 100}}', "is not an array"),
        (b'{"batchItemFailures": "100"}', "is not an array"),
        (b'{"batchItemFailures": false}', "is not an array"),
        (b'{"batchItemFailure": [{"itemIdentifier": 100}]}', r"has no batchItemFailures, but \['batchItemFailure'\]"),
        (b'{"statusCode": 200}', "has no batchItemFailures"),
        (b"[]", "is not an object"),
        (b'"{}"', "is not an object"),
        (b"", "is empty"),
        (b"{", "is not JSON"),
        (b'"\xff"', "is not UTF-8"),
        (b"[" * 300 + b"]" * 300, "nested deeper"),
        (b'{"batchItemFailures": [{"itemIdentifier": 100}], "batchItemFailures": []}', "'batchItemFailures' twice"),
        (b'{"batchItemFailures": [{"itemIdentifier": 100, "itemIdentifier": 101}]}', "'itemIdentifier' twice"),
        (b'{"batchItemFailures": [{"itemIdentifier": ' + b"9" * 5000 + b"}]}", "itemIdentifier is"),
    ],
)
def test_what_cannot_be_relied_on_fails_the_whole_batch(reply: bytes, reason: str):
    with pytest.raises(ReplyError, match=reason):
        failed(reply)
