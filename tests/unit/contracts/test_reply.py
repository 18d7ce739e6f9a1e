from __future__ import annotations

import json

import pytest

from kafka_lambda_sink.contracts.reply import ReplyChecker
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ReplyError
from tests.support.records import TP, record

BATCH = Batch(b"", [record(17), record(20)], [])


def entry(offset: int | str, result: str = '"ok"', *, topic: str = '"orders"', partition: str = "3") -> str:
    fields = {"topic": topic, "partition": partition, "offset": offset, "result": result}
    return '{"payload":{' + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}}"


def check(*entries: str) -> list[bytes]:
    return ReplyChecker(TP).check(f"[{','.join(entries)}]".encode(), BATCH)


def test_each_payload_comes_back_as_it_was_received():
    reply = b"""[ {"payload": {"timestamp": 1, "topic": "orders", "partition": 3, "offset": 17, "result": {"a": 1.50}}},
      {"more": 0, "payload": {"offset":20,"extra":null,"topic":"orders","partition":3}} ]"""
    assert ReplyChecker(TP).check(reply, BATCH) == [
        b'{"timestamp": 1, "topic": "orders", "partition": 3, "offset": 17, "result": {"a": 1.50}}',
        b'{"offset":20,"extra":null,"topic":"orders","partition":3}',
    ]


def test_results_may_contain_coordinates_of_their_own():
    echo = '{"offset":1,"payload":{"offset":2,"topic":"x"},"text":"\\"offset\\""}'
    assert len(check(entry(17, echo), entry(20, '"offset"'))) == 2


def test_coordinates_beside_a_payload_are_dropped():
    beside = entry(20).replace('{"payload"', '{"offset":1,"topic":"x","payload"')
    assert check(entry(17), beside)[1] == check(entry(17), entry(20))[1]


def test_results_may_contain_escapes():
    assert len(check(entry(17, '"\\u00fc"'), entry(20, '{"pa\\u0079load":"\\u0061"}'))) == 2


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"", "is empty"),
        (b"null", "is null, not an array"),
        (b"{}", "is an object, not an array"),
        (b"1e999", "is a number out of range, not an array"),
        (b'{"statusCode":200,"body":"[]"}', "shape for API Gateway"),
        (json.dumps("[]").encode(), "a string that holds JSON"),
        (b'"done"', "is a string, not an array"),
        (b"[", "is not JSON"),
        (b"[] []", "is not JSON"),
        (b'{"a":1} x', "is not JSON"),
        (b"[NaN]", "is not JSON"),
        (b"\xef\xbb\xbf[]", "is not JSON"),
        (b'"\xff"', r"is not UTF-8: invalid start byte \(byte 1\)"),
        (b'["\xff"]', r"is not UTF-8: invalid start byte \(byte 2\)"),
        (b"[" * 5000, "nested deeper than 200 levels"),
        (b"[]", "has 0 entries instead of 2"),
    ],
)
def test_what_is_no_array_of_results_is_refused(reply: bytes, reason: str):
    with pytest.raises(ReplyError, match=reason):
        ReplyChecker(TP).check(reply, BATCH)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ("null", "^entry 1 is null, not an object$"),
        ("{}", '^entry 1 has no field "payload"$'),
        ('{"payload":[]}', "^the payload of entry 1 is an array, not an object$"),
        ('{"payload":{"topic":"orders"}}', '^entry 1: its payload has no field "partition"$'),
        (entry(18), "^entry 1: offset 18, expected 20$"),
        (entry(17), "^entry 1: offset 17, expected 20$"),
        (entry("20.0"), "^entry 1: offset is a number with a fraction or exponent, expected 20$"),
        (entry("true"), "^entry 1: offset is a boolean, expected 20$"),
        (entry('"20"'), "^entry 1: offset is a string, expected 20$"),
        (entry("1e999"), "^entry 1: offset is a number out of range, expected 20$"),
        (entry(20, partition="4"), "^entry 1: partition 4, expected 3$"),
        (entry(20, partition="true"), "^entry 1: partition is a boolean, expected 3$"),
        (entry(20, topic='"other"'), "^entry 1: topic 'other', expected 'orders'$"),
        (entry(20, topic='"' + "x" * 500 + '"'), "^entry 1: topic 'x{79}…, expected 'orders'$"),
        (entry(20, topic="null"), "^entry 1: topic is null, expected 'orders'$"),
    ],
)
def test_an_entry_that_is_not_the_records_is_named(second: str, reason: str):
    with pytest.raises(ReplyError, match=reason):
        check(entry(17), second)


def test_swapped_entries_are_refused():
    with pytest.raises(ReplyError, match="entry 0: offset 20, expected 17"):
        check(entry(20), entry(17))


@pytest.mark.parametrize(
    "second",
    [
        '{"payload":{"topic":"orders","partition":3,"offset":19,"offset":20}}',
        '{"payload":{"topic":"orders","partition":3,"offset":19,"\\u006fffset":20}}',
        '{"payload":{"topic":"orders","partition":3,"o\\u0066fset":19,"offs\\u0065t":20}}',
        '{"payload":{"topic":"x","partition":3,"offset":20,"topic":"orders"}}',
        '{"payload":{"topic":"orders","partition":4,"offset":20,"partition":3}}',
        entry(1)[:-1] + "," + entry(20)[1:],
        entry(20, '{"offset":1}')[:-1] + "," + entry(20)[1:],
        entry(1)[:-1] + "," + entry(20).replace("payload", "p\\u0061yload")[1:],
    ],
)
def test_coordinates_that_two_parsers_could_read_differently_are_refused(second: str):
    with pytest.raises(ReplyError, match=r"repeat"):
        check(entry(17), second)
