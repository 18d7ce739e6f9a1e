"""`aws.lambda.reply.routing` and what has to stand beside it."""

from __future__ import annotations

import pytest

from kafka_lambda_sink.config.topic_loops import topic_loops
from tests.support.config_text import FIVE, Load, Refuse

ROUTING = "aws.lambda.reply.routing=true\n"
TOPICS = "aws.lambda.reply.routing.topics=audit,alerts\n"
RESULTS = "aws.lambda.response.topic=results\n"


@pytest.mark.parametrize(
    ("text", "key", "error_id", "says"),
    [
        (ROUTING, "aws.lambda.reply.routing", "missing-key", "needs aws.lambda.reply.routing.topics"),
        (ROUTING + TOPICS + "aws.lambda.invocation.type=async\n", "aws.lambda.reply.routing", "conflict", "no reply"),
        (
            ROUTING + TOPICS + "aws.lambda.reply.contract=none\n",
            "aws.lambda.reply.contract",
            "conflict",
            "`none` have no results",
        ),
        (
            ROUTING
            + TOPICS
            + "aws.lambda.reply.contract=batch-item-failures\nresult.handler.class=io.confluent.SomeHandler\n",
            "aws.lambda.reply.contract",
            "conflict",
            "no results",
        ),
        (
            ROUTING + TOPICS + "aws.lambda.error.topic=alerts\n",
            "aws.lambda.reply.routing.topics",
            "conflict",
            "`alerts` is the topic of failures",
        ),
        (
            ROUTING + "aws.lambda.reply.routing.topics=audit,orders\n",
            "aws.lambda.reply.routing.topics",
            "topic-loop",
            "`orders` is among the topics that are read",
        ),
        (
            ROUTING + TOPICS + "topics=\ntopics.regex=aud.*\n",
            "aws.lambda.reply.routing.topics",
            "topic-loop",
            "`audit` is among the topics that are read",
        ),
        (
            ROUTING + "aws.lambda.reply.routing.topics=a b\n",
            "aws.lambda.reply.routing.topics",
            "invalid-value",
            "`a b` is not a topic name",
        ),
    ],
)
def test_what_does_not_fit_is_told_where_it_stands(refuse_text: Refuse, text: str, key: str, error_id: str, says: str):
    ((found, message),) = [(problem, problem.message) for problem in refuse_text(text) if problem.error_id == error_id]
    assert found.key == key
    assert says in message
    assert found.line is not None
    assert found.line > FIVE.count("\n")


def test_all_problems_are_told_at_once(refuse_text: Refuse):
    text = ROUTING + "aws.lambda.invocation.type=async\naws.lambda.error.topic=orders\n"
    assert {(problem.key, problem.error_id) for problem in refuse_text(text)} == {
        ("aws.lambda.error.topic", "topic-loop"),
        ("aws.lambda.reply.routing", "conflict"),
        ("aws.lambda.reply.routing", "missing-key"),
    }


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        (ROUTING + TOPICS, ["audit", "alerts"]),
        (ROUTING + RESULTS, ["results"]),
        (ROUTING + TOPICS + "aws.lambda.response.topic=audit\n", ["audit", "alerts"]),
        (TOPICS + RESULTS, ["results"]),
    ],
)
def test_the_topics_that_are_written(load_text: Load, text: str, topics: list[str]):
    assert [topic for _, topic in load_text(text).sink.report_topics] == topics


def test_topics_without_routing_are_a_warning(load_text: Load):
    (warning,) = [one for one in load_text(TOPICS + RESULTS).warnings if one.error_id == "no-effect"]
    assert warning.key == "aws.lambda.reply.routing.topics"


def test_a_mirror_that_is_read_loops_only_where_its_cluster_is_the_same(load_text: Load):
    loaded = load_text(
        ROUTING + "aws.lambda.reply.routing.topics=audit,orders\naws.lambda.response.bootstrap.servers=other:9092\n"
    )
    assert [tuple(loop) for loop in topic_loops(loaded.sink, loaded.clients)] == [
        ("aws.lambda.reply.routing.topics", "orders", False)
    ]


def test_its_topics_are_written_with_the_response_topics_properties(load_text: Load):
    loaded = load_text(ROUTING + TOPICS + "aws.lambda.response.linger.ms=7\n")
    assert loaded.clients.response_producer["linger.ms"] == "7"
    assert not loaded.ignored
