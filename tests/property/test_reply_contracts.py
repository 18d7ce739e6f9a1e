"""Exactly the records failed that a reply names, however it does; one it names that is not there fails the batch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from kafka_lambda_sink.contracts.formats.rows import Row
from kafka_lambda_sink.contracts.replies.batch_item_failures import BatchItemFailures
from kafka_lambda_sink.contracts.replies.error_replies import ErrorReplies
from kafka_lambda_sink.contracts.replies.json_reply import UnreadableReplyError, read_reply
from kafka_lambda_sink.contracts.replies.none import NoContract
from kafka_lambda_sink.contracts.replies.routed_records import RoutedRecordsContract
from kafka_lambda_sink.contracts.replies.routes import Routes, is_header_name
from kafka_lambda_sink.contracts.replies.row_errors import RowErrors
from kafka_lambda_sink.contracts.replies.verdicts import ReplyContract
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError, ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from tests.support.records import TP, record

FORMS: tuple[Callable[[int], Any], ...] = (
    lambda offset: {"partition": "orders-3", "offset": offset},
    lambda offset: {"offset": str(offset), "partition": "orders-3"},
    lambda offset: offset,
    str,
)
KEYS = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=6,
)


def failed(contract: ReplyContract, reply: Any, batch: Batch) -> list[int]:
    text = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return list(contract.judge(InvokeReply(200, text), batch).failed)


def batch_of_offsets(offsets: list[int]) -> Batch:
    return Batch(b"", [record(offset) for offset in offsets], [])


OFFSETS = st.lists(st.integers(min_value=0, max_value=2**63 - 1), min_size=1, max_size=8, unique=True).map(sorted)


@given(data=st.data(), offsets=OFFSETS)
def test_items_that_failed(data: st.DataObject, offsets: list[int]):
    guilty = data.draw(st.lists(st.sampled_from(offsets), max_size=8))
    items = [{"itemIdentifier": data.draw(st.sampled_from(FORMS))(offset)} for offset in guilty]
    expected = [index for index, offset in enumerate(offsets) if offset in guilty]
    assert failed(BatchItemFailures(TP), {"batchItemFailures": items}, batch_of_offsets(offsets)) == expected


@given(data=st.data(), offsets=OFFSETS, stranger=st.integers(min_value=-1, max_value=2**64) | JSON)
def test_an_item_that_is_none_of_the_batchs(data: st.DataObject, offsets: list[int], stranger: Any):
    known = [form(offset) for offset in offsets for form in FORMS]
    assume(not any(type(stranger) is type(it) and stranger == it for it in known))
    items = [{"itemIdentifier": it} for it in [*data.draw(st.lists(st.sampled_from(known), max_size=3)), stranger]]
    with pytest.raises(ReplyError):
        failed(BatchItemFailures(TP), {"batchItemFailures": items}, batch_of_offsets(offsets))


@given(data=st.data(), keys=st.lists(KEYS, min_size=1, max_size=8))
def test_rows_that_failed(data: st.DataObject, keys: list[Any]):
    batch = Batch(b"", [record(offset) for offset in range(len(keys))], [Row(None, "insert", key) for key in keys])
    guilty = data.draw(st.lists(st.sampled_from(keys), max_size=8))
    errors = [{"primary_key": key, "error": "bad"} for key in guilty]
    # True is 1 to Python, not to JSON.
    written = [json.dumps(key) for key in guilty]
    expected = [index for index, key in enumerate(keys) if json.dumps(key) in written]
    assert failed(RowErrors(), {"errors": errors, "errorCount": len(errors)}, batch) == expected


ROUTES = Routes("results", frozenset({"audit", "alerts"}))
#: Names that can be written as headers.
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)
TEXTS = st.text(max_size=8)
FINITE = JSON.filter(lambda it: "NaN" not in json.dumps(it) and "Infinity" not in json.dumps(it))
ROUTE = st.fixed_dictionaries(
    {},
    optional={
        "topic": st.sampled_from(["results", "audit", "alerts"]),
        "key": st.none() | TEXTS | FINITE,
        "headers": st.dictionaries(NAMES, st.none() | TEXTS, max_size=3),
    },
)


def routed_entry(offset: int, result: Any, route: dict[str, Any] | None) -> dict[str, Any]:
    payload = {"topic": "orders", "partition": 3, "offset": offset, "result": result}
    return {"payload": payload} if route is None else {"route": route, "payload": payload}


@given(data=st.data(), offsets=OFFSETS, indent=st.none() | st.just(2), ascii_only=st.booleans())
def test_routes_are_read_as_they_are(data: st.DataObject, offsets: list[int], *, indent: int | None, ascii_only: bool):
    routes = [data.draw(st.none() | ROUTE) for _ in offsets]
    answers = [data.draw(FINITE) for _ in offsets]
    entries = [routed_entry(*parts) for parts in zip(offsets, answers, routes, strict=True)]
    text = json.dumps(entries, indent=indent, ensure_ascii=ascii_only).encode()
    verdicts = RoutedRecordsContract(TP, ROUTES).judge(InvokeReply(200, text), batch_of_offsets(offsets))
    assert not verdicts.failed
    for entry, route, answer, result in zip(entries, routes, answers, verdicts.results, strict=True):
        if route is None:
            assert isinstance(result, bytes)
            assert json.loads(result) == entry["payload"]
            continue
        assert isinstance(result, list)
        (routed,) = result
        assert (None if routed.value is None else json.loads(routed.value)) == answer
        assert routed.topic == route.get("topic")
        assert routed.has_own_key == ("key" in route)
        key = route.get("key")
        assert (routed.key is None) == (key is None)
        if routed.key is not None:
            assert (routed.key.decode() if isinstance(key, str) else json.loads(routed.key)) == key
        assert {name: None if value is None else value.decode() for name, value in routed.headers} == route.get(
            "headers", {}
        )


@given(route=JSON | ROUTE, name=st.sampled_from(["topic", "key", "headers", "other"]), value=JSON)
def test_any_route_is_a_result_or_an_error_of_the_port(route: Any, name: str, value: Any):
    mixed = {**route, name: value} if isinstance(route, dict) else route
    text = json.dumps([routed_entry(1, {"n": 1}, mixed)]).encode()
    try:
        (result,) = RoutedRecordsContract(TP, ROUTES).judge(InvokeReply(200, text), batch_of_offsets([1])).results
    except ReplyError:
        return
    assert isinstance(mixed, dict) or mixed is None
    assert isinstance(result, list if mixed is not None else bytes)
    for routed in result if isinstance(result, list) else ():
        assert routed.topic in {None, "results", "audit", "alerts"}
        assert all(is_header_name(header) for header, _ in routed.headers)


CONTRACTS = (
    BatchItemFailures(TP),
    RowErrors(),
    ErrorReplies(NoContract()),
    RoutedRecordsContract(TP, ROUTES),
)


@given(reply=st.binary(max_size=40) | JSON.map(lambda it: json.dumps(it).encode()))
def test_any_reply_gets_a_verdict_or_an_error_of_the_port(reply: bytes):
    batch = Batch(b"", [record(1)], [Row(None, "insert", 1)])
    for contract in CONTRACTS:
        try:
            found = failed(contract, reply, batch)
        except (ReplyError, FunctionError):
            continue
        assert found in ([], [0])


@given(value=JSON)
def test_what_is_json_is_read_as_it_is(value: Any):
    assert repr(read_reply(json.dumps(value).encode())) == repr(value)


@given(text=st.text(max_size=20))
def test_what_is_not_json_is_said_to_be_so(text: str):
    try:
        json.loads(text)
    except ValueError:
        with pytest.raises(UnreadableReplyError):
            read_reply(text.encode())
