"""How much is asked of the function, as it is configured."""

from __future__ import annotations

import pytest

from tests.support.config_text import Load, Refuse


def test_the_defaults(load_text: Load):
    sink = load_text().sink
    assert (sink.aws_lambda_concurrency, sink.aws_lambda_circuit_breaker_failures) == ("auto", 10)


@pytest.mark.parametrize(("text", "value"), [("AUTO", "auto"), (" 8 ", 8), ("10000", 10_000)])
def test_how_many_calls_there_may_be(load_text: Load, text: str, value: str | int):
    assert load_text(f"aws.lambda.concurrency={text}\n").sink.aws_lambda_concurrency == value


@pytest.mark.parametrize("text", ["0", "-1", "10001", "many", "1.5", ""])
def test_what_is_no_concurrency(refuse_text: Refuse, text: str):
    (problem,) = refuse_text(f"aws.lambda.concurrency={text}\n")
    assert (problem.key, problem.error_id) == ("aws.lambda.concurrency", "invalid-value")
    assert "auto" in problem.message


def test_a_breaker_that_is_off(load_text: Load):
    assert load_text("aws.lambda.circuit.breaker.failures=0\n").sink.aws_lambda_circuit_breaker_failures == 0
