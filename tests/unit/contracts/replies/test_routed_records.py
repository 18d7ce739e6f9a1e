"""Entries that say where their results go."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.contracts.replies.routed_records import RoutedRecordsContract
from kafka_lambda_sink.contracts.replies.routes import Routes
from kafka_lambda_sink.contracts.replies.verdicts import Result, RoutedResult
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from tests.support.records import TP, record

ROUTES = Routes("results", frozenset({"audit", "alerts"}))
PLACE = '"topic":"orders","partition":3,"offset":%d'
BATCH = Batch(b"", [record(41), record(44)], [])
#: Of 44, without a route.
OTHER = '{"payload":{"topic":"orders","partition":3,"offset":44,"result":1}}'


def judged(reply: str, routes: Routes = ROUTES, batch: Batch = BATCH) -> list[Result]:
    verdicts = RoutedRecordsContract(TP, routes).judge(InvokeReply(200, reply.encode()), batch)
    assert not verdicts.failed
    return list(verdicts.results)


def routed(route: str, result: str = '{"n": 1}', routes: Routes = ROUTES) -> RoutedResult:
    entry = f'{{"payload":{{{PLACE % 41},"result":{result}}},"route":{route}}}'
    first, other = judged(f"[{entry},{OTHER}]", Routes("results", routes.topics))
    assert other == OTHER[len('{"payload":') : -1].encode()
    assert isinstance(first, list)
    (found,) = first
    assert isinstance(found, RoutedResult)
    return found


def test_an_entry_that_says_everything():
    route = '{"topic":"audit","key":"k1","headers":{"kind":"order","none":null}}'
    assert routed(route) == RoutedResult(
        value=b'{"n": 1}', topic="audit", key=b"k1", has_own_key=True, headers=(("kind", b"order"), ("none", None))
    )


def test_what_a_route_does_not_say_is_as_without_one():
    assert routed(" {} ") == RoutedResult(value=b'{"n": 1}')
    assert routed('{"topic":"results"}') == RoutedResult(value=b'{"n": 1}', topic="results")


@pytest.mark.parametrize("result", ["1.50", '"text"', "[ 1, 2]", "false", '"\\u00e9"', '"null"'])
def test_the_value_is_the_results_text_as_it_came(result: str):
    assert routed("{}", result).value == result.encode()


def test_null_is_a_tombstone():
    assert routed('{"topic":"audit"}', " null ").value is None


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ('"k1"', b"k1"),
        ('""', b""),
        ('"\\u00e9\\u0000"', b"\xc3\xa9\0"),
        ("null", None),
        ("42", b"42"),
        ("1.50", b"1.50"),
        ('{ "a" : [ 1, "x y" ] }', b'{"a":[1,"x y"]}'),
    ],
)
def test_keys(key: str, expected: bytes | None):
    found = routed(f'{{"key":{key}}}')
    assert (found.key, found.has_own_key) == (expected, True)


def test_what_stands_beside_or_in_the_payload_otherwise_changes_nothing():
    entry = f'{{"more":[1],"route":{{"topic":"audit"}},"payload":{{"timestamp":1,{PLACE % 41},"result":[]}}}}'
    first, _ = judged(f"[{entry},{OTHER}]")
    assert first == [RoutedResult(value=b"[]", topic="audit")]


def test_fields_that_are_spelt_with_escapes_are_these_fields():
    entry = f'{{"payload":{{{PLACE % 41},"result":1}},"\\u0072oute":{{"t\\u006fpic":"audit"}}}}'
    assert judged(f"[{entry},{OTHER}]")[0] == [RoutedResult(value=b"1", topic="audit")]


@pytest.mark.parametrize(
    ("route", "says"),
    [
        ("null", "the route of entry 0 is not an object"),
        ('"audit"', "the route of entry 0 is not an object"),
        ('{"topics":"audit"}', "the route of entry 0 has the field 'topics'"),
        ('{"topic":null}', "route.topic of entry 0 is not a string"),
        ('{"topic":5}', "route.topic of entry 0 is not a string"),
        ('{"topic":"other"}', "the route of entry 0 names the topic 'other', .* aws.lambda.reply.routing.topics"),
        ('{"topic":""}', "names the topic '', which is not"),
        ('{"topic":"audit","topic":"alerts"}', "the route of entry 0 has a field twice"),
        ('{"topic":"audit","\\u0074opic":"alerts"}', "the route of entry 0 has a field twice"),
        ('{"headers":[]}', "route.headers of entry 0 is not an object"),
        ('{"headers":{"a":1}}', "route.headers of entry 0: 'a' is neither a string nor null"),
        ('{"headers":{"a":{"b":"c"}}}', "route.headers of entry 0: 'a' is neither"),
        ('{"headers":{"a":"1","a":"2"}}', "route.headers of entry 0 has a field twice"),
        ('{"headers":{"a\\u0000b":"1"}}', "route.headers of entry 0 has a name that cannot be written"),
        ('{"headers":null}', "route.headers of entry 0 is not an object"),
    ],
)
def test_a_route_of_another_form_fails_the_batch(route: str, says: str):
    with pytest.raises(ReplyError, match=says):
        routed(route)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (f'{{"payload":{{{PLACE % 41}}},"route":{{}}}}', 'entry 0 has a route, .* no field "result"'),
        (f'{{"payload":{{{PLACE % 41},"result":1,"route":{{}}}}}}', 'entry 0 has its "route" in the payload'),
        (f'{{"payload":{{{PLACE % 41},"result":1,"result":2}},"route":{{}}}}', "the payload of entry 0 has a field"),
        (f'{{"payload":{{{PLACE % 41},"result":1}},"route":{{}},"route":{{}}}}', "entry 0 has a field twice"),
        (f'{{"payload":{{{PLACE % 42},"result":1}},"route":{{}}}}', "entry 0: offset 42, expected 41"),
        ("null", "entry 0 is null, not an object"),
    ],
)
def test_an_entry_of_another_form_fails_the_batch(entry: str, says: str):
    with pytest.raises(ReplyError, match=says):
        judged(f"[{entry},{OTHER}]")


def test_a_result_that_has_two_fields_of_a_name_is_the_functions_own_affair():
    assert routed("{}", '{"a":1,"a":2}').value == b'{"a":1,"a":2}'


def test_a_topic_to_declare_is_in_the_hint_and_a_long_one_is_cut():
    with pytest.raises(ReplyError) as caught:
        routed(f'{{"topic":"{"x" * 5000}"}}')
    assert "aws.lambda.reply.routing.topics" in (caught.value.hint or "")
    assert len(str(caught.value)) < 300


def test_without_a_response_topic_each_entry_names_one():
    alone, routes = Batch(b"", [record(41)], []), Routes(None, frozenset({"audit"}))
    payload = f'"payload":{{{PLACE % 41},"result":1}}'
    assert judged(f'[{{{payload},"route":{{"topic":"audit"}}}}]', routes, alone)
    for entry in (f"{{{payload}}}", f'{{{payload},"route":{{"key":"k"}}}}'):
        with pytest.raises(ReplyError, match=r"entry 0 names no topic, and there is no aws.lambda.response.topic"):
            judged(f"[{entry}]", routes, alone)
