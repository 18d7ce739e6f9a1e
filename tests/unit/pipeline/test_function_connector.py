"""A function that has more to say, in its pipeline."""

from __future__ import annotations

import json

from kafka_lambda_sink.contracts.call_context import CallContexts
from kafka_lambda_sink.contracts.formats.function_connector import FunctionRequest, build_function_connector
from kafka_lambda_sink.contracts.replies.function_connector import FunctionConnector, FunctionOptions
from kafka_lambda_sink.core.ports import InvokeReply, Position
from tests.support.delivering import Delivering, orders, value_of
from tests.support.fakes import Answer
from tests.support.formatting import path_to
from tests.support.records import TP

REQUEST = FunctionRequest(connector="sink", secrets=b'{"token":"t0k3n"}')
FORMAT = build_function_connector(REQUEST)


def reply(n: int, *, more: bool = False) -> InvokeReply:
    return InvokeReply(200, json.dumps({"state": {"n": n}, "insert": {"rows": [{"n": n}]}, "hasMore": more}).encode())


def delivering(*script: Answer, behavior: str = "fail", holds_reports: bool = False, **options: object) -> Delivering:
    return Delivering(
        orders(5, 7, 8), *script, start=Position(5, None, b'{"n":0}'), converter=path_to(FORMAT),
        frame=FORMAT.frame(TP), behavior=behavior, topics="results errors", holds_reports=holds_reports,
        contract=FunctionConnector(
            TP, b'{"n":0}', FunctionOptions(request=REQUEST, topic_of=lambda entity: entity, max_calls=5)
        ),
        **options,  # type: ignore[arg-type]  # of Delivering
    )  # fmt: skip


def sent(under_test: Delivering) -> list[tuple[dict[str, int], list[int]]]:
    requests = [json.loads(payload) for payload in under_test.invoker.payloads]
    return [(it["state"], [record["offset"] for record in it["records"]]) for it in requests]


def test_pages_are_written_in_their_order_and_the_batch_is_done_with_the_last():
    under_test = delivering(reply(1, more=True), reply(2, more=True), reply(3), reply(4))
    under_test.run()
    assert sent(under_test) == [({"n": 0}, [5, 7]), ({"n": 1}, [5, 7]), ({"n": 2}, [5, 7]), ({"n": 3}, [8])]
    assert [value_of(report)["n"] for report in under_test.written("rows")] == [1, 2, 3, 4]
    assert under_test.committable == Position(9, None, b'{"n":4}')
    assert (under_test.counters.batches, under_test.counters.delivered, under_test.counters.results) == (2, 3, 4)


def test_nothing_is_committable_before_every_page_is_written():
    under_test = delivering(reply(1, more=True), reply(2), reply(3), holds_reports=True)
    under_test.run()
    assert under_test.committable == Position(5, None, b'{"n":0}')
    first, *others = under_test.producer.take()
    for report in others:
        report.deliver()
    assert under_test.committable == Position(5, None, b'{"n":0}'), "the first page is missing"
    first.deliver()
    assert under_test.committable == Position(9, None, b'{"n":3}')


def test_a_stop_between_two_pages_leaves_the_batch_and_its_state_to_the_next_owner():
    def stop(_: bytes) -> InvokeReply:
        under_test.pipeline.drain()
        return reply(1, more=True)

    under_test = delivering(stop)
    under_test.run()
    assert len(under_test.invoker.payloads) == 1
    assert under_test.committable == Position(5, None, b'{"n":0}')


def test_a_batch_that_fails_at_its_second_page_is_reported_without_secrets():
    under_test = delivering(reply(1, more=True), InvokeReply(200, b'{"errorMessage":"no"}'), reply(2), behavior="log")
    under_test.run()
    (report,) = under_test.written("errors")
    shown = value_of(report)
    assert [record["offset"] for record in json.loads(shown["inputPayload"])["records"]] == [5, 7]
    assert b"t0k3n" in under_test.invoker.payloads[0]
    assert "t0k3n" not in json.dumps(shown)
    assert sent(under_test)[2] == ({"n": 0}, [8]), "it leaves no state behind"
    assert under_test.committable == Position(9, None, b'{"n":2}')


def test_each_call_is_an_execution_of_its_own():
    contexts = CallContexts(tp=TP, connector="c", group="g", function="f", names_executions=True)
    under_test = delivering(reply(1, more=True), reply(2), reply(3), contexts=contexts)
    under_test.run()
    names = {call.durable_name for call in under_test.invoker.calls if call is not None}
    assert len(names) == 3, "or Lambda would answer the second call with the first reply"
