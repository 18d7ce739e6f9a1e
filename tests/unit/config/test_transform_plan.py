"""`transforms.NAME.…` and `predicates.NAME.…`: what is wrong is told where it stands, what is right can be built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from kafka_lambda_sink.config import transform_plan
from kafka_lambda_sink.config.loading import LoadedConfig
from kafka_lambda_sink.core.errors import Problem
from kafka_lambda_sink.core.sink_record import SinkRecord, Transform
from tests.support.records import record
from tests.support.stepped_clock import SteppedClock

Load = Callable[..., LoadedConfig]
Refuse = Callable[..., list[Problem]]

OWN = """
transforms=mark
transforms.mark.type=acme_mark
transforms.mark.text=!
transforms.mark.predicate=isOrder
predicates=isOrder
predicates.isOrder.type=org.apache.kafka.connect.transforms.predicates.TopicNameMatches
predicates.isOrder.pattern=order.*
"""


@pytest.fixture(autouse=True)
def _own_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transform of the user's own under the name `acme_mark`."""

    def build(texts: Mapping[str, str]) -> Transform:
        text = texts.get("text")
        if text is None:
            raise ValueError("needs a text")
        return lambda it: replace(it, value=f"{it.value}{text}")

    monkeypatch.setattr(transform_plan, "load_transform", {"acme_mark": build}.get)


def sink_record(topic: str) -> SinkRecord:
    return SinkRecord(
        source=record(1), topic=topic, partition=3, key_schema=None, key=None, value_schema=None, value="v",
        timestamp=None,
    )  # fmt: skip


def applied(loaded: LoadedConfig, topic: str) -> object:
    result = loaded.transforms.chain(SteppedClock(), 0.0)(sink_record(topic))
    assert result is not None
    return result.value


def test_a_transform_applies_where_its_predicate_holds(load_text: Load):
    loaded = load_text(OWN)
    assert (applied(loaded, "orders"), applied(loaded, "clicks")) == ("v!", "v")
    negated = load_text(OWN + "transforms.mark.negate=true\n")
    assert (applied(negated, "orders"), applied(negated, "clicks")) == ("v", "v!")
    assert {key.key for key in loaded.used} >= {"transforms.mark.text", "predicates.isOrder.pattern"}


def test_every_pipeline_gets_transforms_of_its_own(load_text: Load):
    plan = load_text(OWN).transforms
    assert plan.steps[0].build() is not plan.steps[0].build()


def test_without_transforms_there_are_no_steps(load_text: Load):
    assert load_text().transforms.steps == ()


def test_a_higher_layer_wins_and_what_is_not_listed_is_ignored(load_text: Load):
    loaded = load_text(OWN + "transforms.other.type=Cast$Value\n", overrides={"transforms.mark.text": "?"})
    assert applied(loaded, "orders") == "v?"
    reasons = {ignored.key: ignored.reason for ignored in loaded.ignored}
    assert reasons["transforms.other.type"] == "other is not in transforms"
    assert reasons["transforms.mark.text"] == "overridden by transforms.mark.text (command line)"


@pytest.mark.parametrize(
    ("line", "key", "error_id", "words"),
    [
        ("transforms.mark.type=", "transforms.mark.type", "missing-key", "is required"),
        ("transforms.mark.type=Nothing", "transforms.mark.type", "unknown-class", "unknown transform `Nothing`"),
        ("transforms.mark.type=Cast", "transforms.mark.type", "unknown-class", "Cast$Key or Cast$Value"),
        ("transforms.mark.predicate=isOrders", "transforms.mark.predicate", "invalid-value", "names no predicate"),
        ("transforms.mark.negate=maybe", "transforms.mark.negate", "invalid-value", "true or false"),
        ("predicates.isOrder.type=Nothing", "predicates.isOrder.type", "unknown-class", "unknown predicate"),
        ("predicates.isOrder.pattern=[a", "predicates.isOrder.pattern", "invalid-value", "not a regular expression"),
        ("predicates.isOrder.patern=a", "predicates.isOrder.patern", "unknown-key", "unknown key"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(refuse_text: Refuse, line: str, key: str, error_id: str, words: str):
    kept = [old for old in OWN.splitlines() if old.split("=")[0] != line.split("=", maxsplit=1)[0]]
    problems = refuse_text("\n".join([*kept, line, ""]))
    (problem,) = [problem for problem in problems if problem.key == key]
    assert problem.error_id == error_id
    assert problem.line is not None
    assert words in problem.message


def test_all_problems_are_told_at_once(refuse_text: Refuse):
    problems = refuse_text(
        "transforms=a,b\ntransforms.a.type=Nothing\npredicates=p\npredicates.p.type=TopicNameMatches\n"
    )
    assert {problem.key for problem in problems} == {
        "transforms.a.type", "transforms.b.type", "predicates.p.pattern",
    }  # fmt: skip


def test_what_cannot_be_built_says_why(refuse_text: Refuse):
    (problem,) = refuse_text("transforms=mark\ntransforms.mark.type=acme_mark\n")
    assert (problem.key, problem.message) == ("transforms.mark.type", "cannot be built: needs a text")


def test_in_a_file_that_connect_has_run_an_unknown_option_is_a_warning(load_text: Load):
    loaded = load_text(
        OWN + "predicates.isOrder.patern=a\nconnector.class=io.confluent.connect.aws.lambda.AwsLambdaSinkConnector\n"
    )
    (warning,) = [warning for warning in loaded.warnings if warning.key == "predicates.isOrder.patern"]
    assert warning.hint == "Did you mean pattern?"
    assert applied(loaded, "orders") == "v!"
