import pytest

from tests.support.config_text import Load, Refuse


@pytest.mark.parametrize("ordering", ["key", "unordered"])
def test_a_function_with_a_state_needs_the_order_of_the_partition(refuse_text: Refuse, ordering: str):
    problems = refuse_text(f"aws.lambda.ordering={ordering}\naws.lambda.request.format=function-connector\n")
    assert [(problem.key, problem.error_id) for problem in problems] == [("aws.lambda.ordering", "conflict")]


@pytest.mark.parametrize(
    "text",
    [
        "aws.lambda.max.in.flight=7\n",
        "aws.lambda.max.in.flight.task=7\n",
        "aws.lambda.max.unfinished.records=7\n",
        "aws.lambda.max.unfinished.bytes=7\n",
        "aws.lambda.max.unfinished.age.ms=7\n",
    ],
)
def test_bounds_have_no_effect_in_the_order_of_the_partition(load_text: Load, text: str):
    warnings = load_text(text).warnings
    assert [(it.key, it.error_id) for it in warnings] == [(text.partition("=")[0], "no-effect")]
    for ordering in ("key", "unordered"):
        assert not load_text(text + f"aws.lambda.ordering={ordering}\n").warnings


def test_what_is_not_set_is_not_told_of(load_text: Load):
    assert not load_text().warnings
    loaded = load_text("aws.lambda.ordering=KEY\n")
    assert loaded.sink.aws_lambda_ordering == "key"
    assert not loaded.warnings


@pytest.mark.parametrize(
    "text",
    [
        "aws.lambda.ordering=keys\n",
        "aws.lambda.ordering=key\naws.lambda.max.in.flight=0\n",
        "aws.lambda.ordering=key\naws.lambda.max.in.flight=1001\n",
        "aws.lambda.ordering=key\naws.lambda.max.in.flight.task=2001\n",
        "aws.lambda.ordering=key\naws.lambda.max.unfinished.records=0\n",
    ],
)
def test_what_is_out_of_range(refuse_text: Refuse, text: str):
    (problem,) = refuse_text(text)
    assert problem.error_id == "invalid-value"
