"""Reply contracts of the user's own, as packages that are found on the path like any installed one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kafka_lambda_sink.contracts.replies.entry_points import GROUP, load_contract
from kafka_lambda_sink.core.batch import Batch
from kafka_lambda_sink.core.errors import FunctionError, ReplyError
from kafka_lambda_sink.core.ports import InvokeReply
from tests.support.own_package import put_package
from tests.support.records import TP, record

BATCH = Batch(b"", [record(1), record(2)], [])
REPLY = InvokeReply(200, b"the reply")
SOURCE = """
from kafka_lambda_sink.contracts.replies.verdicts import RecordFailure, Verdicts
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
    make = load_contract("own")
    assert make is not None
    verdicts = make(TP).judge(REPLY, BATCH)
    assert verdicts.results == [b"orders-3", None]
    assert verdicts.failed[1].message == "the reply"


def test_a_name_that_nobody_has_registered():
    assert load_contract("own") is None


def test_a_name_that_two_have_registered(install: Install):
    install("None")
    install("None", "other_contract")
    with pytest.raises(ValueError, match="other_contract:Contract, own_contract:Contract"):
        load_contract("own")


@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        ("None", "gave NoneType instead of Verdicts"),
        ("Verdicts(())", "no list of 2 results"),
        ("Verdicts([None])", "no list of 2 results"),
        ("Verdicts(b'ab')", "no list of 2 results"),
        ("Verdicts([None, 'x'])", "neither bytes nor None"),
        ("Verdicts([None, None], {2: RecordFailure('x')})", "not a RecordFailure by the index"),
        ("Verdicts([None, None], {-1: RecordFailure('x')})", "not a RecordFailure by the index"),
        ("Verdicts([None, None], {True: RecordFailure('x')})", "not a RecordFailure by the index"),
        ("Verdicts([None, None], {0: 'x'})", "not a RecordFailure by the index"),
        ("Verdicts([None, None], None)", "not a RecordFailure by the index"),
        ("1 / 0", "failed: ZeroDivisionError: division by zero"),
    ],
)
def test_what_is_no_verdict_for_every_record_fails_the_batch(install: Install, judged: str, reason: str):
    install(judged)
    make = load_contract("own")
    assert make is not None
    with pytest.raises(ReplyError, match=f"the contract own .*{reason}"):
        make(TP).judge(REPLY, BATCH)


@pytest.mark.parametrize("error", [ReplyError, FunctionError])
def test_errors_of_the_port_pass(install: Install, error: type[Exception]):
    install(f'(_ for _ in ()).throw({error.__name__}("Handled"))')
    make = load_contract("own")
    assert make is not None
    with pytest.raises(error):
        make(TP).judge(REPLY, BATCH)
