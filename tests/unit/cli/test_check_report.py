"""What `check` found, as exit code, JSON and tables."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from kafka_lambda_sink.cli.check_report import CheckReport
from kafka_lambda_sink.cli.check_table import show_report
from kafka_lambda_sink.config.settings import IgnoredKey, UsedKey
from kafka_lambda_sink.connector.findings import broken, doubtful, fine, of_problem, skipped
from kafka_lambda_sink.core.errors import (
    ConfigError,
    ConfigurationInvocationError,
    KafkaAuthorizationError,
    Problem,
    RetriableKafkaError,
)

PROBLEM = Problem(
    key="aws.lambda.bach.size",
    message="unknown key",
    error_id="unknown-key",
    source="sink.properties",
    line=7,
    hint="Did you mean aws.lambda.batch.size?",
)
FINE = fine("brokers", "b:9092", "reached: 3 brokers")
DOUBTFUL = doubtful("source-topic", "orders", "does not exist", error_id="missing-source-topic", hint="Create it")
SKIPPED = skipped("group", "connect-orders", "not asked: --offline")
UNREACHED = broken("brokers", "b:9092", RetriableKafkaError("no answer"))
DENIED = broken("group", "connect-orders", KafkaAuthorizationError("READ is not allowed", hint="Allow READ"))
REFUSED = broken("function", "f", ConfigurationInvocationError("no", code="AccessDeniedException", status=403))
NOT_FOUND = broken("function", "f", ConfigurationInvocationError("no", code="ResourceNotFoundException", status=404))
WRONG = of_problem("configuration", "sink.properties", PROBLEM)


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([FINE, DOUBTFUL, SKIPPED], 0),
        ([FINE, UNREACHED], 1),
        ([UNREACHED, DENIED], 3),
        ([REFUSED], 3),
        ([NOT_FOUND, DENIED, UNREACHED], 2),
        ([WRONG], 2),
    ],
)
def test_the_exit_code_is_that_of_what_a_person_has_to_change_first(findings, code):
    assert CheckReport(findings).exit_code == code


def test_the_document_has_everything():
    report = CheckReport([WRONG, FINE], [UsedKey("name", "sink.properties", 1)], [IgnoredKey("x", "no use", "w", None)])
    assert report.as_json() == {
        "status": "failed",
        "exit_code": 2,
        "findings": [
            {
                "check": "configuration",
                "subject": "aws.lambda.bach.size",
                "status": "failed",
                "error_id": "unknown-key",
                "message": "unknown key",
                "hint": "Did you mean aws.lambda.batch.size?",
                "source": "sink.properties",
                "line": 7,
            },
            {
                "check": "brokers",
                "subject": "b:9092",
                "status": "ok",
                "error_id": None,
                "message": "reached: 3 brokers",
                "hint": None,
                "source": None,
                "line": None,
            },
        ],
        "used": [{"key": "name", "source": "sink.properties", "line": 1}],
        "ignored": [{"key": "x", "reason": "no use", "source": "w", "line": None}],
    }


def test_several_problems_of_one_error_are_all_told():
    other = Problem(key="b", message="also wrong", error_id="invalid-value")
    assert "also wrong" in broken("client-properties", "x", ConfigError([PROBLEM, other])).message


def shown(report):
    out = io.StringIO()
    show_report(Console(file=out, width=120), report)
    return out.getvalue()


def test_the_table_has_a_hint_for_each_failure():
    text = shown(CheckReport([FINE, DOUBTFUL, DENIED, WRONG, SKIPPED], [], [IgnoredKey("old.key", "no use", "w", 3)]))
    lines = text.splitlines()
    assert any(line.startswith(" FAIL   group") and "READ is not allowed" in line for line in lines)
    assert any(line.startswith(" warn   source-topic") for line in lines)
    assert all(hint in text for hint in ("Allow READ", "Create it", "Did you mean aws.lambda.batch.size?"))
    assert "sink.properties:7" in text
    assert any("old.key" in line and "w:3" in line and "no use" in line for line in lines)
    assert lines[-1] == "2 failed, 1 warning"


@pytest.mark.parametrize(("findings", "verdict"), [([FINE], "ready to run"), ([FINE, SKIPPED], "nothing failed")])
def test_the_last_line_promises_no_more_than_was_looked_at(findings, verdict):
    assert shown(CheckReport(findings)).splitlines()[-1] == f"{verdict}, 0 warnings"


def test_brackets_are_shown_as_they_are():
    assert "[a-z]+[/]" in shown(CheckReport([fine("source-topic", "[a-z]+[/]", "x")]))
