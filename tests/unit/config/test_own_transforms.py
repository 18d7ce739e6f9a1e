"""Transforms of the user's own, as packages that are found on the path like any installed one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kafka_lambda_sink.core.schema import INT32, STRING, Field, Schema, Struct, Type
from kafka_lambda_sink.core.sink_record import SinkRecord
from kafka_lambda_sink.transforms.entry_points import GROUP
from tests.support.config_text import Load, Refuse
from tests.support.own_package import put_example, put_package
from tests.support.records import record
from tests.support.stepped_clock import SteppedClock

EMAIL = "transforms=email\ntransforms.email.type=mask_email\n"

#: Puts a module with its entry points on the path.
Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    def put(module: str, source: str, entry_points: str) -> None:
        put_package(tmp_path / f"site-{module}", module, source, entry_points)
        monkeypatch.syspath_prepend(str(tmp_path / f"site-{module}"))
        monkeypatch.delitem(sys.modules, module, raising=False)

    return put


@pytest.fixture
def _example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(put_example(tmp_path)))


def sink_record(value: object, schema: Schema | None = None) -> SinkRecord:
    return SinkRecord(
        source=record(1), topic="orders", partition=3, key_schema=None, key=None, value_schema=schema, value=value,
        timestamp=None,
    )  # fmt: skip


@pytest.mark.usefixtures("_example")
def test_the_example_is_found_by_its_name_and_masks(load_text: Load):
    chain = load_text(f"{EMAIL}transforms.email.field=contact\n").transforms.chain(SteppedClock(), 0.0)
    masked = chain(sink_record({"id": 1, "contact": "ada@example.com"}))
    assert masked is not None
    assert masked.value == {"id": 1, "contact": "***@example.com"}
    schema = Schema(type=Type.STRUCT, fields=(Field("id", INT32), Field("contact", STRING)))
    masked = chain(sink_record(Struct(schema, {"id": 1, "contact": "ada@example.com"}), schema))
    assert masked is not None
    assert masked.value == Struct(schema, {"id": 1, "contact": "***@example.com"})
    for other in (None, 7, {"id": 1}, {"contact": None}):
        untouched = chain(sink_record(other))
        assert untouched is not None
        assert untouched.value == other


@pytest.mark.usefixtures("_example")
def test_what_the_example_says_of_its_options_is_told_where_it_stands(refuse_text: Refuse):
    (problem,) = refuse_text(f"{EMAIL}transforms.email.feild=contact\n")
    assert (problem.key, problem.line is not None) == ("transforms.email.type", True)
    assert problem.message == "cannot be built: takes one option, field: the name of the field with the address"


def test_what_is_not_installed_is_told_with_what_to_do(refuse_text: Refuse):
    (problem,) = refuse_text(EMAIL)
    assert problem.error_id == "unknown-class"
    assert problem.hint is not None
    assert GROUP in problem.hint


STATEFUL = """
def build(options):
    step = int(options.pop("step"))
    seen = []
    def count(record):
        seen.append(record)
        return None if len(seen) % step else record
    return count
"""


def test_a_transform_may_have_the_name_of_a_java_class_and_a_state_for_each_partition(
    install: Install, load_text: Load
):
    install("acme_sampling", STATEFUL, "com.acme.Sample$Value = acme_sampling:build")
    plan = load_text(
        "transforms=s\ntransforms.s.type=com.acme.Sample$Value\ntransforms.s.step=2\n"
    ).transforms  # fmt: skip
    one, other = plan.chain(SteppedClock(), 0.0), plan.chain(SteppedClock(), 0.0)
    assert [one(sink_record(1)) is None, other(sink_record(1)) is None, one(sink_record(1)) is None] == [
        True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import nothing_of_this_name", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("raise RuntimeError('no licence')", "cannot be loaded: RuntimeError: no licence"),
        ("other = 1", "cannot be loaded: AttributeError"),
        ("build = 7", "cannot be built: 'int' object is not callable"),
        ("def build(options): pass", "cannot be built: it makes a NoneType"),
    ],
)
def test_a_package_that_is_broken_is_told_where_it_is_named(
    install: Install, refuse_text: Refuse, source: str, words: str
):
    install("acme_broken", source, "broken = acme_broken:build")
    (problem,) = refuse_text("transforms=b\ntransforms.b.type=broken\n")
    assert problem.key == "transforms.b.type"
    assert problem.line is not None
    assert words in problem.message


def test_a_name_that_two_packages_have_registered_is_refused(install: Install, refuse_text: Refuse):
    install("acme_one", "build = print", "twice = acme_one:build")
    install("acme_two", "build = print", "twice = acme_two:build")
    (problem,) = refuse_text("transforms=t\ntransforms.t.type=twice\n")
    assert "acme_one:build, acme_two:build" in problem.message


def test_a_secret_that_the_users_code_quotes_is_not_told(install: Install, refuse_text: Refuse):
    install(
        "acme_quoting", "def build(options): raise ValueError('bad key ' + options['key'])", "q = acme_quoting:build"
    )
    (problem,) = refuse_text(
        "transforms=q\ntransforms.q.type=q\ntransforms.q.key=${env:ACME_KEY}\n", environ={"ACME_KEY": "hunter2"}
    )
    assert problem.message == "cannot be built: ValueError"
