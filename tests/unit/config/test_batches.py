"""How many records go into an invocation, where other keys have a say in it."""

import pytest

from tests.support.config_text import Load, Refuse

NORDSTROM = "connector.class=com.nordstrom.kafka.connect.lambda.LambdaSinkConnector\n"
SINGLE = "aws.lambda.batch.enabled=false\n"
ROWS = "aws.lambda.request.format=Rows\n"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", 20),
        (ROWS, 500),
        (f"{ROWS}aws.lambda.batch.size=7\n", 7),
        ("aws.lambda.batch.enabled=True\n", 20),
        (SINGLE, 1),
        (SINGLE.replace("false", "FALSE "), 1),
        (SINGLE + ROWS, 1),
        (f"{SINGLE}aws.lambda.batch.size=1\n", 1),
        (NORDSTROM, 20),
        (NORDSTROM + SINGLE, 1),
        (f"{NORDSTROM}aws.lambda.batch.enabled=false \n", 1),
        (f"{NORDSTROM}aws.lambda.batch.size=50\n", 50),
    ],
)
def test_the_size_of_batches(load_text: Load, text: str, size: int):
    loaded = load_text(text)
    assert loaded.sink.aws_lambda_batch_size == size
    assert "aws.lambda.batch.size" not in {warning.key for warning in loaded.warnings}


def test_one_record_an_invocation_and_batches_are_a_conflict_told_with_all_others(refuse_text: Refuse):
    problems = refuse_text(f"{SINGLE}aws.lambda.batch.size=2\naws.lambda.region=nowhere\n")
    found = {(problem.key, problem.error_id, problem.line) for problem in problems}
    assert ("aws.lambda.batch.size", "conflict", 7) in found
    assert "aws.lambda.region" in {key for key, _, _ in found}


def test_a_file_of_nordstroms_connector_has_no_size_of_batches(load_text: Load, refuse_text: Refuse):
    text = f"{NORDSTROM}{SINGLE}aws.lambda.batch.size=50\n"
    loaded = load_text(text)
    assert loaded.sink.aws_lambda_batch_size == 1
    assert "aws.lambda.batch.size" in {key.key for key in loaded.ignored}
    assert "aws.lambda.batch.size" in {warning.key for warning in loaded.warnings}
    # Whoever says it elsewhere means ours.
    (problem,) = refuse_text(NORDSTROM + SINGLE, overrides={"aws.lambda.batch.size": "50"})
    assert (problem.key, problem.error_id) == ("aws.lambda.batch.size", "conflict")
