"""Reply contracts of the user's own, as packages that are found on the path like any installed one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kafka_lambda_sink.contracts.replies.entry_points import GROUP, CheckedContract, load_contract
from kafka_lambda_sink.contracts.replies.routes import Routes
from kafka_lambda_sink.contracts.replies.verdicts import RoutedResult, Verdicts
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError, ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from tests.support.own_package import put_package
from tests.support.records import TP, record

BATCH = Batch(b"", [record(1), record(2)], [])
REPLY = InvokeReply(200, b"the reply")
ROUTES = Routes("results", frozenset({"audit"}))
SOURCE = """
from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, RoutedResult, Verdicts
from kafka_lambda_sink.core.errors import FunctionError, ReplyError

class Contract:
    def __init__(self, tp):
        self.tp = tp

    def judge(self, reply, batch):
        return {judged}
"""

#: Puts a contract `own` on the path, whose `judge` returns an expression.
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    def put(judged: str, module: str = "own_contract") -> None:
        source = SOURCE.format(judged=judged)
        put_package(tmp_path / module, module, source, f"own = {module}:Contract", group=GROUP)
        monkeypatch.syspath_prepend(str(tmp_path / module))
        monkeypatch.delitem(sys.modules, module, raising=False)

    return put


def test_a_contract_is_found_by_its_name_and_made_for_its_partition(install: Install):
    install('Verdicts([str(self.tp).encode(), None], {1: RecordFailure(reply.payload.decode(), "Bad")})')
    make = load_contract("own", ROUTES)
    assert make is not None
    verdicts = make(TP).judge(REPLY, BATCH)
    assert verdicts.results == [b"orders-3", None]
    assert verdicts.failed[1].message == "the reply"


def test_a_name_that_nobody_has_registered():
    assert load_contract("own", ROUTES) is None


def test_a_name_that_two_have_registered(install: Install):
    install("None")
    install("None", "other_contract")
    with pytest.raises(ValueError, match="other_contract:Contract, own_contract:Contract"):
        load_contract("own", ROUTES)


@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        ("None", "gave NoneType instead of Verdicts"),
        ("Verdicts(())", "no list of 2 results"),
        ("Verdicts([None])", "no list of 2 results"),
        ("Verdicts(b'ab')", "no list of 2 results"),
        ("Verdicts([None, 'x'])", "neither bytes, nor a list of sound RoutedResults, nor None"),
        ("Verdicts([None, []])", "neither bytes, nor a list of sound"),
        ("Verdicts([None, [b'x']])", "neither bytes, nor a list of sound"),
        ("Verdicts([None, RoutedResult(value=b'x')])", "neither bytes, nor a list of sound"),
        ("Verdicts([None, [RoutedResult(value='x')]])", "neither bytes, nor a list of sound"),
        ("Verdicts([None, [RoutedResult(value=b'x', topic=b'audit')]])", "neither bytes, nor a list of sound"),
        ("Verdicts([None, [RoutedResult(value=b'x', key='k')]])", "neither bytes, nor a list of sound"),
        ("Verdicts([None, [RoutedResult(value=b'x', headers={'a': b'b'})]])", "neither bytes, nor a list of sound"),
        ("Verdicts([None, [RoutedResult(value=b'x', headers=[['a', b'b']])]])", "neither bytes, nor a list of sound"),
        ("Verdicts([None, [RoutedResult(value=b'x', headers=[('a', 'b')])]])", "neither bytes, nor a list of sound"),
        (
            "Verdicts([None, [RoutedResult(value=b'x', headers=[('a\\0', b'b')])]])",
            "neither bytes, nor a list of sound",
        ),
        (
            "Verdicts([None, [RoutedResult(value=b'x', headers=[('\\ud800', b'b')])]])",
            "neither bytes, nor a list of sound",
        ),
        ("Verdicts([None, None], {2: RecordFailure('x')})", "not a RecordFailure by the index"),
        ("Verdicts([None, None], {-1: RecordFailure('x')})", "not a RecordFailure by the index"),
        ("Verdicts([None, None], {True: RecordFailure('x')})", "not a RecordFailure by the index"),
        ("Verdicts([None, None], {0: 'x'})", "not a RecordFailure by the index"),
        ("Verdicts([None, None], None)", "not a RecordFailure by the index"),
        ("Verdicts([None, None], has_more=True)", "wants another call"),
        ("1 / 0", "failed: ZeroDivisionError: division by zero"),
    ],
)
def test_what_is_no_verdict_for_every_record_fails_the_batch(install: Install, judged: str, reason: str):
    install(judged)
    make = load_contract("own", ROUTES)
    assert make is not None
    with pytest.raises(ReplyError, match=f"the contract own .*{reason}"):
        make(TP).judge(REPLY, BATCH)


def test_its_results_may_name_topics_that_are_declared(install: Install):
    install('Verdicts([b"1", [RoutedResult(value=None, topic="audit", headers=[("a", None)])]])')
    make = load_contract("own", ROUTES)
    assert make is not None
    routed = RoutedResult(value=None, topic="audit", headers=[("a", None)])
    assert make(TP).judge(REPLY, BATCH).results == [b"1", [routed]]


@pytest.mark.parametrize(
    ("judged", "routes", "reason"),
    [
        ('[RoutedResult(value=b"", topic="audit"), RoutedResult(value=b"", topic="x")]', ROUTES, "names the topic 'x'"),
        ('[RoutedResult(value=b"")]', Routes(), "names no topic"),
        ('b""', Routes(None, frozenset({"audit"})), "names no topic"),
    ],
)
def test_results_that_have_nowhere_to_go_fail_the_batch(install: Install, judged: str, routes: Routes, reason: str):
    install(f"Verdicts([None, {judged}])")
    make = load_contract("own", routes)
    assert make is not None
    with pytest.raises(ReplyError, match=f"result 1 of the contract own {reason}"):
        make(TP).judge(REPLY, BATCH)


@pytest.mark.parametrize("error", [ReplyError, FunctionError])
def test_errors_of_the_port_pass(install: Install, error: type[Exception]):
    install(f'(_ for _ in ()).throw({error.__name__}("Handled"))')
    make = load_contract("own", ROUTES)
    assert make is not None
    with pytest.raises(error):
        make(TP).judge(REPLY, BATCH)


def test_a_contract_is_asked_about_one_reply_at_a_time(install: Install):
    install("self.tp(reply, batch)")
    make = load_contract("own", Routes())
    assert make is not None

    def judge(_: InvokeReply, batch: Batch) -> Verdicts:
        assert isinstance(contract, CheckedContract)
        assert contract._lock.locked()
        return Verdicts([None] * batch.count)

    contract = make(judge)  # type: ignore[arg-type]  # the contract of these tests keeps what it is given
    assert isinstance(contract, CheckedContract)
    contract.judge(REPLY, BATCH)
    assert not contract._lock.locked()
