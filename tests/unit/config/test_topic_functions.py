"""Which function the records of a topic go to."""

from __future__ import annotations

import pytest

from tests.support.config_text import FIVE, Load, Refuse

BARE = FIVE.replace("aws.lambda.function.name=handle-orders\n", "").replace("topics=orders\n", "")
MULTIPLE = "aws.lambda.configuration.mode=multiple\n"
MAP = "aws.lambda.topic2function.map="
OTHER_REGION = "arn:aws:lambda:us-east-1:123456789012:function:price:7"


def test_a_topic_has_the_function_that_the_map_says(load_text: Load):
    pairs = f"orders;price:live, returns ; {OTHER_REGION} ,refunds;price:live"
    sink = load_text(f"{BARE}topics=orders,returns,refunds\n{MULTIPLE}{MAP}{pairs}\n", bare=True).sink
    assert [sink.function_of(topic) for topic in sink.topics] == ["price:live", OTHER_REGION, "price:live"]
    assert sink.functions == ("price:live", OTHER_REGION)
    assert [sink.region_of(name) for name in sink.functions] == ["eu-west-1", "us-east-1"]


def test_the_environment_may_have_the_map(load_text: Load):
    sink = load_text(
        environ={"KLS_AWS_LAMBDA_CONFIGURATION_MODE": "MULTIPLE", "KLS_AWS_LAMBDA_TOPIC2FUNCTION_MAP": "orders;price"}
    ).sink
    assert sink.function_of("orders") == "price"


def test_a_topic_that_the_map_does_not_name_has_the_one_function(load_text: Load):
    loaded = load_text(f"topics=orders,returns\n{MULTIPLE}{MAP}returns;refund\n")
    assert [loaded.sink.function_of(topic) for topic in ("orders", "returns")] == ["handle-orders", "refund"]
    assert loaded.sink.functions == ("handle-orders", "refund")


def test_a_regular_expression_may_match_topics_without_a_function(load_text: Load):
    text = f"{BARE}topics.regex=o.*\n{MULTIPLE}{MAP}orders;price,other;price:live,returns;refund\n"
    loaded = load_text(text, bare=True)
    assert loaded.sink.functions == ("price", "price:live")
    assert loaded.sink.function_of("odd") is None
    (warning,) = loaded.warnings
    assert (warning.key, warning.error_id) == ("aws.lambda.topic2function.map", "no-effect")
    assert "not read: returns" in warning.message


def test_a_regular_expression_takes_the_one_function_for_what_it_comes_to_match(load_text: Load):
    text = FIVE.replace("topics=orders", "topics.regex=o.*")
    loaded = load_text(f"{text}{MULTIPLE}{MAP}orders;price\n", bare=True)
    assert loaded.sink.functions == ("price", "handle-orders")
    assert loaded.sink.function_of("odd") == "handle-orders"
    assert loaded.warnings == []


def test_a_single_function_has_all_topics(load_text: Load):
    loaded = load_text(f"{MAP}orders;price\n")
    assert loaded.sink.functions == ("handle-orders",)
    assert loaded.sink.function_of("orders") == loaded.sink.function_of("any") == "handle-orders"
    (warning,) = loaded.warnings
    assert (warning.key, warning.error_id) == ("aws.lambda.topic2function.map", "no-effect")


def test_a_function_that_no_topic_has_is_a_warning(load_text: Load):
    (warning,) = load_text(f"{MULTIPLE}{MAP}orders;price\n").warnings
    assert (warning.key, warning.error_id) == ("aws.lambda.function.name", "no-effect")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("topics=orders\n", ("aws.lambda.function.name", "missing-key", "is required", None)),
        (
            f"topics=orders\n{MAP}orders;price\n",
            (
                "aws.lambda.function.name",
                "missing-key",
                "is required",
                "Set aws.lambda.configuration.mode=multiple",
            ),
        ),
        (
            "topics=orders\naws.lambda.configuration.mode=single\n",
            (
                "aws.lambda.configuration.mode",
                "missing-key",
                "single needs aws.lambda.function.name beside it",
                None,
            ),
        ),
        (
            f"topics=orders\n{MULTIPLE}",
            (
                "aws.lambda.configuration.mode",
                "missing-key",
                "multiple needs aws.lambda.topic2function.map beside it: topic1;function1,topic2;function2",
                None,
            ),
        ),
        (
            f"topics=orders,returns,refunds\n{MULTIPLE}{MAP}returns;price\n",
            (
                "aws.lambda.topic2function.map",
                "missing-function",
                "has no function for orders, refunds",
                "Add them, or set aws.lambda.function.name for all topics that the map does not name",
            ),
        ),
    ],
)
def test_topics_and_functions_have_to_fit(refuse_text: Refuse, text: str, found: tuple[str, str, str, str | None]):
    (problem,) = refuse_text(BARE + text, bare=True)
    assert (problem.key, problem.error_id, problem.message, problem.hint) == found


WRITE = "Write topic1;function1,topic2;function2"


def test_everything_that_is_wrong_with_a_map_is_told(refuse_text: Refuse):
    text = "orders;price,,returns;,;price,a;b;c,orders,orders;other,bad topic;price,good;bad function,"
    problems = refuse_text(f"{MULTIPLE}{MAP}{text}\n")
    assert {problem.error_id for problem in problems} == {"invalid-value"}
    assert {problem.line for problem in problems} == {FIVE.count("\n") + 2}
    assert [(problem.message.split(":")[0], problem.hint) for problem in problems] == [
        ("entry 2 is blank", WRITE),
        ("entry 3, `returns;`, is not a topic and a function", WRITE),
        ("entry 4, `;price`, is not a topic and a function", WRITE),
        ("entry 5, `a;b;c`, is not a topic and a function", WRITE),
        ("entry 6, `orders`, is not a topic and a function", WRITE),
        ("entry 8, `bad topic;price`", None),
        ("entry 9, `good;bad function`", None),
        ("entry 10 is blank", WRITE),
        ("names the topic orders 2 times", "Keep one"),
    ]


def test_an_arn_of_another_region_is_a_conflict_only_where_there_is_one_function(load_text: Load, refuse_text: Refuse):
    (problem,) = refuse_text(f"aws.lambda.function.name={OTHER_REGION}\n")
    assert (problem.key, problem.error_id) == ("aws.lambda.region", "conflict")
    text = f"topics=orders,returns\naws.lambda.function.name={OTHER_REGION}\n{MULTIPLE}{MAP}orders;price\n"
    sink = load_text(text).sink
    assert [sink.region_of(name) for name in sink.functions] == ["eu-west-1", "us-east-1"]


def test_a_mode_that_is_none_hides_what_would_follow(refuse_text: Refuse):
    (problem,) = refuse_text(f"{BARE}topics=orders\n{MAP}orders;price\naws.lambda.configuration.mode=many\n", bare=True)
    assert (problem.key, problem.error_id) == ("aws.lambda.configuration.mode", "invalid-value")
