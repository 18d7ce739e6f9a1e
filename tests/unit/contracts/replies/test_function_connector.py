from __future__ import annotations

import json
from typing import Any

import pytest

from kafka_lambda_sink.contracts.formats.function_connector import FunctionRequest, build_function_connector
from kafka_lambda_sink.contracts.replies.function_connector import EntityTopics, FunctionConnector, FunctionOptions
from kafka_lambda_sink.contracts.replies.routes import Routes
from kafka_lambda_sink.contracts.replies.verdicts import RoutedResult, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.commit_metadata import MAX_STATE
from kafka_lambda_sink.core.errors import FunctionError, ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from tests.support.formatting import batch_of, path_to
from tests.support.records import TP, record

REQUEST = FunctionRequest(connector="sink", secrets=b'{"apiToken":"t0k3n"}')
FORMAT = build_function_connector(REQUEST)
#: The reply of the seed.
SEED = {
    "state": {"transaction": "2020-01-02T00:00:00Z"},
    "insert": {"transaction": [{"id": 1, "amount": 100}, {"id": 3, "amount": 50}]},
    "delete": {"transaction": [{"id": 2}]},
    "schema": {"transaction": {"primary_key": ["id"]}},
    "hasMore": False,
}


def batch(*offsets: int) -> Batch:
    records = [record(offset, b'{"n":%d}' % offset, b"k") for offset in offsets or (5,)]
    return batch_of(FORMAT, path_to(FORMAT), *records)


def topic_of(entity: str) -> str:
    if entity == "nowhere":
        raise ReplyError("the entity nowhere has no topic")
    return f"t.{entity}"


def contract(state: bytes | None = None, max_calls: int = 3) -> FunctionConnector:
    return FunctionConnector(TP, state, FunctionOptions(request=REQUEST, topic_of=topic_of, max_calls=max_calls))


def reply(value: Any) -> InvokeReply:
    return InvokeReply(200, value if isinstance(value, bytes) else json.dumps(value).encode())


def sent(under_test: FunctionConnector, of: Batch) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(under_test.request(of))
    return found


def rows(verdicts: Verdicts) -> list[RoutedResult]:
    *others, last = verdicts.results
    assert not any(others)
    assert not isinstance(last, bytes)
    return [*last] if last is not None else []


def state_of(under_test: FunctionConnector) -> bytes | None:
    return under_test.state


def test_a_request_has_the_four_nodes_in_their_order():
    request = sent(contract(b'{"cursor":7}'), batch(5, 9))
    assert [*request] == ["agent", "state", "secrets", "records"]
    assert request["agent"] == "Kafka Lambda Sink/sink/orders"
    assert request["state"] == {"cursor": 7}
    assert request["secrets"] == {"apiToken": "t0k3n"}
    assert request["records"][1] == {
        "timestamp": 1_700_000_000_000, "topic": "orders", "partition": 3, "offset": 9, "key": "k", "value": {"n": 9},
    }  # fmt: skip


def test_secrets_are_left_out_where_there_are_none_and_an_initial_state_is_empty():
    request = FunctionRequest(connector="sink")
    assert json.loads(request.of(TP, None, b'{"records":[]}')) == {
        "agent": "Kafka Lambda Sink/sink/orders",
        "state": {},
        "records": [],
    }


def test_secrets_stay_out_of_batches_and_of_texts():
    assert b"t0k3n" not in batch().payload, "it is what an error record shows"
    assert "t0k3n" not in repr(REQUEST)


@pytest.mark.parametrize("state", [None, b"{}", b'{"x":"%s"}' % (b"y" * (MAX_STATE - 8))])
def test_there_is_room_for_all_that_is_sent(state: bytes | None):
    frame = FORMAT.frame(TP)
    payload = frame.payload([])
    assert len(REQUEST.of(TP, state, payload)) <= frame.size
    assert len(REQUEST.of(TP, b" " * MAX_STATE, payload)) == frame.size


def test_rows_go_to_their_entitys_topic_by_their_primary_key():
    verdicts = contract().judge(reply(SEED), batch(5, 9))
    assert rows(verdicts) == [
        RoutedResult(value=b'{"id": 1, "amount": 100}', topic="t.transaction", key=b'{"id":1}', has_own_key=True),
        RoutedResult(value=b'{"id": 3, "amount": 50}', topic="t.transaction", key=b'{"id":3}', has_own_key=True),
        RoutedResult(value=None, topic="t.transaction", key=b'{"id":2}', has_own_key=True),
    ]
    assert not verdicts.has_more


def test_keys_have_their_fields_in_the_order_of_the_schema():
    schema = {"a": {"primary_key": ["y", "x"]}}
    verdicts = contract().judge(
        reply({"state": {}, "insert": {"a": [{"x": 1.50, "y": None}]}, "schema": schema}), batch()
    )
    assert rows(verdicts)[0].key == b'{"y":null,"x":1.5}'


def test_rows_without_a_schema_have_no_key():
    verdicts = contract().judge(reply({"state": {}, "insert": {"a": [{"id": 1}]}}), batch())
    assert rows(verdicts) == [RoutedResult(value=b'{"id": 1}', topic="t.a", key=None, has_own_key=True)]


def test_the_state_is_that_of_the_last_finished_batch():
    under_test = contract()
    assert state_of(under_test) is None
    under_test.request(batch(5))
    under_test.judge(reply({"state": {"n": 1}}), batch(5))
    assert state_of(under_test) == b'{"n":1}'
    assert sent(under_test, batch(6))["state"] == {"n": 1}
    under_test.judge(reply({"state": {}}), batch(6))
    assert state_of(under_test) is None


def test_the_same_records_go_again_with_the_returned_state_while_there_is_more():
    under_test, of = contract(b'{"n":0}'), batch(5)
    under_test.request(of)
    verdicts = under_test.judge(reply({"state": {"n": 1}, "insert": {"a": [{}]}, "hasMore": True}), of)
    assert verdicts.has_more
    assert len(rows(verdicts)) == 1
    assert under_test.state == b'{"n":0}', "a redelivered batch starts from that before it"
    again = sent(under_test, of)
    assert (again["state"], [it["offset"] for it in again["records"]]) == ({"n": 1}, [5])
    assert not under_test.judge(reply({"state": {"n": 2}}), of).has_more
    assert under_test.state == b'{"n":2}'


def test_a_batch_that_is_given_up_leaves_no_state_behind():
    under_test = contract(b'{"n":0}')
    under_test.request(batch(5))
    under_test.judge(reply({"state": {"n": 1}, "hasMore": True}), batch(5))
    assert sent(under_test, batch(6))["state"] == {"n": 0}
    assert under_test.state == b'{"n":0}'


def test_there_are_so_many_calls_and_no_more():
    under_test, of = contract(b'{"n":0}', max_calls=3), batch(5)
    for n in (1, 2):
        under_test.request(of)
        under_test.judge(reply({"state": {"n": n}, "hasMore": True}), of)
    under_test.request(of)
    with pytest.raises(ReplyError, match="still has more after 3 calls"):
        under_test.judge(reply({"state": {"n": 3}, "hasMore": True}), of)
    assert sent(under_test, of)["state"] == {"n": 0}, "a retry begins anew"


def test_an_error_message_is_a_function_error():
    seed = {"errorMessage": "name 'response' is not defined", "errorType": "NameError", "stackTrace": [["f.py", 35]]}
    with pytest.raises(FunctionError, match="NameError: name 'response' is not defined"):
        contract().judge(reply(seed), batch())


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "the reply is empty"),
        (b"[]", "not that of a function connector"),
        ({}, "missing required field `state`"),
        ({"state": None}, "state is not an object"),
        ({"state": [1]}, "state is not an object"),
        ({"state": {"x": "y" * MAX_STATE}}, r"takes 3,080 bytes, and 3,072 are kept"),
        ({"state": {"x": ";" * 600}}, r"takes 3,608 bytes"),
        ({"state": {}, "hasMore": 1}, "Expected `bool`"),
        ({"state": {}, "insert": []}, "Expected `object | null`"),
        ({"state": {}, "insert": {"a": {}}}, "Expected `array`"),
        ({"state": {}, "insert": {"a": [7]}}, r"insert\.a\[0\] is not an object"),
        ({"state": {}, "insert": {"nowhere": [{}]}}, "nowhere has no topic"),
        ({"state": {}, "delete": {"a": [{"id": 1}]}}, r"delete\.a: schema\.a names no primary_key"),
        (SEED | {"delete": {"transaction": [{"ID": 2}]}}, r"delete\.transaction\[0\] has no id"),
        (SEED | {"insert": {"transaction": [{"id": 2}, {}]}}, r"insert\.transaction\[1\] has no id"),
        (b'{"state":{},"state":{"a":1}}', "'state' twice"),
        (b'{"state":{},"insert":{"a":[{"x":NaN}]}}', "not that of a function connector"),
    ],
)
def test_what_is_no_such_reply_fails_the_batch_and_leaves_the_state(value: Any, reason: str):
    under_test = contract(b'{"n":0}')
    under_test.request(batch())
    with pytest.raises(ReplyError, match=reason):
        under_test.judge(reply(value), batch())
    assert under_test.state == b'{"n":0}'
    assert sent(under_test, batch())["state"] == {"n": 0}


def test_nodes_that_are_null_say_nothing():
    value = {"state": {"n": 1}, "insert": None, "delete": None, "schema": None}
    assert rows(contract().judge(reply(value), batch())) == []


def test_the_topic_of_an_entity():
    topics = EntityTopics("${connector}-${entity}", "sink", Routes("results", frozenset({"sink-orders"})))
    assert topics.of("orders") == "sink-orders"
    with pytest.raises(ReplyError, match=r"the entity 'invoices' names the topic 'sink-invoices', which is not among"):
        topics.of("invoices")
    with pytest.raises(ValueError, match=r"\$\{topic\} is not known; there are \$\{connector\}, \$\{entity\}"):
        EntityTopics("${topic}", "sink", Routes())
