from pathlib import Path

import pytest

from tests.support.config_text import Load, Refuse

FORMAT = "aws.lambda.request.format=function-connector\n"
SECRETS = "aws.lambda.function.connector.secrets"


@pytest.mark.parametrize(
    ("text", "key", "error_id"),
    [
        ("aws.lambda.reply.contract=function-connector\n", "aws.lambda.reply.contract", "conflict"),
        (FORMAT + "aws.lambda.reply.contract=none\n", "aws.lambda.request.format", "conflict"),
        (FORMAT + "result.handler.class=own\n", "aws.lambda.request.format", "conflict"),
        (FORMAT + "aws.lambda.invocation.type=async\n", "aws.lambda.request.format", "conflict"),
        (FORMAT + 'envelope.template={"r":"${records}"}\n', "envelope.template", "conflict"),
        (FORMAT + SECRETS + '={"token":"canary"}\n', SECRETS, "weak-security"),
        (FORMAT + SECRETS + "=${env:BAD}\n", SECRETS, "invalid-value"),
        (
            FORMAT + "aws.lambda.function.connector.max.calls=0\n",
            "aws.lambda.function.connector.max.calls",
            "invalid-value",
        ),
    ],
)
def test_what_a_function_with_a_state_cannot_have(refuse_text: Refuse, text: str, key: str, error_id: str):
    problems = refuse_text(text, environ={"BAD": "[canary]"})
    assert [(problem.key, problem.error_id) for problem in problems] == [(key, error_id)]
    assert "canary" not in str(problems)


def test_what_has_no_effect_without_the_format(load_text: Load):
    loaded = load_text("aws.lambda.function.connector.max.calls=7\naws.lambda.function.connector.topic=x\n")
    assert [(it.key, it.error_id) for it in loaded.warnings] == [
        ("aws.lambda.function.connector.max.calls", "no-effect"),
        ("aws.lambda.function.connector.topic", "no-effect"),
    ]


def test_secrets_come_from_a_file_or_the_environment(load_text: Load, tmp_path: Path):
    (tmp_path / "function.json").write_text('{ "apiToken": "t0k3n" }\n', encoding="utf-8")
    text = FORMAT
    for loaded in (
        load_text(text + f"{SECRETS}=${{dir:{tmp_path}:function.json}}\n"),
        load_text(text, environ={"KLS_AWS_LAMBDA_FUNCTION_CONNECTOR_SECRETS": '{"apiToken":"t0k3n"}'}),
    ):
        secrets = loaded.sink.aws_lambda_function_connector_secrets
        assert secrets is not None
        assert secrets.get_secret_value() == '{"apiToken":"t0k3n"}'


def test_entities_topics_are_among_those_that_are_written(load_text: Load):
    loaded = load_text(FORMAT + "aws.lambda.reply.routing.topics=customers,invoices\n")
    assert loaded.sink.report_topics == [
        ("aws.lambda.reply.routing.topics", "customers"),
        ("aws.lambda.reply.routing.topics", "invoices"),
    ]
    assert not loaded.warnings
